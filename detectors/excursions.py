"""How far good lumisections of past runs went in every column, and what goes beyond all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.protocol import State
from dqm.model.tables import Column, FeatureTable

MOST_TIMES = 1000.0
"""Times the largest past excursion that are told apart; also of a column that never moved."""

LEAST = 30
"""Good lumisections below which a column has shown too little to say what is beyond."""


@dataclass(frozen=True, eq=False)
class Excursions:
    """The largest excursion of good past lumisections to either side, column by column.

    Of ``m`` columns at the positions ``at`` of a table, in each of which 0 is as usual: x > 0 is x / ``above`` times
    the largest excursion, x < 0 is −x / ``below`` times. The largest is one that two runs showed, so that a single
    lumisection that was wrongly called good does not open the column for ever: of the largest of every run the second.

    What is more than ``times`` that in any column is beyond what the past can speak of: no model has seen a good
    lumisection like it, and trees say of it what they say of the nearest that they have seen. ``asked`` is what the
    configuration asked for; ``times`` is more than that where the past did not bear it.
    """

    at: NDArray[np.int64]
    above: NDArray[np.float64]
    below: NDArray[np.float64]
    times: float
    asked: float

    @classmethod
    def of(cls, table: FeatureTable, good: NDArray[np.bool_], times: float, asked: float = 0.0) -> Self:
        """From the ``good`` rows ``(n,)`` of a table; columns with fewer than ``LEAST`` finite values are left out.

        ``asked`` is ``times`` where it is 0.
        """
        at = compared(table.columns)
        values = table.values[np.ix_(good, at)].astype(np.float64)
        finite = np.isfinite(values)
        known = finite.sum(axis=0) >= LEAST
        at, values, run = at[known], np.where(finite, values, 0.0)[:, known], table.run[good]
        return cls(at, _of_two_runs(values, run), _of_two_runs(-values, run), times, asked or times)

    def ratio(self, table: FeatureTable) -> NDArray[np.float64]:
        """How many times its largest past excursion each column shows, ``(n, m)`` up to ``MOST_TIMES``; missing: 0."""
        values = table.values[:, self.at].astype(np.float64)
        values[np.isnan(values)] = 0.0
        largest = np.where(values > 0, self.above, self.below)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = np.where(values == 0, 0.0, np.abs(values) / largest)
        return np.asarray(np.minimum(found, MOST_TIMES))

    def farthest(self, table: FeatureTable) -> NDArray[np.float64]:
        """How many times its largest past excursion the column shows that goes farthest, ``(n,)``."""
        return np.asarray(self.ratio(table).max(axis=1, initial=0.0))

    def beyond(self, table: FeatureTable) -> NDArray[np.bool_]:
        """Rows that any column shows beyond all of the past, ``(n,)``."""
        return np.asarray(self.farthest(table) > self.times)

    def leading(self, table: FeatureTable) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Position of the column that goes farthest, and how many times its largest excursion, each ``(n,)``."""
        if not len(self.at):
            return np.zeros(len(table), dtype=np.int64), np.zeros(len(table))
        found = self.ratio(table)
        place = found.argmax(axis=1)
        return self.at[place], found[np.arange(len(table)), place]

    def state(self) -> State:
        """``at``, ``above``, ``below`` ``(m,)``, ``times`` and ``asked``."""
        columns: State = {"at": self.at, "above": self.above, "below": self.below}
        return {**columns, "times": np.array(self.times), "asked": np.array(self.asked)}

    @classmethod
    def restore(cls, state: State, columns: int) -> Self:
        """The excursions again, of a table of so many ``columns``; raises ``KeyError`` or ``ValueError`` for others."""
        at = np.asarray(state["at"])
        above, below = (np.asarray(state[name], dtype=np.float64) for name in ("above", "below"))
        times, asked = (float(np.asarray(state[name])) for name in ("times", "asked"))
        same = at.shape == above.shape == below.shape == (at.size,)
        if not same or not 1 <= asked < MOST_TIMES or not asked <= times <= MOST_TIMES:
            raise ValueError(
                f"excursions of {at.shape}, {above.shape} and {below.shape} columns, "
                f"{times} times where {asked} are asked"
            )
        if at.dtype != np.int64:
            raise ValueError(f"positions of columns as {at.dtype}")
        if at.size and (at.min() < 0 or at.max() >= columns):
            raise ValueError(f"excursions at column {at.min()} to {at.max()} of {columns}")
        if not (np.isfinite(above) & np.isfinite(below) & (above >= 0) & (below >= 0)).all():
            raise ValueError("largest excursions must be finite and not negative")
        return cls(at, above, below, times, asked)


def _of_two_runs(values: NDArray[np.float64], run: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the largest values of every run, 0 at least, the second, ``(m,)`` of ``(n, m)``; of a single run its own."""
    if not len(values):
        return np.zeros(values.shape[1])
    order = np.argsort(run, kind="stable")
    _, first = np.unique(run[order], return_index=True)
    largest = np.sort(np.maximum(np.maximum.reduceat(values[order], first, axis=0), 0.0), axis=0)
    return np.asarray(largest[-2:][0])


def compared(columns: tuple[Column, ...]) -> NDArray[np.int64]:
    """Positions of the columns that say how far from the usual something is, so that 0 is as usual, ``(m,)``.

    They are features in σ or in logarithms of a ratio, the measures of shapes, and what stands behind them quantity by
    quantity (details of the source of a z). A level itself, a flag, a place in the run say no such thing.
    """
    return np.array([j for j, column in enumerate(columns) if _is_distance(column)], dtype=np.int64)


def _is_distance(column: Column) -> bool:
    if column.kind == "flag" or column.source.endswith((".level", "flags")):
        return False
    if column.role == "feature":
        return column.unit in ("sigma", "ln") or column.source.startswith("shapes.")
    return column.role == "detail" and (column.source.endswith(".z") and column.name.endswith(".z"))
