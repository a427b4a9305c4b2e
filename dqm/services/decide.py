"""What a person says of lumisections: GOOD, BAD or EXCLUDED, with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from dqm.model.decisions import SAID, PersonDecision
from dqm.model.errors import InputError, UnknownNameError
from dqm.model.keys import LumiMask
from dqm.model.people import People
from dqm.model.reason_codes import REASON_CODES
from dqm.model.verdicts import CODES, Decision
from dqm.services.effective import StandingVerdicts, decisions_that_stand, machine_of
from dqm.services.history import person_decisions, spelled
from dqm.services.shown import Expected
from dqm.services.standing import Standing
from dqm.services.submission import Desk, Judgement, Recorded, checked_text, submit
from dqm.store.store import Store

MOST_RANGES = 10_000
"""Ranges in one decision."""


def decide(
    store: Store,
    people: People,
    name: str,
    run: int,
    ranges: Iterable[tuple[int, int]],
    verdict: str,
    reason: str,
    comment: str = "",
    *,
    nonce: str,
    expected: Expected = None,
    at: datetime | None = None,
) -> Recorded:
    """Enter that the lumisections in ``ranges`` (inclusive) of a run are GOOD, BAD or EXCLUDED.

    ``reason`` is one of ``REASON_CODES``; *other* needs a comment. Which decision stands where several people spoke is
    told by ``dqm.decide.resolution``; the answer says how many lumisections this one decides. Raises
    ``UnknownNameError`` for an unknown run, verdict or reason, ``InputError`` for lumisections that the run does not
    have, ``RefusedError`` for a run that is signed or claimed, ``StaleError`` where somebody acted meanwhile.
    """
    said = _checked_verdict(verdict)
    if reason not in REASON_CODES:
        raise UnknownNameError("reason", reason, REASON_CODES)
    asked, text = list(ranges), checked_text(comment, "comment", required=reason == "other")
    person = people.person(name)

    def judge(desk: Desk) -> Judgement:
        found = desk.open_run(run, expected)
        machine = machine_of(desk.store, found)
        within = checked_ranges(run, asked, machine.ls)
        number = found.last + 1  # after every other of the run; the entry gets its own number at the commit
        new = PersonDecision(number, run, person.name, person.role, said, tuple(within), reason, found.data)
        after = StandingVerdicts.of(machine, [*decisions_that_stand([found]), new])
        fields = {
            "verdict": str(said),
            "ranges": within,
            "reason": reason,
            "comment": text,
            "supersedes": _superseded(found, person.name, within),
            "data": found.data,
            "verdicts": machine.partitions[0].digest,
        }
        told = _told(new, after.code[LumiMask({run: within}).contains(after.run, after.ls)])
        return Judgement("decide", f"run {run}", fields, told, run)

    return submit(store, person, nonce, at, judge)


def checked_ranges(run: int, ranges: list[tuple[int, int]], ls: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The ranges ascending and disjoint; raises ``InputError`` where one begins or ends at no lumisection ``ls``."""
    if not ranges:
        raise InputError(f"run {run}: no lumisection was named, or none is open; write for example 12 or 10-20")
    if len(ranges) > MOST_RANGES:
        raise InputError(f"run {run}: {len(ranges)} ranges at once; decide at most {MOST_RANGES}")
    held = set(ls.tolist())
    for first, last in ranges:
        for each in (first, last):
            if each not in held:
                have = spelled(LumiMask.of_lumisections(np.full(len(ls), run), ls).ranges.get(run, [])[:5])
                raise InputError(f"run {run} has no verdict for LS {each}; it has LS {have}")
        if last < first:
            raise InputError(f"run {run}: the range {first}-{last} runs backwards")
    return LumiMask({run: ranges}).ranges[run]


def _checked_verdict(verdict: str) -> Decision:
    if verdict not in SAID:
        raise UnknownNameError("verdict of a person", verdict, map(str, SAID))
    return Decision(verdict)


def _superseded(found: Standing, name: str, ranges: list[tuple[int, int]]) -> list[int]:
    """The person's own earlier decisions on any of these lumisections."""
    here = LumiMask({found.run: ranges})
    own = (each for each in person_decisions(found.entries) if each.name == name)
    return [each.id for each in own if here & LumiMask({found.run: each.ranges})]


def _told(said: PersonDecision, code: NDArray[np.int8]) -> str:
    """What the decision does: how many lumisections it decides, which it leaves in dispute or to a higher rank."""
    decided, disputed = int((code == CODES[said.verdict]).sum()), int((code == CODES[Decision.DISPUTED]).sum())
    told = f"{said.verdict} for LS {spelled(said.ranges)} of run {said.run}: decided {decided}"
    if disputed:
        told += f", DISPUTED {disputed}, since somebody of the same rank said otherwise"
    if other := len(code) - decided - disputed:
        told += f", left {other} as somebody of a higher rank said"
    return told
