"""What snapshots brought beside partitions: models, working points and publications, read in the running connection."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dqm.model.errors import StoreError
from dqm.model.verdicts import WorkingPoint
from dqm.store import schema
from dqm.store.change import PUBLISHED


@dataclass(frozen=True)
class StoredModel:
    """A trained model: ``folder`` of its bundle, ``fingerprint`` of its features, ``snapshot`` that brought it."""

    model_id: str
    folder: str
    fingerprint: str
    provenance: Mapping[str, str]
    snapshot: int


@dataclass(frozen=True)
class StoredWorkingPoint:
    """A working point, the UTC moment from which it was valid and the snapshot that brought it."""

    working_point: WorkingPoint
    at: datetime
    snapshot: int


@dataclass(frozen=True)
class Publication:
    """One immutable version of a published file: ``size`` in bytes, ``path`` where it lies, ``sha256`` of its bytes."""

    name: str
    version: int
    sha256: str
    size: int
    path: Path
    provenance: Mapping[str, str]
    snapshot: int

    def read(self) -> bytes:
        """The bytes as published; raises ``StoreError`` where the file is missing or was altered."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"{self.path}: the published file cannot be read: {error.strerror}; restore it from a copy"
            ) from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise StoreError(f"{self.path}: its bytes are not those that were published; restore it from a copy")
        return data


def working_points(connection: sa.Connection) -> list[StoredWorkingPoint]:
    """All working points, in the order in which they were added."""
    table = schema.working_points
    rows = connection.execute(sa.select(table).order_by(table.c.id))
    return [StoredWorkingPoint(WorkingPoint(**json.loads(row.fields)), row.at, row.snapshot) for row in rows]


def models(connection: sa.Connection) -> list[StoredModel]:
    """All models, in the order in which they were added."""
    table = schema.models
    rows = connection.execute(sa.select(table).order_by(table.c.id))
    return [StoredModel(r.model_id, r.folder, r.fingerprint, r.provenance, r.snapshot) for r in rows]


def pointed(connection: sa.Connection, alias: str) -> str | None:
    """Identifier of the model to which an alias points now, None where it points to none."""
    table = schema.aliases
    query = sa.select(table.c.model_id).where(table.c.alias == alias).order_by(table.c.id.desc()).limit(1)
    found: str | None = connection.scalar(query)
    return found


def publications(connection: sa.Connection, path: Path) -> list[Publication]:
    """Every version of everything published in the store at ``path``, by name and version."""
    table = schema.publications
    rows = connection.execute(sa.select(table).order_by(table.c.name, table.c.version))
    return [_publication(row, path) for row in rows]


def newest_publication(connection: sa.Connection, path: Path, name: str) -> Publication | None:
    """The newest version of one published file, None where there is none."""
    table = schema.publications
    query = sa.select(table).where(table.c.name == name).order_by(table.c.version.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _publication(row, path)


def _publication(row: sa.Row[Any], path: Path) -> Publication:
    file = path / PUBLISHED / f"{row.name}-{row.version}"
    return Publication(row.name, row.version, row.sha256, row.size, file, row.provenance, row.snapshot)
