"""The times of lumisections in the store: the windows on which sensors and beam share an axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.amounts import counted
from dqm.model.errors import StoreError
from dqm.model.sensors import SECOND, TimeGrid
from dqm.model.tables import lumisection_index
from dqm.store.store import Store

LUMISECTION = 23.31
"""Seconds of a lumisection of the LHC: 2^18 turns."""
WAY_OUT = "take fixed windows, TimeGrid.fixed"
NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class LumisectionTimes:
    """Lumisections whose time is known, in order of time: ``index`` (run, ls) and their ``grid`` of as many windows.

    ``untimed`` is the number of lumisections that have no begin of their own: nothing can be joined to them.
    """

    index: pd.MultiIndex
    grid: TimeGrid
    untimed: int


def lumisection_times(
    store: Store,
    begin: int | None = None,
    end: int | None = None,
    *,
    seconds: float = LUMISECTION,
    snapshot: int | None = None,
    run: int | None = None,
) -> LumisectionTimes:
    """The lumisections that overlap ``[begin, end)`` (ns of UTC; None: all) with their windows, or those of one run.

    A window ends where the next lumisection of the run begins. Before a hole, and at the end of a run, it is as long as
    is usual in that run, or ``seconds``, but never reaches into what begins next. Lumisections that begin at the same
    moment are untimed, all of them. Raises ``StoreError`` where the store knows no begin, or none in that time: there
    is no common time with the beam then.
    """
    runs, ls, start = _begins(store, snapshot, run)
    known = start != NO_TIME
    _, group, times = np.unique(start, return_inverse=True, return_counts=True)
    known &= times[group] == 1
    if not known.any():
        raise StoreError(
            f"{store.path}: none of its {counted(len(start), 'lumisection')} has a time of its own, so there is no "
            "common time with the beam; ingest an input that knows when they began, such as brilcalc"
        )
    order = np.flatnonzero(known)[np.argsort(start[known])]
    runs, ls, start = runs[order], ls[order], start[order]
    stop = _ends(runs, ls, start, round(seconds * SECOND))
    first, last = (-(2**62) if begin is None else begin), (2**62 if end is None else end)
    inside = (stop > first) & (start < last)
    if not inside.any():
        span = f"{_text(start[0])} to {_text(stop[-1])}"
        raise StoreError(f"{store.path}: its lumisections, {span}, have no common time with the sensors; {WAY_OUT}")
    grid = TimeGrid(start[inside], stop[inside])
    return LumisectionTimes(lumisection_index(runs[inside], ls[inside]), grid, int((~known).sum()))


def _begins(
    store: Store, snapshot: int | None, run: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Run, LS and begin ``(n,)`` of every lumisection."""
    if not store.runs("quantities", snapshot):
        raise StoreError(f"{store.path}: it holds no lumisections, so there is no common time with the beam; {WAY_OUT}")
    runs = None if run is None else [run]
    table = store.read("quantities", runs, ["run", "ls", "start"], snapshot)
    start = table["start"].to_pandas().to_numpy(dtype="datetime64[ns]").astype(np.int64)
    return table["run"].to_numpy(), table["ls"].to_numpy(), start


def _ends(run: NDArray[np.int64], ls: NDArray[np.int64], start: NDArray[np.int64], usual: int) -> NDArray[np.int64]:
    """Ends ``(n,)`` of lumisections in order of time."""
    following = np.append((np.diff(run) == 0) & (np.diff(ls) == 1), False)
    gone = np.append(np.diff(start), 0)
    length = np.where(following, gone, 0)
    for each in np.unique(run[~following]):
        of_run = run == each
        known = length[of_run & following]
        length[of_run & ~following] = int(np.median(known)) if len(known) else usual
    length[:-1] = np.minimum(length[:-1], gone[:-1])
    return start + length


def _text(time: int) -> str:
    return f"{np.datetime64(int(time) // SECOND, 's')}Z"
