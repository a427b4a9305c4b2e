"""Rows grouped by run, and robust summaries of runs: medians of a run, medians over the runs before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.medians import around, of_groups, of_rows
from features.threads import threads_for

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation of a Gaussian to its standard deviation."""


@dataclass(frozen=True)
class Grouped:
    """``n`` rows, sorted by run and lumisection, that belong to ``m`` runs.

    ``code`` ``(n,)`` is the position of each row's run among ``runs`` ``(m,)``; ``first`` ``(m,)`` and ``count``
    ``(m,)`` tell where the rows of a run begin and how many they are.
    """

    runs: NDArray[np.int64]
    code: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, run: NDArray[np.int64]) -> Grouped:
        """Group sorted runs ``(n,)``; raises ``ValueError`` where they are not sorted."""
        if run.size and (np.diff(run) < 0).any():
            raise ValueError("rows must be sorted by run")
        runs, first, code, count = np.unique(run, return_index=True, return_inverse=True, return_counts=True)
        return cls(runs, code, first, count)

    def medians(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Median of every run and column, shape ``(m, d)`` from ``(n, d)``; NaN are left out, all NaN gives NaN."""
        threads_for(values.size)
        return np.asarray(of_groups(np.ascontiguousarray(values, dtype=np.float64), self.first, self.count))

    def present(self, values: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which columns have a number anywhere in each run, shape ``(m, d)`` from ``(n, d)``."""
        if not len(values):
            return np.zeros((0, values.shape[1]), dtype=bool)
        return np.asarray(np.add.reduceat(np.isfinite(values), self.first, axis=0, dtype=np.int64) > 0)

    def means(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mean of every run and column, shape ``(m, d)`` from ``(n, d)``; NaN are left out."""
        good = np.isfinite(values)
        total = np.add.reduceat(np.where(good, values, 0.0), self.first, axis=0)
        with np.errstate(invalid="ignore"):
            return total / np.add.reduceat(good, self.first, axis=0, dtype=np.int64)

    def edge(self, reach: int) -> NDArray[np.bool_]:
        """Which rows lie within ``reach`` rows of an end of their run, shape ``(n,)``."""
        place = np.arange(len(self.code)) - self.first[self.code]
        return np.asarray((place < reach) | (place >= self.count[self.code] - reach))

    def spread(self, values: NDArray[np.floating], centre: NDArray[np.floating]) -> NDArray[np.float64]:
        """Robust standard deviation of every run about its ``centre`` ``(m, d)``: 1.4826 · median |x − centre|."""
        return MAD_TO_SIGMA * self.medians(np.abs(values - centre[self.code]))


def past_median(by_run: NDArray[np.floating], runs: int) -> NDArray[np.float64]:
    """Median over the ``runs`` runs before each, shape ``(m, d)``; NaN for the first run, which has no past."""
    m, d = by_run.shape
    padded = np.concatenate([np.full((runs, d), np.nan), by_run])
    windows = np.lib.stride_tricks.sliding_window_view(padded, runs, axis=0)[:m]
    return nan_median(windows)


def nan_median(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Median over the last axis without the NaN; NaN where nothing is left, and no warning."""
    threads_for(values.size)
    rows = np.ascontiguousarray(values, dtype=np.float64).reshape(-1, values.shape[-1])
    return np.asarray(of_rows(rows)).reshape(values.shape[:-1])


def nan_extreme(values: NDArray[np.floating], axis: int = -1) -> NDArray[np.float64]:
    """Largest over an axis without the NaN; NaN where nothing is left, and no warning."""
    largest = np.fmax.reduce(values, axis=axis)
    return np.where(np.isneginf(largest), np.nan, largest)


def local_median(values: NDArray[np.floating], rows: Grouped, reach: int) -> NDArray[np.float64]:
    """Median over ``reach`` rows on either side within the run, shape ``(n, d)``, the row itself included."""
    threads_for(values.size)
    reach = min(reach, len(values))
    return np.asarray(around(np.ascontiguousarray(values, dtype=np.float64), rows.code, reach))
