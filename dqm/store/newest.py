"""The newest version of a published file under its plain name, so that others need not know its number.

``published/golden.json`` is a copy of the newest ``golden.json-N``, replaced by a rename: whoever reads it sees one
version or the next, never half. It follows the commit; killed in between, the next publication brings it up to date.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa

from dqm.store import schema
from dqm.store.change import PUBLISHED
from dqm.store.partitions import STAGING


def refresh(connection: sa.Connection, folder: Path, names: Iterable[str]) -> None:
    """Bring the plain files of these names up to date; the connection holds the write lock, so that none goes back.

    Raises ``OSError`` where one cannot be replaced.
    """
    for name in names:
        table = schema.publications
        newest = sa.select(table.c.version, table.c.sha256).where(table.c.name == name)
        row = connection.execute(newest.order_by(table.c.version.desc()).limit(1)).first()
        if row is None or is_newest(folder, name, row.sha256):
            continue
        plain = folder / PUBLISHED / name
        _replace(folder, plain, (folder / PUBLISHED / f"{name}-{row.version}").read_bytes())


def is_newest(folder: Path, name: str, sha256: str) -> bool:
    """Whether the plain file has these bytes."""
    try:
        return hashlib.sha256((folder / PUBLISHED / name).read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _replace(folder: Path, plain: Path, data: bytes) -> None:
    (folder / STAGING).mkdir(exist_ok=True)
    staged = folder / STAGING / uuid.uuid4().hex
    try:
        with staged.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        staged.replace(plain)
    finally:
        staged.unlink(missing_ok=True)
