"""Status bits of the detector: a bit that is known to be down speaks, a missing bit says nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.runs import Grouped

NAMES = ("flags.down", "flags.near")


def flags(values: NDArray[np.float64], rows: Grouped, reach: int = 2) -> NDArray[np.float64]:
    """Two columns ``(n, 2)`` from bits ``(n, d)`` of 0, 1 or NaN.

    Whether any bit is known to be down (NaN where none is known), and its mean over ``reach`` lumisections on either
    side within the run. The number of known bits is no feature: it tells the era, not the quality.
    """
    known = np.isfinite(values)
    down = np.where(known.any(axis=1), ((values == 0) & known).any(axis=1).astype(float), np.nan)
    total, counted = np.zeros(len(down)), np.zeros(len(down))
    n = len(down)
    for shift in range(-min(reach, n), min(reach, n) + 1):
        here = slice(max(0, -shift), n - max(0, shift))
        there = slice(max(0, shift), n + min(0, shift))
        told = (rows.code[here] == rows.code[there]) & np.isfinite(down[there])
        total[here] += np.where(told, down[there], 0.0)
        counted[here] += told
    near = np.divide(total, counted, out=np.full(n, np.nan), where=counted > 0)
    return np.stack([down, near], axis=1)
