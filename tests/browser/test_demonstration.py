"""The demonstration has what its story says: in the store that ``dqm demo`` leaves, before anybody opens a page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from dqm.model.config import load
from dqm.model.verdicts import Decision
from dqm.services.queue import queue
from dqm.store.anomalies import scanned_days
from dqm.store.calendar import lumisection_times
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from pipelines.simulate.story import COOLING, DISPUTE, DRIFT, NAME, TRIP, Chapter, Story, story

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def told() -> Story:
    return story()


@pytest.fixture(scope="module")
def store(demonstration: Path) -> Iterator[Store]:
    with Store.open(load(demonstration / "dqm.toml").store_path) as opened:
        yield opened


def decided(store: Store, chapter: Chapter) -> list[str]:
    """What the machine said of the lumisections of a chapter that lies within one run."""
    found = verdicts_from_arrow(store.read("verdicts", [chapter.run]))
    ls = np.asarray(found.index.get_level_values("ls"))
    return [str(each) for each in found.decision[(ls >= chapter.first) & (ls <= chapter.last)]]


def test_the_trip_is_not_accepted_and_its_run_is_not_rejected_as_a_whole(store: Store, told: Story) -> None:
    trip = told.chapter(TRIP)
    assert "ACCEPT" not in decided(store, trip)
    whole = verdicts_from_arrow(store.read("verdicts", [trip.run])).decision.astype(str).tolist()
    assert "ACCEPT" in whole


def test_the_end_of_the_drift_is_not_accepted(store: Store, told: Story) -> None:
    drift = told.chapter(DRIFT)
    found = verdicts_from_arrow(store.read("verdicts", [drift.until])).decision.astype(str)
    assert (found[-20:] != "ACCEPT").all()


def test_the_findings_tell_the_new_name(store: Store, told: Story) -> None:
    named = [
        each.reason for each in store.findings() if each.code == "schema.drift" and each.run == told.chapter(NAME).run
    ]
    assert len(named) == 1
    assert "muons/charge may be called muons/charge_v2 now" in named[0]


def test_the_loop_is_found_before_the_detector_suffers(store: Store, told: Story) -> None:
    """On one clock: the anomaly opens in a lumisection of the run, before the first one of the fault."""
    (fault,), cooling = told.loops.faults, told.chapter(COOLING)
    mine = [each for day in scanned_days(store) for each in day.intervals if each.loop == fault.loop]
    assert any(each.kind == "hunting" for each in mine)
    times = lumisection_times(store)
    run, ls = (np.asarray(times.index.get_level_values(name)) for name in ("run", "ls"))
    hurt = times.grid.begin[(run == cooling.run) & (ls == cooling.first)][0]
    opened = min(each.begin for each in mine)
    assert fault.begin <= opened < hurt
    assert run[np.searchsorted(times.grid.begin, opened, side="right") - 1] == cooling.run


def test_equals_disagree_and_a_leader_is_listed(store: Store, told: Story) -> None:
    dispute = told.chapter(DISPUTE)
    (row,) = [each for each in queue(store, datetime.now(UTC)) if each.run == dispute.run]
    assert row.counts[Decision.DISPUTED] == dispute.last - dispute.first + 1
    assert store.verify_audit() >= 4
