"""Distance from the principal components that the columns share: what correlated columns leave unexplained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.batches import in_blocks
from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.protocol import Scalar, State
from detectors.scaling import Scaling, schema_and_scaling
from dqm.model.tables import FeatureTable

Z_MOST = 1e6
"""An infinite value is this many spreads away."""
Z_TRAINING = 10.0
"""No training value counts for more spreads: a few outliers must not choose the components."""
ROUNDS = 5
"""How often missing values are put in anew from the components."""


@dataclass
class Pca:
    """Mean over the present columns of the squared distance from the principal components.

    The columns are scaled by median and spread of the reference rows (``detectors.scaling``), cut at ±10, and their
    correlations C eigen-decomposed. With the q leading components V_q, λ_q and the mean σ² of the other eigenvalues
    (at least ``noise``), the precision of probabilistic PCA is

        M = I/σ² + V_q (1/λ_q − 1/σ²) V_qᵀ        (Tipping and Bishop, J. R. Stat. Soc. B 61 (1999) 611)

    and the score zᵀ M z / (present columns): the residual in units of its noise, and the place among the components in
    units of their variance. Kept are components above the edge (1 + √(k/n))² that noise alone reaches (Marčenko and
    Pastur 1967), at most k − 1: columns that share nothing have none and are judged one by one.

    The share of column j is what the score falls by when j is put where the others expect it, (M z)_j² / M_jj (Alcala
    and Qin, Automatica 45 (2009) 1593): for a large fault in one column the largest share is always its own.

    A missing value is put in from the components, five times over, and an infinite one counts as 10⁶ spreads.
    """

    min_good: int = 20
    floor: float = 1e-3
    noise: float = 1e-3
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _unit: NDArray[np.float32] = field(default_factory=lambda: np.ones(0, np.float32), init=False, repr=False)
    _vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32), init=False, repr=False)
    _values: NDArray[np.float32] = field(default_factory=lambda: np.ones(1, np.float32), init=False, repr=False)

    def __post_init__(self) -> None:
        if self.min_good < 1 or not self.floor > 0 or not 0 < self.noise <= 1:
            raise ValueError(
                f"min_good = {self.min_good} must be at least 1, floor = {self.floor} above 0, "
                f"noise = {self.noise} in (0, 1]"
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
        """Decompose the correlations of the reference rows; nothing is random and ``previous`` is not needed."""
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema, self._scaling = Schema.of(table), Scaling.fit(table, rows, floor=self.floor)
        z, present = self._scaling.z(table.take(rows), Z_TRAINING)
        n, k = z.shape
        unit = np.sqrt((z.astype(np.float64) ** 2).sum(axis=0) / np.maximum(present.sum(axis=0), 1))
        self._unit = np.where(unit > 0, unit, 1).astype(np.float32)
        scaled = z / self._unit
        both = present.T.astype(np.float64) @ present
        correlation = (scaled.T.astype(np.float64) @ scaled) / np.maximum(both, 1)
        values, vectors = np.linalg.eigh(correlation)
        edge = (1 + np.sqrt(k / max(n, 1))) ** 2
        kept = int(min((values > edge).sum(), max(k - 1, 0)))
        noise = max(float(values[: k - kept].mean()), self.noise) if k else 1.0
        self._vectors = np.ascontiguousarray(vectors[:, k - kept :], dtype=np.float32)
        self._values = np.append(np.maximum(values[k - kept :], noise), noise).astype(np.float32)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """zᵀ M z over the number of present columns, ``(n,)``; NaN for a row without any feature that was learned."""
        require(self, table)
        z, present = self._scaling.z(table, Z_MOST)
        return in_blocks(self._block_score, z, present.astype(np.float32))

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """(M z)_j² / M_jj of every column, ``(n, d)``; 0 where it is missing and for conditions."""
        require(self, table)
        z, present = self._scaling.z(table, Z_MOST)
        shares = in_blocks(self._block_shares, z, present.astype(np.float32))
        return self._scaling.to_columns(shares, len(table.columns))

    def reconstruct(self, table: FeatureTable) -> NDArray[np.float32]:
        """Every value where the others of its row let expect it, ``(n, d)`` in its unit: z_j − (M z)_j / M_jj.

        NaN for columns that are not judged. What stands in the column itself has no say.
        """
        require(self, table)
        z, present = self._scaling.z(table, Z_MOST)
        expected = in_blocks(self._block_expected, z, present.astype(np.float32))
        whole = np.full(table.values.shape, np.nan, dtype=np.float32)
        whole[:, self._scaling.at] = expected * self._unit * self._scaling.spread + self._scaling.centre
        return whole

    def state(self) -> State:
        """The scaling; ``unit`` ``(k,)``, ``vectors`` ``(k, q)``, ``values`` ``(q + 1,)``, noise last; ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        learned = {"unit": self._unit, "vectors": self._vectors, "values": self._values}
        return {**self._scaling.state(), **learned, "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        unit, vectors, values = (np.asarray(state[name], np.float32) for name in ("unit", "vectors", "values"))
        k = detector._scaling.width
        if unit.shape != (k,) or vectors.ndim != 2 or vectors.shape != (k, values.size - 1) or not (values > 0).all():
            raise ValueError(f"components {vectors.shape} and eigenvalues {values.shape} do not suit {k} columns")
        detector._unit, detector._vectors, detector._values = unit, np.ascontiguousarray(vectors), values
        return detector

    def _whole(self, z: NDArray[np.float32], present: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scaled values with the missing ones where the components expect them."""
        scaled = z / self._unit
        if present.all() or not self._vectors.size:
            return scaled
        trust = 1 - self._values[-1] / self._values[:-1]
        for _ in range(ROUNDS):
            scaled = np.where(present > 0, scaled, (scaled @ self._vectors * trust) @ self._vectors.T)
        return scaled

    def _weighted(self, z: NDArray[np.float32], present: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """z and M z, ``(b, k)`` each."""
        whole = self._whole(z, present)
        beside, along = self._precision()
        along_them = (whole @ self._vectors * (along - beside)) @ self._vectors.T
        return whole, np.asarray(whole * beside + along_them, dtype=np.float32)

    def _precision(self) -> tuple[np.float32, NDArray[np.float32]]:
        """Eigenvalues of M beside the components, one for all, and along them, ``(q,)``."""
        return np.float32(1 / self._values[-1]), np.asarray(1 / self._values[:-1], dtype=np.float32)

    def _block_score(self, z: NDArray[np.float32], present: NDArray[np.float32]) -> NDArray[np.float32]:
        whole, weighted = self._weighted(z, present)
        total = np.maximum((whole * weighted).sum(axis=1), 0)
        count = present.sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), np.float32(np.nan)).astype(np.float32)

    def _block_shares(self, z: NDArray[np.float32], present: NDArray[np.float32]) -> NDArray[np.float32]:
        _, weighted = self._weighted(z, present)
        return np.asarray(present * weighted**2 / self._diagonal(), dtype=np.float32)

    def _block_expected(self, z: NDArray[np.float32], present: NDArray[np.float32]) -> NDArray[np.float32]:
        whole, weighted = self._weighted(z, present)
        return np.asarray(whole - weighted / self._diagonal(), dtype=np.float32)

    def _diagonal(self) -> NDArray[np.float32]:
        """M_jj, ``(k,)``."""
        beside, along = self._precision()
        return np.asarray(beside + (self._vectors**2 * (along - beside)).sum(axis=1), dtype=np.float32)
