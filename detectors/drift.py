"""Stretches of a record, judged against what drift and noise explain.

A good plant does not stand still: sensors warm up and wander. What one good stretch differs by from the next, minutes
later, is the yardstick; a stretch that lies many of these away is anomalous, however quiet its readings are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.change_points import change_points
from detectors.scaling import MAD_TO_SIGMA

BLOCK = 30
"""Readings of a block from which the noise of a mean is learned."""
CUT = 3.0
"""Differences count for at most so many robust spreads: a stretch that was not good must not widen the yardstick."""
FAR = 30.0
"""Standing beyond which a reading is not farther, in units of its usual spread, when a record is cut."""


@dataclass(frozen=True, eq=False)
class Shifts:
    """Differences of good stretches, ``(k, 2s)``, and which are ``alike`` ``(k,)``: of the mode of operation at hand.

    ``weight`` differences count as one: many of one stretch are not independent.
    """

    differences: NDArray[np.float64]
    alike: NDArray[np.bool_]
    weight: int = 1

    def variance(self, prior: float) -> NDArray[np.float64]:
        """Mean square ``(2s,)`` of those alike; the mean over all counts ``prior``: few are lent from the others."""
        own = self.differences[self.alike]
        count = len(own) / self.weight
        of_all = cut_squares(self.differences).mean(axis=0)
        of_own = cut_squares(own).mean(axis=0) if len(own) else of_all
        return np.asarray((count * of_own + prior * of_all) / (count + prior))


@dataclass(frozen=True, eq=False)
class Drift:
    """Usual squared differences ``(2s,)`` of good stretches of s sensors, levels first (``features.standing``).

    ``wander`` from one to the next and ``noise`` of the mean of 30 readings. With the mean standing m of n readings,

        z_j = m_j / (unit_j · √(wander_j + noise_j · min(1, 30 / n))),
        S = Σ_levels max(z_j² − 2, 0) + ½ Σ_roughness max(z_j² − 4, 0),

    a Hotelling statistic with a diagonal covariance, without what good stretches have of it: one sensor far off is not
    drowned by many that are where they should be. ``unit`` brings the 95% quantile of |z_j| of good rows to 2, so that
    a sensor that often jumps counts less than one that never does. The last half of the columns is roughness: a plant
    seldom fails in it alone.
    """

    wander: NDArray[np.float64]
    noise: NDArray[np.float64]
    unit: NDArray[np.float64]

    @classmethod
    def fit(cls, shifts: Shifts, blocks: Shifts, prior: float) -> Self:
        """From ``shifts``, the mean standing of good stretches against an earlier one each, and ``blocks``, the block
        differences of good stretches."""
        wander = shifts.variance(prior)
        return cls(wander, blocks.variance(prior) / 2, np.ones_like(wander))

    def z(self, mean: NDArray[np.float64], readings: int) -> NDArray[np.float64]:
        """z ``(2s,)`` of a stretch of some ``readings`` with mean standing ``(2s,)``."""
        variance = self.wander + self.noise * min(1.0, BLOCK / readings)
        return np.asarray(mean / (self.unit * np.sqrt(variance)))

    def in_units(self, unit: NDArray[np.float64]) -> Self:
        """The same with z in other units ``(2s,)``."""
        return replace(self, unit=unit)

    def scaled(self, standing: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standing ``(n, 2s)`` in units of the spread of single readings and of wander together, cut at ±30."""
        return np.asarray(np.clip(standing / np.sqrt(1 + self.wander), -FAR, FAR))

    def judged(self, standing: NDArray[np.float64], penalty: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """z ``(n, 2s)`` of the stretch of each row, and the first rows of the stretches after the first."""
        changes = change_points(self.scaled(standing), penalty)
        found = np.empty(standing.shape)
        for begin, end in pairwise([0, *changes.tolist(), len(standing)]):
            found[begin:end] = self.z(standing[begin:end].mean(axis=0), end - begin)
        return found, changes


def statistic(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """S ``(n,)`` of z ``(n, 2s)``."""
    level, rough = np.split(z**2, 2, axis=1)
    return np.asarray(np.maximum(level - 2, 0).sum(axis=1) + np.maximum(rough - 4, 0).sum(axis=1) / 2)


def block_differences(record: NDArray[np.floating]) -> NDArray[np.float64]:
    """What the means of 30 readings of a good record ``(n, d)`` differ by a minute of readings later, ``(b, d)``.

    What wanders within that minute counts as noise.
    """
    blocks = len(record) // BLOCK
    means = record[: blocks * BLOCK].reshape(blocks, BLOCK, -1).mean(axis=1)
    return np.asarray(means[2:] - means[:-2])


def cut_squares(differences: NDArray[np.floating]) -> NDArray[np.float64]:
    """Squares of ``(k, d)``, none beyond three robust spreads of its column about zero."""
    most = CUT * MAD_TO_SIGMA * np.median(np.abs(differences), axis=0)
    return np.asarray(np.minimum(np.abs(differences), most) ** 2)
