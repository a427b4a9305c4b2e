"""Histograms as an ML4DQM table: one row per histogram, Parquet, with under- and overflow where the source keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dqm.model.histograms import HistogramBatch

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


def write_ml4dqm(path: Path, batches: Iterable[HistogramBatch], metadata: dict[bytes, bytes] | None = None) -> None:
    """Write batches that ``fits_table``; nothing half is left behind where writing fails."""
    staged = path.with_name(f".{path.name}.part")
    schema = SCHEMA.with_metadata(metadata)
    try:
        with pq.ParquetWriter(staged, schema, compression="zstd", use_dictionary=["hname"]) as writer:
            for each in batches:
                writer.write_table(_table(each).replace_schema_metadata(metadata))
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


def fits_table(batch: HistogramBatch) -> bool:
    """Whether a histogram has a place in the table: one or two dimensions, even bins, no profile."""
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
