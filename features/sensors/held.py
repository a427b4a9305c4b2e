"""On-change logging: what a sensor that only logs changes says between two of them.

Its value holds until the next reading, so it is read off at fixed ticks and from there on treated like any other. A
tick after an invalid reading, before the first or after a silence longer than the declared ``period`` has no value:
nothing is held that is not known to hold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Held = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]


def ticks(time: NDArray[np.int64], value: NDArray[np.float64], since: int, until: int, step: int, silence: int) -> Held:
    """Times, values and whether a value is held of all ticks in ``[since, until)`` that have one.

    Ticks are the whole multiples of ``step``; ``silence`` is how long a value may hold, 0 for ever; all ns. A value is
    *held* where its reading is older than one step.
    """
    at = np.arange(-(-since // step), -(-until // step), dtype=np.int64) * step
    last = np.searchsorted(time, at, side="right") - 1
    at, last = at[last >= 0], last[last >= 0]
    age = at - time[last]
    valid = np.isfinite(value[last]) & ((age <= silence) if silence else True)
    return at[valid], value[last[valid]], age[valid] >= step
