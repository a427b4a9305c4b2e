"""Whether what the model says of the newest runs is still like what it said of the past; no label is needed.

Every run gives one number, the median badness of its lumisections, for runs and not lumisections are independent. The
newest runs are compared with those of the out-of-fold past by the two-sided rank test of Mann and Whitney: a model that
calls everything bad is a nuisance, one that calls everything good is a danger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dqm.model.config import Config
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint
from dqm.store.store import Store
from dqm.store.tables import scores_from_arrow

LEAST = 10
"""Runs of the past without which nothing is said."""


@dataclass(frozen=True)
class DriftCheck:
    """The newest ``runs`` beside the past: median badness of either (medians over runs), and how likely by chance."""

    runs: tuple[int, ...]
    now: float
    before: float
    p_value: float
    level: float

    @property
    def drifts(self) -> bool:
        """Whether chance is too poor an explanation."""
        return self.p_value < self.level

    def text(self) -> str:
        """For people."""
        return (
            f"median badness of the newest {len(self.runs)} runs {self.now:.3g}, of the past {self.before:.3g} "
            f"(p = {self.p_value:.2g}, {'DRIFT' if self.drifts else 'no drift'})"
        )


def medians(run: NDArray[np.int64], badness: NDArray[np.floating]) -> dict[int, float]:
    """Median badness of every run that has any."""
    finite = np.isfinite(badness)
    run, badness = run[finite], badness[finite]
    if not len(run):
        return {}
    order = np.argsort(run, kind="stable")
    runs, first = np.unique(run[order], return_index=True)
    return {int(r): float(np.median(part)) for r, part in zip(runs, np.split(badness[order], first[1:]), strict=True)}


def check(past: Past, newest: dict[int, float], level: float) -> DriftCheck | None:
    """Compare; None where either side is too small to say anything."""
    before = medians(past.run, past.badness)
    if len(before) < LEAST or len(newest) < 3:
        return None
    from scipy.stats import mannwhitneyu  # most of a second, for which no other command should wait

    one, other = list(newest.values()), list(before.values())
    p = float(mannwhitneyu(one, other, alternative="two-sided").pvalue)
    return DriftCheck(tuple(newest), float(np.median(one)), float(np.median(other)), p, level)


def drift(config: Config, store: Store, past: Past, manifest: str) -> DriftCheck | None:
    """The check of the newest runs that the model of ``manifest`` scored."""
    runs = [each.run for each in store.partitions("scores") if each.provenance["model"] == manifest]
    newest = runs[-config.nightly.drift_runs :]
    if len(newest) < config.nightly.drift_runs:
        return None
    found: dict[int, float] = {}
    for run in newest:
        scores = scores_from_arrow(store.read("scores", [run]))
        found |= medians(np.full(len(scores), run), scores.badness)
    return check(past, found, config.nightly.drift_level)


def withdrawn(point: WorkingPoint) -> WorkingPoint:
    """The working point while the model drifts: nothing is accepted, and only broken limits are rejected."""
    return replace(
        point, accept_below=0.0, reject_above=max(1.0, point.reject_above), policy=f"withdrawn: {point.policy}"
    )
