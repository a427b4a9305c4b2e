"""What of a store may go: earlier content of runs that was replaced long ago, what killed writers left, old deliveries.

What stays, whatever its age: what is current, every verdict, every published file, models, working points, the audit,
events, and the rows that say what the pruned files held. Readers of a snapshot that was pruned are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dqm.store import schema
from dqm.store.change import PUBLISHED
from dqm.store.database import reading, writing
from dqm.store.deliveries import DONE, SILENCED, SPREAD
from dqm.store.partitions import STAGING, Partition

RESTING = timedelta(days=1)
"""Age of a file that no snapshot names from which on no writer can be at work on it."""
KEPT_KINDS = ("verdicts",)
"""What published files and signatures were made of is never pruned."""

_p, _d, _o = schema.partitions, schema.deliveries, schema.outbox


@dataclass(frozen=True)
class Prunable:
    """What may go: files relative to the store, of ``superseded`` content and ``leftovers``, their ``size`` in bytes,
    and how many ``deliveries``."""

    superseded: tuple[Path, ...]
    leftovers: tuple[Path, ...]
    size: int
    deliveries: int


class Pruning:
    """What may go of one store."""

    def __init__(self, folder: Path, engine: sa.Engine) -> None:
        self._folder, self._engine = folder, engine

    def found(self, before: datetime, now: datetime, spared: Collection[int] = ()) -> Prunable:
        """What was replaced or told ``before`` a moment, of no ``spared`` run, and what rests; nothing is changed."""
        with reading(self._engine) as connection:
            going = _superseded(connection, before, spared)
            named = _named(connection, {each.id for each in going})
            count = len(_told(connection, before))
        return self._prunable(going, named, now, count)

    def remove(self, before: datetime, now: datetime, spared: Collection[int] = ()) -> Prunable:
        """Remove it; killed in between, the next time does the rest."""
        with writing(self._engine) as connection:
            going = _superseded(connection, before, spared)
            if going:
                mark = sa.update(_p).where(_p.c.id == sa.bindparam("row")).values(pruned=now)
                connection.execute(mark, [{"row": each.id} for each in going])
        # Under the lock again: a writer that counts on one of these files either has committed and it is named, or
        # finds at its commit that it is gone.
        with writing(self._engine) as connection:
            told = _told(connection, before)
            found = self._prunable(going, _named(connection, set()), now, len(told))
            for each in (*found.superseded, *found.leftovers):
                (self._folder / each).unlink(missing_ok=True)
            if told:
                connection.execute(
                    sa.delete(_d).where(_d.c.id == sa.bindparam("row")), [{"row": each} for each in told]
                )
        return found

    def _prunable(self, going: Iterable[Any], named: Collection[Path], now: datetime, deliveries: int) -> Prunable:
        superseded = {_path(each) for each in going} - set(named)
        loose = [each for each in unnamed(self._folder, named) if each not in superseded]
        rested = tuple(each for each in loose if _rests(self._folder / each, now))
        there = tuple(sorted(each for each in superseded if (self._folder / each).is_file()))
        size = sum((self._folder / each).stat().st_size for each in (*there, *rested))
        return Prunable(there, rested, size, deliveries)


def unnamed(folder: Path, named: Collection[Path]) -> Iterator[Path]:
    """The bulk files, relative to the store, that are not among those that something names."""
    places = [folder / name for name in (*schema.KINDS, PUBLISHED, STAGING)]
    for each in sorted(each for place in places for each in place.rglob("*") if each.is_file()):
        if each.relative_to(folder) not in named:
            yield each.relative_to(folder)


def _superseded(connection: sa.Connection, before: datetime, spared: Collection[int]) -> list[Any]:
    """Rows whose content was replaced before a moment and did not come back."""
    replaced = sa.select(_p).join(schema.snapshots, schema.snapshots.c.id == _p.c.valid_to)
    old = replaced.where(schema.snapshots.c.at < before, _p.c.pruned.is_(None), _p.c.kind.not_in(KEPT_KINDS))
    current = {_path(each) for each in connection.execute(sa.select(_p).where(_p.c.valid_to.is_(None)))}
    rows = connection.execute(old.order_by(_p.c.id)).all()
    return [each for each in rows if each.run not in spared and _path(each) not in current]


def _named(connection: sa.Connection, without: Collection[int]) -> set[Path]:
    """Files that snapshots and publications name, rows ``without`` apart."""
    rows = connection.execute(sa.select(_p).where(_p.c.pruned.is_(None))).all()
    published = connection.execute(sa.select(schema.publications.c.name, schema.publications.c.version)).all()
    files = {Path(PUBLISHED, f"{each.name}-{each.version}") for each in published}
    files |= {Path(PUBLISHED, each.name) for each in published}
    return files | {_path(each) for each in rows if each.id not in without}


def _told(connection: sa.Connection, before: datetime) -> list[int]:
    """Deliveries that ended, of events before a moment.

    The last one of an anomaly stays for each receiver: what comes later of it is told by what was told.
    """
    anomaly = (_d.c.state == DONE, _o.c.type.like("anomaly.%"))
    joined = sa.select(sa.func.max(_d.c.id)).join(_o, _o.c.id == _d.c.event).where(*anomaly)
    last = set(connection.scalars(joined.group_by(_d.c.receiver, _o.c.run, _o.c.subsystem)))
    ended = (_d.c.state.in_([DONE, SILENCED]), _d.c.receiver != SPREAD, _o.c.at < before)
    ids = connection.scalars(sa.select(_d.c.id).join(_o, _o.c.id == _d.c.event).where(*ended))
    return [each for each in ids if each not in last]


def _path(row: Any) -> Path:
    return Partition(row.kind, row.run, row.digest, row.rows, {}).path


def _rests(path: Path, now: datetime) -> bool:
    try:
        changed = path.stat().st_mtime
    except FileNotFoundError:  # its writer finished meanwhile
        return False
    return changed < (now - RESTING).timestamp()
