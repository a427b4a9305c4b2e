"""Who asked for silence about what, and until when: read from the audit entries of the store.

A *silence* holds back what is about its run and subsystem until it ends; an *acknowledgement* says that somebody knows
of an anomaly: its updates are not told any more, its end is. Nothing that is about no run can be silenced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dqm.model.errors import InputError
from dqm.model.events import Event
from dqm.store.audit import Action, Entry
from dqm.store.outbox import Posted
from dqm.store.store import Store

EVERYTHING = "*"
LONGEST = timedelta(days=30)
"""How long a silence may last: one that nobody remembers hides what matters."""


@dataclass(frozen=True)
class Silence:
    """No word about ``run`` (None: any) and ``subsystem`` (``*``: any) from ``since`` to ``until``."""

    id: int
    owner: str
    run: int | None
    subsystem: str
    since: datetime
    until: datetime
    reason: str

    def covers(self, event: Event) -> bool:
        """Whether an event is about what is silent; never true for one that is about no run."""
        here = event.run is not None and self.run in (None, event.run)
        return here and self.subsystem in (EVERYTHING, event.subsystem)

    def text(self) -> str:
        """For people."""
        run = "any run" if self.run is None else f"run {self.run}"
        part = "any subsystem" if self.subsystem == EVERYTHING else self.subsystem or "the whole run"
        return f"silence {self.id}: {run}, {part}, by {self.owner} until {self.until:%Y-%m-%d %H:%M} UTC: {self.reason}"


def silences_at(store: Store, at: datetime) -> list[Silence]:
    """The silences that hold at a moment, oldest first; the last word about a run and subsystem counts."""
    last: dict[tuple[int | None, str], Silence] = {}
    for entry in store.audit():
        if entry.action in ("silence", "unsilence") and entry.at <= at:
            made = _silence(entry)
            last.pop((made.run, made.subsystem), None)
            if entry.action == "silence":
                last[made.run, made.subsystem] = made
    return [each for each in last.values() if each.until > at]


def acknowledged(entries: Iterable[Entry], posted: Iterable[Posted]) -> set[tuple[int | None, str]]:
    """The anomalies, (run, subsystem), that somebody knows of and that neither ended nor opened anew since."""
    last = {
        (each.event.run, each.event.subsystem): each.at
        for each in posted
        if each.event.type in ("anomaly.opened", "anomaly.resolved")
    }
    said = [(entry.run, entry.fields["subsystem"], entry.at) for entry in entries if entry.action == "acknowledge"]
    return {
        (run, subsystem)
        for (run, subsystem), at in last.items()
        if any(r in (None, run) and s in (EVERYTHING, subsystem) and when >= at for r, s, when in said)
    }


def silence(
    owner: str,
    role: str,
    nonce: str,
    at: datetime,
    *,
    until: datetime,
    reason: str,
    run: int | None = None,
    subsystem: str = EVERYTHING,
) -> Action:
    """The audit action of a silence; raises ``InputError`` for one without a reason, that is over or lasts too long."""
    if not reason.strip():
        raise InputError("a silence needs a reason; say why with --reason")
    if not at < until <= at + LONGEST:
        raise InputError(
            f"a silence must end after now and within {LONGEST.days} days, not at {until:%Y-%m-%d %H:%M} UTC"
        )
    fields = {"run": run, "subsystem": subsystem, "until": until.astimezone(UTC).isoformat(), "comment": reason.strip()}
    return Action(owner, role, "silence", _subject(run, subsystem), nonce, at, run, fields)


def unsilence(owner: str, role: str, nonce: str, at: datetime, ended: Silence) -> Action:
    """The audit action that ends a silence before its time."""
    fields = {"run": ended.run, "subsystem": ended.subsystem, "until": at.astimezone(UTC).isoformat(), "comment": ""}
    return Action(owner, role, "unsilence", _subject(ended.run, ended.subsystem), nonce, at, ended.run, fields)


def acknowledgement(
    owner: str, role: str, nonce: str, at: datetime, *, run: int, subsystem: str, reason: str
) -> Action:
    """The audit action of an acknowledgement."""
    fields = {"run": run, "subsystem": subsystem, "comment": reason.strip()}
    return Action(owner, role, "acknowledge", _subject(run, subsystem), nonce, at, run, fields)


def _subject(run: int | None, subsystem: str) -> str:
    return f"run {EVERYTHING if run is None else run}, subsystem {subsystem}"[:200]


def _silence(entry: Entry) -> Silence:
    fields = entry.fields
    until = datetime.fromisoformat(str(fields["until"]))
    zoned = until if until.tzinfo else until.replace(tzinfo=UTC)
    return Silence(
        entry.id,
        entry.actor,
        entry.run,
        str(fields.get("subsystem", EVERYTHING)),
        entry.at,
        zoned,
        str(fields.get("comment", "")),
    )
