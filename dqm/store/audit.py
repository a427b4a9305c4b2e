"""What people and commands did: an append-only table whose rows hold each other by a chain of hashes.

``hash`` of a row = SHA-256 over ``previous`` (the hash of the row before, 64 zeros for the first) and the canonical
JSON of the row itself. Whoever alters, drops or inserts a row breaks the chain from there on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from dqm.model.errors import RepeatedError, StoreError
from dqm.store import schema

BEGIN = "0" * 64
"""What stands before the first row."""


@dataclass(frozen=True)
class Action:
    """What one person or command does: ``action`` on ``subject`` in a ``role``, with ``fields`` that JSON can hold.

    ``nonce`` names the submission: the same one twice is refused, so that a form sent again does nothing. ``at`` has a
    zone. ``run`` where it is about one.
    """

    actor: str
    role: str
    action: str
    subject: str
    nonce: str
    at: datetime
    run: int | None = None
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Entry(Action):
    """An action as it was entered: its number ``id`` from 1, the hash of the entry before and its own."""

    id: int = 0
    previous: str = BEGIN
    hash: str = ""


def append(connection: sa.Connection, action: Action) -> Entry:
    """Enter an action in the running write transaction; raises ``RepeatedError`` for a nonce that was used already."""
    table = schema.audit
    refuse_repeated(connection, action.nonce, f"this {action.action} of {action.subject}")
    last = connection.execute(sa.select(table.c.id, table.c.hash).order_by(table.c.id.desc()).limit(1)).first()
    id_, previous = (last.id + 1, last.hash) if last else (1, BEGIN)
    at = action.at.astimezone(UTC)
    fields = dict(action.fields)
    digest = _digest(previous, id_, at, action, fields)
    row = {
        "id": id_,
        "at": at,
        "actor": action.actor,
        "role": action.role,
        "action": action.action,
        "subject": action.subject,
        "run": action.run,
        "fields": _json(fields),
        "nonce": action.nonce,
        "previous": previous,
        "hash": digest,
    }
    connection.execute(table.insert(), row)
    return Entry(**(row | {"fields": fields}))


def last(connection: sa.Connection) -> int:
    """Number of the newest entry, 0 where there is none."""
    return connection.execute(sa.select(sa.func.max(schema.audit.c.id))).scalar() or 0


def refuse_repeated(connection: sa.Connection, nonce: str, what: str = "this form") -> None:
    """Raise ``RepeatedError`` where the submission of this name was entered already."""
    table = schema.audit
    if connection.scalar(sa.select(table.c.id).where(table.c.nonce == nonce)) is not None:
        raise RepeatedError(f"{what} was sent already; it counts once")


def entries(connection: sa.Connection, *, run: int | None = None, after: int = 0) -> list[Entry]:
    """The entries, oldest first: of one run or of all, with numbers above ``after``."""
    table = schema.audit
    query = sa.select(table).where(table.c.id > after).order_by(table.c.id)
    if run is not None:
        query = query.where(table.c.run == run)
    return [Entry(**(dict(row._mapping) | {"fields": json.loads(row.fields)})) for row in connection.execute(query)]


def verify(connection: sa.Connection) -> int:
    """Follow the chain from its begin; returns the number of entries, raises ``StoreError`` where it breaks."""
    previous, count = BEGIN, 0
    for entry in entries(connection):
        expected = _digest(previous, count + 1, entry.at, entry, dict(entry.fields))
        if (entry.id, entry.previous, entry.hash) != (count + 1, previous, expected):
            raise StoreError(
                f"the audit chain breaks at entry {entry.id}: it was altered, or one before it was taken away; "
                "restore the store from a copy"
            )
        previous, count = entry.hash, count + 1
    return count


def _digest(previous: str, id_: int, at: datetime, action: Action, fields: dict[str, Any]) -> str:
    row = (id_, at.isoformat(), action.actor, action.role, action.action, action.subject, action.run, fields)
    return hashlib.sha256(f"{previous}\n{_json([*row, action.nonce])}".encode()).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
