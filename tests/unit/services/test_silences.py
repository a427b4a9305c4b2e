"""Silences end by themselves, and the latest of a target holds."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from dqm.model.errors import InputError, UnknownNameError
from dqm.services.history import told
from dqm.services.silences import acknowledged, silences_at

from .shift import AT, RUN, Shift

HOUR = timedelta(hours=1)


def test_a_silence_has_an_owner_and_an_end(shift: Shift) -> None:
    done = shift("silence", "ada", RUN, "tracker", AT + HOUR, "known pump")
    assert done.told == "alerts of run 10, subsystem tracker are quiet until 2026-11-25 13:00 UTC"
    (found,) = silences_at(shift.store, AT)
    assert (found.owner, found.run, found.subsystem, found.until) == ("ada", RUN, "tracker", AT + HOUR)
    assert found.reason == "known pump"
    assert silences_at(shift.store, AT + HOUR) == ()
    assert silences_at(shift.store, AT - HOUR) == ()


def test_what_a_silence_covers(shift: Shift) -> None:
    shift("silence", "ada", None, "tracker", AT + HOUR, "known pump")
    shift("silence", "ada", RUN, "*", AT + HOUR, "test run")
    tracker, run = silences_at(shift.store, AT)
    assert [tracker.covers(RUN, "tracker"), tracker.covers(11, "tracker"), tracker.covers(RUN, "muons")] == [1, 1, 0]
    assert [run.covers(RUN, "muons"), run.covers(11, "muons"), run.covers(None, "muons")] == [1, 0, 0]


def test_a_later_silence_of_the_same_target_holds(shift: Shift) -> None:
    shift("silence", "ada", RUN, "tracker", AT + 9 * HOUR, "known pump")
    shift("silence", "bob", RUN, "tracker", AT + HOUR, "repaired")
    assert [each.owner for each in silences_at(shift.store, AT)] == ["bob"]
    assert silences_at(shift.store, AT + 2 * HOUR) == ()


def test_a_silence_is_ended_before_its_time(shift: Shift) -> None:
    shift("silence", "ada", RUN, "tracker", AT + HOUR, "known pump")
    with pytest.raises(UnknownNameError, match="unknown silence '7'; valid names begin: '1'"):
        shift("end_silence", "bob", 7)
    done = shift("end_silence", "bob", 1)
    assert done.text() == "alerts of run 10, subsystem tracker are told again (entry 2)"
    assert silences_at(shift.store, AT) == ()
    with pytest.raises(UnknownNameError, match="unknown silence '1'; there are no valid names"):
        shift("end_silence", "bob", 1)
    assert told(shift.store.audit()[-1]).endswith("bob (shifter) ended the silence of run 10, subsystem tracker")


def test_what_is_about_no_run_is_never_silent(shift: Shift) -> None:
    """Mutant: a silence of everything that hides a night that failed."""
    shift("silence", "ada", None, "*", AT + HOUR, "test")
    (found,) = silences_at(shift.store, AT)
    assert (found.covers(RUN, ""), found.covers(None, "")) == (True, False)
    assert found.text() == "silence 1: every run, every subsystem, by ada until 2026-11-25 13:00 UTC: test"


def test_alerts_are_acknowledged(shift: Shift) -> None:
    done = shift("acknowledge", "ada", RUN, "tracker", "seen")
    assert done.told == "alerts of run 10, subsystem tracker are acknowledged by ada"
    assert (done.entry.run, done.entry.fields) == (RUN, {"subsystem": "tracker", "comment": "seen"})
    with pytest.raises(UnknownNameError, match="unknown open anomaly '10 muons'; valid names begin: '10 tracker'"):
        shift("acknowledge", "ada", RUN, "muons")
    assert acknowledged(shift.store) == {(RUN, "tracker")}


@pytest.mark.parametrize(
    ("run", "subsystem", "until", "reason", "message"),
    [
        (RUN, "tracker", AT, "pump", "the end of the silence, 2026-11-25 12:00 UTC, has passed; name a later one"),
        (
            RUN,
            "tracker",
            AT.astimezone(timezone(2 * HOUR)),
            "pump",
            "the end of the silence, 2026-11-25 12:00 UTC, has",
        ),
        (RUN, "tracker", datetime(2026, 11, 26), "pump", "the end of the silence, .* has no zone"),
        (RUN, "tracker", AT + timedelta(days=31), "pump", "a silence lasts up to 30 days; name an earlier end"),
        (RUN, "tracker", AT + HOUR, "", "the reason is empty; say why in a few words"),
        (
            RUN,
            " ",
            AT + HOUR,
            "pump",
            r"a subsystem has 1 to 100 visible characters, is \* for every one, or empty for",
        ),
        (RUN, "a\nb", AT + HOUR, "pump", "a subsystem has 1 to 100 visible characters"),
        (-1, "tracker", AT + HOUR, "pump", r"run numbers must lie in \[0, 2\^31\), not -1"),
    ],
)
def test_what_cannot_be_silenced(
    shift: Shift, run: int, subsystem: str, until: datetime, reason: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        shift("silence", "ada", run, subsystem, until, reason)
    assert shift.store.audit() == []
