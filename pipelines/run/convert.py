"""``dqm convert``: files of histograms of any kind into one Parquet file that any program reads, and back into ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dqm.formats.histogram_merge import merge_histograms
from dqm.formats.inspection import parse_any
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.histograms import HistogramBatch
from pipelines.progress import track


@dataclass(frozen=True)
class Conversion:
    """What was converted: histograms written, bytes of the file, and what was found on the way."""

    path: str
    histograms: int
    elements: int
    size: int
    findings: tuple[Finding, ...]

    def text(self) -> str:
        """For people."""
        return (
            f"wrote {self.path}: {self.histograms} histograms of {self.elements} elements, "
            f"{self.size / 2**20:.1f} MiB, {self.size / max(self.histograms, 1):.0f} bytes each"
        )


def convert(sources: Sequence[Path], target: Path, elements: tuple[str, ...] = ()) -> Conversion:
    """Read files and write an ML4DQM table, ``target`` ``.parquet``, with under- and overflow.

    Profiles, histograms of three dimensions and those with uneven bins have no place in such a table and are left out
    with a finding; labels of bins are not kept. Raises
    ``InputError`` where ``target`` is there already or no file can be read.
    """
    if target.suffix != ".parquet":
        raise InputError(f"{target}: histograms are converted into .parquet")
    if target.exists():
        raise InputError(f"{target}: is there already; remove it or name another file")
    findings: list[Finding] = []
    batches: list[HistogramBatch] = []
    for path in track(sources, "reading"):
        parsed = parse_any(path, elements)
        findings += parsed.findings
        batches += parsed.batches
    kept, conflicts = merge_histograms(batches)
    findings += conflicts
    flat = [each for each in kept if _fits(each)]
    left = sorted({each.element for each in kept if not _fits(each)})
    if left:
        reason = (
            f"{len(left)} elements are left out, such as {left[0]}: "
            "profiles, three dimensions and uneven bins have no place in the table"
        )
        findings.append(Finding("shape", "quarantined", reason))
    if not flat:
        raise InputError(f"{target}: there is no histogram to write; dqm inspect shows what a file holds")
    staged = target.with_name(f".{target.name}.part")
    try:
        with pq.ParquetWriter(staged, SCHEMA, compression="zstd") as writer:
            for each in track(sorted(flat, key=lambda batch: batch.element), "writing"):
                writer.write_table(_table(each))
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)
    count = sum(len(each) for each in flat)
    return Conversion(str(target), count, len({each.element for each in flat}), target.stat().st_size, tuple(findings))


SCHEMA = pa.schema(
    [
        ("fromrun", pa.int64()),
        ("fromlumi", pa.int64()),
        ("hname", pa.string()),
        ("metype", pa.int64()),
        ("histo", pa.list_(pa.float64())),
        ("entries", pa.float64()),
        *(
            (f"{axis}{what}", kind)
            for axis in "XY"
            for what, kind in (("min", pa.float64()), ("max", pa.float64()), ("bins", pa.int64()))
        ),
    ]
)


def _fits(batch: HistogramBatch) -> bool:
    return len(batch.axes) < 3 and batch.sums is None and not any(axis.edges for axis in batch.axes)


def _table(batch: HistogramBatch) -> pa.Table:
    """One batch as rows; flow that is not kept is written as it is, without."""
    n = len(batch)
    cells = batch.counts if batch.has_flow else batch.inner
    if not batch.has_flow and len(batch.axes) == 2:
        cells = cells.transpose(0, 2, 1)  # tables without flow are x by x
    flat = np.ascontiguousarray(cells, dtype=np.float64).reshape(n, -1)
    offsets = np.arange(n + 1, dtype=np.int32) * flat.shape[1]
    columns: dict[str, object] = {
        "fromrun": batch.run,
        "fromlumi": batch.ls,
        "hname": pa.repeat(pa.scalar(batch.element), n),
        "metype": np.full(n, 6 if len(batch.axes) == 2 else 3),
        "histo": pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat.reshape(-1))),
        "entries": batch.entries,
    }
    for name, axis in zip("XY", (*batch.axes, None)[:2], strict=True):
        columns[f"{name}min"] = np.full(n, axis.low if axis else 0.0)
        columns[f"{name}max"] = np.full(n, axis.high if axis else 1.0)
        columns[f"{name}bins"] = np.full(n, axis.bins if axis else 1)
    return pa.table(columns).select(SCHEMA.names).cast(SCHEMA)
