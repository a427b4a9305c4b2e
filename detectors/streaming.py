"""A stream judged record by record, in one pass: no training, no look ahead, no label.

The score of a record hangs on those before it and on none after it: the scores of the first records of a stream are
those of the whole stream (a test holds it). That is not the contract of a ``Detector``, whose score hangs on one row
alone, so this is a function with its choices in a record.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from dqm.model.errors import ConfigError

Values = NDArray[np.float64]
HIGHEST = 8.0
"""Surprise of a value that no tail explains."""


@dataclass(frozen=True)
class Streaming:
    """How surprises become a score.

    Each statistic of a record is ranked among its own last ``memory`` values: surprise −log₁₀ p, beyond the largest
    fiftieth with Hill's tail. The surprises s of a record make r = √Σ s²; the score is r plus the exponentially
    weighted mean of r with ``share``, for an anomaly that lasts. A record scores only where none of the last
    ``quiet`` · settle records stood as high: one alarm for one anomaly.
    """

    memory: int = 5000
    share: float = 0.1
    quiet: float = 0.2

    def __post_init__(self) -> None:
        if self.memory < 100 or not 0 < self.share <= 1 or self.quiet < 0:
            raise ConfigError(
                f"memory = {self.memory} must be at least 100, share = {self.share} lie in (0, 1] and "
                f"quiet = {self.quiet} not be negative"
            )

    def score(self, statistics: NDArray[np.float64], settle: int) -> Values:
        """Score ``(n,)`` of records by their ``statistics`` ``(k, n)``; 0 for the first ``settle // 2`` and for those
        that are no peak."""
        total = np.zeros(statistics.shape[1])
        for each in statistics:
            total += surprise(np.ascontiguousarray(each, dtype=np.float64), self.memory, settle // 2) ** 2
        return peaks(_risen(np.sqrt(total), self.share), int(self.quiet * settle))


@njit(cache=True)
def surprise(values: Values, memory: int, settle: int) -> Values:
    """−log₁₀ of the share of the ``memory`` values before that are at least as large, ``(n,)``; 0 before ``settle``.

    Beyond the k-th largest value q, k the fiftieth part of them and at least 10, the share is k/m · (x/q)^(−1/γ) with
    Hill's γ, the mean of ln(x_i / q) over those beyond (Ann. Stat. 3 (1975) 1163), at least 0.05. Where q is 0 it is
    1/(m + 1), and a tenth of that where nothing ever moved. At most 8.
    """
    n = len(values)
    found = np.zeros(n)
    ordered, ring = np.empty(memory + 1), np.empty(memory)
    held, oldest = 0, 0
    for i in range(n):
        x = values[i]
        if i >= settle and held >= 20:
            found[i] = min(-math.log10(max(_share_above(ordered[:held], x), 1e-12)), HIGHEST)
        if held == memory:
            place = np.searchsorted(ordered[:held], ring[oldest])
            ordered[place : held - 1] = ordered[place + 1 : held].copy()
            held -= 1
        place = np.searchsorted(ordered[:held], x)
        ordered[place + 1 : held + 1] = ordered[place:held].copy()
        ordered[place] = x
        held += 1
        ring[oldest] = x
        oldest = (oldest + 1) % memory
    return found


@njit(cache=True)
def peaks(score: Values, quiet: int) -> Values:
    """The score where it is above all of the ``quiet`` records before, 0 elsewhere, ``(n,)``."""
    found = np.zeros(len(score))
    for i in range(len(score)):
        highest = 0.0
        for j in range(max(0, i - quiet), i):
            highest = max(highest, score[j])
        if score[i] > highest:
            found[i] = score[i]
    return found


@njit(cache=True)
def _share_above(ordered: Values, x: float) -> float:
    held = len(ordered)
    outer = max(10, held // 50)
    edge = ordered[held - outer]
    if x <= edge:
        return (held - np.searchsorted(ordered, x) + 1) / (held + 1)
    if edge <= 0:
        return 1 / (held + 1) / (10.0 if ordered[-1] <= 0 else 1.0)
    tail = 0.0
    for value in ordered[held - outer :]:
        tail += math.log(value / edge)
    return outer / held * math.exp(-math.log(x / edge) / max(tail / outer, 0.05))


@njit(cache=True)
def _risen(values: Values, share: float) -> Values:
    """Each value plus the exponentially weighted mean of those up to it."""
    found = np.empty(len(values))
    mean = 0.0
    for i in range(len(values)):
        mean += share * (values[i] - mean)
        found[i] = values[i] + mean
    return found
