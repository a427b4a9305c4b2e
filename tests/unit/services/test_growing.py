"""A run that grows is provisional: not signed, not published; it ends by a later one, by time or by a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from dqm.model.errors import RefusedError, UnknownNameError
from dqm.services.difference import difference
from dqm.services.growing import MARK, growing, provisional_runs
from dqm.services.history import told
from dqm.services.publish import GOLDEN
from dqm.services.queue import queue
from dqm.store.store import Store
from dqm.store.tables import with_provenance

from .shift import AT, QUIET, RUN, WAITING, Shift, put_data, put_verdicts

MINUTE = timedelta(minutes=1)


@pytest.fixture
def grows(store: Store) -> Callable[[int], None]:
    """Mark the verdicts of a run as made while it grew."""

    def mark(run: int) -> None:
        about = {**store.provenance("verdicts", run), **MARK}
        table = store.read("verdicts", [run])
        with store.transaction(at=AT) as change:
            change.put("verdicts", run, with_provenance(table, about), about)

    return mark


def test_only_the_newest_run_grows_and_time_ends_it(store: Store) -> None:
    assert growing(store, 60, AT + 59 * MINUTE, live=True) == {WAITING}
    assert growing(store, 60, AT + 60 * MINUTE, live=True) == set()
    assert growing(store, 60, AT - 999 * MINUTE, live=True) == {WAITING}, "a clock that was set back ends no run"
    assert growing(store, 60, AT) == set(), "who does not watch asks of provisional runs only"


def test_who_begins_to_watch_takes_nothing_back(store: Store, grows: Callable[[int], None]) -> None:
    """Mutant: every start of a watch makes the newest run provisional, and takes it from the golden JSON."""
    put_verdicts(store, WAITING, "A" * 10)
    assert growing(store, 60, AT, live=True) == set()
    grows(WAITING)
    assert growing(store, 60, AT, live=True) == {WAITING}
    put_verdicts(store, WAITING, "A" * 10)
    put_data(store, WAITING, charge=2.0)
    assert growing(store, 60, AT, live=True) == {WAITING}, "something came since"


def test_a_later_run_ends_it(shift: Shift, grows: Callable[[int], None]) -> None:
    grows(QUIET)
    assert provisional_runs(shift.store) == {QUIET}
    assert growing(shift.store, 60, AT) == set()


def test_somebody_says_that_it_ended(shift: Shift) -> None:
    done = shift("end_run", "ada", WAITING, "beam dump")
    assert done.told.startswith(f"run {WAITING} has ended; its verdicts become final with the next: dqm certify")
    assert told(done.entry).endswith("ada (shifter) said that it ended: beam dump")
    assert growing(shift.store, 60, AT, live=True) == set()
    with pytest.raises(UnknownNameError, match="unknown run '99'"):
        shift("end_run", "ada", 99)


def test_what_is_provisional_is_not_signed(shift: Shift, grows: Callable[[int], None]) -> None:
    """Mutant: a sign-off that looks at decisions alone; the rest of the run would come after it."""
    grows(RUN)
    shift.settled()
    with pytest.raises(RefusedError, match=r"still grew when it was certified.*dqm end-run 10, dqm certify --runs 10"):
        shift("sign", "eve", RUN)
    assert [row.provisional for row in queue(shift.store, AT) if row.run == RUN] == [True]


def test_what_is_provisional_is_not_published(shift: Shift, grows: Callable[[int], None]) -> None:
    grows(QUIET)
    shift("publish", "eve")
    assert list(json.loads(shift.store.publication(GOLDEN).read())) == [str(RUN)]
    grows(RUN)
    assert difference(shift.store, AT).text().endswith("run 10: LS 1-4 leaves (4 LS, 2; now 4 provisional)")
    shift("publish", "eve")
    assert json.loads(shift.store.publication(GOLDEN).read()) == {}


def test_when_rows_came(shift: Shift) -> None:
    put_data(shift.store, WAITING)
    assert shift.store.brought("quantities", WAITING) == AT
    with pytest.raises(UnknownNameError, match="unknown run of quantities '99'"):
        shift.store.brought("quantities", 99)
