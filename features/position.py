"""Where in its run a lumisection stands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.runs import Grouped

NAMES = ("position.from_start", "position.to_end", "position.gap")


def position(ls: NDArray[np.int64], rows: Grouped) -> NDArray[np.float64]:
    """Three columns ``(n, 3)``: ln(1 + x) of the lumisections from the run's first and to its last, and the gap before.

    The gap counts missing numbers, at most 20. The length of the run is no feature: it singles runs out, and whole runs
    share a label.
    """
    begin, end = ls[rows.first], ls[rows.first + rows.count - 1]
    gap = np.diff(ls, prepend=ls[:1]) - 1
    gap[rows.first] = 0
    from_start, to_end = np.log1p(ls - begin[rows.code]), np.log1p(end[rows.code] - ls)
    return np.stack([from_start, to_end, np.clip(gap, 0, 20).astype(float)], axis=1)
