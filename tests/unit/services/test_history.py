"""Every entry is one line that says who did what."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from dqm.services.history import told

from .shift import AT, POINT, QUIET, RUN, Shift


def test_every_action_in_words(shift: Shift) -> None:
    shift("claim", "ada", RUN, hours=2)
    shift("release", "ada", RUN)
    shift.decide("ada", [(5, 6), (10, 10)], "GOOD", comment="fine")
    shift("escalate", "ada", RUN, [(7, 7)], "and this?")
    shift("sign", "lea", QUIET)
    shift("reopen", "lea", QUIET, "too soon")
    shift("publish", "eve")
    shift("propose", "lea", POINT, "as before")
    shift("approve", "leo", 8)
    shift("silence", "bob", None, "*", AT + timedelta(hours=1), "test")
    shift("acknowledge", "bob", RUN, "tracker")
    lines = [told(each).removeprefix("2026-11-25 12:00:00 UTC ") for each in shift.store.audit()]
    assert lines == [
        "ada (shifter) claimed it until 2026-11-25 14:00 UTC",
        "ada (shifter) released it",
        "ada (shifter) decided GOOD for LS 5-6, 10 (noise): fine",
        "ada (shifter) asked an expert about LS 7: and this?",
        "lea (leader) signed it with 10 of 10 lumisections golden",
        "lea (leader) reopened it: too soon",
        "eve (expert) published golden JSON version 1",
        f"lea (leader) proposed working point {POINT.digest[:12]}: as before",
        f"leo (leader) approved working point {POINT.digest[:12]}",
        "bob (shifter) silenced alerts of every run, every subsystem until 2026-11-25 13:00 UTC: test",
        "bob (shifter) acknowledged the alerts of run 10, subsystem tracker",
    ]


def test_a_promotion_is_told_with_its_reason(shift: Shift) -> None:
    entry = shift("claim", "ada", RUN).entry
    fields = {"model": "model-2", "before": "model-1", "reason": "sees\nmore"}
    other = dataclasses.replace(entry, action="promote", subject="model model-2", fields=fields)
    assert told(other).endswith("ada (shifter) promoted model model-2 instead of model-1: sees\\nmore")
    other = dataclasses.replace(other, fields={**fields, "back": True})
    assert told(other).endswith("ada (shifter) went back to model model-2 from model-1: sees\\nmore")


def test_an_action_of_another_part_is_told_as_it_is(shift: Shift) -> None:
    entry = shift("claim", "ada", RUN).entry
    other = dataclasses.replace(entry, action="mend", subject="model-2\n", fields={})
    assert told(other).endswith("ada (shifter) mend model-2\\n")
