"""Which quantities are to be expected in a run, so that what is missing is told from what was never usual."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def expected(present: NDArray[np.bool_], recent: int) -> NDArray[np.bool_]:
    """Which of d columns are to be expected in each of m runs in time order, ``(m, d)``.

    ``present`` ``(m, d)`` tells in which runs a column was there at all. It is expected in a run where it was there in
    that run itself, in at least half of the ``recent`` runs before it, or in at least half of all runs before it. So a
    column that came with one misnamed run is not asked for ever after, and one that goes away is missed for as long
    as it had been there.
    """
    m, d = present.shape
    count = np.concatenate([np.zeros((1, d), dtype=np.int64), np.cumsum(present, axis=0, dtype=np.int64)])
    run = np.arange(m)
    begin = np.maximum(run - recent, 0)
    lately = 2 * (count[run] - count[begin]) >= np.maximum(run - begin, 1)[:, None]
    ever = 2 * count[run] >= np.maximum(run, 1)[:, None]
    return np.asarray(present | lately | ever)
