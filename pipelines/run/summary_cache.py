"""Summaries of histograms, kept beside the store so that one command need not make again what another has made.

The name of a file is the digest of all that it depends on: data, labels, settings and the code of ``features``.
A file that is missing, or cannot be read, is made again; nothing but time hangs on it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pyarrow import feather

import features
from dqm.model.config import FeaturesConfig
from dqm.model.errors import StoreError
from dqm.model.tables import QuantityTable
from dqm.store.store import Store
from dqm.store.tables import quantities_from_arrow, quantities_to_arrow

FOLDER = "cache"
KEPT = 2
"""Files that stay: the newest ones."""
KINDS = ("quantities", "histograms", "labels")
ENDING = ".arrow"


def cached(
    store: Store, settings: FeaturesConfig, snapshot: int | None, make: Callable[[], QuantityTable]
) -> QuantityTable:
    """What ``make`` gives for this snapshot and these settings, from the cache where it was made before."""
    path = store.path / FOLDER / f"{_key(store, settings, snapshot)}{ENDING}"
    found = _read(path)
    if found is None:
        found = make()
        _write(path, found)
    return found


def _key(store: Store, settings: FeaturesConfig, snapshot: int | None) -> str:
    held = {kind: [(each.run, each.digest) for each in store.partitions(kind, snapshot)] for kind in KINDS}
    about = json.dumps([held, settings.model_dump(mode="json"), _code()], sort_keys=True)
    return hashlib.sha256(about.encode()).hexdigest()


def _code() -> str:
    """Digest of the modules that make summaries."""
    found = hashlib.sha256()
    for each in sorted(Path(features.__file__).parent.glob("*.py")):
        found.update(each.read_bytes())
    return found.hexdigest()


def _read(path: Path) -> QuantityTable | None:
    if not path.is_file():
        return None
    try:
        table = quantities_from_arrow(feather.read_table(path))
    except (OSError, pa.ArrowException, StoreError, KeyError, ValueError):
        return None
    os.utime(path)
    return table


def _write(path: Path, table: QuantityTable) -> None:
    """Write under another name first; a disk that is full costs the cache and nothing else."""
    try:
        path.parent.mkdir(exist_ok=True)
        staged = path.with_suffix(f".{os.getpid()}")
        feather.write_feather(quantities_to_arrow(table), staged, compression="lz4")
        staged.replace(path)
        newest = sorted(path.parent.glob(f"*{ENDING}"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
        for each in newest[KEPT:]:
            each.unlink(missing_ok=True)
    except OSError:
        return
