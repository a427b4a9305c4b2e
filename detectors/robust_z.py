"""The largest robust z over the features: the baseline that everybody understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.inputs import NotFittedError, Schema, checked_labels, checked_weight
from detectors.protocol import Scalar, State
from dqm.model.labels import Label
from dqm.model.tables import FeatureTable

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation of a Gaussian to its standard deviation."""

MEAN_TO_SIGMA = 1.2533
"""Mean absolute deviation of a Gaussian to its standard deviation, √(π/2)."""

Z_MOST = 1e6
"""An infinite value is this far away: farther than any that was measured, and still a number."""


@dataclass
class RobustZ:
    """Score max_j |x_j − m_j| / s_j over the feature columns, with median m and spread s of the reference rows.

    The reference rows are those labelled GOOD where there are at least ``min_good``, else all; rows of weight 0 are
    left out and the others count alike. s = 1.4826 · MAD; where more than half of the rows are equal and the MAD is 0,
    s = 1.2533 · mean |x − m| (Iglewicz and Hoaglin, "How to detect and handle outliers", 1993); and at least
    ``floor`` · max(|m|, 1), so that a constant column answers to a change and not to rounding. A missing value says
    nothing, nor does a column that was always missing in training; conditions are not looked at.
    """

    min_good: int = 20
    floor: float = 1e-3
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    _centre: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), init=False, repr=False, compare=False)
    _spread: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.min_good < 1 or not self.floor > 0:
            raise ValueError(f"min_good = {self.min_good} must be at least 1 and floor = {self.floor} above 0")

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Take medians and spreads; ``seed`` is not used, for nothing is random.

        ``previous`` must have the same columns and is not used either: a median is quickly taken afresh.
        """
        rows = checked_weight(weight, len(table)) > 0
        good = rows & (checked_labels(labels, len(table)) == Label.GOOD)
        if previous is not None:
            previous._require(table)
        reference = table.values[good if good.sum() >= self.min_good else rows].astype(np.float64)
        found = [_centre_and_spread(column[np.isfinite(column)], self.floor) for column in reference.T]
        self.schema = Schema.of(table)
        self._centre, self._spread = np.array(found, dtype=np.float64).reshape(-1, 2).T.copy()
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Largest |z| of every row, ``(n,)``; NaN for a row without any feature that the reference knows."""
        z = self.explain(table)
        known = ~np.isnan(table.values[:, self._judged]).all(axis=1)
        return np.where(known, z.max(axis=1, initial=0), np.float32(np.nan))

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """|z| of every value, ``(n, d)``; 0 where it is missing and for conditions."""
        self._require(table)
        z = np.zeros(table.values.shape, dtype=np.float32)
        at = self._judged
        distance = np.abs(table.values[:, at].astype(np.float64) - self._centre[at]) / self._spread[at]
        z[:, at] = np.where(np.isnan(distance), 0, np.minimum(distance, Z_MOST))
        return z

    def state(self) -> State:
        """``centre`` and ``spread`` ``(d,)`` float64, NaN for a column that was always missing; ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        return {"centre": self._centre, "spread": self._spread, "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema = Schema.from_text(state["schema"])
        centre, spread = (np.asarray(state[name], dtype=np.float64) for name in ("centre", "spread"))
        if centre.shape != (len(detector.schema.columns),) or spread.shape != centre.shape or (spread <= 0).any():
            raise ValueError(f"centres {centre.shape} and spreads {spread.shape} do not suit the columns")
        detector._centre, detector._spread = centre, spread
        return detector

    @property
    def _judged(self) -> list[int]:
        """Positions of the feature columns that were present in training."""
        columns = () if self.schema is None else self.schema.columns
        return [i for i, c in enumerate(columns) if c.role == "feature" and np.isfinite(self._centre[i])]

    def _require(self, table: FeatureTable) -> None:
        if self.schema is None:
            raise NotFittedError(self)
        self.schema.require(table)


def _centre_and_spread(values: NDArray[np.float64], floor: float) -> tuple[float, float]:
    """Median and robust spread of finite values ``(n,)``; NaN of none."""
    if not values.size:
        return np.nan, np.nan
    centre = float(np.median(values))
    distance = np.abs(values - centre)
    spread = MAD_TO_SIGMA * float(np.median(distance)) or MEAN_TO_SIGMA * float(distance.mean())
    return centre, max(spread, floor * max(abs(centre), 1.0))
