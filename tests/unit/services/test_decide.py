"""Decisions of people: what is entered, what stands, what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dqm.model.decisions import MOST_COMMENT
from dqm.model.errors import InputError, RefusedError, RepeatedError, StaleError, UnknownNameError
from dqm.model.reason_codes import REASON_CODES
from dqm.services.history import person_decisions, printable, told

from .shift import AT, POINT, QUIET, RUN, WAITING, Shift, put_data

AT_END, AT_BEFORE = AT + timedelta(hours=1), AT - timedelta(hours=1)
MACHINE = ["ACCEPT"] * 4 + ["ASK"] * 3 + ["REJECT"] * 2 + ["UNKNOWN"]
INJECTION = (
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "'); DROP TABLE audit; --",
    "![x](http://evil.example/x.png) **bold** $x$ {{7*7}} ${jndi:ldap://x}",
    "\x1b[31mred\x1b[0m\r\n\x00‮ right to left, 数据, é",
)


def test_a_decision_stands_over_the_machine(shift: Shift) -> None:
    done = shift.decide("ada", [(5, 6), (10, 10)], "GOOD", comment="looked at it")
    assert done.told == "GOOD for LS 5-6, 10 of run 10: decided 3"
    assert shift.states() == [*MACHINE[:4], "GOOD", "GOOD", "ASK", "REJECT", "REJECT", "GOOD"]
    entry = done.entry
    assert (entry.actor, entry.role, entry.action, entry.run) == ("ada", "shifter", "decide", RUN)
    assert entry.fields["ranges"] == [(5, 6), (10, 10)]
    assert entry.fields["verdicts"] == shift.store.partitions("verdicts", run=RUN)[0].digest
    assert entry.fields["data"] == shift.standing().data
    assert shift.store.verify_audit() == 1


def test_undo_is_a_later_decision_that_names_the_earlier(shift: Shift) -> None:
    first = shift.decide("ada", [(5, 7)], "GOOD").entry
    other = shift.decide("ada", [(1, 1)], "BAD").entry
    done = shift.decide("ada", [(6, 6)], "EXCLUDED")
    assert done.entry.fields["supersedes"] == [first.id]
    assert other.id not in done.entry.fields["supersedes"]
    assert shift.states()[4:7] == ["GOOD", "EXCLUDED", "GOOD"]
    assert person_decisions(shift.store.audit(RUN))[0].ranges == ((5, 7),), "the first entry is as it was"


def test_higher_ranks_overrule_and_equals_dispute(shift: Shift) -> None:
    shift.decide("ada", [(5, 7)], "GOOD")
    done = shift.decide("bob", [(6, 7)], "BAD")
    assert done.told.endswith(": decided 0, DISPUTED 2, since somebody of the same rank said otherwise")
    assert shift.states()[4:7] == ["GOOD", "DISPUTED", "DISPUTED"]
    shift.decide("eve", [(7, 7)], "BAD")
    assert shift.states()[4:7] == ["GOOD", "DISPUTED", "BAD"]
    done = shift.decide("bob", [(7, 7)], "GOOD")
    assert done.told == "GOOD for LS 7 of run 10: decided 0, left 1 as somebody of a higher rank said"
    shift.decide("lea", [(6, 6)], "GOOD")
    assert shift.states()[4:7] == ["GOOD", "GOOD", "BAD"]


def test_good_of_other_data_needs_a_review_and_bad_stands(shift: Shift) -> None:
    """Mutant: decisions that do not know what they were about, so that new data are golden unseen."""
    shift.decide("ada", [(5, 5)], "GOOD")
    shift.decide("ada", [(6, 6)], "BAD")
    put_data(shift.store, RUN, charge=2.0)
    assert shift.states()[4:6] == ["NEEDS_REVIEW", "BAD"]
    shift.decide("ada", [(5, 5)], "GOOD")
    assert shift.states()[4:6] == ["GOOD", "BAD"]


def test_the_same_form_counts_once(shift: Shift) -> None:
    shift.decide("ada", [(5, 5)], "GOOD", nonce="form", expected=0)
    with pytest.raises(RepeatedError, match="this form was sent already; it counts once"):
        shift.decide("ada", [(5, 5)], "GOOD", nonce="form", expected=0)
    assert len(shift.store.audit()) == 1


def test_a_stale_form_is_told_what_was_decided_meanwhile(shift: Shift) -> None:
    """Mutant: a check before the lock, or none."""
    seen = shift.standing().last
    shift.decide("bob", [(5, 6)], "BAD", comment="noisy\nall over")
    with pytest.raises(StaleError) as stale:
        shift.decide("ada", [(5, 5)], "GOOD", expected=seen)
    assert str(stale.value) == (
        "run 10 was changed meanwhile: 2026-11-25 12:00:00 UTC bob (shifter) decided BAD for LS 5-6 (noise): "
        "noisy\\nall over; look at it again"
    )
    assert stale.value.meanwhile == (told(shift.store.audit(RUN)[-1]),)
    assert shift.states()[4:6] == ["BAD", "BAD"]
    shift.decide("ada", [(5, 5)], "GOOD", expected=shift.standing().last)


def test_alerts_of_the_run_make_no_form_stale(shift: Shift) -> None:
    seen = shift.standing().last
    shift("acknowledge", "bob", RUN, "tracker")
    shift.decide("ada", [(5, 5)], "GOOD", expected=seen)


@pytest.mark.parametrize(
    ("run", "ranges", "verdict", "reason", "comment", "message"),
    [
        (13, [(1, 1)], "GOOD", "noise", "", "unknown run '13'; nearest valid names: '12', '11', '10'"),
        (WAITING, [(1, 1)], "GOOD", "noise", "", "run 12 has no verdicts: it was not certified yet"),
        (RUN, [(1, 11)], "GOOD", "noise", "", "run 10 has no verdict for LS 11; it has LS 1-10"),
        (RUN, [(0, 2)], "GOOD", "noise", "", "run 10 has no verdict for LS 0; it has LS 1-10"),
        (RUN, [(3, 2)], "GOOD", "noise", "", "run 10: the range 3-2 runs backwards"),
        (
            RUN,
            [],
            "GOOD",
            "noise",
            "",
            "run 10: no lumisection was named, or none is open; write for example 12 or 10-20",
        ),
        (RUN, [(1, 1)] * 10_001, "GOOD", "noise", "", "run 10: 10001 ranges at once; decide at most 10000"),
        (RUN, [(1, 1)], "ACCEPT", "noise", "", "unknown verdict of a person 'ACCEPT'; valid names begin: 'BAD', 'EXCL"),
        (RUN, [(1, 1)], "GOOD", "nois", "", "unknown reason 'nois'; nearest valid names: 'noise'"),
        (RUN, [(1, 1)], "GOOD", "other", " ", "the comment is empty; say why in a few words"),
        (RUN, [(1, 1)], "GOOD", "noise", "é" * 5121, "the comment has 10242 bytes and may have 10240; shorten it"),
        (RUN, [(1, 1)], "GOOD", "noise", "\udc80", "the comment holds what is no Unicode text; send it as UTF-8"),
    ],
)
def test_what_cannot_be_decided(
    shift: Shift, run: int, ranges: list[tuple[int, int]], verdict: str, reason: str, comment: str, message: str
) -> None:
    with pytest.raises((InputError, UnknownNameError)) as refused:
        shift("decide", "ada", run, ranges, verdict, reason, comment)
    assert str(refused.value).startswith(message)
    assert shift.store.audit() == []


@pytest.mark.parametrize("nonce", ["", "x" * 65, "two\nlines"])
def test_a_submission_has_a_name(shift: Shift, nonce: str) -> None:
    with pytest.raises(InputError, match="a submission is named by 1 to 64 visible characters, not by"):
        shift.decide("ada", [(5, 5)], "GOOD", nonce=nonce)


def test_a_comment_of_ten_kilobytes_and_whatever_it_holds_comes_back_equal(shift: Shift) -> None:
    long = "é" * (MOST_COMMENT // 2)
    for text in (*INJECTION, long):
        shift.decide("ada", [(5, 5)], "GOOD", comment=text)
        shift("escalate", "ada", RUN, [(5, 5)], text)
        shift("silence", "ada", RUN, "<b>'; --", AT_END, text)
        shift("propose", "lea", POINT, text)
        assert [each.fields["comment"] for each in shift.store.audit()[-4:]] == [text] * 4
    assert shift.store.verify_audit() == 24
    for each in shift.store.audit():
        assert told(each).isprintable(), "nothing steers a terminal"


def test_printable_keeps_what_can_be_seen() -> None:
    assert printable("a é 数\n\x1b") == "a é 数\\n\\x1b"


def test_who_is_not_listed_may_not_decide(shift: Shift) -> None:
    with pytest.raises(RefusedError, match="'eva' may not act here; nearest valid names: 'lea', 'eve'") as refused:
        shift.decide("eva", [(5, 5)], "GOOD")
    assert "--as NAME says who acts" in str(refused.value)


def test_nobody_named_is_the_operator(shift: Shift) -> None:
    assert shift.decide("", [(5, 5)], "GOOD").entry.actor == "ada"


def test_reasons_are_words() -> None:
    assert all(code and words for code, words in REASON_CODES.items())
    assert "other" in REASON_CODES


def test_a_clock_that_was_set_back_moves_no_order(shift: Shift) -> None:
    """The number orders, so the later entry stands although its time is earlier."""
    shift.decide("ada", [(5, 5)], "GOOD")
    shift.decide("ada", [(5, 5)], "BAD", at=AT_BEFORE)
    first, second = shift.store.audit()
    assert second.at < first.at
    assert shift.states()[4] == "BAD"
    assert shift.store.verify_audit() == 2


def test_another_run_stays_as_it_is(shift: Shift) -> None:
    shift.decide("ada", [(5, 5)], "BAD")
    assert shift.states(QUIET) == ["ACCEPT"] * 10
