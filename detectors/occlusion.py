"""Reasons for a score that gives none: what it falls by when one column is as usual."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def shares_by_occlusion(
    score: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    z: NDArray[np.float32],
    present: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """max(0, s(z) − s(z with z_j = 0)) of every column, ``(n, k)``, where 0 is the median; 0 where it is missing.

    One column at a time, as in Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014;
    ``score`` of scaled values ``(n, k)`` is asked k + 1 times.
    """
    shares = np.zeros_like(z)
    whole = score(z)
    for j in range(z.shape[1]):
        usual = z.copy()
        usual[:, j] = 0
        fall = whole - score(usual)
        shares[:, j] = np.where((fall > 0) & present[:, j], fall, 0)
    return shares
