"""Who is to be told of which event, and who was: one row per event and receiver, claimed by a lease on ``due``.

A relay claims a delivery, which moves ``due`` behind the end of its lease, sends, and enters the outcome. One that
dies in between leaves a pending row that is due again when the lease ends, so every event is delivered at least once.
A row of the receiver ``SPREAD`` says that an event was looked at: a receiver that is configured later starts from then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from dqm.model.errors import UnknownNameError
from dqm.model.events import Event
from dqm.store import schema
from dqm.store.database import reading, writing
from dqm.store.outbox import Posted, event_of

PENDING, DONE, DEAD, HELD, SILENCED = STATES = ("pending", "done", "dead", "held", "silenced")
"""pending: to be sent; done: a receiver confirmed it; dead: given up; held: sent when a silence ends; silenced: not."""

SPREAD = ""
"""The receiver of the row that marks an event as looked at; no receiver is called so."""

_d, _o = schema.deliveries, schema.outbox


@dataclass(frozen=True)
class Delivery:
    """One event for one receiver: its state, attempts so far, when it is due and what went wrong last."""

    id: int
    receiver: str
    state: str
    attempts: int
    due: datetime
    error: str
    posted: Posted


@dataclass(frozen=True)
class Outcome:
    """What became of a claimed delivery; an attempt that was none (``counted`` false) is taken back."""

    delivery: Delivery
    state: str
    due: datetime
    error: str = ""
    counted: bool = True


class Deliveries:
    """The deliveries of one store; every method is one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def spread(self, receivers_of: Callable[[Event], Iterable[str]], at: datetime) -> int:
        """Of each event not looked at yet, make a delivery for every receiver that wants it; returns how many."""
        with writing(self._engine) as connection:
            seen = sa.select(_d.c.event).where(_d.c.receiver == SPREAD)
            rows = connection.execute(sa.select(_o).where(_o.c.id.not_in(seen)).order_by(_o.c.id)).all()
            made = [_new(row.id, name, PENDING, at) for row in rows for name in receivers_of(event_of(row))]
            if rows:
                connection.execute(_d.insert(), [*made, *(_new(row.id, SPREAD, DONE, at) for row in rows)])
        return len(made)

    def due(self, receivers: Iterable[str], at: datetime, horizon: timedelta) -> list[Delivery]:
        """What is due for the given receivers, in the order of the events.

        Nothing is due later than ``horizon`` from now: a row that says so was written before the clock was set back,
        and is due.
        """
        now = (_d.c.due <= at) | (_d.c.due > at + horizon)
        query = _joined().where(_d.c.state == PENDING, now, _d.c.receiver.in_(list(receivers)))
        with reading(self._engine) as connection:
            return [_delivery(row) for row in connection.execute(query.order_by(_d.c.event, _d.c.id))]

    def claim(self, due: Delivery, lease_end: datetime, finished: Outcome | None = None) -> Delivery | None:
        """Enter what became of the delivery before, and claim one that is due; None where it is not to be sent now.

        That is where another relay has claimed it, and where an earlier event of its run and subsystem waits for the
        same receiver, who is told in the order of the events; those that are about no run have no order.
        """
        claimed = replace(due, due=lease_end, attempts=due.attempts + 1)
        untouched = (_d.c.id == due.id, _d.c.state == PENDING, _d.c.due == due.due, _d.c.attempts == due.attempts)
        with writing(self._engine) as connection:
            if finished is not None:
                _enter(connection, finished)
            about = due.posted.event
            if (about.run is not None or about.subsystem) and connection.scalar(_earlier(due)) is not None:
                return None
            lease = _d.update().where(*untouched).values(due=claimed.due, attempts=claimed.attempts)
            return claimed if connection.execute(lease).rowcount else None

    def enter(self, outcome: Outcome) -> None:
        """Enter what became of a claimed delivery."""
        with writing(self._engine) as connection:
            _enter(connection, outcome)

    def release(self, still: Callable[[Posted], bool], at: datetime) -> int:
        """Make pending what was held and is not to be held any more; returns how many."""
        with writing(self._engine) as connection:
            rows = connection.execute(_joined().where(_d.c.state == HELD)).all()
            free = [row.id for row in rows if not still(_posted(row))]
            if free:
                connection.execute(_d.update().where(_d.c.id.in_(free)).values(state=PENDING, due=at, error=""))
        return len(free)

    def bury(self, receivers: Iterable[str], error: str) -> int:
        """Give up what is pending for receivers that are not among the given ones; returns how many."""
        known = [*receivers, SPREAD]
        with writing(self._engine) as connection:
            query = _d.update().where(_d.c.state.in_([PENDING, HELD]), _d.c.receiver.not_in(known))
            return connection.execute(query.values(state=DEAD, error=error)).rowcount

    def redeliver(self, ids: Iterable[int], at: datetime) -> int:
        """Make deliveries that are dead or silenced due again, with all attempts before them; returns how many.

        Raises ``UnknownNameError`` for a number that no such delivery has; nothing is changed then.
        """
        wanted = set(ids)
        with writing(self._engine) as connection:
            again = _d.c.state.in_([DEAD, SILENCED])
            valid = set(connection.scalars(sa.select(_d.c.id).where(again)))
            for each in sorted(wanted - valid):
                raise UnknownNameError("dead or silenced delivery", str(each), map(str, valid))
            if wanted:
                fresh = {"state": PENDING, "attempts": 0, "due": at, "error": ""}
                connection.execute(_d.update().where(_d.c.id.in_(sorted(wanted))).values(**fresh))
        return len(wanted)

    def dismiss(self, ids: Iterable[int]) -> None:
        """Call dead letters silenced, with what went wrong: somebody knows of them."""
        with writing(self._engine) as connection:
            dead = _d.update().where(_d.c.id.in_(sorted(set(ids))), _d.c.state == DEAD)
            connection.execute(dead.values(state=SILENCED))

    def found(self, states: Sequence[str] = STATES, limit: int | None = None) -> list[Delivery]:
        """Deliveries in one of the given states, newest event first."""
        query = _joined().where(_d.c.receiver != SPREAD, _d.c.state.in_(states))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(_d.c.event.desc(), _d.c.id).limit(limit)).all()
        return [_delivery(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many deliveries are in each state."""
        query = sa.select(_d.c.state, sa.func.count()).where(_d.c.receiver != SPREAD).group_by(_d.c.state)
        with reading(self._engine) as connection:
            found = {row.state: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in STATES}

    def events(self) -> int:
        """How many events there are to tell of, delivered or not."""
        with reading(self._engine) as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(_o)) or 0

    def next_due(self) -> datetime | None:
        """When the next pending delivery is due, None where none is pending."""
        query = sa.select(_d.c.due).where(_d.c.state == PENDING).order_by(_d.c.due).limit(1)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one_or_none()


def _enter(connection: sa.Connection, outcome: Outcome) -> None:
    """Enter an outcome; a failure counts only where nobody else has claimed the delivery since, a success always."""
    delivery = outcome.delivery
    mine: tuple[sa.ColumnElement[bool], ...] = (_d.c.id == delivery.id, _d.c.state == PENDING)
    if outcome.state != DONE:
        mine += (_d.c.attempts == delivery.attempts,)
    state = _held_state(connection, delivery) if outcome.state == HELD else outcome.state
    attempts = delivery.attempts if outcome.counted else delivery.attempts - 1
    values = {"state": state, "due": outcome.due, "error": outcome.error, "attempts": attempts}
    connection.execute(_d.update().where(*mine).values(**values))


def _held_state(connection: sa.Connection, delivery: Delivery) -> str:
    """Held, and what was held before of the same receiver, run and subsystem is replaced by it.

    The end of what was never told is not worth telling either: it is silenced.
    """
    event = delivery.posted.event
    same = (_o.c.run == event.run, _o.c.subsystem == event.subsystem, _o.c.type.like("anomaly.%"))
    before = _joined().where(*same, _d.c.receiver == delivery.receiver, _d.c.event < delivery.posted.id)
    held = connection.execute(before.where(_d.c.state == HELD)).all()
    connection.execute(_d.update().where(_d.c.id.in_([row.id for row in held])).values(state=SILENCED))
    told = connection.execute(before.where(_d.c.state == DONE).order_by(_d.c.event.desc()).limit(1)).first()
    open_ = told is not None and told.type != "anomaly.resolved"
    return SILENCED if event.type == "anomaly.resolved" and not open_ else HELD


def _earlier(due: Delivery) -> sa.Select[Any]:
    """An earlier event of the same run and subsystem that waits for the same receiver."""
    event = due.posted.event
    waiting = (_d.c.state == PENDING, _d.c.receiver == due.receiver, _d.c.event < due.posted.id)
    same = (_o.c.run == event.run, _o.c.subsystem == event.subsystem)
    return sa.select(_d.c.id).join(_o, _o.c.id == _d.c.event).where(*waiting, *same).limit(1)


def _joined() -> sa.Select[Any]:
    event = [_o.c[name] for name in ("type", "subject", "run", "subsystem", "at", "data")]
    return sa.select(_d, *event).join(_o, _o.c.id == _d.c.event)


def _new(event: int, receiver: str, state: str, at: datetime) -> dict[str, Any]:
    return {"event": event, "receiver": receiver, "state": state, "attempts": 0, "due": at, "error": ""}


def _posted(row: Any) -> Posted:
    return Posted(row.event, row.at, event_of(row))


def _delivery(row: Any) -> Delivery:
    return Delivery(row.id, row.receiver, row.state, row.attempts, row.due, row.error, _posted(row))
