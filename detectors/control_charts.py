"""Control charts read together: which one is farthest beyond its limit."""

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
"""An infinite value is this many spreads away."""


@dataclass
class ControlCharts:
    """max_j |z_j| / limit_j over charts (``features.charts``): 1 is the control limit of the chart that leads.

    z is a chart in robust spreads from its median, its limit the ``limit`` quantile of |z| over the reference rows. An
    EWMA and a CUSUM have different laws in control, and each of its own memory; the empirical limit makes them one
    scale without assuming either. A missing chart says nothing.
    """

    min_good: int = 20
    floor: float = 1e-3
    limit: float = 0.99
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _limits: NDArray[np.float32] = field(default_factory=lambda: np.ones(0, np.float32), init=False, repr=False)

    def __post_init__(self) -> None:
        if self.min_good < 1 or not self.floor > 0 or not 0 < self.limit < 1:
            raise ValueError(
                f"min_good = {self.min_good} must be at least 1, floor = {self.floor} above 0 and limit = {self.limit} "
                "between 0 and 1"
            )

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Take medians, spreads and limits; nothing is random and ``previous`` is not needed."""
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema, self._scaling = Schema.of(table), Scaling.fit(table, rows, floor=self.floor)
        z, present = self._scaling.z(table.take(rows), Z_MOST)
        away = [np.abs(z[present[:, j], j]) for j in range(z.shape[1])]
        self._limits = np.array([max(np.quantile(each, self.limit), 1.0) for each in away], dtype=np.float32)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Largest |z| / limit of every row, ``(n,)``; NaN for a row without any chart that was learned."""
        require(self, table)
        z, present = self._scaling.z(table, Z_MOST)
        away = (np.abs(z) / self._limits).max(axis=1, initial=0)
        return np.where(present.any(axis=1), away, np.nan).astype(np.float32)

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """|z| / limit of every chart, ``(n, d)``; 0 where it is missing and for conditions."""
        require(self, table)
        z, _ = self._scaling.z(table, Z_MOST)
        return self._scaling.to_columns((np.abs(z) / self._limits).astype(np.float32), len(table.columns))

    def state(self) -> State:
        """The scaling, ``limits`` ``(k,)`` of its columns and the ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        return {**self._scaling.state(), "limits": self._limits, "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        limits = np.asarray(state["limits"], dtype=np.float32)
        if limits.shape != (detector._scaling.width,) or not (limits > 0).all():
            raise ValueError(f"limits of shape {limits.shape} do not suit {detector._scaling.width} charts")
        detector._limits = limits
        return detector
