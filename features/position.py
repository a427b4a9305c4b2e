"""Where in its run a lumisection stands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.runs import Grouped

NAMES = ("position.from_start", "position.to_end", "position.gap", "position.run_length", "position.run_judged")


def position(ls: NDArray[np.int64], judged: NDArray[np.bool_], rows: Grouped) -> NDArray[np.float64]:
    """Five columns ``(n, 5)``, numbers of lumisections as ln(1 + x).

    From the run's first lumisection; to its last; missing numbers right before (at most 20, not a logarithm); the run's
    last number; how many of the run are ``judged``.
    """
    begin, end = ls[rows.first], ls[rows.first + rows.count - 1]
    gap = np.diff(ls, prepend=ls[:1]) - 1
    gap[rows.first] = 0
    counted = np.bincount(rows.code, judged, minlength=len(rows.runs))
    return np.stack(
        [
            np.log1p(ls - begin[rows.code]),
            np.log1p(end[rows.code] - ls),
            np.clip(gap, 0, 20).astype(float),
            np.log1p(end[rows.code]),
            np.log1p(counted[rows.code]),
        ],
        axis=1,
    )
