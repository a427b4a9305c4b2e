"""What every action shares: the judgement under the write lock, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from dqm.model.decisions import MOST_COMMENT
from dqm.model.errors import InputError, RefusedError, StaleError
from dqm.model.people import Person, Role
from dqm.services.history import moment
from dqm.services.shown import Expected, since
from dqm.services.standing import Standing, known_run
from dqm.store import audit
from dqm.store.audit import Action, Entry
from dqm.store.change import Change
from dqm.store.store import Store

MOST_NONCE = 64
"""Characters of the name of a submission."""


@dataclass(frozen=True)
class Recorded:
    """What an action did: the ``entry`` that it made, and in one sentence what that means (``told``)."""

    entry: Entry
    told: str

    def text(self) -> str:
        """For people."""
        return f"{self.told} (entry {self.entry.id})"

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**vars(self.entry), "fields": dict(self.entry.fields), "told": self.told}


@dataclass(frozen=True)
class Judgement:
    """What is to be entered: the ``action`` on a ``subject`` with its ``fields``, and the sentence for who asked."""

    action: str
    subject: str
    fields: Mapping[str, Any]
    told: str
    run: int | None = None


@dataclass(frozen=True)
class Desk:
    """What an action is judged by while the write lock is held: the store, who asks, the moment, the open change."""

    store: Store
    person: Person
    at: datetime
    change: Change

    def require(self, least: Role, what: str) -> None:
        """Raise ``RefusedError`` where the person has a lower role."""
        if self.person.role < least:
            above = "a leader" if least is Role.LEADER else "an expert or a leader"
            raise RefusedError(f"{what} needs {above}; {self.person.name} is {self.person.role.word}")

    def run(self, run: int, expected: Expected) -> Standing:
        """Where a run stands; raises ``UnknownNameError`` for an unknown one, ``StaleError`` for a stale form."""
        found = known_run(self.store, run, self.at)
        if meanwhile := since(self.store, found, expected):
            raise StaleError(f"run {run}", meanwhile)
        return found

    def open_run(self, run: int, expected: Expected) -> Standing:
        """The same for an action that needs a run which is not signed and that nobody else of this rank has claimed."""
        found = self.run(run, expected)
        if found.signed:
            why = f"run {run} was signed by {found.signed.actor} at {moment(found.signed.at)}"
            raise RefusedError(f"{why}; what is signed does not move: reopen it first, with: dqm reopen {run}")
        holder = found.holder
        if holder and holder.name != self.person.name and holder.role >= self.person.role:
            until = f" until {moment(found.until)}" if found.until else ""
            raise RefusedError(
                f"run {run} is claimed by {holder.name} ({holder.role.word}){until}; "
                f"wait, take another one, or let {holder.name} release it"
            )
        return found


def submit(
    store: Store, person: Person, nonce: str, at: datetime | None, judge: Callable[[Desk], Judgement]
) -> Recorded:
    """Judge and enter one action in one write transaction; raises what ``judge`` refuses, and ``RepeatedError``."""
    if not nonce or len(nonce) > MOST_NONCE or not nonce.isprintable():
        raise InputError(f"a submission is named by 1 to {MOST_NONCE} visible characters, not by {nonce[:80]!r}")
    sentences: list[str] = []
    with store.transaction(at=at) as change:

        def judged(connection: sa.Connection) -> None:
            audit.refuse_repeated(connection, nonce)
            moment = at or datetime.now(UTC)
            found = judge(Desk(store, person, moment, change))
            sentences.append(found.told)
            role = person.role.word
            fields = dict(found.fields)
            change.record(Action(person.name, role, found.action, found.subject, nonce, moment, found.run, fields))

        change.require(judged)
    return Recorded(change.entered[-1], sentences[-1])


def checked_text(text: str, what: str, *, required: bool = False) -> str:
    """The text as it is kept, markup and all; raises ``InputError`` where it is missing, too long or no Unicode."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InputError(f"the {what} holds what is no Unicode text; send it as UTF-8") from None
    if size > MOST_COMMENT:
        raise InputError(f"the {what} has {size} bytes and may have {MOST_COMMENT}; shorten it")
    if required and not text.strip():
        raise InputError(f"the {what} is empty; say why in a few words")
    return text


def later(at: datetime, until: datetime, what: str) -> str:
    """``until`` as it is kept; raises ``InputError`` where it has no zone or is not later than ``at``."""
    if until.tzinfo is None:
        raise InputError(f"the end of the {what}, {until}, has no zone; give one, for example +00:00")
    if until <= at:
        raise InputError(f"the end of the {what}, {moment(until)}, has passed; name a later one")
    return until.astimezone(UTC).isoformat()
