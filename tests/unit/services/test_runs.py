"""Runs: claimed and released, escalated, signed, reopened; who may, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dqm.model.decisions import RunState
from dqm.model.errors import InputError, RefusedError, StaleError, UnknownNameError
from dqm.services.history import decisions_digest, told
from dqm.services.standing import known_run
from dqm.store.store import Store

from .shift import AT, QUIET, RUN, WAITING, Shift, put_data, put_verdicts

HOUR = timedelta(hours=1)


def test_a_claim_keeps_equals_away_until_it_ends(shift: Shift) -> None:
    done = shift("claim", "ada", RUN)
    assert done.told == "run 10 is claimed by ada until 2026-11-25 20:00 UTC"
    assert shift.standing().state is RunState.CLAIMED
    with pytest.raises(RefusedError, match=r"run 10 is claimed by ada \(shifter\) until 2026-11-25 20:00 UTC; wait"):
        shift.decide("bob", [(5, 5)], "GOOD")
    shift.decide("ada", [(5, 5)], "GOOD")
    shift.decide("eve", [(6, 6)], "GOOD")
    shift.decide("bob", [(5, 5)], "BAD", at=AT + 8 * HOUR)
    assert shift.standing(at=AT + 8 * HOUR).state is RunState.OPEN


def test_a_claim_is_renewed_and_taken_over_by_a_higher_role(shift: Shift) -> None:
    shift("claim", "ada", RUN, hours=1)
    shift("claim", "ada", RUN, hours=2)
    assert shift.standing().until == AT + 2 * HOUR
    with pytest.raises(RefusedError, match="claimed by ada"):
        shift("claim", "bob", RUN)
    shift("claim", "eve", RUN)
    with pytest.raises(RefusedError, match=r"claimed by eve \(expert\)"):
        shift("claim", "ada", RUN)


def test_a_claim_is_released_by_its_owner_or_a_higher_role(shift: Shift) -> None:
    with pytest.raises(RefusedError, match="run 10 is claimed by nobody; there is nothing to release"):
        shift("release", "ada", RUN)
    shift("claim", "ada", RUN)
    with pytest.raises(RefusedError, match="claimed by ada"):
        shift("release", "bob", RUN)
    assert shift("release", "ada", RUN).told == "run 10 is free again"
    shift("claim", "ada", RUN)
    shift("release", "eve", RUN)
    assert shift.standing().state is RunState.OPEN


@pytest.mark.parametrize("hours", [0.0, -1.0, 169.0, float("nan")])
def test_a_claim_lasts_a_week_at_most(shift: Shift, hours: float) -> None:
    with pytest.raises(InputError, match="a claim lasts up to 168 hours, not"):
        shift("claim", "ada", RUN, hours=hours)


def test_two_who_claim_at_once_are_told_who_was_first(shift: Shift) -> None:
    shift("claim", "ada", RUN, expected=0)
    with pytest.raises(StaleError, match=r"ada \(shifter\) claimed it until 2026-11-25 20:00 UTC; look at it again"):
        shift("claim", "eve", RUN, expected=0)


@pytest.mark.parametrize("action", ["claim", "release", "sign"])
def test_an_unknown_run(shift: Shift, action: str) -> None:
    with pytest.raises(UnknownNameError, match="unknown run '13'"):
        shift(action, "eve", 13)


def test_a_store_without_runs_says_what_comes_first(tmp_path: Path) -> None:
    with Store.create(tmp_path) as empty, pytest.raises(InputError, match="holds no run yet; next: dqm ingest"):
        known_run(empty, 13, AT)


def test_a_run_without_verdicts_can_be_claimed_and_not_signed(shift: Shift) -> None:
    shift("claim", "ada", WAITING)
    with pytest.raises(InputError, match="run 12 has no verdicts: it was not certified yet"):
        shift("sign", "eve", WAITING)


def test_an_escalation_waits_for_an_expert(shift: Shift) -> None:
    done = shift("escalate", "ada", RUN, [(5, 7)], "is this the pump?")
    assert done.told == "an expert is asked about LS 5-7 of run 10"
    shift.decide("bob", [(5, 5)], "GOOD")
    assert [each.id for each in shift.standing().escalations] == [1]
    shift.decide("eve", [(5, 7)], "GOOD")
    assert shift.standing().escalations == ()


def test_an_escalation_asks_something(shift: Shift) -> None:
    with pytest.raises(InputError, match="the question to the expert is empty; say why in a few words"):
        shift("escalate", "ada", RUN, [(5, 7)], "")
    with pytest.raises(InputError, match="run 10 has no verdict for LS 11"):
        shift("escalate", "ada", RUN, [(5, 11)], "why?")


def test_nothing_is_signed_while_anything_is_open(shift: Shift) -> None:
    with pytest.raises(RefusedError) as refused:
        shift("sign", "eve", RUN)
    assert str(refused.value) == (
        "run 10 cannot be signed: of 10 lumisections 3 ASK, 1 UNKNOWN; decide them with: dqm decide 10"
    )
    shift.settled("ada")
    shift.decide("bob", [(5, 5)], "BAD")
    with pytest.raises(RefusedError, match="of 10 lumisections 1 DISPUTED; decide"):
        shift("sign", "eve", RUN)
    shift.decide("lea", [(5, 5)], "BAD")
    assert shift("sign", "eve", RUN).told == "run 10 is signed: 7 of 10 lumisections are golden"
    assert shift.standing().state is RunState.SIGNED


def test_a_signature_holds_what_it_is_about(shift: Shift) -> None:
    shift.settled()
    before = shift.store.audit(RUN)
    entry = shift("sign", "eve", RUN, comment="all seen").entry
    assert entry.fields == {
        "data": shift.standing().data,
        "verdicts": shift.store.partitions("verdicts", run=RUN)[0].digest,
        "decisions": decisions_digest(before),
        "golden": 8,
        "lumisections": 10,
        "comment": "all seen",
    }
    assert told(entry).endswith("eve (expert) signed it with 8 of 10 lumisections golden: all seen")


def test_signing_and_reopening_need_an_expert(shift: Shift) -> None:
    with pytest.raises(RefusedError, match="to sign a run needs an expert or a leader; ada is shifter"):
        shift("sign", "ada", QUIET)
    with pytest.raises(RefusedError, match="to reopen a run needs an expert or a leader; ada is shifter"):
        shift("reopen", "ada", QUIET, "why not")


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("claim", ()),
        ("release", ()),
        ("sign", ()),
        ("decide", ([(1, 1)], "BAD", "noise")),
        ("escalate", ([(1, 1)], "sure?")),
    ],
)
def test_what_is_signed_does_not_move(shift: Shift, action: str, given: tuple[object, ...]) -> None:
    shift("sign", "eve", QUIET)
    with pytest.raises(RefusedError) as refused:
        shift(action, "lea", QUIET, *given)
    assert str(refused.value) == (
        "run 11 was signed by eve at 2026-11-25 12:00 UTC; what is signed does not move: reopen it first, "
        "with: dqm reopen 11"
    )


def test_a_run_is_reopened_with_a_reason_by_the_rank_that_signed(shift: Shift) -> None:
    with pytest.raises(RefusedError, match="run 11 is OPEN, not signed; there is nothing to reopen"):
        shift("reopen", "eve", QUIET, "a second look")
    shift("sign", "lea", QUIET)
    with pytest.raises(RefusedError, match="to reopen run 11, which lea signed, needs a leader; eve is expert"):
        shift("reopen", "eve", QUIET, "a second look")
    with pytest.raises(InputError, match="the reason is empty"):
        shift("reopen", "leo", QUIET, " ")
    assert shift("reopen", "leo", QUIET, "a second look").told == "run 11 is open again"
    assert shift.standing(QUIET).state is RunState.REOPENED
    shift("claim", "ada", QUIET)
    assert shift.standing(QUIET).state is RunState.CLAIMED
    shift("release", "ada", QUIET)
    assert shift.standing(QUIET).state is RunState.REOPENED
    shift("sign", "eve", QUIET)
    assert shift.standing(QUIET).state is RunState.SIGNED


def test_signed_decisions_do_not_move_when_data_or_verdicts_do(shift: Shift) -> None:
    """Mutant: the verdicts of a signed run read from the newest partition."""
    shift.signed()
    before = shift.states()
    put_data(shift.store, RUN, charge=2.0)
    put_verdicts(shift.store, RUN, "R" * 10)
    assert shift.standing().state is RunState.NEEDS_REVIEW
    assert shift.states() == before
    with pytest.raises(RefusedError, match="what is signed does not move"):
        shift("sign", "lea", RUN)
    done = shift("reopen", "eve", RUN, "new data")
    assert done.told == (
        "run 10 is open again; its data changed since, so first: dqm score --runs 10, dqm certify --runs 10"
    )
    assert shift.states() == ["REJECT"] * 4 + ["NEEDS_REVIEW"] * 3 + ["REJECT"] * 2 + ["NEEDS_REVIEW"]


def test_verdicts_of_other_data_are_not_signed(shift: Shift) -> None:
    """Mutant: a sign-off that looks at decisions alone."""
    put_data(shift.store, QUIET, charge=2.0)
    with pytest.raises(RefusedError) as refused:
        shift("sign", "eve", QUIET)
    assert str(refused.value) == (
        "run 11 cannot be signed: its data changed after it was certified; first: "
        "dqm score --runs 11, dqm certify --runs 11"
    )
    put_verdicts(shift.store, QUIET, "A" * 10)
    shift("sign", "eve", QUIET)


def test_what_is_refused_leaves_no_trace(shift: Shift) -> None:
    with pytest.raises(RefusedError):
        shift("sign", "eve", RUN)
    assert shift.store.audit() == []
    shift("sign", "eve", QUIET, nonce="again")
