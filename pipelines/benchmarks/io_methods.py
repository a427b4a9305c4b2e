"""The methods of ``dqm benchmark io``, each run as a process of its own: ``KIND METHOD FILE REPEATS``."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dqm.formats.dqmio import open_dqmio
from dqm.formats.legacy_dqm import parse_objects
from dqm.model.histograms import HistogramBatch
from dqm.store.histograms import read_histograms, store_histograms
from dqm.store.store import Store
from features.percentiles import reduce_histograms
from features.references import compare
from pipelines.benchmarks.memory import peak_mib

SLICE = 5.0
"""Seconds that a slow peer works before its rate is taken."""


def main(arguments: list[str]) -> None:
    """Time one method and print seconds, histograms and peak memory as JSON; the first run warms up and is left out."""
    kind, method, path, repeats = arguments[0], arguments[1], Path(arguments[2]), int(arguments[3])
    if kind == "store":
        seconds, histograms = stored(arguments[4], path, repeats)
    else:
        act = METHODS[kind, method]
        if method != "uproot":
            act(path)
        seconds, histograms = [], 0
        for _ in range(1 if method == "uproot" else repeats):
            begun = time.perf_counter()
            histograms = act(path)
            seconds.append(time.perf_counter() - begun)
    print(json.dumps({"seconds": seconds, "histograms": histograms, "peak_mib": peak_mib()}))


def count(kind: str, path: Path) -> int:
    """How many histograms a file holds."""
    if kind == "legacy":
        return parse_objects(path).rows_kept
    with open_dqmio(path) as file:
        return sum(len(index.code) for name, index in file.index.items() if name.startswith("T"))


def dqmio(path: Path, threads: int = 2) -> int:
    """Everything of a DQMIO file as arrays."""
    with open_dqmio(path) as file:
        return sum(len(batch) for batch in file.read(threads=threads))


def legacy(path: Path) -> int:
    """Everything of a legacy file as arrays."""
    return parse_objects(path).rows_kept


def dqmio_uproot(path: Path) -> int:
    """uproot's object path for ``SLICE`` seconds."""
    begun, found = time.perf_counter(), 0
    for _ in uproot_values(path):
        found += 1
        if found % 100 == 0 and time.perf_counter() - begun > SLICE:
            break
    return found


def uproot_values(path: Path) -> Iterator[NDArray[np.float64]]:
    """Counts with flow, one histogram after the other; uproot fails on the branch: it gets the header it lacks."""
    import uproot

    with uproot.open(path) as file:
        branch, model = file["TH1Fs"]["Value"], file.file.class_named("TH1F")
        for i in range(branch.num_baskets):
            basket = branch.basket(i)
            data, edges = basket.data, basket.byte_offsets
            for j in range(len(edges) - 1):
                body = data[edges[j] : edges[j + 1]]
                head = np.frombuffer((0x40000000 | (len(body) + 2)).to_bytes(4, "big") + b"\x00\x03", np.uint8)
                chunk = uproot.source.chunk.Chunk.wrap(file.file.source, np.concatenate([head, body]))
                cursor, context = uproot.source.cursor.Cursor(0), {"breadcrumbs": (), "TKey": None}
                yield model.read(chunk, cursor, context, file.file, file.file.detached, branch).values(flow=True)


def legacy_uproot(path: Path) -> int:
    """uproot key by key for ``SLICE`` seconds."""
    import uproot

    begun, found = time.perf_counter(), 0
    with uproot.open(path) as file:
        for name in file.iterkeys(cycle=False, filter_classname="TH1F"):
            file[name].values(flow=True)
            found += 1
            if time.perf_counter() - begun > SLICE:
                break
    return found


def night(path: Path, *, references: int = 0) -> int:
    """Percentiles, moments and flow of everything, and its comparison with so many ``references``, from the file on."""
    found = 0
    with open_dqmio(path) as file:
        for batch in file.read():
            reduce_histograms(batch.counts, batch.axes[0])
            if references:
                past = [part.sum(axis=0, dtype=np.float64) for part in np.array_split(batch.inner, references)]
                compare(batch.inner, np.stack(past), batch.axes[0])
            found += len(batch)
    return found


def stored(what: str, path: Path, repeats: int) -> tuple[list[float], int]:
    """Seconds to write everything, to read everything, or to read one element."""
    with open_dqmio(path) as file:
        batches: list[HistogramBatch] = list(file.read())
    whole = sum(len(batch) for batch in batches)
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for k in range(repeats if what == "write" else 1):
            with Store.create(Path(folder, str(k))) as store:
                begun = time.perf_counter()
                with store.transaction() as change:
                    store_histograms(change, batches, {"files": path.name})
                seconds.append(time.perf_counter() - begun)
        if what == "write":
            return seconds, whole
        element = batches[len(batches) // 2].element
        batches.clear()
        seconds.clear()
        with Store.open(Path(folder, "0")) as store:
            for _ in range(repeats + 1):
                begun = time.perf_counter()
                found = sum(len(each) for each in read_histograms(store, "*" if what == "read" else element))
                seconds.append(time.perf_counter() - begun)
    return seconds[1:], found


METHODS: dict[tuple[str, str], Callable[[Path], int]] = {
    ("dqmio", "lumicert"): dqmio,
    ("dqmio", "lumicert-one-thread"): lambda path: dqmio(path, threads=1),
    ("dqmio", "uproot"): dqmio_uproot,
    ("legacy", "lumicert"): legacy,
    ("legacy", "uproot"): legacy_uproot,
    ("night", "lumicert"): night,
    ("night", "lumicert-reference"): lambda path: night(path, references=1),
    ("night", "lumicert-8-references"): lambda path: night(path, references=8),
}

if __name__ == "__main__":
    main(sys.argv[1:])
