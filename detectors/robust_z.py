"""The largest robust z over the features: the baseline that everybody understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.protocol import Scalar, State
from detectors.scaling import Scaling, schema_and_scaling
from dqm.model.tables import FeatureTable

Z_MOST = 1e6
"""An infinite value is this far away: farther than any that was measured, and still a number."""


@dataclass
class RobustZ:
    """Score max_j |x_j − m_j| / s_j over the feature columns, with median m and spread s of the reference rows.

    The reference rows are those labelled GOOD where there are at least ``min_good``, else all; rows of weight 0 are
    left out and the others count alike; ``detectors.scaling`` has the formulas, ``floor`` is the smallest relative
    spread. A missing value says nothing, nor does a column that was always missing in training; conditions are not
    looked at.
    """

    min_good: int = 20
    floor: float = 1e-3
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)

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
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema, self._scaling = Schema.of(table), Scaling.fit(table, rows, floor=self.floor)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Largest |z| of every row, ``(n,)``; NaN for a row without any feature that the reference knows."""
        require(self, table)
        z, present = self._scaling.z(table, Z_MOST)
        return np.where(present.any(axis=1), np.abs(z).max(axis=1, initial=0), np.float32(np.nan))

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """|z| of every value, ``(n, d)``; 0 where it is missing and for conditions."""
        require(self, table)
        z, _ = self._scaling.z(table, Z_MOST)
        return self._scaling.to_columns(np.abs(z), len(table.columns))

    def state(self) -> State:
        """``at``, ``centre`` and ``spread`` ``(k,)`` of the columns that were present in training; ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        return {**self._scaling.state(), "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        return detector
