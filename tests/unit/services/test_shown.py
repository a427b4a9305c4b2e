"""A decision on a page that is not true any more is refused, and says what was shown and what is."""

from __future__ import annotations

import pyarrow.compute as pc
import pytest

from dqm.model.errors import InputError, StaleError
from dqm.services.queue import queue
from dqm.services.shown import Shown

from .shift import AT, LENGTH, MACHINE, RUN, WAITING, Shift, put_data, put_verdicts


def page(shift: Shift, run: int = RUN) -> Shown:
    """What a page shows of a run now."""
    return Shown.parse(next(each.shown for each in queue(shift.store, AT) if each.run == run))


def test_what_is_as_it_was_shown_is_decided(shift: Shift) -> None:
    seen = page(shift)
    assert Shown.parse(str(seen)) == seen
    put_data(shift.store, RUN)
    put_verdicts(shift.store, RUN, MACHINE)  # the same again
    shift.decide("ada", [(5, 5)], "GOOD", expected=seen)
    with pytest.raises(StaleError, match=r"ada \(shifter\) decided GOOD for LS 5"):
        shift.decide("ada", [(5, 5)], "BAD", expected=seen)


def test_changed_verdicts_of_the_machine_are_shown_beside_those_of_now(shift: Shift) -> None:
    """Mutant: only people's entries count; somebody says GOOD to a page on which the machine asked for nothing."""
    seen = page(shift)
    put_verdicts(shift.store, RUN, "ARAAQQARRU")
    with pytest.raises(
        StaleError,
        match=r"run 10 was changed meanwhile: its verdicts changed: LS 2 ACCEPT, now REJECT, LS 7 ASK, now ACCEPT; look",
    ):
        shift.decide("ada", [(5, 5)], "GOOD", expected=seen)
    assert shift.store.audit() == []
    shift.decide("ada", [(5, 5)], "GOOD", expected=seen.last)
    shift.decide("ada", [(5, 5)], "GOOD", expected=page(shift))


def test_many_changes_are_cut_short(shift: Shift) -> None:
    put_verdicts(shift.store, RUN, "AQRUAQRUAQ")
    seen = page(shift)
    put_verdicts(shift.store, RUN, "QRUARUAQUA")
    with pytest.raises(StaleError, match=r"LS 3 REJECT, now UNKNOWN, .* and others; look"):
        shift.decide("ada", [(5, 5)], "GOOD", expected=seen)


def test_lumisections_that_came_since_are_named(shift: Shift) -> None:
    put_verdicts(shift.store, RUN, MACHINE[:-1])
    seen = page(shift)
    put_verdicts(shift.store, RUN, MACHINE)
    with pytest.raises(StaleError, match="its verdicts changed: LS 10 not there, now UNKNOWN"):
        shift.decide("ada", [(5, 5)], "GOOD", expected=seen)


def test_changed_data_are_told(shift: Shift) -> None:
    seen = page(shift)
    put_data(shift.store, RUN, charge=2.0)
    with pytest.raises(StaleError, match=f"its data were {seen.data} and are [0-9a-f]{{16}} now"):
        shift.decide("ada", [(5, 5)], "GOOD", expected=seen)


def test_a_run_that_was_certified_since_is_told(shift: Shift) -> None:
    seen = page(shift, WAITING)
    assert seen.verdicts == ""
    put_verdicts(shift.store, WAITING, "A" * LENGTH)
    with pytest.raises(StaleError, match=r"its verdicts were none and are [0-9a-f]{16} now"):
        shift.decide("ada", [(5, 5)], "GOOD", WAITING, expected=seen)


def test_a_signed_run_is_shown_as_it_was_signed(shift: Shift) -> None:
    shift.signed()
    seen = page(shift)
    put_verdicts(shift.store, RUN, "A" * LENGTH)
    shift("reopen", "eve", RUN, "looked again", expected=seen)


def test_forms_that_show_nothing_readable_are_refused() -> None:
    for text in ("", "x", "3:abc", "3:" + "g" * 16 + ":", "1" * 19, "3:" + "a" * 16):
        with pytest.raises(InputError, match="write what dqm runs RUN prints, or the last entry"):
            Shown.parse(text)
    assert (str(Shown.parse("3")), str(Shown.parse("3::")), Shown.parse("3::").verdicts) == ("3", "3::", "")


def test_badness_alone_that_moved_is_told(shift: Shift) -> None:
    seen = page(shift)
    with shift.store.transaction() as change:
        held = shift.store.read("verdicts", [RUN])
        weight = held.column_names.index("weight")
        moved = held.set_column(weight, "weight", pc.add(held["weight"], 1.0))
        change.put("verdicts", RUN, moved, shift.store.partitions("verdicts", run=RUN)[0].provenance)
    with pytest.raises(StaleError, match="its verdicts were made again: badness or reasons differ, no decision does"):
        shift.decide("ada", [(5, 5)], "GOOD", expected=seen)
