"""Where an anomaly really begins and ends: the ramp between the level before and the level after.

A stretch of constant level puts the edge of a slow change into its middle. The change itself belongs to the anomaly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_ROWS = 5
"""So near the border of the record, and from so few rows, no level is taken."""


def runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First row and the row after the last of every run of True in ``(n,)``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def with_transitions(
    anomalous: NDArray[np.bool_], scaled: NDArray[np.float64], *, reach: int = 60, gain: float = 20.0
) -> NDArray[np.bool_]:
    """Every run of ``anomalous`` ``(n,)`` from the begin of the change that leads into it to the end of that out of it.

    ``scaled`` ``(n, d)``: standing in units of its spread. Around an edge, within ``reach`` rows, rows are projected on
    the line from the level before to that after, and a ramp takes the place of the step where its sum of squares is
    smaller by ``gain``: twice a log likelihood ratio, for two parameters more. Runs only grow.
    """
    found = anomalous.copy()
    for begin, end in runs(anomalous):
        found[_begin(scaled, begin, end, reach, gain) : begin] = True
        back = _begin(scaled[::-1], len(scaled) - end, len(scaled) - begin, reach, gain)
        found[end : len(scaled) - back] = True
    return found


def _begin(scaled: NDArray[np.float64], begin: int, end: int, reach: int, gain: float) -> int:
    """Row at which the change into the run ``[begin, end)`` begins, ``begin`` where it is a step."""
    low, high = max(0, begin - reach), min(end, begin + reach)
    before = scaled[max(0, low - reach) : max(begin - reach // 2, low + LEAST_ROWS)]
    late = begin + reach // 2
    after = scaled[late : min(end, high + reach)] if end - late > 2 * LEAST_ROWS else scaled[begin:end]
    if begin <= LEAST_ROWS or not len(before):
        return begin
    level = before.mean(axis=0)
    step = after.mean(axis=0) - level
    length = float(step @ step)
    along = (scaled[low:high] - level) @ step / length if length > 0 else np.zeros(high - low)
    start, saved = ramp(along, begin - low)
    return low + min(start, begin - low) if saved * length > gain else begin


def ramp(along: NDArray[np.float64], step: int) -> tuple[int, float]:
    """Where the best ramp from 0 to 1 over ``along`` ``(n,)`` begins, and how much smaller its sum of squares is.

    Smaller than that of a step at ``step``: 0 before, 1 from there on. A ramp over rows t₀ … t₁ − 1 rises linearly.
    """
    n = len(along)
    t0, t1 = np.triu_indices(n + 1, 1)
    rows = t1 - t0
    total = np.concatenate([[0.0], np.cumsum(along)])
    moment = np.concatenate([[0.0], np.cumsum(along * np.arange(n))])
    rising = (moment[t1] - moment[t0] - (t0 - 0.5) * (total[t1] - total[t0])) / rows
    cost = rows / 3 - 1 / (12 * rows) - 2 * rising - 2 * (total[n] - total[t1]) + n - t1
    best = int(cost.argmin())
    return int(t0[best]), float(n - step - 2 * (total[n] - total[step]) - cost[best])
