"""Events that wait to be told: entered in the transaction that made them true, taken out by the relay of alerts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dqm.model.events import Event
from dqm.store import schema


@dataclass(frozen=True)
class Posted:
    """An event as it was entered: its number ``id`` from 1 and the moment."""

    id: int
    at: datetime
    event: Event


def post(connection: sa.Connection, events: Iterable[Event], at: datetime) -> None:
    """Enter events in the running write transaction; one that was entered already is not entered again."""
    table = schema.outbox
    given = {each.id: each for each in events}
    if not given:
        return
    known = set(connection.scalars(sa.select(table.c.event).where(table.c.event.in_(list(given)))))
    rows = [_row(each, at) for id_, each in given.items() if id_ not in known]
    if rows:
        connection.execute(table.insert(), rows)


def posted(connection: sa.Connection, *, after: int = 0, kind: str = "", newest: int | None = None) -> list[Posted]:
    """Events in the order in which they were entered, with numbers above ``after``; of one type or all, the last
    ``newest`` alone."""
    table = schema.outbox
    order = table.c.id if newest is None else table.c.id.desc()
    query = sa.select(table).where(table.c.id > after).order_by(order).limit(newest)
    found = [_posted(row) for row in connection.execute(query.where(table.c.type == kind) if kind else query)]
    return found if newest is None else found[::-1]


def latest(connection: sa.Connection, types: Iterable[str], *, runs: bool = True) -> list[Posted]:
    """The last event among ``types`` of every run and subsystem, oldest first; what is about no run is left out, or
    without ``runs`` all else."""
    table = schema.outbox
    about = table.c.run.is_not(None) if runs else table.c.run.is_(None)
    newest = sa.select(sa.func.max(table.c.id)).where(table.c.type.in_(list(types)), about)
    query = sa.select(table).where(table.c.id.in_(newest.group_by(table.c.run, table.c.subsystem)))
    return [_posted(row) for row in connection.execute(query.order_by(table.c.id))]


def event_of(row: Any) -> Event:
    """The event of a row that has the columns of one."""
    return Event(row.type, row.subject, json.loads(row.data), row.run, row.subsystem)


def _posted(row: Any) -> Posted:
    return Posted(row.id, row.at, event_of(row))


def _row(event: Event, at: datetime) -> dict[str, object]:
    return {
        "event": event.id,
        "type": event.type,
        "subject": event.subject,
        "run": event.run,
        "subsystem": event.subsystem,
        "at": at,
        "data": json.dumps(dict(event.data), sort_keys=True, separators=(",", ":"), allow_nan=False),
    }
