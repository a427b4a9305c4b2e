"""The lines of the queue: what a run is worth to a shift, which of them a filter leaves, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from dashboard.look.wording import ago
from dashboard.verdicts.run_tables import GROUPS
from dqm.model.decisions import OPEN_DECISIONS, RunState
from dqm.model.verdicts import CODES
from dqm.services.batch import nothing_asks
from dqm.services.effective import CHANGED
from dqm.services.history import moment
from dqm.services.pace import Pace
from dqm.services.queue import QueueRow
from features.words import in_words

OPENING = 1.0
"""Minutes to open a run and to find one's way in it: an assumption."""
NEEDS, MINE, READY, SIGNED, EVERY = "needs people", "my claims", "ready to sign", "signed", "all"
FILTERS = (NEEDS, MINE, READY, SIGNED, EVERY)
"""What of the queue is shown."""
STATES = {
    RunState.OPEN: "○ open",
    RunState.CLAIMED: "◐ claimed",
    RunState.SIGNED: "● signed",
    RunState.REOPENED: "↺ reopened",
    RunState.NEEDS_REVIEW: "! needs review",
}
"""The state of a run as a sign and a word."""
WAITS = bytes(code in {CODES[each] for each in OPEN_DECISIONS} for code in range(256))
"""1 for every code of a decision that needs a person, by which the pixels of a strip are translated."""


def stretches(row: QueueRow) -> int:
    """Stretches of neighbouring pixels that need a person; in a long run neighbours may share a pixel."""
    waits = row.strip.translate(WAITS)
    return waits.count(b"\x00\x01") + waits.startswith(b"\x01")


def minutes(row: QueueRow, pace: Pace) -> float:
    """Estimated minutes of work, 0 where nothing asks: to open the run, and ``pace`` for every stretch."""
    return OPENING + pace.minutes * max(1, stretches(row)) if row.open else 0.0


def at_stake(row: QueueRow, pace: Pace) -> float:
    """Open weight per minute of work."""
    return row.open_weight / minutes(row, pace) if row.open else 0.0


def share(row: QueueRow, group: str, *, weighted: bool) -> float:
    """Share of the lumisections or of the weight in a group in percent; NaN where there is neither."""
    parts = row.weights if weighted else row.counts
    whole = row.weight if weighted else row.lumisections
    return 100 * sum(parts.get(each, 0) for each in GROUPS[group]) / whole if whole else float("nan")


def who(row: QueueRow, now: datetime) -> str:
    """Who has a run and until when, or who signed it, and whether an expert was asked."""
    held = f"{row.claimed_by} until {until(row.claimed_until, now)}" if row.claimed_until else row.signed_by
    return " · ".join(filter(None, (held, "expert asked" if row.escalations else "")))


def state(row: QueueRow, now: datetime) -> str:
    """Where a run stands, and who has it."""
    return " · ".join(filter(None, (STATES[row.state], who(row, now))))


def main_reason(row: QueueRow) -> str:
    """Why a run needs people, in words; a status says it before a reason does."""
    return row.status or (in_words(row.reason, measured=False) if row.reason else "")


def freshness(row: QueueRow, now: datetime) -> str:
    """Whether verdicts are final and of the data that the store holds, and how old they are."""
    if not row.counts or row.certified_at is None:
        return "not certified"
    if row.provisional:
        return "provisional, still grows"
    if row.state is RunState.NEEDS_REVIEW or row.status == CHANGED:
        return f"data came {ago(row.data_at, now)}" if row.data_at else "data changed"
    return f"certified {ago(row.certified_at, now)}"


def ordered(rows: Iterable[QueueRow], pace: Pace) -> list[QueueRow]:
    """What is most worth a minute first; then what can be signed, what is signed, and what has no verdicts."""

    def place(row: QueueRow) -> tuple[int, float, int, int]:
        group = 0 if row.open else 3 if not row.counts else 2 if row.signed_by else 1
        return group, -at_stake(row, pace), -row.open, -row.run

    return sorted(rows, key=place)


def chosen(rows: Sequence[QueueRow], which: str, find: str, name: str) -> list[QueueRow]:
    """The rows that a filter and a search leave; ``find`` is part of a run number, subsystem, reason or person."""
    keep: dict[str, Callable[[QueueRow], bool]] = {
        NEEDS: lambda row: bool(row.open) or row.state is RunState.NEEDS_REVIEW,
        MINE: lambda row: row.claimed_by == name,
        READY: nothing_asks,
        SIGNED: lambda row: bool(row.signed_by),
        EVERY: lambda row: True,
    }
    asked = find.strip().casefold()
    return [each for each in rows if keep[which](each) and asked in _text(each)]


def until(then: datetime, now: datetime) -> str:
    """A moment soon to come as a time, a later one with its date; UTC.

    >>> until(datetime(2030, 1, 1, 17, 5), datetime(2030, 1, 1, 12))
    '17:05 UTC'
    """
    return f"{then:%H:%M} UTC" if then - now < timedelta(hours=20) else moment(then)


def _text(row: QueueRow) -> str:
    return " ".join((str(row.run), row.subsystem, main_reason(row), row.claimed_by, row.signed_by)).casefold()
