"""Numbers of histograms as they would be at the usual value of a condition, such as pile-up.

Of every column a polynomial f in the condition μ is fitted by least squares to the lumisections of **earlier** runs
that people call good, and a value x at μ becomes what it would be at μ₀, which stays what the first of those runs had:

    x' = x − f(μ) + f(μ₀)            or, of counts in the weight w,        x' = x · g(μ₀) / g(μ)   with g fitted to x/w

Beyond the conditions that the fit has seen μ is held at their ends: nothing is extrapolated. Until ``LEAST`` good
lumisections of earlier runs are there, and where they do not differ in μ, a value stays as it is; where μ is missing it
is missing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dqm.model.labels import Label, Labels
from dqm.model.patterns import asked_for
from dqm.model.reference_config import ExpectationConfig
from dqm.model.tables import QuantityTable

LEAST = 50
"""Good lumisections of the past below which nothing is fitted."""


@dataclass
class Fit:
    """Sums of d fits: ``powers`` Σzᵖ ``(2k + 1, d)`` and ``products`` Σzᵖy ``(k + 1, d)`` over z = μ − ``centre``."""

    degree: int
    columns: int
    centre: float = np.nan
    low: float = np.inf
    high: float = -np.inf
    powers: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    products: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        self.powers = np.zeros((2 * self.degree + 1, self.columns))
        self.products = np.zeros((self.degree + 1, self.columns))

    def add(self, condition: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """Take ``m`` good lumisections in: condition ``(m,)``, values ``(m, d)``, NaN = missing."""
        if not len(condition):
            return
        if np.isnan(self.centre):
            self.centre = float(condition.mean())
        self.low, self.high = min(self.low, float(condition.min())), max(self.high, float(condition.max()))
        z = np.vander(condition - self.centre, 2 * self.degree + 1, increasing=True)
        there = np.isfinite(y)
        self.powers += z.T @ there
        self.products += z[:, : self.degree + 1].T @ np.where(there, y, 0.0)

    def coefficients(self) -> NDArray[np.float64]:
        """Of the polynomials in z, ``(k + 1, d)``; zero but for the mean where there is too little to fit."""
        k = self.degree
        count = self.powers[0]
        mean = np.divide(self.products[0], count, out=np.zeros(self.columns), where=count > 0)
        found = np.zeros((k + 1, self.columns))
        found[0] = mean
        first = np.divide(self.powers[1], count, out=np.zeros(self.columns), where=count > 0)
        spread = np.divide(self.powers[2], count, out=np.zeros(self.columns), where=count > 0) - first**2
        able = (count >= LEAST) & (spread > 1e-9 * max(abs(self.centre), 1e-300) ** 2)
        matrix = np.stack([[self.powers[i + j] for j in range(k + 1)] for i in range(k + 1)]).transpose(2, 0, 1)[able]
        matrix = matrix + 1e-9 * matrix[:, :1, :1] * np.eye(k + 1)
        found[:, able] = np.linalg.solve(matrix, self.products.T[able][:, :, None])[:, :, 0].T
        return found

    def at(self, condition: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """f at every condition, ``(n, d)``, and at the usual one, ``(d,)``."""
        coefficients = self.coefficients()
        z = np.clip(condition, self.low, self.high) - self.centre
        return np.vander(z, self.degree + 1, increasing=True) @ coefficients, coefficients[0]


def normalised(
    table: QuantityTable, like: QuantityTable, labels: Labels | None, settings: ExpectationConfig, delay: int = 0
) -> QuantityTable:
    """``table`` with the columns that ``settings`` name brought to the usual condition of ``like``; the rows agree.

    Labels younger than ``delay`` runs are not looked at. Raises ``UnknownNameError`` for a condition that is not there.
    """
    if not settings.condition:
        return table
    condition = like[settings.condition].astype(np.float64)
    members = [
        i
        for i, each in enumerate(table.columns)
        if each.kind in ("value", "fraction", "count") and asked_for(each.name, settings.columns)
    ]
    counts = np.array([table.columns[i].kind == "count" for i in members], dtype=bool)
    label = np.full(len(table), Label.UNKNOWN) if labels is None else labels.aligned(table.index)
    with np.errstate(divide="ignore", invalid="ignore"):
        given = table.values[:, members] / np.where(
            counts, np.where(like.weight > 0, like.weight, np.nan)[:, None], 1.0
        )
    fit, values, waiting = Fit(settings.degree, len(members)), table.values.copy(), deque[NDArray[np.int64]]()
    good = (label == Label.GOOD) & np.isfinite(condition) & like.usable
    for run in np.unique(like.run):
        rows = np.flatnonzero(like.run == run)
        if np.isfinite(fit.centre):
            block = np.ix_(rows, np.asarray(members, dtype=np.int64))
            values[block] = _moved(values[block], counts, fit, condition[rows])
        waiting.append(rows[good[rows]])
        while len(waiting) > delay:
            learned = waiting.popleft()
            fit.add(condition[learned], given[learned])
    return replace(table, values=values)


def _moved(
    values: NDArray[np.float64], counts: NDArray[np.bool_], fit: Fit, condition: NDArray[np.float64]
) -> NDArray[np.float64]:
    f, usual = fit.at(condition)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((f > 0) & (usual > 0), usual / f, 1.0)
    ratio[np.isnan(condition)] = np.nan
    return np.where(counts, values * ratio, values - f + usual)
