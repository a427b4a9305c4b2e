"""What is odd about the newest value of a stream: six statistics, each from values up to it alone.

Every function takes values ``(n,)`` and gives ``(n,)`` numbers ≥ 0 of the unit of the stream (``roughening`` has none),
0 where too little came before; the statistic of a record never changes when more records follow.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Values = NDArray[np.float64]
SLACK = 0.05
"""Share of the usual roughness that is added to it: a stream that never moved is not infinitely rougher now."""


@njit(cache=True)
def step(values: Values) -> Values:
    """|x_t − x_{t−1}|."""
    found = np.zeros(len(values))
    for t in range(1, len(values)):
        found[t] = abs(values[t] - values[t - 1])
    return found


@njit(cache=True)
def from_average(values: Values, share: float) -> Values:
    """|x_t − m_{t−1}|, m the exponentially weighted mean: m_t = m_{t−1} + max(share, 1 / (t + 1)) (x_t − m_{t−1})."""
    found = np.zeros(len(values))
    mean = values[0] if len(values) else 0.0
    for t in range(1, len(values)):
        found[t] = abs(values[t] - mean)
        mean += max(share, 1 / (t + 1)) * (values[t] - mean)
    return found


@njit(cache=True)
def from_season(values: Values, period: int, cycles: int) -> Values:
    """|x_t − median of x at the same place ± 2 of the last ``cycles`` periods|; at least one whole period is needed."""
    found = np.zeros(len(values))
    near = np.empty(5 * cycles)
    for t in range(len(values)):
        count = 0
        for cycle in range(1, cycles + 1):
            place = t - cycle * period
            if place < 2:
                break
            for k in range(-2, 3):
                if place + k < t:
                    near[count] = values[place + k]
                    count += 1
        if count >= 5:
            found[t] = abs(values[t] - np.median(near[:count]))
    return found


@njit(cache=True)
def shifted(values: Values, window: int, before: int) -> Values:
    """|mean of the last ``window`` values − mean of the ``before`` values before these|."""
    found = np.zeros(len(values))
    total = np.zeros(len(values) + 1)
    for t in range(len(values)):
        total[t + 1] = total[t] + values[t]
    for t in range(window, len(values)):
        cut = t + 1 - window
        first = max(0, cut - before)
        found[t] = abs((total[t + 1] - total[cut]) / window - (total[cut] - total[first]) / (cut - first))
    return found


@njit(cache=True)
def roughening(values: Values, window: int, before: int) -> Values:
    """|ln of the mean step of the last ``window`` values over that of the ``before`` values before these|."""
    found = np.zeros(len(values))
    total = np.zeros(len(values) + 1)
    for t in range(1, len(values)):
        total[t + 1] = total[t] + abs(values[t] - values[t - 1])
    for t in range(window, len(values)):
        cut = t + 1 - window
        first = max(0, cut - before)
        now, usual = (total[t + 1] - total[cut]) / window, (total[cut] - total[first]) / (cut - first)
        found[t] = abs(math.log((now + SLACK * usual + 1e-9) / (usual + SLACK * usual + 1e-9)))
    return found


@njit(cache=True)
def unlike(values: Values, length: int, neighbours: int, most: int) -> Values:
    """Root mean square distance of the last ``length`` values to the ``neighbours`` most alike pieces before.

    Looked through are the ``most`` last pieces that do not overlap with it (arXiv:1608.04585 ranks the same distance).
    """
    found = np.zeros(len(values))
    nearest = np.empty(neighbours)
    for t in range(length - 1, len(values)):
        last = t - length
        first = max(length - 1, last - most)
        if last - first < neighbours + 5:
            continue
        nearest[:] = np.inf
        for other in range(first, last):
            distance = 0.0
            for k in range(length):
                distance += (values[t - k] - values[other - k]) ** 2
                if distance >= nearest[-1]:
                    break
            if distance < nearest[-1]:
                place = neighbours - 1
                while place > 0 and nearest[place - 1] > distance:
                    nearest[place] = nearest[place - 1]
                    place -= 1
                nearest[place] = distance
        found[t] = math.sqrt(nearest.sum() / neighbours / length)
    return found
