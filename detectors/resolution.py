"""In which steps a column was written down: what is finer than that was never measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARE = 0.95
"""Share of the values that must be whole multiples of the step."""

FINEST = -6
"""Steps below 10⁻⁶ of the largest value are not told from rounding in single precision."""


def recorded_resolution(values: NDArray[np.floating]) -> float:
    """The largest power of ten of which 95 in 100 finite values are whole multiples; 0 where there is none.

    Values are taken for what single precision can tell. A column of zeros has no step.

    >>> recorded_resolution(np.array([7.4, 7.8, 11.2, 9.0]))
    0.1
    >>> recorded_resolution(np.array([np.pi, np.e, np.sqrt(2)]))
    0.0
    """
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    largest = float(np.abs(finite).max(initial=0.0))
    if largest == 0:
        return 0.0
    top = int(np.floor(np.log10(largest)))
    for power in range(top, top + FINEST, -1):
        steps = finite * 10.0**-power
        whole = np.abs(steps - np.round(steps)) <= np.maximum(np.abs(steps) * 2e-7, 1e-9)
        if whole.mean() >= SHARE:
            return float(f"1e{power}")
    return 0.0
