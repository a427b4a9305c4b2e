"""From verdicts and findings to events: a few for a night, the same for the same input, none lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqm.model.events import Event
from dqm.model.findings import Finding
from dqm.model.verdicts import Decision, Reason, Verdicts
from dqm.store.store import Store
from pipelines.alerts.producing import (
    anomaly_events,
    compressed,
    finding_events,
    last_anomalies,
    run_events,
)


def verdicts(run: Any, ls: Any, decision: Sequence[str], subsystem: Any = "A", badness: Any = 0.9) -> Verdicts:
    """Verdicts of ``n`` lumisections; what is one value is that of all."""
    n = len(ls)
    run = np.broadcast_to(run, n)
    given_subsystem = np.broadcast_to(np.asarray(subsystem, dtype=object), n)
    return Verdicts(
        index=pd.MultiIndex.from_arrays([run, ls], names=["run", "ls"]),
        decision=np.asarray([Decision(each) for each in decision], dtype=object),
        badness=np.broadcast_to(np.asarray(badness, dtype=np.float32), n).copy(),
        weight=np.ones(n),
        status=np.full(n, "", dtype=object),
        subsystem=given_subsystem.copy(),
        reasons=((Reason("rate:A", "A", 1.0, 2.0), Reason("flag:B", "B", 1.0, 0.5)),) * n,
    )


def after(before: dict[tuple[int, str], Event], events: list[Event]) -> dict[tuple[int, str], Event]:
    """What is known once events were posted."""
    return before | {(event.run or 0, event.subsystem): event for event in events}


def test_ten_thousand_flagged_lumisections_are_one_event_for_each_run_and_subsystem() -> None:
    n = 10_000
    every = verdicts(np.repeat([1, 2], n // 2), np.tile(np.arange(n // 2), 2), ["REJECT"] * n, ["A", "B"] * (n // 2))
    events = anomaly_events(every, {})
    assert [(each.run, each.subsystem) for each in events] == [(1, "A"), (1, "B"), (2, "A"), (2, "B")]
    assert all(each.data["lumisections"] == 2500 and len(each.data["ranges"]) == 20 for each in events)
    assert all(len(each.data["reasons"]) == 2 and not each.data["exact"] for each in events)


def test_an_anomaly_says_where_how_bad_and_why() -> None:
    (event,) = anomaly_events(
        verdicts(7, [1, 2, 3, 9], ["ASK", "REJECT", "ASK", "ACCEPT"], badness=[0.5, 0.98761, np.nan, 0]), {}
    )
    assert (event.type, event.subject, event.run, event.subsystem) == ("anomaly.opened", "run 7", 7, "A")
    assert event.data == {
        "severity": "critical",
        "lumisections": 3,
        "rejected": 1,
        "ranges": [[1, 3]],
        "exact": True,
        "worst": 0.9876,
        "reasons": [{"feature": "rate:A", "lumisections": 3}, {"feature": "flag:B", "lumisections": 3}],
        "previous": "",
    }


def test_what_is_the_same_is_no_news() -> None:
    first = verdicts(7, [1, 2], ["ASK", "ASK"])
    known = after({}, anomaly_events(first, {}))
    assert anomaly_events(replace(first, badness=first.badness - 0.01), known) == []
    (wider,) = anomaly_events(verdicts(7, [1, 2, 3], ["ASK", "REJECT", "ASK"]), known)
    assert (wider.type, wider.data["ranges"], wider.data["severity"]) == ("anomaly.updated", [[1, 3]], "critical")
    assert wider.data["previous"] == known[7, "A"].id
    (milder,) = anomaly_events(first, after(known, [wider]))
    assert milder.data["severity"] == "critical", "an anomaly keeps the worst that it ever was"


def test_an_anomaly_ends_and_one_that_opens_again_is_another_event() -> None:
    """Mutant: an event without ``previous``, whose id is known, so that nobody is told of the second time."""
    bad, good = verdicts(7, [1, 2], ["ASK", "ASK"]), verdicts(7, [1, 2], ["ACCEPT", "GOOD"])
    opened = anomaly_events(bad, {})
    known = after({}, opened)
    (ended,) = anomaly_events(good, known)
    assert (ended.type, ended.data["severity"], ended.data["ranges"]) == ("anomaly.resolved", "warning", [[1, 2]])
    known = after(known, [ended])
    assert anomaly_events(good, known) == []
    (again,) = anomaly_events(bad, known)
    assert again.type == "anomaly.opened"
    assert again.id != opened[0].id


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        (verdicts(7, [1, 2], ["ACCEPT", "UNKNOWN"]), False),
        (verdicts(7, [1], ["ACCEPT"]), False),
        (verdicts(8, [1, 2], ["ACCEPT", "ACCEPT"]), False),
        (verdicts(7, [1, 2], ["BAD", "EXCLUDED"]), True),
        (verdicts(7, [1, 2, 3], ["ACCEPT", "ACCEPT", "UNKNOWN"]), True),
    ],
)
def test_what_became_unknown_or_is_gone_ends_no_anomaly(now: Verdicts, ends: bool) -> None:
    """Mutant: an anomaly ends when nothing is flagged any more, as it does where nothing could be scored."""
    known = after({}, anomaly_events(verdicts(7, [1, 2], ["ASK", "ASK"]), {}))
    assert [each.type for each in anomaly_events(now, known)] == ["anomaly.resolved"] * ends


def test_an_anomaly_that_moves_to_another_subsystem() -> None:
    known = after({}, anomaly_events(verdicts(7, [1], ["ASK"], "A"), {}))
    moved = anomaly_events(verdicts(7, [1], ["ASK"], "B"), known)
    assert [(each.type, each.subsystem) for each in moved] == [("anomaly.opened", "B"), ("anomaly.resolved", "A")]


def test_the_store_knows_the_last_of_each(store: Store) -> None:
    opened = anomaly_events(verdicts(7, [1, 2], ["ASK", "ASK"], ["A", "B"]), {})
    (ended,) = anomaly_events(verdicts(7, [1, 2], ["ACCEPT", "ASK"], ["A", "B"]), after({}, opened))
    with store.transaction() as change:
        change.emit([*opened, ended, Event("run.scored", "run 7", {}, 7)])
    last = last_anomalies(store)
    assert {key: event.type for key, event in last.items()} == {
        (7, "A"): "anomaly.resolved",
        (7, "B"): "anomaly.opened",
    }
    assert last[7, "A"].id == ended.id


def test_events_of_runs() -> None:
    names = ["ACCEPT", "ACCEPT", "ASK", "REJECT", "UNKNOWN", "UNKNOWN", "UNKNOWN", "ACCEPT"]
    calm, asking, told = run_events(verdicts([7] * 4 + [8] * 4, [1, 2, 3, 4] * 2, names), 0.5, "digest")
    assert dict(calm.data) == {
        "lumisections": 4,
        "decisions": {"ACCEPT": 2, "ASK": 1, "REJECT": 1},
        "made_from": "digest",
    }
    assert (calm.type, asking.type, asking.run) == ("run.scored", "run.scored", 8)
    assert (told.type, told.run, told.data["share"]) == ("run.ask_threshold_exceeded", 8, 0.75)


def test_findings_are_grouped_by_code_and_run() -> None:
    found = [Finding("conflict", "quarantined", "two values", f"f{n % 9}", 7, n) for n in range(1000)]
    found += [
        Finding("schema.drift", "note", "compared with run 6: …", run=7),
        Finding("unreadable", "quarantined", "truncated", "g", None, None),
        Finding("duplicate", "repaired", "dropped", "g", 7, 1),
        Finding("unreadable", "quarantined", "truncated", "h", None, -1),
    ]
    conflict, drift, unreadable = finding_events(found)
    assert (conflict.type, conflict.run, conflict.data["count"]) == ("data.conflict", 7, 1000)
    assert (conflict.data["ranges"], conflict.data["files"]) == ([[0, 999]], ["f0", "f1", "f2", "f3", "f4"])
    assert (drift.type, drift.subject) == ("schema.drift", "run 7")
    assert (unreadable.type, unreadable.subject, unreadable.data["count"]) == ("data.quarantined", "input", 2)


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(1, 8))
def test_compressed_ranges_hold_everything(numbers: set[int], most: int) -> None:
    """Against a slow oracle: the widest gaps stay open."""
    from dqm.model.keys import LumiMask

    ranges = LumiMask.of_lumisections([0] * len(numbers), sorted(numbers)).ranges[0]
    got = compressed(ranges, most)
    assert len(got) == min(most, len(ranges))
    assert all(any(a <= each <= b for a, b in got) for each in numbers)
    gaps = sorted((ranges[i + 1][0] - ranges[i][1] for i in range(len(ranges) - 1)), reverse=True)
    open_gaps = sorted((got[i + 1][0] - got[i][1] for i in range(len(got) - 1)), reverse=True)
    assert open_gaps == gaps[: len(got) - 1]


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from("AB"), st.sampled_from(list(Decision)[:4])), min_size=1))
def test_groups_equal_a_loop(rows: list[tuple[int, str, Decision]]) -> None:
    """Every flagged lumisection in exactly one event, against a loop over lumisections."""
    expected: dict[tuple[int, str], int] = {}
    for run, subsystem, decision in rows:
        if decision in (Decision.ASK, Decision.REJECT):
            expected[run, subsystem] = expected.get((run, subsystem), 0) + 1
    run, subsystem, decision = zip(*rows, strict=True)
    events = anomaly_events(verdicts(run, range(len(rows)), decision, subsystem), {})
    assert {(each.run, each.subsystem): each.data["lumisections"] for each in events} == expected


def test_nothing_at_all() -> None:
    assert anomaly_events(verdicts(7, [], []), {}) == []
    assert run_events(verdicts(7, [], []), 0.5, "") == []
    assert finding_events([]) == []
