"""What people say of lumisections, and what a run may be in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dqm.model.people import Role
from dqm.model.verdicts import Decision

SAID = (Decision.GOOD, Decision.BAD, Decision.EXCLUDED)
"""What a person may decide."""

OPEN_DECISIONS = (Decision.ASK, Decision.UNKNOWN, Decision.DISPUTED, Decision.NEEDS_REVIEW)
"""What still needs a person; a run that holds any of it cannot be signed."""

MOST_COMMENT = 10_240
"""Bytes of a comment or a reason in UTF-8."""


class RunState(StrEnum):
    """Where a run stands. NEEDS_REVIEW is a signed run whose data changed since."""

    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    SIGNED = "SIGNED"
    REOPENED = "REOPENED"
    NEEDS_REVIEW = "NEEDS_REVIEW"


@dataclass(frozen=True)
class PersonDecision:
    """What one person said of lumisections of one run: entry ``id``, ``ranges`` inclusive, ``data`` what it was about.

    ``data`` is the digest of the data of the run when it was said.
    """

    id: int
    run: int
    name: str
    role: Role
    verdict: Decision
    ranges: tuple[tuple[int, int], ...]
    reason: str
    data: str
