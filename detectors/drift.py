"""Stretches of a record, judged against what drift and noise explain.

A good plant does not stand still: sensors warm up and wander. What one good stretch differs by from the next, minutes
later, is the yardstick; a stretch that lies many of these away is anomalous, however quiet its readings are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
class Drift:
    """Usual squared differences ``(d,)`` of good stretches: ``wander`` from one to the next, ``noise`` of 30 readings.

    A stretch of n readings with mean standing m has

        T² = Σ_j m_j² / (wander_j + noise_j · min(1, 30 / n)),

    Hotelling's statistic with a diagonal covariance; about d for a good one.
    """

    wander: NDArray[np.float64]
    noise: NDArray[np.float64]

    @classmethod
    def fit(
        cls, shifts: NDArray[np.floating], alike: NDArray[np.bool_], noise: NDArray[np.float64], prior: float
    ) -> Self:
        """From the mean standing ``(k, d)`` of k good stretches, each against an earlier good one.

        Those ``alike`` ``(k,)``, of the same mode of operation, count one each, and the mean over all k counts
        ``prior``: with few of a kind the others are lent. ``noise`` ``(d,)`` as from ``block_noise``.
        """
        own = cut_squares(shifts[alike]).sum(axis=0) if alike.any() else 0.0
        wander = (own + prior * cut_squares(shifts).mean(axis=0)) / (alike.sum() + prior)
        return cls(np.asarray(wander), noise)

    def statistic(self, mean: NDArray[np.float64], readings: int) -> float:
        """T² of a stretch."""
        return float((mean**2 / (self.wander + self.noise * min(1.0, BLOCK / readings))).sum())

    def judged(self, standing: NDArray[np.float64], penalty: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """T² of the stretch that each row of ``(n, d)`` belongs to, ``(n,)``, and the first rows of the later ones."""
        changes = change_points(np.clip(standing / np.sqrt(1 + self.wander), -FAR, FAR), penalty)
        bounds = [0, *changes.tolist(), len(standing)]
        found = np.empty(len(standing))
        for begin, end in zip(bounds, bounds[1:], strict=False):
            found[begin:end] = self.statistic(standing[begin:end].mean(axis=0), end - begin)
        return found, changes


def block_noise(records: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Usual variance ``(d,)`` of a mean of 30 readings, from blocks a minute apart of the good ``records`` ``(n, d)``.

    Half the squared difference of a block and the next but one; what wanders within a minute counts as noise.
    """
    differences = []
    for record in records:
        blocks = len(record) // BLOCK
        means = record[: blocks * BLOCK].reshape(blocks, BLOCK, -1).mean(axis=1)
        differences.append(means[2:] - means[:-2])
    return np.asarray(cut_squares(np.vstack(differences)).mean(axis=0) / 2)


def cut_squares(differences: NDArray[np.floating]) -> NDArray[np.float64]:
    """Squares of ``(k, d)``, none beyond three robust spreads of its column about zero."""
    most = CUT * MAD_TO_SIGMA * np.median(np.abs(differences), axis=0)
    return np.asarray(np.minimum(np.abs(differences), most) ** 2)
