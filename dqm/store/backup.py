"""A copy of a store that is known to be whole, and the way back from it.

The database is copied by SQLite itself, as of one moment; the files that it names never change, so they are copied
after it. What was copied is compared with the digests that the database holds: no damage is copied as if it were whole.
``backup.json`` holds the SHA-256 of every file; a copy without it was not finished, and restoring compares every byte
with it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dqm.model.amounts import counted
from dqm.model.errors import StoreError
from dqm.store.change import PUBLISHED
from dqm.store.database import DATABASE
from dqm.store.health import partition_fault, publication_fault
from dqm.store.postgresql import Place
from dqm.store.schema import KINDS
from dqm.store.store import Store

MANIFEST = "backup.json"


@dataclass(frozen=True)
class Copied:
    """What was copied: files, their bytes, and the snapshot of the store."""

    folder: Path
    files: int
    size: int
    snapshot: int

    def text(self) -> str:
        """For people."""
        size = f"{counted(self.files, 'file')}, {self.size / 1e6:.1f} MB"
        return f"{self.folder}: {size}, snapshot {self.snapshot}, every byte verified"


def backup(store: Store, folder: Path) -> Copied:
    """Copy a store into a new folder and verify the copy; people and nights may go on meanwhile.

    Raises ``StoreError`` where the folder holds something or lies in the store, a file of the store is missing or is
    not what the database says that it holds, or its database is not here.
    """
    if Place.of(store.path) is not None:
        raise StoreError(f"{store.path}: its database is in PostgreSQL; copy that with pg_dump first, then the folder")
    _refuse_filled(folder)
    _refuse_inside(folder, store.path)
    folder.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(store.path / DATABASE)) as source,
        closing(sqlite3.connect(folder / DATABASE)) as target,
    ):
        source.backup(target)
    with Store.open(folder) as copy:
        snapshot, wanted = copy.snapshot, _named(copy, store.path)
    for path in sorted(wanted):
        _copy(store.path / path, folder / path)
    _refuse_damaged(folder)
    with closing(sqlite3.connect(folder / DATABASE)) as target:
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        target.execute("PRAGMA journal_mode = DELETE")
    digests = {str(path.relative_to(folder)): _digest(path) for path in _files(folder)}
    for name, digest in digests.items():
        if name != DATABASE and digest != _digest(store.path / name):
            raise StoreError(f"{folder / name}: the copy differs from its original; copy again")
    text = json.dumps({"snapshot": snapshot, "files": digests}, indent=1, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return _copied(folder, snapshot)


def _named(database: Store, folder: Path) -> set[Path]:
    """The files that a database names, relative to the store in ``folder``; raises ``StoreError`` for a lost model."""
    found = {each.path for each in database.history()}
    found |= {Path(PUBLISHED, f"{each.name}-{each.version}") for each in database.publications()}
    for model in database.models():
        place = folder / model.folder
        if not place.is_dir():
            raise StoreError(f"{place}: this model is missing; restore it from an earlier copy, or train anew")
        found |= {path.relative_to(folder) for path in place.rglob("*") if path.is_file()}
        found |= {path.relative_to(folder) for path in place.parent.glob(f"{place.name}.*")}
    return found


def _refuse_damaged(folder: Path) -> None:
    """Raise ``StoreError`` where a copied file is not what the database says: its original was damaged before."""
    with Store.open(folder) as copy:
        current = {each.path for kind in KINDS for each in copy.partitions(kind)}
        for each in copy.history():
            if fault := partition_fault(folder, each):
                out = "" if each.path in current else "; nothing current needs it: dqm prune --older-than 1"
                raise StoreError(f"the store was damaged before it was copied: {fault}{out}")
        for published in copy.publications():
            if fault := publication_fault(published):
                raise StoreError(f"the store was damaged before it was copied: {fault}")
        for model in copy.models():
            if fault := _model_fault(folder / model.folder, model.provenance.get("manifest", "")):
                raise StoreError(f"the store was damaged before it was copied: {fault}; train anew with: dqm train")


def _model_fault(folder: Path, digest: str) -> str:
    """Which file of a bundle is not that of the manifest that the database knows by its digest."""
    if not digest:
        return ""
    file = folder / "manifest.json"
    if not file.is_file() or _digest(file) != digest:
        return f"{file} is not that of the model that was trained"
    listed = json.loads(file.read_text(encoding="utf-8"))["files"]
    wrong = [name for name, each in listed.items() if not (folder / name).is_file() or _digest(folder / name) != each]
    return f"{folder / wrong[0]} is not that of the model that was trained" if wrong else ""


def restore(source: Path, folder: Path) -> Copied:
    """Make a store of a copy, in a new folder, after every byte of the copy was compared with what it should be.

    Raises ``StoreError`` for a copy that is not whole, naming the file, and for a folder that holds something.
    """
    _refuse_filled(folder)
    _refuse_inside(folder, source)
    try:
        about = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        digests, snapshot = dict(about["files"]), int(about["snapshot"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{source}: no finished copy of a store (no usable {MANIFEST}); name another one") from error
    found = {str(path.relative_to(source)) for path in _files(source)}
    for name in sorted(digests.keys() | found):
        if name not in digests or name not in found:
            raise StoreError(
                f"{source / name}: {'is not of' if name in found else 'is missing from'} the copy; use another"
            )
        if _digest(source / name) != digests[name]:
            raise StoreError(f"{source / name}: its bytes are not those that were copied; use another copy")
    for name in digests:
        _copy(source / name, folder / name)
        if _digest(folder / name) != digests[name]:
            raise StoreError(f"{folder / name}: it was written wrong; check the disk")
    done = _copied(folder, snapshot)
    with Store.open(folder) as store:
        store.bring_up_to_date({each.name for each in store.publications()})
    return done


def _refuse_filled(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder} holds something already; name a new folder")


def _refuse_inside(folder: Path, outer: Path) -> None:
    """A copy in the store is lost with it, or by ``dqm prune``; a store in a copy makes that none."""
    if folder.resolve().is_relative_to(outer.resolve()):
        raise StoreError(f"{folder} lies in {outer}, which is copied; name a folder outside, best on another disk")


def _copied(folder: Path, snapshot: int) -> Copied:
    sizes = [path.stat().st_size for path in _files(folder)]
    return Copied(folder, len(sizes), sum(sizes), snapshot)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder) != Path(MANIFEST):
            yield path


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with source.open("rb") as read, target.open("xb") as written:
            shutil.copyfileobj(read, written, 1 << 20)
            written.flush()
            os.fsync(written.fileno())
    except FileNotFoundError as error:
        raise StoreError(f"{source}: this file of the store is missing; dqm doctor tells what else is") from error
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error.strerror}") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
