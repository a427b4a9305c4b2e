"""The readings before a reading as columns beside it: what lets a detector of rows see a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dqm.model.tables import FeatureTable


def lagged(
    table: FeatureTable, lags: int, *, seconds: NDArray[np.floating] | None = None, gap: float = np.inf
) -> FeatureTable:
    """``<column>:lag0`` … of the last ``lags`` rows of every feature, the newest first; conditions stay as they are.

    Rows are in time order. What lies before the first row is missing, and so is what lies behind a pause of more than
    ``gap`` of the ``seconds`` ``(n,)``: a window never reaches over it. Raises ``ValueError`` for no lag, or for times
    that fall.
    """
    if lags < 1:
        raise ValueError(f"lags = {lags} must be at least 1: the row itself is lag 0")
    n, at = len(table), table.where(role="feature")
    since = np.arange(n) if seconds is None else _rows_since_pause(np.asarray(seconds, np.float64), gap)
    parts = np.full((n, len(at), lags), np.nan, dtype=np.float32)
    for lag in range(min(lags, n)):
        rows = np.flatnonzero(since >= lag)
        parts[rows, :, lag] = table.values[rows - lag][:, at]
    columns = [replace(table.columns[j], name=f"{table.columns[j].name}:lag{lag}") for j in at for lag in range(lags)]
    others = [j for j in range(len(table.columns)) if j not in set(at)]
    return replace(
        table,
        columns=(*columns, *(table.columns[j] for j in others)),
        values=np.hstack([parts.reshape(n, len(at) * lags), table.values[:, others]]),
        extractor=f"{table.extractor}|lags={lags} gap={gap}",
    )


def _rows_since_pause(seconds: NDArray[np.float64], gap: float) -> NDArray[np.int64]:
    """How many rows before each belong to the same run of rows, ``(n,)``."""
    steps = np.diff(seconds)
    if (steps < 0).any():
        at = int(np.flatnonzero(steps < 0)[0])
        raise ValueError(f"time falls after row {at}; sort the rows by time first")
    row = np.arange(len(seconds))
    begin = np.where(np.concatenate([[True], steps > gap])[: len(row)], row, 0)
    return np.asarray(row - np.maximum.accumulate(begin)) if len(row) else row
