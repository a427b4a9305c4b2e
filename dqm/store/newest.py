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

from dqm.store.change import PUBLISHED
from dqm.store.partitions import STAGING
from dqm.store.stored import newest_publication


def refresh(connection: sa.Connection, folder: Path, names: Iterable[str]) -> None:
    """Bring the plain files of these names up to date; the connection holds the write lock, so that none goes back.

    Raises ``OSError`` where one cannot be replaced, ``StoreError`` where the newest version itself is gone or altered:
    what nobody published takes no plain name.
    """
    for name in names:
        newest = newest_publication(connection, folder, name)
        if newest is not None and not is_newest(folder, name, newest.sha256):
            _replace(folder, folder / PUBLISHED / name, newest.read())


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
