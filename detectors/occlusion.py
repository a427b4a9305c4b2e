"""Reasons for a score that gives none: what it falls by when one column is as usual."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

SCORED_AT_ONCE = 16_384
"""Rows with one column at its median that are scored together."""


def shares_by_occlusion(
    score: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    z: NDArray[np.float32],
    present: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """max(0, s(z) − s(z with z_j = 0)) of every column, ``(n, k)``, where 0 is the median; 0 where it is missing.

    One column at a time, as in Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014;
    ``score`` of scaled values ``(n, k)`` is asked for n (k + 1) rows.
    """
    n, k = z.shape
    shares, whole = np.zeros_like(z), score(z)
    rows = max(SCORED_AT_ONCE // max(k, 1), 1)
    for begin in range(0, n if k else 0, rows):
        part = z[begin : begin + rows]
        usual = np.repeat(part[:, None, :], k, axis=1)
        usual[:, np.arange(k), np.arange(k)] = 0
        fall = whole[begin : begin + rows, None] - score(usual.reshape(-1, k)).reshape(-1, k)
        shares[begin : begin + rows] = np.where((fall > 0) & present[begin : begin + rows], fall, 0)
    return shares
