"""Operating curves run by run on one grid of thresholds, so that a bootstrap of curves is a few matrix products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dqm.decide.definitions import resampled_runs
from dqm.decide.operating import Badness, ratio, scored_badness
from dqm.decide.truth import Truth


@dataclass(frozen=True, eq=False)
class Bands:
    """Two-sided bands around an operating curve, fractions ``(G,)`` for each of ``thresholds``; NaN where undefined."""

    thresholds: Badness
    data_loss_lo: NDArray[np.float64]
    data_loss_hi: NDArray[np.float64]
    pollution_lo: NDArray[np.float64]
    pollution_hi: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RunCurves:
    """What each of ``R`` runs adds to the operating curve at each of ``G`` thresholds t.

    ``run`` ``(R,)`` ascending, ``thresholds`` ascending ``(G,)``; ``good`` ``(R,)`` Σw[good]; of shape ``(R, G)``
    ``rejected_good`` Σw[badness ≥ t ∧ good], ``accepted`` Σw[badness < t], ``accepted_bad`` Σw[badness < t ∧ bad], all
    in the unit of the weight, and ``below`` the number of scored lumisections with badness < t. ``lumisections`` and
    ``scored`` ``(R,)`` are counts; only lumisections of known truth are in any of them.
    """

    run: NDArray[np.int64]
    thresholds: Badness
    good: NDArray[np.float64]
    rejected_good: NDArray[np.float64]
    accepted: NDArray[np.float64]
    accepted_bad: NDArray[np.float64]
    below: NDArray[np.float64]
    lumisections: NDArray[np.float64]
    scored: NDArray[np.float64]

    @classmethod
    def of(
        cls, badness: ArrayLike, label: ArrayLike, weight: ArrayLike, run: ArrayLike, thresholds: ArrayLike
    ) -> RunCurves:
        """Accumulate ``n`` lumisections, given as columns ``(n,)``, over a grid such as ``curve.thinned().thresholds``.

        Raises ``ValueError`` as ``OperatingCurve.of`` does, and for a grid without a threshold.
        """
        truth = Truth.of(label, weight, run)
        scored, badness = scored_badness(badness, truth)
        grid = np.unique(np.asarray(thresholds, dtype=badness.dtype))
        if not grid.size or np.isnan(grid[-1]):
            raise ValueError("the grid holds no threshold or one that is not a number; give at least one number")
        shape = (len(truth.runs), len(grid) + 1)
        # Cell c of a run holds the badness of [grid[c − 1], grid[c]): below every threshold from c on.
        cell = truth.position[scored] * shape[1] + np.searchsorted(grid, badness, side="right")
        weight, bad = truth.weight[scored], truth.bad[scored]

        def cells(value: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.bincount(cell, value, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)

        good = cells(np.where(bad, 0.0, weight))
        return cls(
            run=truth.runs,
            thresholds=grid,
            good=truth.per_run(~truth.bad),
            rejected_good=np.cumsum(good[:, ::-1], axis=1)[:, ::-1][:, 1:],
            accepted=np.cumsum(cells(weight), axis=1)[:, :-1],
            accepted_bad=np.cumsum(cells(np.where(bad, weight, 0.0)), axis=1)[:, :-1],
            below=np.cumsum(cells(np.ones(len(weight))), axis=1)[:, :-1],
            lumisections=truth.per_run(np.ones(len(truth), dtype=bool), weighted=False),
            scored=truth.per_run(scored, weighted=False),
        )

    def __len__(self) -> int:
        return len(self.run)

    def ratios(self, counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Data loss and pollution, each ``(B, G)``, when run r counts ``counts[b, r]`` times; NaN where undefined.

        Any non-negative ``counts`` ``(B, R)`` will do: bootstrap draws, or weights that forget old runs.
        """
        loss = ratio(counts @ self.rejected_good, (counts @ self.good)[:, None])
        return loss, ratio(counts @ self.accepted_bad, counts @ self.accepted)

    def bands(self, level: float = 0.9, resamples: int = 1000, *, seed: int) -> Bands:
        """Pointwise percentile bands from drawing whole runs; resamples in which a ratio is undefined are left out."""
        if not 0 < level < 1:
            raise ValueError(f"level = {level} must lie between 0 and 1; 0.9 is the usual one")
        loss, pollution = self.ratios(resampled_runs(len(self), resamples, seed))
        ends = ((1 - level) / 2, (1 + level) / 2)
        return Bands(self.thresholds, *_quantiles(loss, ends), *_quantiles(pollution, ends))


def _quantiles(values: NDArray[np.float64], ends: tuple[float, float]) -> NDArray[np.float64]:
    """Both quantiles of every column over its defined entries, ``(2, G)``; NaN for a column without any."""
    defined = ~np.isnan(values).all(axis=0)
    found = np.full((2, values.shape[1]), np.nan)
    if defined.any():
        found[:, defined] = np.nanquantile(values[:, defined], ends, axis=0)
    return found
