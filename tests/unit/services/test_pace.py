"""Minutes per stretch: assumed until people told, then the median of what they took."""

from __future__ import annotations

from datetime import timedelta

from dqm.services.pace import ASSUMED, ENOUGH, pace

from .shift import AT, Shift


def test_an_assumption_is_told_as_one(shift: Shift) -> None:
    shift("claim", "ada", 10)
    found = pace(shift.store.audit())
    assert (found.minutes, found.decisions) == (ASSUMED, 0)
    assert (
        found.text()
        == "2 minutes for each stretch that needs a person are assumed, until 10 decisions here tell better"
    )


def test_it_is_measured_from_entry_to_entry_of_a_person(shift: Shift) -> None:
    """Mutants: breaks counted as work, a decision of two ranges counted as one, somebody else's entry as the begin."""
    at = AT
    shift("claim", "ada", 10, at=at)
    for number in range(ENOUGH):
        at += timedelta(minutes=6)
        shift.decide("ada", [(5, 5), (7, 7)], ("GOOD", "BAD")[number % 2], at=at)
        shift.decide("eve", [(6, 6)], "GOOD", at=at + timedelta(hours=number))
    found = pace(shift.store.audit())
    assert (found.minutes, found.decisions) == (3.0, ENOUGH)
    assert found.text().endswith("the median of 10 decisions here")
