"""The nights that ran: when each began and ended, how it ended, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from dqm.model.events import Event
from dqm.store import outbox, schema
from dqm.store.database import reading, writing

RUNNING, FINISHED, FAILED, INTERRUPTED = "running", "finished", "failed", "interrupted"

_n = schema.nights


@dataclass(frozen=True)
class Night:
    """One night: its number ``id``, when it began and ended (UTC; None: it did not), ``state`` and ``summary``."""

    id: int
    began: datetime
    ended: datetime | None
    state: str
    summary: Mapping[str, Any]


class Nights:
    """The nights of one store."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def begin(self, at: datetime | None = None) -> int:
        """Enter a night that begins, and call those interrupted, and tell it, that never ended; returns its number.

        Only who holds the lock of the store may say so: nobody else is running then.
        """
        with writing(self._engine) as connection:
            running = connection.scalars(sa.select(_n.c.id).where(_n.c.state == RUNNING)).all()
            connection.execute(sa.update(_n).where(_n.c.state == RUNNING).values(state=INTERRUPTED))
            about = {"error": "it began and never ended: killed, or the machine went down"}
            lost = [Event("nightly.failed", f"night {each}", about | {"night": each}) for each in running]
            outbox.post(connection, lost, at or datetime.now(UTC))
            row = {"began": at or datetime.now(UTC), "ended": None, "state": RUNNING, "summary": "{}"}
            entered: int = connection.execute(_n.insert().returning(_n.c.id), row).scalar_one()
            return entered

    def end(
        self,
        night: int,
        state: str,
        summary: Mapping[str, Any],
        at: datetime | None = None,
        events: Iterable[Event] = (),
    ) -> None:
        """Enter how a night ended, and post what is to be told of it, in one transaction."""
        text = json.dumps(dict(summary), sort_keys=True, allow_nan=False)
        ended = at or datetime.now(UTC)
        with writing(self._engine) as connection:
            values = {"ended": ended, "state": state, "summary": text}
            connection.execute(sa.update(_n).where(_n.c.id == night).values(values))
            outbox.post(connection, events, ended)

    def all(self) -> list[Night]:
        """Every night, oldest first."""
        return self._found(sa.select(_n).order_by(_n.c.id))

    def last(self, state: str | None = None) -> Night | None:
        """The newest night, or the newest one in a state; None where there is none."""
        query = sa.select(_n).order_by(_n.c.id.desc()).limit(1)
        found = self._found(query if state is None else query.where(_n.c.state == state))
        return found[0] if found else None

    def _found(self, query: sa.Select[Any]) -> list[Night]:
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
            return [Night(row.id, row.began, row.ended, row.state, json.loads(row.summary)) for row in rows]
