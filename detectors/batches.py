"""Rows through a function in blocks of one size, so that a row's answer does not depend on the rows beside it.

A matrix product rounds otherwise for another number of rows, and so a score would hang, in its last bits, on the batch.
Blocks of one size, the last filled up with zeros, give every row the same arithmetic in any batch.
Products with few outputs may still round by the place of a row in its block: ``networks.product`` widens them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

ROWS = 1024
"""Rows of one block; a multiple of every register block of the matrix products."""

Rows = tuple[NDArray[np.float32], ...]


def in_blocks(function: Callable[..., NDArray[np.float32]], *arrays: NDArray[np.float32]) -> NDArray[np.float32]:
    """``function(*parts)`` over blocks of ``ROWS`` rows of all ``arrays`` ``(n, …)``, its answers ``(n, …)`` together.

    ``function`` must treat rows alike; no rows are answered by what it says of one block, cut to nothing.
    """
    n = len(arrays[0])
    found = []
    for begin in range(0, max(n, 1), ROWS):
        parts = [_filled(each[begin : begin + ROWS]) for each in arrays]
        found.append(function(*parts)[: min(ROWS, n - begin)])
    return np.concatenate(found)


def _filled(part: NDArray[np.float32]) -> NDArray[np.float32]:
    if len(part) == ROWS:
        return np.ascontiguousarray(part)
    whole = np.zeros((ROWS, *part.shape[1:]), dtype=part.dtype)
    whole[: len(part)] = part
    return whole
