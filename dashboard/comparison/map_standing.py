"""A map, added up over lumisections, beside a reference: which cells are dead, which hot, and the ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.comparison.reference import NoReference, Reference
from dashboard.comparison.standing import Given, onto
from dqm.model.histograms import Axis
from features.maps import MarkedCells, marked_cells

SIDE = 160
"""Most cells along an edge that are drawn; of more, neighbours are pooled such that none that stands out is lost."""
LISTED = 1000
"""Dead and hot cells that a table lists."""
DEAD, HOT = "D  dead", "H  hot"


@dataclass(frozen=True, eq=False)
class MapStanding:
    """A map ``given`` ``(y, x)`` beside the reference ``named``, the one on which fewest cells stand out.

    ``cells`` are dead and hot ones with the counts expected; ``ratio`` ``(y, x)`` of the counts to these, NaN where
    nothing is expected.
    """

    given: Given
    reference: Reference
    named: str
    cells: MarkedCells

    @property
    def ratio(self) -> NDArray[np.float64]:
        """Counts over expected counts, ``(y, x)``."""
        expected = self.cells.expected
        out = np.full(expected.shape, np.nan)
        return np.asarray(np.divide(self.given.inside, expected, out=out, where=expected > 0))

    @property
    def outside(self) -> float:
        """Counts beyond the axes; NaN where the source keeps none."""
        return float(self.given.counts.sum() - self.given.total)


def map_standing_of(given: Given, reference: Reference) -> MapStanding | NoReference:
    """Compare a map; what holds no counts is not compared."""
    given = onto(given, reference.axes)
    if not given.total > 0:
        return NoReference("empty", "nothing was counted in these lumisections.")
    found = [marked_cells(given.inside, each) for each in reference.candidates]
    best = min(range(len(found)), key=lambda i: int(found[i].dead.sum() + found[i].hot.sum()))
    return MapStanding(given, reference, reference.names[best], found[best])


def cell_table(standing: MapStanding, *, marked: bool) -> pd.DataFrame:
    """One row a cell; with ``marked`` the first ``LISTED`` dead and hot ones, those with most counts amiss first."""
    cells = standing.cells
    state = np.where(cells.dead, DEAD, np.where(cells.hot, HOT, "")).reshape(-1)
    counts, expected = standing.given.inside.reshape(-1), cells.expected.reshape(-1)
    at = np.arange(state.size)
    if marked:
        at = at[state != ""]
        at = at[np.argsort(-np.abs(counts - expected)[at], kind="stable")][:LISTED]
    x, y = standing.reference.axes
    columns, rows = at % x.bins, at // x.bins
    return pd.DataFrame(
        {
            "cell": state[at],
            **_place("x", x, columns),
            **_place("y", y, rows),
            "counts": counts[at],
            "expected": expected[at],
        }
    )


def _place(name: str, axis: Axis, at: NDArray[np.int64]) -> dict[str, object]:
    if axis.labels:
        return {name: [axis.labels[i] for i in at.tolist()]}
    return {f"{name} from": axis.all_edges[at], f"{name} to": axis.all_edges[at + 1]}


def pooled(values: NDArray[np.float64], most: int = SIDE) -> NDArray[np.float64]:
    """The largest of neighbouring cells of ``(y, x)``, at most ``most`` along an edge; NaN only where all are.

    >>> pooled(np.array([[1.0, 2.0, np.nan, np.nan]]), 2)
    array([[ 2., nan]])
    """
    low = np.where(np.isnan(values), -np.inf, values)
    for axis in (0, 1):
        begins = pool_begins(low.shape[axis], most)
        low = np.maximum.reduceat(low, begins, axis=axis)
    return np.where(np.isneginf(low), np.nan, low)


def pool_begins(bins: int, most: int = SIDE) -> NDArray[np.int64]:
    """Where the pools of neighbouring bins begin."""
    pools = min(bins, most)
    return np.arange(pools, dtype=np.int64) * bins // pools


def farthest(ratio: NDArray[np.float64], most: int = SIDE) -> NDArray[np.float64]:
    """log₂ of the ratio that is farthest from 1 in every pool, from −3 to 3; a cell without counts stands at −3."""
    with np.errstate(divide="ignore"):
        logs = np.clip(np.log2(ratio), -3, 3)
    high, low = pooled(logs, most), -pooled(-logs, most)
    return np.asarray(np.where(np.abs(low) > np.abs(high), low, high))
