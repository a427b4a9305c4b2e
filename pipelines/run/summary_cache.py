"""Summaries of histograms, kept beside the store so that one command need not make again what another has made.

The name of a file is the digest of all that it depends on: data, labels, settings and the code of ``features``. One
file holds the whole table of a snapshot; beside it there is one for every run, which depends on that run and those
before it, so that a night reduces what is new and nothing else. A file that is missing, or cannot be read, is made
again; nothing but time hangs on it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import feather

import dqm.model
import dqm.store.histograms
import features
from dqm.model.config import FeaturesConfig
from dqm.model.errors import StoreError
from dqm.model.tables import QuantityTable
from dqm.store.store import Store
from dqm.store.tables import quantities_from_arrow, quantities_to_arrow
from features.run_summary import RunSummary

FOLDER = "cache"
KEPT = 2
"""Files that stay: the newest ones."""
KINDS = ("quantities", "histograms", "labels")
ENDING = ".arrow"
RUNS = "runs"
"""Folder of the summaries of single runs, inside that of the cache."""
DIGEST = 32
"""Bytes of SHA-256 before the table."""


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
    about = json.dumps([held, settings.model_dump(mode="json", exclude={"shapes", "sensors"}), _code()], sort_keys=True)
    return hashlib.sha256(about.encode()).hexdigest()


def run_paths(store: Store, settings: FeaturesConfig, snapshot: int | None) -> dict[int, Path]:
    """Where the summary of every run with histograms is kept, in time order.

    The name holds a digest of the run and of all before it. Labels are part of it where references look at them; what
    is normalised to a condition is so afterwards, and no part of these files.
    """
    labelled = settings.references.kind in ("certified", "adaptive")
    looked_at = ("quantities", "histograms", "labels") if labelled else ("quantities", "histograms")
    held = {kind: {each.run: each.digest for each in store.partitions(kind, snapshot)} for kind in looked_at}
    about = settings.model_dump(mode="json", include={"percentiles", "references", "label_delay"})
    chain, found = hashlib.sha256(json.dumps([about, _code()], sort_keys=True).encode()).hexdigest(), {}
    for run in sorted(held["histograms"]):
        digests = [held[kind].get(run, "") for kind in looked_at]
        chain = hashlib.sha256("\n".join([chain, str(run), *digests]).encode()).hexdigest()
        found[run] = store.path / FOLDER / RUNS / f"run={run:09d}" / f"{chain}.npz"
    return found


def read_run(path: Path) -> RunSummary | None:
    """The summary of one run, None where it was not kept or is damaged."""
    try:
        digest, body = (data := path.read_bytes())[:DIGEST], data[DIGEST:]
        if hashlib.sha256(body).digest() != digest:
            return None
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return RunSummary.from_arrays(dict(arrays))
    except (OSError, KeyError, TypeError, ValueError):
        return None


def write_run(path: Path, found: RunSummary) -> None:
    """Keep the summary of one run in the place of an earlier one; a disk that is full costs the cache only."""
    body = io.BytesIO()
    np.savez(body, **found.to_arrays())  # type: ignore[arg-type]  # arrays by name
    data = body.getvalue()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as staged:
            staged.write(hashlib.sha256(data).digest())
            staged.write(data)
        Path(staged.name).replace(path)
        for each in path.parent.iterdir():
            if each != path:
                each.unlink(missing_ok=True)
    except OSError:
        return


def _code() -> str:
    """Digest of the modules that make summaries, and of the packages that they rest on."""
    found = hashlib.sha256(f"numpy {version('numpy')} numba {version('numba')}".encode())
    modules = [Path(dqm.store.histograms.__file__)]
    for package in (features, dqm.model):
        modules += sorted(Path(str(package.__file__)).parent.glob("*.py"))
    for each in modules:
        found.update(each.read_bytes())
    return found.hexdigest()


def _read(path: Path) -> QuantityTable | None:
    """The table of a file whose bytes are those that were written, else None."""
    try:
        digest, body = (data := path.read_bytes())[:DIGEST], memoryview(data)[DIGEST:]
        if hashlib.sha256(body).digest() != digest:
            return None
        table = quantities_from_arrow(feather.read_table(pa.BufferReader(body)))
    except (OSError, pa.ArrowException, StoreError, KeyError, ValueError):
        return None
    os.utime(path)
    return table


def _narrow(table: QuantityTable) -> pa.Table:
    """The table in half the bytes where nothing is lost by it: what is not normalised was made as float32."""
    with np.errstate(over="ignore"):
        narrow = table.values.astype(np.float32)
    if np.array_equal(narrow, table.values, equal_nan=True):
        return quantities_to_arrow(replace(table, values=narrow), pa.float32())
    return quantities_to_arrow(table)


def _write(path: Path, table: QuantityTable) -> None:
    """Write under another name first; a disk that is full costs the cache and nothing else."""
    body = pa.BufferOutputStream()
    feather.write_feather(_narrow(table), body, compression="lz4")
    data = body.getvalue()
    try:
        path.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as staging:
            staged = Path(staging, path.name)
            with staged.open("wb") as file:
                file.write(hashlib.sha256(data).digest())
                file.write(data)
            staged.replace(path)
        newest = sorted(path.parent.glob(f"*{ENDING}"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
        for each in newest[KEPT:]:
            each.unlink(missing_ok=True)
    except OSError:
        return
