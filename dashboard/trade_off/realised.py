"""What working points realised: the machine's decisions of earlier nights against labels that came in later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dqm.decide.definitions import Intervals, Outcome, RunSums, bootstrap_intervals, outcome
from dqm.model.verdicts import WorkingPoint

LEAST_RUNS, MOST_BLOCKS = 20, 12
"""Runs of a block, as far as there are so many, and blocks that are shown."""
SEED, RESAMPLES = 0, 300


@dataclass(frozen=True, eq=False)
class Judged:
    """Lumisections that the machine decided before anybody labelled them, as columns ``(n,)`` in order of the runs.

    ``decision`` is the machine's, ``label`` what is known of them now (−1: nothing yet), ``weight`` in the unit of the
    experiment. ``point`` ``(n,)`` is the digest of the working point that decided.
    """

    run: NDArray[np.int64]
    decision: NDArray[np.object_]
    label: NDArray[np.int8]
    weight: NDArray[np.float64]
    point: NDArray[np.object_]

    def take(self, rows: NDArray[np.bool_]) -> Judged:
        """The given rows ``(n,)`` alone."""
        return replace(self, **{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Block:
    """Consecutive runs: what was realised in them, with 90% intervals from resampled runs, beside the budgets.

    ``labelled`` is the fraction of their lumisections of which the truth is known. ``budgets`` are loss and pollution
    that the working points were chosen for, the largest where there were several; None where they are unknown.
    """

    first: int
    last: int
    outcome: Outcome
    ends: Intervals
    labelled: float
    budgets: tuple[float, float] | None


def blocks(given: Judged, points: Sequence[WorkingPoint]) -> list[Block]:
    """Cut the runs with labels into blocks in their order, the newest last; empty without any label."""
    labelled = np.unique(given.run[given.label >= 0])
    if not len(labelled):
        return []
    by_digest = {each.digest: each for each in points}
    parts = min(max(len(labelled) // LEAST_RUNS, 1), MOST_BLOCKS)
    found = (given.take(np.isin(given.run, runs)) for runs in np.array_split(labelled, parts))
    return [_block(each, by_digest) for each in found]


def _block(given: Judged, points: dict[str, WorkingPoint]) -> Block:
    columns = given.decision, given.label, given.weight, given.run
    found = outcome(*columns)
    ends = bootstrap_intervals(RunSums.of(*columns), 0.9, RESAMPLES, seed=SEED)
    known = [points[digest] for digest in set(given.point.tolist()) & points.keys()]
    share = found.lumisections / len(given.run)
    first, last = int(given.run.min()), int(given.run.max())
    return Block(first, last, found, ends, share, _budgets(known))


def _budgets(points: Sequence[WorkingPoint]) -> tuple[float, float] | None:
    if not points:
        return None
    return max(each.data_loss_budget for each in points), max(each.pollution_budget for each in points)
