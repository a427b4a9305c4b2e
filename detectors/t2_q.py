"""Hotelling's T² along the principal components and Q beside them, the chart pair of process monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.batches import in_blocks
from detectors.inputs import reference_rows
from detectors.pca import Z_TRAINING, Pca
from detectors.protocol import Scalar, State
from dqm.model.tables import FeatureTable

LEAST_LIMIT = 1e-6
"""A limit that training rows give as zero, in spreads."""


@dataclass
class T2Q(Pca):
    """T² / T²_limit + Q / Q_limit over the present columns: Yue and Qin's combined index (I&EC Res. 40 (2001) 4403).

    With the q components V_q, λ_q of ``Pca`` and the scaled row z, T² = Σ (V_qᵀ z)² / λ_q judges how far a row lies
    along what the columns share, Q = ‖z − V_q V_qᵀ z‖² how badly it keeps it. The limits are the ``limit`` quantiles
    of the reference rows, so that neither chart outweighs the other; where the columns share nothing there is Q alone.
    Everything else, missing values included, is that of ``Pca``.
    """

    limit: float = 0.99
    _limits: NDArray[np.float32] = field(default_factory=lambda: np.ones(2, np.float32), init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.limit < 1:
            raise ValueError(f"limit = {self.limit} must lie between 0 and 1: it is a quantile of the reference rows")

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Decompose as ``Pca`` does, then take both limits from the reference rows; nothing is random."""
        super().fit(table, labels, weight=weight, seed=seed, previous=previous)
        rows = reference_rows(labels, weight, len(table), self.min_good)
        z, present = self._scaling.z(table.take(rows), Z_TRAINING)
        charts = in_blocks(self._charts, z, present.astype(np.float32)) if len(z) else np.ones((1, 2), np.float32)
        self._limits = np.maximum(np.quantile(charts, self.limit, axis=0), LEAST_LIMIT).astype(np.float32)
        return self

    def state(self) -> State:
        """That of ``Pca``, and ``limits`` ``(2,)`` of T² and Q."""
        return {**super().state(), "limits": self._limits}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = super().restore(params, state)
        limits = np.asarray(state["limits"], dtype=np.float32)
        if limits.shape != (2,) or not (limits > 0).all():
            raise ValueError(f"limits {limits.tolist()} are not two numbers above 0")
        detector._limits = limits
        return detector

    def _precision(self) -> tuple[np.float32, NDArray[np.float32]]:
        along = 1 / (self._values[:-1] * self._limits[0])
        return np.float32(1 / self._limits[1]), np.asarray(along, np.float32)

    def _charts(self, z: NDArray[np.float32], present: NDArray[np.float32]) -> NDArray[np.float32]:
        """T² and Q of rows, ``(b, 2)``."""
        whole = self._whole(z, present)
        along = whole @ self._vectors
        beside = whole - along @ self._vectors.T
        return np.stack([(along**2 / self._values[:-1]).sum(axis=1), (beside**2).sum(axis=1)], axis=1)
