"""Why a lumisection is what it is: the top contributions, each with the subsystem behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.model import Model
from dqm.model.tables import BINS, Column, FeatureTable
from dqm.model.verdicts import Reason

MOST = 3
"""Reasons that are kept for every lumisection."""

BEYOND = "beyond.past"
"""The feature that a reason names where a lumisection goes beyond all that good ones of past runs showed."""


def reasons_of(
    table: FeatureTable, contribution: NDArray[np.float32]
) -> tuple[NDArray[np.object_], tuple[tuple[Reason, ...], ...]]:
    """Leading subsystem ``(n,)`` and up to three reasons of each of ``n`` lumisections.

    ``contribution`` ``(n, d)`` ≥ 0 is evidence for BAD in log-odds. A broken limit comes first, with infinite
    contribution; then a guard that holds the lumisection, with none; then the largest contributions. A feature over
    several columns is attributed to the column that stands out most among those of the same source, and what the bins
    of a histogram add together stands at the bin that adds most.
    """
    leaders = Leaders(table)
    contribution = with_whole_histograms(table.columns, contribution)
    first = np.array([{"limit": 2, "guard": 1}.get(column.role, 0) for column in table.columns])
    shown = np.where(first > 0, (table.values == 1) * first * 1e30, contribution)
    order = np.argsort(-shown, axis=1, kind="stable")[:, :MOST]
    found = []
    for row, places in enumerate(order.tolist()):
        found.append(tuple(leaders.reason(row, j, contribution[row, j]) for j in places if shown[row, j] > 0))
    subsystem = np.array([each[0].subsystem if each else "" for each in found], dtype=object)
    return subsystem, tuple(found)


def with_excursions(
    subsystem: NDArray[np.object_],
    reasons: tuple[tuple[Reason, ...], ...],
    table: FeatureTable,
    model: Model,
    alone: NDArray[np.bool_],
) -> tuple[NDArray[np.object_], tuple[tuple[Reason, ...], ...]]:
    """Leading subsystem and reasons, with the excursion first where its guard ``alone`` ``(n,)`` holds a lumisection.

    Where another guard holds it too, what that one says of the whole run stands first. The value is how many times its
    largest excursion among good past lumisections the farthest column shows.
    """
    if model.excursions is None or not alone.any():
        return subsystem, reasons
    rows = np.flatnonzero(alone)
    at, times = model.excursions.leading(table.take(rows))
    leaders, subsystem, found = Leaders(table), subsystem.copy(), list(reasons)
    for row, leader, far in zip(rows.tolist(), at.tolist(), times.tolist(), strict=True):
        column = table.columns[leaders.column(leader)[row]]
        found[row] = (Reason(f"{BEYOND}: {column.name}", column.subsystem, far, 0.0), *found[row])[:MOST]
        subsystem[row] = column.subsystem
    return subsystem, tuple(found)


def with_detectors(
    reasons: tuple[tuple[Reason, ...], ...], model: Model, scores: NDArray[np.float32]
) -> tuple[tuple[Reason, ...], ...]:
    """The reasons, and what each of several detectors said that added to the anomaly; ``scores`` are ``(n, k)``.

    The value is p(bad) of a detector that gives one, else its p-value among good lumisections.
    """
    if model.fusion is None:
        return reasons
    shares = model.fusion.shares(scores)
    said: list[tuple[str, NDArray[Any]]] = []
    for j, title in enumerate(model.titles):
        if model.fusion.probability[j]:
            said.append((f"detector.probability: {title}", scores[:, j]))
        else:
            said.append((f"detector.unusual: {title}", model.fusion.references[j].p(scores[:, j])))
    found = []
    for row, given in enumerate(reasons):
        order = np.argsort(-shares[row], kind="stable")
        add = [
            Reason(said[j][0], "", float(said[j][1][row]), float(shares[row, j])) for j in order if shares[row, j] > 0
        ]
        found.append((*given, *add))
    return tuple(found)


def with_whole_histograms(columns: tuple[Column, ...], contribution: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum over the bins of each element at its largest bin, 0 at the others: a shape is one reason, not many."""
    elements: dict[str, list[int]] = {}
    for j, column in enumerate(columns):
        if column.source == BINS:
            elements.setdefault(column.name.rpartition(":")[0], []).append(j)
    if not elements:
        return contribution
    found = contribution.copy()
    for at in elements.values():
        bins = contribution[:, at]
        largest = bins.argmax(axis=1)[:, None]
        whole = np.zeros_like(bins)
        np.put_along_axis(whole, largest, bins.sum(axis=1, keepdims=True), axis=1)
        found[:, at] = whole
    return found


class Leaders:
    """Which single column stands out behind a feature over several."""

    def __init__(self, table: FeatureTable) -> None:
        self._table = table
        self._details: dict[str, list[int]] = {}
        for j, column in enumerate(table.columns):
            if column.role == "detail":
                self._details.setdefault(column.source, []).append(j)
        self._columns: dict[int, NDArray[np.int64]] = {}

    def _stand_out(self, members: list[int], column: Column) -> NDArray[np.int64]:
        """Position of the detail that is farthest to the side of a column, ``(n,)``."""
        z, side = self._table.values[:, members], column.name.rpartition(".")[2]
        distance = np.nan_to_num({"low": -z, "high": z}.get(side, np.abs(z)), nan=-np.inf, posinf=1e30, neginf=-1e30)
        found: NDArray[np.int64] = np.asarray(members)[distance.argmax(axis=1)]
        return found

    def reason(self, row: int, j: int, contribution: float) -> Reason:
        """Column ``j`` of a lumisection as a reason, named with the column that stands out behind it."""
        column = self._table.columns[j]
        at = int(self.column(j)[row])
        subsystem = self._table.columns[at].subsystem or column.subsystem
        value = float(self._table.values[row, at if column.role != "limit" else j])
        detail = column.source if column.role == "limit" else self._table.columns[at].name if at != j else ""
        name = f"{column.name}: {detail}" if detail else column.name
        weight = {"limit": np.inf, "guard": 0.0}.get(column.role, float(contribution))
        return Reason(name, subsystem, value, weight)

    def column(self, j: int) -> NDArray[np.int64]:
        """Positions ``(n,)`` of the columns that stand out behind column ``j``: itself where it is over no others."""
        if j not in self._columns:
            column, members = self._table.columns[j], self.behind(j)
            alone = members == [j]
            self._columns[j] = np.full(len(self._table), j) if alone else self._stand_out(members, column)
        return self._columns[j]

    def behind(self, j: int) -> list[int]:
        """Positions of all columns that may stand out behind column ``j``."""
        column = self._table.columns[j]
        source = column.source.removesuffix(".run") + ".z" if column.source.endswith(".run") else column.source
        return [j] if column.subsystem else self._details.get(source, [j])
