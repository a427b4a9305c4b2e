"""Events of loops: one opens, one ends, and the same days again say nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dqm.model.events import Event
from dqm.model.sensors import SECOND, AnomalyInterval
from dqm.store.anomalies import ScannedDay
from pipelines.alerts.loops import loop_events

BEGIN = int(np.datetime64("2026-06-01", "ns").astype(np.int64))
HOUR = 3600 * SECOND


def anomaly(begin: float, end: float | None, loop: str = "9R1", **more: str) -> AnomalyInterval:
    until = None if end is None else BEGIN + int(end * HOUR)
    found = AnomalyInterval(loop, BEGIN + int(begin * HOUR), until, 3.0, "gap", (f"{loop}.TT",), "no reading")
    return replace(found, **more)  # type: ignore[arg-type]  # texts, all of them


def days(*intervals: AnomalyInterval) -> list[ScannedDay]:
    return [ScannedDay(20260601, BEGIN, BEGIN + 24 * HOUR, "", intervals)]


def told(known: Sequence[ScannedDay], before: dict[str, Event]) -> list[Event]:
    return loop_events(known, {20260601}, before)


def last(events: Sequence[Event]) -> dict[str, Event]:
    return {each.subsystem: each for each in events}


def test_an_anomaly_that_is_over_opens_and_ends_at_once() -> None:
    first, second = told(days(anomaly(2, 3)), {})
    assert (first.type, first.subject, first.run) == ("anomaly.opened", "loop 9R1", None)
    assert first.data["begin"] == first.data["newest"] == "2026-06-01T02:00:00Z"
    assert (second.type, second.data["end"]) == ("anomaly.resolved", "2026-06-01T03:00:00Z")
    assert second.data["previous"] == first.id


def test_the_same_days_again_say_nothing() -> None:
    """Mutant: every night tells all that it ever found."""
    for known in (days(anomaly(2, 3)), days(anomaly(2, 3), anomaly(5, None)), days(anomaly(2, None))):
        assert told(known, last(told(known, {}))) == []


def test_an_open_loop_is_updated_when_more_is_known_and_ends_when_nothing_goes_on() -> None:
    before = last(told(days(anomaly(2, None)), {}))
    (updated,) = told(days(anomaly(2, None), anomaly(4, 5, kind="stuck")), before)
    assert (updated.type, updated.data["kinds"]) == ("anomaly.updated", "gap, stuck")
    (ended,) = told(days(anomaly(2, 6), anomaly(4, 5, kind="stuck")), last([updated]))
    assert (ended.type, ended.data["end"]) == ("anomaly.resolved", "2026-06-01T06:00:00Z")


def test_what_goes_on_in_a_day_that_did_not_change_does_not_end() -> None:
    before = last(told(days(anomaly(2, None)), {}))
    later = ScannedDay(20260602, BEGIN + 24 * HOUR, BEGIN + 48 * HOUR, "", ())
    assert loop_events([*days(anomaly(2, None)), later], {20260602}, before) == []


def test_what_a_new_scan_does_not_find_any_more_ends() -> None:
    before = last(told(days(anomaly(2, None)), {}))
    (ended,) = told(days(), before)
    assert ended.type == "anomaly.resolved"


def test_what_is_suppressed_or_carried_by_a_cause_is_no_event() -> None:
    assert told(days(anomaly(2, 3, suppressed="service"), anomaly(2, 3, "9L1", cause="S12")), {}) == []


def test_old_days_that_were_scanned_before_anybody_listened_are_not_told() -> None:
    assert loop_events(days(anomaly(2, 3)), set(), {}) == []
    (opened,) = loop_events(days(anomaly(2, None)), set(), {})
    assert opened.type == "anomaly.opened"
