"""What the labelled past says of every working point, prepared once; and how long a lumisection lasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dqm.decide.definitions import Intervals, Outcome, intervals_of, resampled_runs
from dqm.decide.operating import OperatingCurve
from dqm.decide.ordered_past import OrderedPast
from dqm.decide.run_curves import Bands, RunCurves
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint

SEED, RESAMPLES, POINTS = 0, 300, 300
"""Of the bootstrap over runs and of the drawn curve: enough for a picture, and repeatable."""


@dataclass(frozen=True, eq=False)
class PastCurve:
    """The labelled past that was scored: its operating curve, the bands around it and the evidence itself.

    ``loss`` and ``pollution`` ``(G,)`` are fractions at each of ``thresholds`` ``(G,)``, as many as a picture needs;
    ``counts`` ``(B, R)`` the resampled runs. What a guard holds back is neither accepted nor rejected at any threshold:
    it counts as work.
    """

    past: OrderedPast
    thresholds: NDArray[np.float64]
    loss: NDArray[np.float64]
    pollution: NDArray[np.float64]
    bands: Bands
    counts: NDArray[np.float64]

    @classmethod
    def of(cls, past: Past) -> Self | None:
        """The curve of the lumisections that have both a label and a badness; None without a good one."""
        known = (past.label >= 0) & np.isfinite(past.badness)
        if not (past.label[known] == 0).any():
            return None
        free = np.where(past.held[known], np.float32(np.nan), past.badness[known])
        columns = past.label[known], past.weight[known], past.run[known]
        thin = OperatingCurve.of(free, *columns).thinned(POINTS)
        bands = RunCurves.of(free, *columns, thin.thresholds).bands(0.9, RESAMPLES, seed=SEED)
        at = thin.thresholds.astype(np.float64)
        ordered = OrderedPast.of(past)
        counts = resampled_runs(len(ordered.run), RESAMPLES, SEED)
        return cls(ordered, at, thin.loss(thin.thresholds), thin.pollution(thin.thresholds), bands, counts)

    @property
    def least_workload(self) -> float:
        """Fraction of the lumisections that people look at whatever the thresholds, since a guard holds them."""
        return self.past.held / len(self.past)

    def outcome(self, point: WorkingPoint) -> tuple[Outcome, Intervals]:
        """What a working point would have cost in this past, with 90% intervals from resampled runs."""
        found, sums = self.past.outcome(point)
        return found, intervals_of(sums, self.counts)


def lumisection_seconds(run: NDArray[np.int64], ls: NDArray[np.int64], start: NDArray[np.datetime64]) -> float | None:
    """How long a lumisection lasts by the calendar: the median time from one to the next; None without begins.

    Columns ``(n,)``, ``start`` the begins in UTC, NaT where unknown.
    """
    order = np.lexsort((ls, run))
    follows = (np.diff(ls[order]) == 1) & (np.diff(run[order]) == 0)
    gaps = np.diff(start[order])[follows]
    gaps = gaps[~np.isnat(gaps)]
    return float(np.median(gaps / np.timedelta64(1, "ns")) / 1e9) if len(gaps) else None
