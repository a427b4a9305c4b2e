"""What was counted of verdicts when they were stored, by the digest of their partition.

A digest says what a partition holds, so what was counted of it is true for ever and nothing has to be dropped. What was
stored by an earlier program has no row and is counted when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from dqm.model.aggregates import RunAggregate, Told
from dqm.model.verdicts import Decision, Reason
from dqm.store import schema
from dqm.store.database import reading
from dqm.store.decision_codes import decision_codes
from dqm.store.partitions import Partition, read_one
from dqm.store.reason_json import reasons_from_json

FORM = 1
"""The way of counting: another number where ``RunAggregate.of`` comes to mean something else."""
KIND = "verdicts"
"""What is counted."""
NEEDED = frozenset({"ls", "decision", "weight", "subsystem", "status", "reasons"})
"""Its columns that are."""

_a = schema.verdict_aggregates


class Aggregates:
    """What was counted of the verdicts of one store."""

    def __init__(self, folder: Path, engine: sa.Engine) -> None:
        self._folder, self._engine = folder, engine

    def stored(self) -> dict[str, RunAggregate]:
        """What was counted when it was stored, by the digest of the partition; a row that is damaged is none."""
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(_a.c.digest, _a.c.fields, _a.c.strip).where(_a.c.form == FORM)).all()
        found = {digest: _aggregate(fields, strip) for digest, fields, strip in rows}
        return {digest: each for digest, each in found.items() if each is not None}

    def counted(self, partition: Partition) -> RunAggregate:
        """The same from the rows of a partition; raises ``StoreError`` where its file is missing or damaged."""
        return aggregate_of(read_one(self._folder, partition, sorted(NEEDED)))

    def brought(self, kind: str) -> dict[tuple[int, str], datetime]:
        """When the content of a kind, as run and digest, came last; of what was replaced too."""
        table, commit = schema.partitions, schema.snapshots
        query = sa.select(table.c.run, table.c.digest, sa.func.max(commit.c.at, type_=schema.UtcDateTime))
        joined = query.join(commit, table.c.valid_from == commit.c.id).where(table.c.kind == kind)
        with reading(self._engine) as connection:
            rows = connection.execute(joined.group_by(table.c.run, table.c.digest)).all()
        return {(run, digest): at for run, digest, at in rows}


def aggregate_of(table: pa.Table) -> RunAggregate:
    """Count the verdicts of one run; raises ``KeyError`` for a decision that there is not."""
    ordered = table.sort_by("ls")
    code = decision_codes(ordered["decision"])

    def told(rows: NDArray[np.intp]) -> Iterator[Told]:
        chosen = ordered.slice(rows[0], len(rows))
        names = (chosen[name].to_pylist() for name in ("subsystem", "status", "reasons"))
        for subsystem, status, reasons in zip(*names, strict=True):
            yield subsystem, status, reasons_from_json(reasons)

    return RunAggregate.of(ordered["ls"].to_numpy(), code, ordered["weight"].to_numpy(), told)


def enter(connection: sa.Connection, found: Mapping[str, RunAggregate]) -> None:
    """Enter what was counted of partitions, by digest, in the running write transaction; what is there stays."""
    if not found:
        return
    known = set(connection.scalars(sa.select(_a.c.digest).where(_a.c.form == FORM)))
    rows = [_row(digest, each) for digest, each in found.items() if digest not in known]
    if rows:
        connection.execute(_a.insert(), rows)


def _row(digest: str, each: RunAggregate) -> dict[str, Any]:
    fields = asdict(each)
    strip = fields.pop("strip")
    return {"digest": digest, "form": FORM, "fields": json.dumps(fields), "strip": strip}


def _aggregate(text: str, strip: bytes) -> RunAggregate | None:
    """What a row tells, None where it cannot be read."""
    try:
        fields = json.loads(text)
        for name in ("counts", "weights"):
            fields[name] = {Decision(each): number for each, number in fields[name].items()}
        fields["reason"] = None if fields["reason"] is None else Reason(**fields["reason"])
        return RunAggregate(**fields, strip=bytes(strip))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
