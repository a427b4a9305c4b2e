"""The models of a store with the moments at which they came and at which names such as ``champion`` moved to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dqm.store import schema
from dqm.store.database import reading
from dqm.store.store import Store


@dataclass(frozen=True)
class Registered:
    """A model: its name, the ``folder`` of its bundle relative to the store, when it ``came`` and its provenance.

    ``aliases`` are the names that point to it now, ``moved`` every moment (UTC) at which one began to.
    """

    model_id: str
    folder: str
    came: datetime
    provenance: Mapping[str, str]
    aliases: tuple[str, ...]
    moved: tuple[tuple[str, datetime], ...]


def registered(store: Store) -> list[Registered]:
    """Every model, the newest last."""
    models, aliases, commits = schema.models, schema.aliases, schema.snapshots
    with reading(store.engine) as connection:
        rows = connection.execute(
            sa.select(models, commits.c.at).join(commits, commits.c.id == models.c.snapshot).order_by(models.c.id)
        ).all()
        moves = connection.execute(
            sa.select(aliases.c.alias, aliases.c.model_id, commits.c.at)
            .join(commits, commits.c.id == aliases.c.snapshot)
            .order_by(aliases.c.id)
        ).all()
    now = {each.alias: each.model_id for each in moves}
    return [
        Registered(
            row.model_id,
            row.folder,
            row.at,
            row.provenance,
            tuple(sorted(alias for alias, model in now.items() if model == row.model_id)),
            tuple((each.alias, each.at) for each in moves if each.model_id == row.model_id),
        )
        for row in rows
    ]
