"""From scores to alarms: how unusual a score is among those of the past, and from which on an anomaly opens.

The severity of a score s is −log₁₀ p with the conformal p = (1 + #{past scores ≥ s})/(m + 1) over the m scores of all
loops that the past got from what it did not learn from. An anomaly opens at the lowest severity at which the past had
at most one anomaly per loop and week. A past of less than one loop-week cannot say that of any: then only what exceeds
all of it opens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dqm.decide.intervals import IntervalRules
from dqm.model.amounts import counted
from dqm.model.sensors import SECOND

WEEK = 7 * 86_400
CONFIDENCE = 0.9
CLOSES = 0.75
"""Of the score at which an anomaly opens, that below which it has ended."""
LEAST, MERGE = 60.0, 600.0
"""Seconds of the shortest anomaly, and within which what opens again is the same."""
TRIED = 200
"""Thresholds that are tried."""


@dataclass(frozen=True, eq=False)
class Alarm:
    """``past`` scores, sorted; the score that opens; how many loop-weeks the past holds and how many anomalies it had
    at that score."""

    past: NDArray[np.float32]
    opens: float
    weeks: float
    opened: int

    @classmethod
    def of(cls, begin: NDArray[np.int64], scores: NDArray[np.float32], seconds: float) -> Alarm:
        """From the held-out scores ``(w, loops)`` of the windows of a past, one every ``seconds``."""
        known = np.sort(scores[np.isfinite(scores)])
        weeks = len(known) * seconds / WEEK
        opens = float(np.nextafter(known[-1], np.float32(np.inf))) if len(known) else 1.0
        opened = 0
        ranks = np.unique(np.geomspace(1, max(len(known), 1), TRIED).astype(int))
        for rank in ranks[: len(known)]:
            tried = float(known[-rank])
            count = _anomalies(begin, scores, tried)
            if count > int(weeks):
                break
            opens, opened = tried, count
        return cls(known, opens, weeks, opened)

    def severity(self, score: ArrayLike) -> NDArray[np.float64]:
        """Severity of scores; NaN for those that are not known."""
        s = np.asarray(score, dtype=np.float32)
        at_least = len(self.past) - np.searchsorted(self.past, s, side="left")
        return np.where(np.isnan(s), np.nan, -np.log10((1 + at_least) / (len(self.past) + 1)))

    @property
    def highest(self) -> float:
        """The largest severity that this past can give."""
        return float(np.log10(len(self.past) + 1))

    @property
    def rules(self) -> IntervalRules:
        """When anomalies open and close."""
        opens, closes = (float(self.severity(each)) for each in (self.opens, CLOSES * self.opens))
        return IntervalRules(opens, closes, LEAST, MERGE)

    @property
    def rate(self) -> tuple[float, float]:
        """False anomalies per loop and week in the past, and the bound that holds with 90% confidence (Poisson)."""
        from scipy.special import gammaincinv

        if not self.weeks:
            return float("nan"), float("inf")
        return self.opened / self.weeks, float(gammaincinv(self.opened + 1, CONFIDENCE) / self.weeks)

    @property
    def promise(self) -> str:
        """What the past can promise, in words."""
        if not self.weeks:
            return "the past could not be judged by itself, so that only what is certain is told"
        rate, bound = self.rate
        held = f"the past of {self.weeks:.2g} loop-weeks had {counted(self.opened, 'anomaly')} at this threshold"
        said = f"{held}: {rate:.2g} per loop and week, at most {bound:.2g} with 90% confidence"
        if self.weeks < 1:
            return f"{said}; it is too short to show one per loop and week, so only what exceeds all of it opens"
        return said


def _anomalies(begin: NDArray[np.int64], scores: NDArray[np.float32], opens: float) -> int:
    """How often scores ``(w, loops)`` reach ``opens`` after at least ``MERGE`` without, over all loops."""
    row, loop = np.nonzero((scores >= opens).T)[::-1]
    if not len(row):
        return 0
    again = (np.diff(loop) == 0) & (np.diff(begin[row]) <= MERGE * SECOND)
    return int(len(row) - again.sum())
