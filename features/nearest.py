"""The kernel that compares levels with the nearest of several references; ``features.levels`` says what they mean."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def beside_nearest(y, references, median, sigma, log_ratio, z, own, expected):  # type: ignore[no-untyped-def]
    """Write how levels ``y`` ``(n, d)`` stand to the reference ``(r, d)`` whose largest |z| of the row is smallest.

    Into ``log_ratio`` y − reference, ``z`` the same over ``sigma`` ``(d,)``, ``own`` (y − ``median``) / σ, ``expected``
    the reference, NaN where y is; each ``(n, d)``. The first of equally near references counts, and one with which
    nothing can be compared is farthest.
    """
    n, d = y.shape
    for i in numba.prange(n):
        nearest, least = 0, np.inf
        for r in range(len(references)):
            most = -1.0
            for j in range(d):
                far = abs((y[i, j] - references[r, j]) / sigma[j])
                if far > most:  # not so where it is missing
                    most = far
            if 0 <= most < least:
                nearest, least = r, most
        for j in range(d):
            away = y[i, j] - references[nearest, j]
            log_ratio[i, j], z[i, j] = away, away / sigma[j]
            own[i, j] = (y[i, j] - median[j]) / sigma[j]
            expected[i, j] = np.nan if np.isnan(y[i, j]) else references[nearest, j]
