"""Versions of the golden JSON: which, when, by whom."""

from __future__ import annotations

from dqm.model.events import Event
from dqm.services.effective import machine_verdicts, partitions_that_stand
from dqm.services.publish import enter_golden, made_with
from dqm.services.standing import standings
from dqm.services.versions import MACHINE, golden_versions

from .shift import AT, Shift


def test_who_published_what(shift: Shift) -> None:
    """Mutant: who published the same again taken for who made the version."""
    store = shift.store
    assert golden_versions(store) == []
    with store.transaction(at=AT) as change:
        found = standings(store, AT)
        machine = machine_verdicts(store, partitions_that_stand(store, found.values()))
        change.require(lambda _: enter_golden(store, change, machine, found, made_with(store)))
    shift("publish", "eve")
    shift.decide("ada", [(6, 6)], "GOOD")
    with store.transaction(at=AT) as change:
        change.emit([Event("anomaly.opened", "something else", {"version": 1})])
    shift("publish", "lea")
    shift("publish", "eve")
    second, first = golden_versions(store)
    assert (first.published.version, first.by, first.at, first.lumisections) == (1, MACHINE, AT, 14)
    assert (second.published.version, second.by, second.at, second.lumisections) == (2, "lea", AT, 15)
    assert second.published.sha256 == store.publication("golden.json").sha256
