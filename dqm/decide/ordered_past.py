"""The labelled past in the order of badness: any pair of thresholds is then judged by two slices of it.

Sorted once, a million lumisections answer for a working point in some milliseconds, which is what a slider needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dqm.decide.definitions import Outcome, RunSums
from dqm.decide.truth import Truth
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint


@dataclass(frozen=True, eq=False)
class OrderedPast:
    """Lumisections of known truth that were scored; those that no guard holds, ``m`` of them, ascend by badness.

    ``badness`` float32 ``(m,)``; ``position`` ``(m,)`` of each one's run within ``run`` ``(R,)``, ascending; ``good``
    and ``bad`` ``(m,)`` its weight where it is so, else 0. Of every run, guarded ones included, ``(R,)``:
    ``good_weight``, ``bad_weight``, and the number of ``lumisections``. ``held_weight`` is that of the guarded ones,
    ``bad_lumisections`` how many are bad.
    """

    badness: NDArray[np.float32]
    position: NDArray[np.intp]
    good: NDArray[np.float64]
    bad: NDArray[np.float64]
    run: NDArray[np.int64]
    good_weight: NDArray[np.float64]
    bad_weight: NDArray[np.float64]
    lumisections: NDArray[np.float64]
    held_weight: float
    bad_lumisections: int

    @classmethod
    def of(cls, past: Past) -> OrderedPast:
        """Sort what has both a label and a badness; raises ``ValueError`` for labels and weights that are none."""
        known = (past.label >= 0) & np.isfinite(past.badness)
        truth = Truth.of(past.label[known], past.weight[known], past.run[known])
        badness, free = past.badness[known], np.flatnonzero(~past.held[known])
        order = free[np.argsort(badness[free], kind="stable")]
        weight, bad = truth.weight[order], truth.bad[order]
        return cls(
            badness=badness[order],
            position=truth.position[order],
            good=np.where(bad, 0.0, weight),
            bad=np.where(bad, weight, 0.0),
            run=truth.runs,
            good_weight=truth.per_run(~truth.bad),
            bad_weight=truth.per_run(truth.bad),
            lumisections=truth.per_run(np.ones(len(truth), dtype=bool), weighted=False),
            held_weight=float(truth.weight[past.held[known]].sum()),
            bad_lumisections=int(truth.bad.sum()),
        )

    def __len__(self) -> int:
        """How many lumisections there are, guarded ones included."""
        return int(self.lumisections.sum())

    @property
    def held(self) -> int:
        """How many lumisections a guard holds: they are asked at any thresholds."""
        return len(self) - len(self.badness)

    def below(self, threshold: ArrayLike) -> NDArray[np.intp]:
        """How many of the free lumisections have a badness below thresholds of any shape, as decisions compare it."""
        return np.searchsorted(self.badness, np.asarray(threshold, dtype=np.float32), side="left")

    def workload(self, accept_below: ArrayLike, reject_above: ArrayLike) -> NDArray[np.float64]:
        """Fraction of the lumisections that is asked, at thresholds that broadcast against each other."""
        asked = self.below(reject_above) - self.below(accept_below) + self.held
        return np.asarray(asked / max(len(self), 1), dtype=np.float64)

    def lost(self, first: int) -> NDArray[np.float64]:
        """Good weight of every run ``(R,)`` from the free lumisection ``first`` on: what rejecting them would lose."""
        return self._per_run(self.good, slice(first, None))

    def accepted(self, last: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Good and bad weight of every run, ``(R,)`` each, of the free lumisections before ``last``."""
        return self._per_run(self.good, slice(last)), self._per_run(self.bad, slice(last))

    def sums(self, point: WorkingPoint) -> RunSums:
        """What a working point does in every run: as ``RunSums.of`` finds it from the decisions one by one."""
        last, first = (int(self.below(each)) for each in (point.accept_below, point.reject_above))
        good, bad = self.accepted(last)
        decided = self._count(slice(last)) + self._count(slice(first, None))
        return RunSums(
            run=self.run,
            good=self.good_weight,
            rejected_good=self.lost(first),
            bad=self.bad_weight,
            accepted=good + bad,
            accepted_bad=bad,
            lumisections=self.lumisections,
            asked=self.lumisections - decided,
        )

    def outcome(self, point: WorkingPoint) -> tuple[Outcome, RunSums]:
        """What a working point costs in this past, in sums that are rounded as they come, and what every run adds."""
        found = self.sums(point)
        last, first = (int(self.below(each)) for each in (point.accept_below, point.reject_above))
        left = float(self.good[last:first].sum() + self.bad[last:first].sum()) + self.held_weight
        good, bad, accepted = (float(each.sum()) for each in (found.good, found.bad, found.accepted))
        lost, accepted_bad = float(found.rejected_good.sum()), float(found.accepted_bad.sum())
        asked, asked_runs = int(found.asked.sum()), int(np.count_nonzero(found.asked))
        told = Outcome(
            data_loss=_share(lost, good),
            pollution=_share(accepted_bad, accepted),
            false_positive=_share(accepted_bad, bad),
            rejection_rate=_share(left, good + bad),
            workload=_share(asked, len(self)),
            workload_runs=_share(asked_runs, len(self.run)),
            workload_minutes=None,
            good_weight=good,
            rejected_good_weight=lost,
            bad_weight=bad,
            accepted_weight=accepted,
            accepted_bad_weight=accepted_bad,
            lumisections=len(self),
            asked=asked,
            unscored=0,
            runs=len(self.run),
            asked_runs=asked_runs,
            without_truth=0,
        )
        return told, found

    def _per_run(self, value: NDArray[np.float64], rows: slice) -> NDArray[np.float64]:
        return np.bincount(self.position[rows], value[rows], minlength=len(self.run)).astype(np.float64)

    def _count(self, rows: slice) -> NDArray[np.float64]:
        return np.bincount(self.position[rows], minlength=len(self.run)).astype(np.float64)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
