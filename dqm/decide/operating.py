"""Loss, pollution and workload of every pair of thresholds, and the pair with the least workload in hindsight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dqm.decide.truth import Truth

Badness = NDArray[np.floating]


class Thresholds(NamedTuple):
    """Accept below the first, reject at or above the second, ask between, as a ``WorkingPoint`` does."""

    accept_below: float
    reject_above: float


@dataclass(frozen=True, eq=False)
class OperatingCurve:
    """What every threshold costs on one set of lumisections of known truth.

    Only the ``m`` distinct observed values of badness matter: a threshold anywhere in (v_{j−1}, v_j] decides alike,
    equal badness always falls on one side. Row j of every other array, ``(m + 1,)``, stands for the threshold v_j and
    the last row for infinity:

    ``values`` ascending ``(m,)``, in the precision of the badness; ``rejected_good`` Σw[badness ≥ v_j ∧ good];
    ``accepted`` Σw[badness < v_j]; ``accepted_bad`` Σw[badness < v_j ∧ bad], in the unit of the weight; ``below`` the
    number of scored lumisections with badness < v_j. ``good_weight`` Σw[good] and ``lumisections`` count the
    ``unscored`` ones (badness not a number) too: they are asked whatever the thresholds.
    """

    values: Badness
    rejected_good: NDArray[np.float64]
    accepted: NDArray[np.float64]
    accepted_bad: NDArray[np.float64]
    below: NDArray[np.int64]
    good_weight: float
    lumisections: int
    unscored: int

    @classmethod
    def of(cls, badness: ArrayLike, label: ArrayLike, weight: ArrayLike, run: ArrayLike) -> OperatingCurve:
        """Sort ``n`` lumisections, given as columns ``(n,)``, and accumulate from both ends.

        Raises ``ValueError`` for negative badness, columns of different length, and labels or weights that are none.
        """
        truth = Truth.of(label, weight, run)
        scored, badness = scored_badness(badness, truth)
        order = np.argsort(badness, kind="stable")
        values, first = np.unique(badness[order], return_index=True)
        at = np.append(first, len(order))
        weight, bad = truth.weight[scored][order], truth.bad[scored][order]
        return cls(
            values=values,
            # Each sum begins at its own end: a difference of totals would turn "nothing lost" into 1e-16.
            rejected_good=_before(np.where(bad, 0.0, weight)[::-1])[len(order) - at],
            accepted=_before(weight)[at],
            accepted_bad=_before(np.where(bad, weight, 0.0))[at],
            below=at.astype(np.int64),
            good_weight=float(truth.weight[~truth.bad].sum()),
            lumisections=len(truth),
            unscored=int((~scored).sum()),
        )

    @property
    def thresholds(self) -> Badness:
        """One threshold for every different set of decisions: the observed values and infinity, ``(m + 1,)``."""
        return np.append(self.values, self.values.dtype.type(np.inf))

    def loss(self, reject_above: ArrayLike) -> NDArray[np.float64]:
        """Data loss at thresholds of any shape, as fractions; NaN where there is no good weight."""
        return self._losses[self._row(reject_above)]

    def pollution(self, accept_below: ArrayLike) -> NDArray[np.float64]:
        """Pollution at thresholds of any shape, as fractions; NaN where nothing is accepted."""
        return self._pollutions[self._row(accept_below)]

    def workload(self, accept_below: ArrayLike, reject_above: ArrayLike) -> NDArray[np.float64]:
        """Fraction of the lumisections that is asked, for thresholds that broadcast against each other.

        NaN where accept_below > reject_above, which is no pair, and where there is no lumisection.
        """
        low, high = self._row(accept_below), self._row(reject_above)
        asked = self.below[high] - self.below[low] + self.unscored
        pair = (np.asarray(accept_below) <= np.asarray(reject_above)) & (self.lumisections > 0)
        return np.where(pair, asked / max(self.lumisections, 1), np.nan)

    def least_workload(self, data_loss_budget: float, pollution_budget: float) -> Thresholds:
        """The pair that asks least within both budgets, chosen in hindsight: the best that any policy could do.

        Workload falls as ``accept_below`` rises and as ``reject_above`` falls, and each budget binds only one of them.
        So the first is the largest threshold whose pollution is within its budget (pollution is not monotone: good
        lumisections above bad ones dilute it again), the second the smallest whose loss is. Where the first exceeds
        the second, every point between them whose pollution is within budget leaves only the unscored to people; of
        these the one that spends the smaller share of the budget it spends most of is taken, of equals the largest.

        A threshold is 0 where nothing can be accepted, infinite where nothing need be rejected or all can be accepted,
        an observed badness elsewhere. Raises ``ValueError`` for budgets outside [0, 1].
        """
        for name, budget in (("data_loss_budget", data_loss_budget), ("pollution_budget", pollution_budget)):
            if not 0 <= budget <= 1:
                raise ValueError(f"{name} = {budget} is not a fraction of the weight; 0.01 means 1%")
        within = ~(self._pollutions > pollution_budget)
        low = int(np.flatnonzero(within)[-1])
        high = int(np.flatnonzero(~(self._losses > data_loss_budget))[0])
        if low > high:
            shared = np.arange(high, low + 1)[within[high : low + 1]]
            spent = np.maximum(
                _spent(self._losses[shared], data_loss_budget), _spent(self._pollutions[shared], pollution_budget)
            )
            low = high = int(shared[np.flatnonzero(spent == spent.min())[-1]])
        thresholds = self.thresholds
        return Thresholds(float(thresholds[low]) if low else 0.0, float(thresholds[high]))

    def thinned(self, points: int = 400) -> OperatingCurve:
        """At most ``points`` of the thresholds, for plots: the same numbers at those that are kept.

        Half of them lie evenly among the thresholds, half crowd geometrically towards both ends, where budgets bind.
        Both ends are kept. Elsewhere the curve answers for the next kept threshold.
        """
        if points < 8:
            raise ValueError(f"a curve of {points} points shows nothing; ask for at least 8")
        last = len(self.values)
        if last < points:
            return self
        near = np.geomspace(1, last, points // 4) - 1
        kept = np.unique(np.concatenate([np.linspace(0, last, points // 2), near, last - near]).astype(np.int64))
        return replace(
            self,
            values=self.values[kept[:-1]],
            rejected_good=self.rejected_good[kept],
            accepted=self.accepted[kept],
            accepted_bad=self.accepted_bad[kept],
            below=self.below[kept],
        )

    @property
    def _losses(self) -> NDArray[np.float64]:
        return ratio(self.rejected_good, np.float64(self.good_weight))

    @property
    def _pollutions(self) -> NDArray[np.float64]:
        return ratio(self.accepted_bad, self.accepted)

    def _row(self, threshold: ArrayLike) -> NDArray[np.intp]:
        """The row that decides as ``threshold`` does: the first observed value that is not below it."""
        # Compared in the precision of the badness, as WorkingPoint.decide compares.
        return np.searchsorted(self.values, np.asarray(threshold, dtype=self.values.dtype), side="left")


def scored_badness(badness: ArrayLike, truth: Truth) -> tuple[NDArray[np.bool_], Badness]:
    """Which lumisections of known truth have a badness, ``(k,)``, and those badnesses in float32 or float64.

    Raises ``ValueError`` for negative badness, which no threshold in [0, ∞] could refuse.
    """
    column = truth.rows(badness, "badness")
    values: Badness = column.astype(np.float32 if column.dtype == np.float32 else np.float64)
    scored: NDArray[np.bool_] = np.isfinite(values)
    found = values[scored]
    if found.size and found.min() < 0:
        raise ValueError(f"badness {found.min()} is negative; calibrate scores to [0, 1] before choosing thresholds")
    return scored, found


def ratio(part: NDArray[np.float64], whole: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """``part / whole`` with NaN where the whole is zero; the shapes broadcast."""
    part, whole = np.broadcast_arrays(part, whole)
    found: NDArray[np.float64] = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return found


def _before(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of the first 0, 1, …, n values: ``(n + 1,)``."""
    return np.concatenate([[0.0], np.cumsum(value)])


def _spent(share: NDArray[np.float64], budget: float) -> NDArray[np.float64]:
    """Which part of a budget is spent; nothing is spent of a budget of zero that holds."""
    return np.nan_to_num(share) / budget if budget > 0 else np.zeros(len(share))
