"""The margin policy: thresholds from out-of-fold badness of past runs that are meant to hold on the next runs.

Runs, not lumisections, are what the next block will bring more of, so runs are resampled. A threshold is allowed where
the upper quantile of the realised loss (or pollution) over resampled pasts stays within the budget; the least workload
among the allowed ones is taken. Because a few dozen runs cannot show a risk of 1%, two clamps are added that no past
evidence overrules: nothing is accepted above a badness of ten pollution budgets, or .05, and nothing is rejected below
one minus ten loss budgets, or .95. The constants were fixed on development runs; docs/certification.md says which.

It is a policy and not a guarantee: ``alpha_min`` in the working point tells what the runs could promise at best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqm.decide.bounds import alpha_min
from dqm.decide.definitions import resampled_runs
from dqm.decide.operating import OperatingCurve, ratio
from dqm.decide.ordered_past import OrderedPast
from dqm.decide.run_curves import RunCurves
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint

__all__ = ["MarginPolicy", "Margins", "Past"]


@dataclass(frozen=True)
class MarginPolicy:
    """Constants of the policy: the ``quantile`` over ``resamples`` of the past, the ``clamp`` and its ``factor``."""

    quantile: float = 0.8
    resamples: int = 300
    clamp: float = 0.05
    factor: float = 10.0
    points: int = 400
    seed: int = 0

    def choose(self, past: Past, data_loss: float, pollution: float, confidence: float = 0.9) -> WorkingPoint:
        """The working point of least workload that the past allows at these budgets (fractions of the weight).

        With nothing bad in the past it accepts nothing; with nothing to learn from it accepts nothing and rejects only
        a badness of 1, which is a broken limit. Where people called so much good that breaks a limit that even this
        exceeds the budget, nothing is rejected.
        """
        return self.over(past).choose(data_loss, pollution, confidence)

    def over(self, past: Past) -> Margins:
        """All that does not depend on the budgets, for who asks for many of them."""
        ordered = OrderedPast.of(past)
        known = (past.label >= 0) & np.isfinite(past.badness)
        if not (past.label[known] == 0).any():
            none = np.zeros(0)
            return Margins(self, ordered, np.zeros((0, len(ordered.run))), none, none, none, none)
        badness, held = past.badness[known].astype(np.float64), past.held[known]
        columns = past.label[known], past.weight[known], past.run[known]
        grid = OperatingCurve.of(badness, *columns).thinned(self.points).thresholds
        grid = np.unique(np.concatenate([grid[np.isfinite(grid)], [0.0, self.clamp, 1 - self.clamp, 1.0]]))
        # A held lumisection is neither accepted nor rejected, so it sits beyond each threshold in turn.
        high, low = grid[(grid > 0) & (grid >= 1 - self.clamp)], grid[grid <= self.clamp]
        unrejected = RunCurves.of(np.where(held, 0.0, badness), *columns, high)
        unaccepted = RunCurves.of(np.where(held, 1.0, badness), *columns, low)
        counts = resampled_runs(len(ordered.run), self.resamples, self.seed)
        loss, polluted = (self.upper(each) for each in (unrejected.ratios(counts)[0], unaccepted.ratios(counts)[1]))
        rejecting, accepting = (np.asarray(each.thresholds, dtype=np.float64) for each in (unrejected, unaccepted))
        return Margins(self, ordered, counts, rejecting, loss, accepting, polluted)

    def upper(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Upper quantile of every column of ``(B, …)``; a resample in which a ratio is undefined breaks no budget."""
        return np.asarray(np.quantile(np.nan_to_num(values, nan=0.0), self.quantile, axis=0))


@dataclass(frozen=True, eq=False)
class Margins:
    """What one past allows at whatever budgets: upper quantiles of what each threshold would have realised.

    ``loss`` ``(G,)`` of each of the thresholds ``rejecting``, ``polluted`` ``(H,)`` of each of ``accepting``, both
    ascending; fractions of the weight. ``counts`` ``(B, R)``: how often a resample holds a run; none without good ones.
    """

    policy: MarginPolicy
    past: OrderedPast
    counts: NDArray[np.float64]
    rejecting: NDArray[np.float64]
    loss: NDArray[np.float64]
    accepting: NDArray[np.float64]
    polluted: NDArray[np.float64]

    def choose(self, data_loss: float, pollution: float, confidence: float = 0.9) -> WorkingPoint:
        """As ``MarginPolicy.choose``, from what was prepared."""
        accept, reject, runs = 0.0, 1.0, len(self.past.run)
        if len(self.counts):
            accept, reject = self._accept(pollution), self._reject(data_loss)
            if accept > reject:
                accept = reject = (accept + reject) / 2
        if not self.past.bad_lumisections:
            accept = 0.0  # a past without anything bad cannot show what accepting would let in
        return WorkingPoint(
            accept_below=accept,
            reject_above=reject,
            data_loss_budget=data_loss,
            pollution_budget=pollution,
            confidence=confidence,
            policy=repr(self.policy),
            runs=runs,
            alpha_min=alpha_min(runs, 1 - confidence),
        )

    def _reject(self, budget: float) -> float:
        """The lowest threshold from one minus the clamp on that keeps the loss within the budget; infinite if none."""
        lowest = 1 - min(self.policy.clamp, self.policy.factor * budget)
        if lowest > 0 and self._loss_at(lowest) <= budget:
            return lowest
        within = np.flatnonzero((self.rejecting > lowest) & (self.loss <= budget))
        return float(self.rejecting[within[0]]) if within.size else np.inf

    def _accept(self, budget: float) -> float:
        """The highest threshold up to the clamp that keeps the pollution within the budget; 0 if there is none."""
        highest = min(self.policy.clamp, self.policy.factor * budget)
        if self._polluted_at(highest) <= budget:
            return highest
        within = np.flatnonzero((self.accepting < highest) & (self.polluted <= budget))
        return float(self.accepting[within[-1]]) if within.size else 0.0

    def _loss_at(self, threshold: float) -> float:
        known = np.flatnonzero(self.rejecting == threshold)
        if known.size:
            return float(self.loss[known[0]])
        lost = self.past.lost(self._row(threshold))
        return float(self.policy.upper(ratio(self.counts @ lost, self.counts @ self.past.good_weight)))

    def _polluted_at(self, threshold: float) -> float:
        known = np.flatnonzero(self.accepting == threshold)
        if known.size:
            return float(self.polluted[known[0]])
        good, bad = self.past.accepted(self._row(threshold))
        return float(self.policy.upper(ratio(self.counts @ bad, self.counts @ (good + bad))))

    def _row(self, threshold: float) -> int:
        """The first free lumisection that is not below a threshold, compared in double precision as the grid is."""
        return int(np.searchsorted(self.past.badness, np.float64(threshold), side="left"))
