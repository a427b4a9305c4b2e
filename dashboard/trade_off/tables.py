"""What another working point would have done: to the labelled past, and to the runs that are certified now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.decide.definitions import Intervals, Outcome, RunSums, bootstrap_intervals, outcome
from dqm.decide.operating import OperatingCurve
from dqm.decide.run_curves import Bands, RunCurves
from dqm.model.past import Past
from dqm.model.tables import QuantityTable
from dqm.model.verdicts import Decision, Verdicts, WorkingPoint

FLIPPING = frozenset({Decision.ACCEPT, Decision.ASK, Decision.REJECT})
"""What other thresholds may change: neither what nobody could score, nor what a person decided."""
SEED, RESAMPLES, POINTS = 0, 300, 300
"""Of the bootstrap over runs and of the drawn curve: enough for a picture, and repeatable."""


@dataclass(frozen=True, eq=False)
class PastCurve:
    """The labelled past that was scored: its operating curve, the bands around it and the evidence itself.

    What a guard holds back is neither accepted nor rejected at any threshold: it counts as work.
    """

    evidence: Past
    curve: OperatingCurve
    bands: Bands

    @classmethod
    def of(cls, past: Past) -> PastCurve | None:
        """The curve of the lumisections that have both a label and a badness; None without a good one."""
        rows = (past.label >= 0) & np.isfinite(past.badness)
        columns = (past.badness[rows], past.label[rows], past.weight[rows], past.held[rows])
        kept = Past(past.index[rows], *columns)
        if not (kept.label == 0).any():
            return None
        free = np.where(kept.held, np.nan, kept.badness)
        curve = OperatingCurve.of(free, kept.label, kept.weight, kept.run)
        thin = curve.thinned(POINTS)
        runs = RunCurves.of(free, kept.label, kept.weight, kept.run, thin.thresholds)
        return cls(kept, curve, runs.bands(0.9, RESAMPLES, seed=SEED))

    @property
    def least_workload(self) -> float:
        """Fraction of the lumisections that people look at whatever the thresholds, since a guard holds them."""
        return self.curve.unscored / self.curve.lumisections

    def outcome(self, point: WorkingPoint) -> tuple[Outcome, Intervals]:
        """What a working point would have cost in this past, with 90% intervals from resampled runs."""
        past = self.evidence
        decision = point.decide(past.badness, past.held)
        sums = RunSums.of(decision, past.label, past.weight, past.run)
        found = outcome(decision, past.label, past.weight, past.run)
        return found, bootstrap_intervals(sums, 0.9, RESAMPLES, seed=SEED)


@dataclass(frozen=True)
class Flips:
    """What another working point changes in certified runs.

    ``table`` has the columns run, before, after, lumisections, weight: one row per run and kind of change. ``asked``
    and ``would_ask`` count the lumisections that need a person, of ``lumisections``, before and after.
    """

    table: pd.DataFrame
    lumisections: int
    asked: int
    would_ask: int


def flips(verdicts: Verdicts, held: NDArray[np.bool_], point: WorkingPoint) -> Flips:
    """Decide ``n`` certified lumisections anew and compare; ``held`` ``(n,)`` is what a guard keeps back."""
    before = verdicts.decision.astype(str)
    free = np.isin(before, [str(each) for each in FLIPPING]) & np.isfinite(verdicts.badness)
    after = np.where(free, point.decide(verdicts.badness, held).astype(str), before)
    changed = before != after
    rows = pd.DataFrame(
        {
            "run": np.asarray(verdicts.index.get_level_values("run"))[changed],
            "before": before[changed],
            "after": after[changed],
            "weight": verdicts.weight[changed],
        }
    )
    grouped = rows.groupby(["run", "before", "after"], as_index=False)
    table = grouped.agg(lumisections=("weight", "size"), weight=("weight", "sum"))
    table = table.sort_values(["lumisections", "run"], ascending=[False, True], ignore_index=True)
    work = [str(Decision.ASK), str(Decision.UNKNOWN)]
    return Flips(table, len(before), int(np.isin(before, work).sum()), int(np.isin(after, work).sum()))


def lumisection_seconds(table: QuantityTable) -> float | None:
    """How long a lumisection lasts by the calendar: the median time from one to the next; None without begins."""
    order = np.lexsort((table.ls, table.run))
    follows = (np.diff(table.ls[order]) == 1) & (np.diff(table.run[order]) == 0)
    gaps = np.diff(table.start[order])[follows]
    gaps = gaps[~np.isnat(gaps)]
    return float(np.median(gaps / np.timedelta64(1, "ns")) / 1e9) if len(gaps) else None
