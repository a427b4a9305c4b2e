"""ECOD and COPOD against the distribution of the training rows, so that a row's score is its own."""

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
"""An infinite value lies this many spreads beyond the outermost of training."""


@dataclass
class Ecod:
    """Sum over the columns of the larger of three surprises: left tail, right tail, and the tail on the skewed side.

    With the shares F of training values at or below x and S at or above it (``detectors.tails``) the surprise of a
    column is max(−log F, −log S), and the score the sum over the columns, missing ones counted like the mean of those
    present (Li et al., "ECOD", IEEE TKDE 2022, equations 5 to 9, with the maximum taken by column as PyOD does). PyOD
    takes F from the batch that is scored; here it is that of the reference rows, those labelled GOOD where there are
    at least ``min_good``, else all of weight above 0. On complete training rows both are equal.
    """

    min_good: int = 20
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _tails: Tails = field(default_factory=Tails.empty, init=False, repr=False, compare=False)
    _skew: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), init=False, repr=False, compare=False)

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
        """Sort the columns of the reference rows; nothing is random and ``previous`` is not needed."""
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema, self._scaling = Schema.of(table), Scaling.fit(table, rows)
        values = table.values[rows][:, self._scaling.at]
        columns = [each[np.isfinite(each)] for each in values.T]
        self._tails = Tails.fit(columns, self._scaling.spread)
        self._skew = np.array([_skewness(each) for each in columns], dtype=np.float64)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Sum of the surprises, ``(n,)``, in nats; NaN for a row without any feature that was learned."""
        require(self, table)
        surprise, present = self._surprise(table)
        count = present.sum(axis=1)
        total = surprise.sum(axis=1) * (present.shape[1] / np.maximum(count, 1))
        return np.where(count > 0, total, np.nan).astype(np.float32)

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """Surprise of every value, ``(n, d)``, in nats; 0 where it is missing and for conditions."""
        require(self, table)
        surprise, _ = self._surprise(table)
        return self._scaling.to_columns(surprise.astype(np.float32), len(table.columns))

    def state(self) -> State:
        """The scaling, the distributions (``detectors.tails``), ``skew`` ``(k,)`` and the ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        return {**self._scaling.state(), **self._tails.state(), "skew": self._skew, "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        detector._tails = Tails.restore(state, detector._scaling.width)
        detector._skew = np.asarray(state["skew"], dtype=np.float64)
        if detector._skew.shape != (detector._scaling.width,):
            raise ValueError(f"skews {detector._skew.shape} do not suit {detector._scaling.width} columns")
        return detector

    def _surprise(self, table: FeatureTable) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """−log of the tail that counts, ``(n, k)``, 0 where missing; which values are present."""
        x = table.values[:, self._scaling.at]
        left, right = (-np.log(share) for share in self._tails.shares(x, MOST))
        return self._joined(left, right), ~np.isnan(x)

    def _joined(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum(left, right)


@dataclass
class Copod(Ecod):
    """As ``ecod``, but a column's surprise is the larger of the mean of both tails and the tail on the skewed side.

    max((−log F − log S) / 2, −log F where the training values are skewed to the left, −log S where to the right), the
    empirical copula of Li et al., "COPOD", ICDM 2020, algorithm 1, against the reference rows.
    """

    def _joined(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        skewed = np.where(self._skew < 0, left, np.where(self._skew > 0, right, left + right))
        return np.maximum((left + right) / 2, skewed)


def _skewness(values: NDArray[np.floating]) -> float:
    """Third standardised moment of ``(n,)``, 0 where nothing varies."""
    if not values.size:
        return 0.0
    away = values.astype(np.float64) - values.mean(dtype=np.float64)
    variance = float((away**2).mean())
    return 0.0 if variance <= 0 else float((away**3).mean()) / variance**1.5
