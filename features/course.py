"""The course of a quantity along its run: its distance to earlier runs and to its own, and its jumps.

The level itself is a feature only of a quantity whose bad side is known: elsewhere it tells the year, and a model that
learned it is lost in the next one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.runs import Grouped, local_median, past_median

ASPECTS = ("level", "past", "own", "before", "after", "local")
ENOUGH = 20
"""Lumisections that a run needs to count among the past."""


def course(
    v: NDArray[np.float64], judged: NDArray[np.bool_], rows: Grouped, past_runs: int
) -> dict[str, NDArray[np.float64]]:
    """Six views of ``d`` quantities, each ``(n, d)`` from ``v`` ``(n, d)``; NaN where a view has nothing to look at.

    ``level`` is v; ``past`` v − median over the last ``past_runs`` earlier run medians; ``own`` v − own run's median;
    ``before`` and ``after`` the steps from the previous and to the next lumisection; ``local`` v − median of five.
    Medians look only at the ``judged`` ``(n,)`` lumisections (beam, recorded data), steps at all of them.
    """
    by_run = rows.medians(np.where(judged[:, None], v, np.nan))
    thin = np.bincount(rows.code, judged, minlength=len(rows.runs)) < ENOUGH
    earlier = _past_of_full_runs(by_run, thin, past_runs)
    step = np.diff(v, axis=0, prepend=np.nan)
    step[rows.first] = np.nan
    after = np.full(v.shape, np.nan)
    after[:-1] = -step[1:]
    around = v - local_median(v, rows, 2)
    around[rows.edge(2)] = np.nan
    return {
        "level": v,
        "past": v - earlier[rows.code],
        "own": v - by_run[rows.code],
        "before": step,
        "after": after,
        "local": around,
    }


def _past_of_full_runs(by_run: NDArray[np.float64], thin: NDArray[np.bool_], past_runs: int) -> NDArray[np.float64]:
    """Median of the last full runs before each run, ``(m, d)``; short runs are judged but teach nothing."""
    full = np.flatnonzero(~thin)
    # One more row, for runs after the last full one: the past of a run that comes next.
    known = past_median(np.concatenate([by_run[full], np.full((1, by_run.shape[1]), np.nan)]), past_runs)
    return known[np.searchsorted(full, np.arange(len(by_run)))]


def logarithm(value: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """ln of a quantity that cannot be negative, floored so that zero is far away and not infinite."""
    return np.log(np.maximum(value, floor))
