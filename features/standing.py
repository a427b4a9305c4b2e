"""How a record of sensors stands against a stretch of it that is known to be good.

Two numbers for each sensor and reading: where it is, and how much it jumps. Both are in units of what the reference
stretch does, so that sensors of any unit may be added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

TRIM = 0.1
"""Share of a reference stretch that is cut at either end before its mean: a start-up or a spike must not move it."""
TAIL = 0.05
"""Share of the differences that is cut at either end before their spread."""
TAIL_SPREAD = 1.2
"""Standard deviation of a Gaussian over that of one cut at its 5% and 95% quantiles, 1.10, and a tenth for tails."""
QUIET = 0.1
"""Jumps, in units of the noise, below which readings count as equally quiet: quantised sensors often do not move."""
LEAST_SPREAD = 1e-9


@dataclass(frozen=True, eq=False)
class Reference:
    """What ``d`` sensors do in a good stretch: ``centre``, ``noise``, ``rough`` and ``rough_spread``, ``(d,)`` each.

    ``noise`` is the standard deviation of first differences over √2: what one reading differs by from the next when
    nothing happens, so that slow drift does not widen it. Equally spaced readings are assumed; a missing one is NaN.
    """

    centre: NDArray[np.float64]
    noise: NDArray[np.float64]
    rough: NDArray[np.float64]
    rough_spread: NDArray[np.float64]

    @classmethod
    def of(cls, readings: NDArray[np.floating]) -> Self:
        """From ``n`` good readings ``(n, d)``; raises ``ValueError`` for fewer than ten."""
        if len(readings) < 10:
            raise ValueError(f"{len(readings)} good readings; at least 10 are needed to say what is usual")
        noise = np.maximum(_cut(np.diff(readings, axis=0), TAIL).std(axis=0) * TAIL_SPREAD / np.sqrt(2), LEAST_SPREAD)
        jumps = _roughness(readings, noise)[1:]
        return cls(trimmed_mean(readings), noise, jumps.mean(axis=0), np.maximum(jumps.std(axis=0), LEAST_SPREAD))

    def standing(self, readings: NDArray[np.floating]) -> NDArray[np.float64]:
        """Level (x − centre) / noise and roughness ln(0.1 + |Δx| / √2 noise), standardised: ``(n, 2d)``.

        The roughness of the first reading, which has none before it, is taken for a jump of nothing.
        """
        rough = (_roughness(readings, self.noise) - self.rough) / self.rough_spread
        return np.hstack([(readings - self.centre) / self.noise, rough])


def trimmed_mean(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean over the rows of ``(n, d)`` with a tenth at either end moved to the quantile there, ``(d,)``."""
    return np.asarray(_cut(values, TRIM).mean(axis=0))


def _roughness(readings: NDArray[np.floating], noise: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = np.vstack([np.zeros((1, readings.shape[1])), np.diff(readings, axis=0)])
    return np.asarray(np.log(QUIET + np.abs(steps) / (np.sqrt(2) * noise)))


def _cut(values: NDArray[np.floating], share: float) -> NDArray[np.float64]:
    low, high = np.quantile(values, [share, 1 - share], axis=0)
    return np.asarray(np.clip(values, low, high))
