"""Distance to the nearest of a few usual rows, over many small samples of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.batches import in_blocks
from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.protocol import Scalar, State
from detectors.scaling import Scaling, schema_and_scaling
from dqm.model.tables import FeatureTable

SIZES = (8, 32, 128)
"""Rows of a sample: of few rows the nearest tells the far from the usual, of many the sparse from the dense."""
UNIT_ROWS = 1000
"""Rows that set the unit of each size."""


@dataclass
class Nearest:
    """Mean over ``samples`` samples and three sizes of the distance to the nearest row of the sample.

    Pang, Ting and Albrecht, "LeSiNN: detecting anomalies by identifying least similar nearest neighbours", ICDM
    Workshops 2015; small samples because anomalies that are many hide each other in a large one (Sugiyama and
    Borgwardt, NeurIPS 2013). A sample is 128 reference rows in random order; its first 8 and 32 are the smaller sizes.
    It is at most an eighth of the rows where that leaves 8, so that a row of the training seldom meets itself.
    Columns are scaled by median and spread (``detectors.scaling``) and cut at ±``cut``; the distance is Euclidean over
    the present columns, times √(k / present), and each size is divided by its median over reference rows, so that all
    count alike and 1 is usual. The reference rows are those labelled GOOD where there are at least ``min_good``, else
    all of weight above 0.

    A missing value says nothing (in a sampled row it is the median), an infinite one lies at the cut. The share of a
    column is the mean squared distance along it.
    """

    samples: int = 25
    cut: float = 10.0
    min_good: int = 20
    floor: float = 1e-3
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _rows: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32), init=False, repr=False)
    _unit: NDArray[np.float32] = field(default_factory=lambda: np.ones(len(SIZES), np.float32), init=False, repr=False)

    def __post_init__(self) -> None:
        if self.samples < 1 or self.min_good < 1 or not self.cut > 0 or not self.floor > 0:
            raise ValueError(
                f"samples = {self.samples} and min_good = {self.min_good} must be at least 1, "
                f"cut = {self.cut} and floor = {self.floor} above 0"
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
        """Draw the samples among the reference rows; ``previous`` is not needed."""
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema, self._scaling = Schema.of(table), Scaling.fit(table, rows, floor=self.floor)
        usual = table.take(rows)
        z, _ = self._scaling.z(usual, self.cut)
        random = np.random.default_rng(seed)
        size = min(SIZES[-1], len(z), max(SIZES[0], len(z) // 8))
        drawn = [random.permutation(len(z))[:size] for _ in range(self.samples if size else 0)]
        self._rows = z[np.array(drawn, dtype=np.int64).reshape(len(drawn), size)]
        few = usual.take(np.sort(random.permutation(len(z))[:UNIT_ROWS]))
        self._unit = np.ones(len(SIZES), dtype=np.float32)
        if size:
            unit = np.median(np.nan_to_num(self._distances(few)), axis=0)
            self._unit = np.where(unit > 0, unit, 1).astype(np.float32)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Mean distance in units of the usual one, ``(n,)``; NaN for a row without any feature that was learned."""
        require(self, table)
        return np.asarray((self._distances(table) / self._unit).mean(axis=1), dtype=np.float32)

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """Mean squared distance along every column, ``(n, d)``; 0 where it is missing and for conditions."""
        require(self, table)
        z, present = self._scaling.z(table, self.cut)
        shares = self._by_completeness(self._block_shares, z, present)
        return self._scaling.to_columns(shares, len(table.columns))

    def state(self) -> State:
        """The scaling; ``rows`` ``(samples, 128, k)`` scaled; ``unit`` of each size ``(3,)``; ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        return {**self._scaling.state(), "rows": self._rows, "unit": self._unit, "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        rows, unit = (np.asarray(state[name], dtype=np.float32) for name in ("rows", "unit"))
        k = detector._scaling.width
        if rows.ndim != 3 or rows.shape[2] != k or unit.shape != (len(SIZES),) or not (unit > 0).all():
            raise ValueError(f"sampled rows {rows.shape} and units {unit.shape} do not suit {k} columns")
        detector._rows, detector._unit = np.ascontiguousarray(rows), unit
        return detector

    def _distances(self, table: FeatureTable) -> NDArray[np.float32]:
        """Mean over the samples of the distance to the nearest row, of every size, ``(n, 3)``; NaN where unknown."""
        z, present = self._scaling.z(table, self.cut)
        if not self._rows.size:
            return np.full((len(table), len(SIZES)), np.nan, dtype=np.float32)
        found = self._by_completeness(self._block_distances, z, present)
        found[~present.any(axis=1)] = np.nan
        return found

    def _by_completeness(
        self, function: Callable[..., NDArray[np.float32]], z: NDArray[np.float32], present: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """``function`` of complete rows and of the others, each in blocks: a row's way hangs on the row alone."""
        complete = present.all(axis=1)
        whole = in_blocks(function, z[complete])
        answer = np.zeros((len(z), *whole.shape[1:]), dtype=np.float32)
        answer[complete] = whole
        if not complete.all():
            answer[~complete] = in_blocks(function, z[~complete], present[~complete].astype(np.float32))
        return answer

    def _squares(self, z: NDArray[np.float32], present: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """Squared distance of every row to every sampled row, ``(b, samples, 128)``."""
        rows = self._rows.reshape(-1, z.shape[1])
        lengths = (rows**2).sum(axis=1) if present is None else present @ (rows**2).T
        squares = np.maximum((z**2).sum(axis=1)[:, None] - 2 * (z @ rows.T) + lengths, 0)
        if present is not None:
            squares *= z.shape[1] / np.maximum(present.sum(axis=1), 1)[:, None]
        return np.asarray(squares, dtype=np.float32).reshape(len(z), *self._rows.shape[:2])

    def _block_distances(
        self, z: NDArray[np.float32], present: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        squares = self._squares(z, present)
        nearest = [np.sqrt(squares[:, :, :size].min(axis=2)).mean(axis=1) for size in SIZES]
        return np.asarray(np.stack(nearest, axis=1), dtype=np.float32)

    def _block_shares(self, z: NDArray[np.float32], present: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        shares = np.zeros_like(z)
        if not self._rows.size:
            return shares
        squares = self._squares(z, present)
        for size in SIZES:
            at = squares[:, :, :size].argmin(axis=2)
            for which, rows in enumerate(self._rows):
                shares += (z - rows[at[:, which]]) ** 2
        shares /= len(SIZES) * len(self._rows)
        return shares if present is None else shares * present
