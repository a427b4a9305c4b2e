"""What the newest ingestion saw: the files of the inputs, and the findings of it that keep data away.

Both are entered in the commit of the ingestion, so that they speak of what the store holds. An ingestion reads all
inputs, so a finding that it did not make again is mended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dqm.model.findings import Finding
from dqm.store import schema

Files = Mapping[str, list[int | str]]
"""Files by path: size in bytes, time of change in ns, SHA-256."""
_COLUMNS = tuple(schema.findings.c[name] for name in Finding.__slots__)


@dataclass(frozen=True)
class Intake:
    """The newest ingestion: its moment ``at`` (UTC; None before the first), ``files`` and quarantined ``findings``."""

    at: datetime | None = None
    files: Files = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def enter(connection: sa.Connection, at: datetime, files: Files, findings: Iterable[Finding] | None) -> None:
    """Enter what was seen, after the findings themselves; without ``findings`` those of the ingestion before go on."""
    table = schema.intake
    known = connection.execute(sa.select(table)).first()
    kept = known.findings if known is not None else "[]"
    row: dict[str, Any] = {"files": json.dumps(dict(files), sort_keys=True)}
    row["findings"] = kept if findings is None else json.dumps(_numbers(connection, findings))
    if known is not None and (known.files, known.findings) == (row["files"], row["findings"]):
        return
    connection.execute(sa.delete(table))
    connection.execute(table.insert(), row | {"id": 1, "at": at})


def newest(connection: sa.Connection) -> Intake:
    """What was entered last."""
    row = connection.execute(sa.select(schema.intake)).first()
    if row is None:
        return Intake()
    wanted = set(json.loads(row.findings))
    rows = connection.execute(_quarantined()).all() if wanted else []
    found = tuple(Finding(*each[1:]) for each in rows if each.id in wanted)
    return Intake(row.at, json.loads(row.files), found)


def _numbers(connection: sa.Connection, findings: Iterable[Finding]) -> list[int]:
    """The rows of the quarantined ones."""
    open_ = {each for each in findings if each.severity == "quarantined"}
    rows = connection.execute(_quarantined()).all() if open_ else []
    return [each.id for each in rows if Finding(*each[1:]) in open_]


def _quarantined() -> sa.Select[Any]:
    table = schema.findings
    return sa.select(table.c.id, *_COLUMNS).where(table.c.severity == "quarantined").order_by(table.c.id)
