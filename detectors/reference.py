"""The comparisons with reference histograms that the features hold, combined into one p-value of a lumisection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.protocol import Scalar, State
from detectors.scaling import Scaling, schema_and_scaling
from detectors.tails import Tails
from dqm.model.tables import FeatureTable

MOST = 1e6
"""An infinite deviation lies this many spreads beyond the largest of training."""


@dataclass
class Reference:
    """−log₁₀ of the p-value that a row's deviations have together among those of usual rows.

    The features of kind *deviation* are the beta-binomial pulls, Kolmogorov–Smirnov and earth mover's distances of
    histograms from the references that earlier runs make. The p-value of one is the share of the reference rows with
    as large a deviation (``detectors.tails``); the k present ones are combined by Cauchy's rule

        T = mean tan(π (½ − p_j)),  p = ½ − arctan(T) / π        (Liu and Xie, JASA 115 (2020) 393)

    which holds in the small p that matter however the comparisons depend on one another: three tests of one histogram
    do not count threefold, and one hopeless element among a thousand good ones still leads.

    A table without a deviation has every feature judged by its distance from the median, on either side. The reference
    rows are those labelled GOOD where there are at least ``min_good``, else all of weight above 0. A missing value says
    nothing.
    """

    min_good: int = 20
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _tails: Tails = field(default_factory=Tails.empty, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.min_good < 1:
            raise ValueError(f"min_good = {self.min_good} must be at least 1")

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Sort the deviations of the reference rows; nothing is random and ``previous`` is not needed."""
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema = Schema.of(table)
        self._scaling = _compared(Scaling.fit(table, rows), table)
        away, _ = self._deviations(table.take(rows))
        self._tails = Tails.fit([each[np.isfinite(each)] for each in away.T], self._scaling.spread)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """−log₁₀ p of every row, ``(n,)``; NaN for a row without any deviation that was learned."""
        require(self, table)
        p, present = self._p(table)
        count = present.sum(axis=1)
        T = np.where(present, _cauchy(p), 0).sum(axis=1) / np.maximum(count, 1)
        together = np.where(T > 1, np.arctan(1 / np.maximum(T, 1)), np.pi / 2 - np.arctan(T)) / np.pi
        return np.where(count > 0, -np.log10(together), np.nan).astype(np.float32)

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """−log₁₀ p_j of every deviation, ``(n, d)``; 0 where it is missing and for other columns."""
        require(self, table)
        p, _ = self._p(table)
        return self._scaling.to_columns(-np.log10(p).astype(np.float32), len(table.columns))

    def state(self) -> State:
        """The scaling of the judged columns, their distributions (``detectors.tails``) and the ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        return {**self._scaling.state(), **self._tails.state(), "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        detector._tails = Tails.restore(state, detector._scaling.width)
        return detector

    def _deviations(self, table: FeatureTable) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Deviations as they are, ``(n, k)``, other features as distance from the median; which are present."""
        x = table.values[:, self._scaling.at].astype(np.float64)
        plain = np.array([table.columns[j].kind == "deviation" for j in self._scaling.at], dtype=bool)
        return np.where(plain, x, np.abs(x - self._scaling.centre)), ~np.isnan(x)

    def _p(self, table: FeatureTable) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """p-value of every deviation, ``(n, k)``, 1 where missing; which are present."""
        away, present = self._deviations(table)
        _, above = self._tails.shares(away, MOST)
        return above, present


def _compared(scaling: Scaling, table: FeatureTable) -> Scaling:
    """The scaling of the deviations alone, or of every feature where there is none."""
    among = np.isin(scaling.at, table.where(role="feature", kind="deviation"))
    return scaling.take(among) if among.any() else scaling


def _cauchy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """tan(π (½ − p)); a p of 1 is taken for a little less, since all of a constant column are as large."""
    return 1 / np.tan(np.pi * np.minimum(p, 0.99))
