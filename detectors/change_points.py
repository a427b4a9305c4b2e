"""Where a record changes its level: offline segmentation by ruptures' kernel method.

Not causal, and said so: a change is placed with the knowledge of what came after it, and the segment of a reading hangs
on its neighbours. So this is no ``Detector``; it cuts a record whose stretches are then judged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def change_points(standing: NDArray[np.floating], penalty: float, least: int = 10) -> NDArray[np.int64]:
    """First row of every segment of ``(n, d)`` after the first, in order; at least ``least`` rows a segment.

    Segments minimise Σ ‖x − mean of its segment‖² + ``penalty`` · (changes), exactly, by PELT (Killick, Fearnhead and
    Eckley, JASA 107 (2012) 1590) as in ruptures' ``KernelCPD`` with the linear kernel. For columns of unit variance
    that do not change, a needless split gains about d. Raises ``ValueError`` for a value that is not finite.
    """
    if not np.isfinite(standing).all():
        row, column = np.argwhere(~np.isfinite(standing))[0]
        raise ValueError(f"row {row} of column {column} is not finite; fill gaps before looking for changes")
    if len(standing) < 2 * least:
        return np.zeros(0, dtype=np.int64)
    from ruptures import KernelCPD  # compiled, and needed by nobody else

    found = KernelCPD(kernel="linear", min_size=least).fit(np.ascontiguousarray(standing, np.float64))
    return np.array(found.predict(pen=penalty)[:-1], dtype=np.int64)
