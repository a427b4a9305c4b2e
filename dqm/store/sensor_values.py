"""Readings as whole numbers where nothing is lost: most sensors are logged with a few decimals.

A reading is ``whole / 10**decimals + real``. Where every reading of a sensor has at most ``MOST`` decimals its ``real``
is zero, or NaN where the reading is invalid; elsewhere ``whole`` is zero and ``real`` the reading itself. The quotient
is exact: both numbers are, and a division is rounded correctly. Whole numbers take a fifth of the space.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST = 6
"""Decimals that are tried."""
SAMPLE = 32
LARGEST = 2.0**53


def decimals_of(value: NDArray[np.float64]) -> int | None:
    """Decimals with which all readings ``(n,)`` were written, None where some have more than ``MOST``."""
    finite = value[np.isfinite(value)]
    for decimals in range(MOST + 1):
        if _exact(finite[:SAMPLE], decimals) and _exact(finite, decimals):
            return decimals
    return None


def split(value: NDArray[np.float64], decimals: int | None) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Whole and real parts ``(n,)`` of readings with so many decimals."""
    if decimals is None:
        return np.zeros(len(value), dtype=np.int64), value
    valid = np.isfinite(value)
    whole = np.rint(np.where(valid, value, 0.0) * 10.0**decimals).astype(np.int64)
    return whole, np.where(valid, 0.0, value)


def together(whole: NDArray[np.int64], real: NDArray[np.float64], decimals: int | None) -> NDArray[np.float64]:
    """The readings again; a negative zero comes back as zero."""
    return real if decimals is None else whole / 10.0**decimals + real


def _exact(value: NDArray[np.float64], decimals: int) -> bool:
    with np.errstate(over="ignore"):  # what becomes infinite has too many digits
        scaled = np.rint(value * 10.0**decimals)
    return bool((np.abs(scaled) < LARGEST).all() and (scaled / 10.0**decimals == value).all())
