"""Rows grouped by run, and robust summaries of runs: medians of a run, medians over the runs before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
        found = np.full((len(self.runs), values.shape[1]), np.nan)
        for j in range(values.shape[1]):
            column = np.where(np.isfinite(values[:, j]), values[:, j], np.nan)
            ordered = column[np.lexsort((column, self.code))]  # NaN come last in every run
            finite = np.bincount(self.code, np.isfinite(column), minlength=len(self.runs)).astype(np.int64)
            low, high = (
                self.first + np.maximum(finite - 1, 0) // 2,
                self.first + np.minimum(finite // 2, self.count - 1),
            )
            found[:, j] = np.where(finite > 0, (ordered[low] + ordered[high]) / 2, np.nan)
        return found

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
    ordered = np.sort(values, axis=-1)  # NaN last
    finite = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(finite - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(finite // 2, ordered.shape[-1] - 1), axis=-1)
    return np.where(finite > 0, (low + high) / 2, np.nan)[..., 0]


def nan_extreme(values: NDArray[np.floating], axis: int = -1) -> NDArray[np.float64]:
    """Largest over an axis without the NaN; NaN where nothing is left, and no warning."""
    largest = np.where(np.isnan(values), -np.inf, values).max(axis=axis)
    return np.where(np.isneginf(largest), np.nan, largest)


def local_median(values: NDArray[np.floating], rows: Grouped, reach: int) -> NDArray[np.float64]:
    """Median over ``reach`` rows on either side within the run, shape ``(n, d)``, the row itself included."""
    n = len(values)
    reach = min(reach, n)
    around = np.full((*values.shape, 2 * reach + 1), np.nan)
    for k, shift in enumerate(range(-reach, reach + 1)):
        here = slice(max(0, -shift), n - max(0, shift))
        there = slice(max(0, shift), n + min(0, shift))
        same = rows.code[here] == rows.code[there]
        around[here, :, k] = np.where(same[:, None], values[there], np.nan)
    return nan_median(around)
