"""The difference to the last golden JSON is what publishing makes, lumisection by lumisection."""

from __future__ import annotations

import pytest

from dqm.formats.golden import read_mask
from dqm.model.errors import StoreError
from dqm.model.keys import LumiMask
from dqm.model.verdicts import Decision
from dqm.services.difference import GONE, Difference, difference
from dqm.services.publish import GOLDEN
from dqm.store.store import Store

from .shift import AT, QUIET, RUN, Shift, put_verdicts


def golden(store: Store) -> LumiMask:
    return read_mask(store.publication(GOLDEN).read().decode())


def applied(before: LumiMask, found: Difference) -> LumiMask:
    """The mask before with what moves moved."""
    for each in found.moved:
        part = LumiMask({each.run: each.ranges})
        before = before | part if each.enters else before - part
    return before


def test_everything_enters_the_first(shift: Shift) -> None:
    found = difference(shift.store, AT)
    assert (found.before, found.golden) == (0, 14)
    assert [(each.run, each.enters, each.ranges, each.weight) for each in found.moved] == [
        (RUN, True, ((1, 4),), 2.0),
        (QUIET, True, ((1, 10),), 5.0),
    ]
    assert found.text().splitlines()[0] == "nothing was published yet:"


def test_it_is_what_publishing_does(shift: Shift) -> None:
    """Mutants: provisional runs not left out, decisions of people forgotten, data that changed still golden."""
    shift("publish", "eve")
    assert (
        difference(shift.store, AT).text()
        == "14 lumisections are golden, as published in version 1: nothing would change"
    )
    before = golden(shift.store)
    shift.decide("ada", [(1, 2), (8, 8)], "BAD")
    shift.decide("ada", [(10, 10)], "GOOD")
    put_verdicts(shift.store, QUIET, "AAARA")
    found = difference(shift.store, AT)
    shift("publish", "eve")
    assert applied(before, found) == golden(shift.store)
    assert found.golden == len(golden(shift.store))
    by = {(each.run, each.enters): each for each in found.moved}
    assert by[RUN, False].now == {Decision.BAD: 2}
    assert by[RUN, True].now == {Decision.GOOD: 1}
    assert by[QUIET, False].ranges == ((4, 4), (6, 10))
    assert by[QUIET, False].now == {Decision.REJECT: 1, GONE: 5}
    assert "run 11: LS 4, 6-10 leaves (6 LS, 0.5 /pb; now 1 REJECT, 5 not there)" in found.text("/pb")
    assert found.document()["moved"][0]["run"] == RUN


def test_a_golden_json_that_was_altered_is_no_measure(shift: Shift) -> None:
    shift("publish", "eve")
    path = shift.store.publication(GOLDEN).path
    path.chmod(0o644)
    path.write_text("{}\n", encoding="ascii")
    with pytest.raises(StoreError, match="its bytes are not those that were published"):
        difference(shift.store, AT)
