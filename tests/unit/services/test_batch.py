"""Many runs at once: those in which nothing asks are signed, an entry each; of the others it is told why not."""

from __future__ import annotations

import pytest

from dqm.model.decisions import RunState
from dqm.model.errors import InputError, RefusedError
from dqm.services.batch import MOST_RUNS, SignedRuns, nothing_asks, sign_many
from dqm.services.queue import queue
from dqm.services.shown import Shown

from .shift import ASKED, AT, QUIET, RUN, WAITING, Shift


def signing(shift: Shift, *runs: int, name: str = "eve", nonce: str = "batch") -> SignedRuns:
    return sign_many(shift.store, shift.people, name, runs, "quiet night", asked=ASKED, nonce=nonce, at=AT)


def test_only_where_nothing_asks(shift: Shift) -> None:
    """Mutant: a batch that stops at the first run which is refused."""
    done = signing(shift, RUN, WAITING, QUIET, 99)
    assert [each.entry.run for each in done.entered] == [QUIET]
    assert done.entered[0].entry.fields["comment"] == "quiet night"
    assert list(done.refused) == [RUN, WAITING, 99]
    assert "of 10 lumisections 3 ASK, 1 UNKNOWN" in done.refused[RUN]
    assert "has no verdicts" in done.refused[WAITING]
    assert "unknown run '99'" in done.refused[99]
    assert done.text().splitlines()[0] == f"1 run is signed: {QUIET}"
    assert [each["run"] for each in done.document()["refused"]] == [RUN, WAITING, 99]
    assert shift.standing(QUIET).state is RunState.SIGNED
    assert shift.standing(RUN).state is RunState.OPEN


def test_a_batch_sent_twice_counts_once(shift: Shift) -> None:
    signing(shift, QUIET)
    again = signing(shift, QUIET)
    assert (again.entered, again.refused) == (
        (),
        {QUIET: f"run {QUIET} was signed by this submission already; once is enough"},
    )
    assert len(shift.store.audit()) == shift.store.verify_audit() == 1


def test_what_somebody_looks_at_is_left_alone(shift: Shift) -> None:
    """Mutant: a batch by which an expert signs over the claim of a shifter, as ``sign`` may."""
    shift("claim", "ada", QUIET)
    assert "claimed by ada, who may be looking at it" in signing(shift, QUIET).refused[QUIET]
    shift("release", "ada", QUIET)
    shift("escalate", "ada", QUIET, [(2, 2)], "is this fine?")
    assert "waits for an expert, whom ada asked" in signing(shift, QUIET, nonce="later").refused[QUIET]
    assert shift.standing(QUIET).escalations


def test_a_form_that_showed_something_else_is_refused(shift: Shift) -> None:
    shown = {each.run: Shown.parse(each.shown) for each in queue(shift.store, AT)}
    shift.decide("bob", [(3, 3)], "BAD", QUIET)
    done = sign_many(shift.store, shift.people, "eve", {QUIET: shown[QUIET]}, asked=ASKED, nonce="batch", at=AT)
    assert "decided BAD for LS 3 (noise)" in done.refused[QUIET]


def test_a_damaged_run_keeps_no_other_from_being_signed(shift: Shift) -> None:
    """Mutant: a batch that ends at a file that cannot be read, and tells nothing of what it signed before."""
    shift.decide("eve", [(5, 8)], "GOOD")
    (held,) = shift.store.partitions("verdicts", run=RUN)
    (shift.store.path / held.path).write_bytes(b"PAR1 this is no table PAR1")
    done = signing(shift, RUN, QUIET)
    assert [each.entry.run for each in done.entered] == [QUIET]
    assert str(held.path) in done.refused[RUN]


def test_what_a_batch_may_be(shift: Shift) -> None:
    for runs in ((), range(MOST_RUNS + 1)):
        with pytest.raises(InputError, match=f"{len(runs)} runs to sign; name between 1 and 1000 at once"):
            signing(shift, *runs)
    with pytest.raises(RefusedError, match="'nobody' may not act here"):
        signing(shift, QUIET, name="nobody")
    assert (
        "to sign a run needs an expert or a leader; ada is shifter" in signing(shift, QUIET, name="ada").refused[QUIET]
    )


def test_what_a_batch_is_offered(shift: Shift) -> None:
    def offered() -> list[int]:
        return [each.run for each in queue(shift.store, AT) if nothing_asks(each)]

    assert offered() == [QUIET]
    shift("claim", "ada", QUIET)
    assert offered() == []
    shift("release", "ada", QUIET)
    shift("escalate", "ada", QUIET, [(2, 2)], "is this fine?")
    assert offered() == []
    shift("sign", "eve", QUIET)
    assert offered() == []
    shift("reopen", "eve", QUIET, "a second look")
    assert offered() == [QUIET]
