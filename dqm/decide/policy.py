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
from dqm.decide.operating import OperatingCurve
from dqm.decide.run_curves import RunCurves
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint

__all__ = ["MarginPolicy", "Past"]


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
        known = (past.label >= 0) & np.isfinite(past.badness)
        runs = len(np.unique(past.run[known]))
        accept, reject = 0.0, 1.0
        if (past.label[known] == 0).any():
            accept, reject = self._thresholds(past, known, data_loss, pollution)
        if not (past.label[known] == 1).any():
            accept = 0.0  # a past without anything bad cannot show what accepting would let in
        return WorkingPoint(
            accept_below=accept,
            reject_above=reject,
            data_loss_budget=data_loss,
            pollution_budget=pollution,
            confidence=confidence,
            policy=repr(self),
            runs=runs,
            alpha_min=alpha_min(runs, 1 - confidence),
        )

    def _thresholds(
        self, past: Past, known: NDArray[np.bool_], data_loss: float, pollution: float
    ) -> tuple[float, float]:
        badness, held = past.badness[known].astype(np.float64), past.held[known]
        label, weight, run = past.label[known], past.weight[known], past.run[known]
        highest, lowest = min(self.clamp, self.factor * pollution), 1 - min(self.clamp, self.factor * data_loss)
        grid = OperatingCurve.of(badness, label, weight, run).thinned(self.points).thresholds
        grid = np.unique(np.concatenate([grid[np.isfinite(grid)], [0.0, highest, lowest, 1.0]]))
        # A held lumisection is neither accepted nor rejected, so it sits beyond each threshold in turn.
        unrejected = RunCurves.of(np.where(held, 0.0, badness), label, weight, run, grid[(grid > 0) & (grid >= lowest)])
        unaccepted = RunCurves.of(np.where(held, 1.0, badness), label, weight, run, grid[grid <= highest])
        counts = resampled_runs(len(unrejected), self.resamples, self.seed)
        loss = _upper(unrejected.ratios(counts)[0], self.quantile)
        polluted = _upper(unaccepted.ratios(counts)[1], self.quantile)
        within = np.flatnonzero(loss <= data_loss)
        reject = float(unrejected.thresholds[within[0]]) if within.size else np.inf
        within = np.flatnonzero(polluted <= pollution)
        accept = float(unaccepted.thresholds[within[-1]]) if within.size else 0.0
        if accept > reject:
            accept = reject = (accept + reject) / 2
        return accept, reject


def _upper(values: NDArray[np.float64], quantile: float) -> NDArray[np.float64]:
    """Upper quantile of every column of ``(B, G)``; a resample in which a ratio is undefined breaks no budget."""
    return np.asarray(np.quantile(np.nan_to_num(values, nan=0.0), quantile, axis=0))
