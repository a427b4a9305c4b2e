"""Isolation forest along random directions: how thinly usual rows lie where a row ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.isolation import Trees
from detectors.protocol import Scalar, State
from detectors.scaling import Scaling, schema_and_scaling
from dqm.model.tables import FeatureTable


@dataclass
class Forest:
    """Mean over ``trees`` trees of −log(density of the leaf where a row ends / density of the whole tree), in nats.

    Liu, Ting and Zhou, "Isolation forest", ICDM 2008: each tree parts ``size`` of the reference rows at random,
    ⌈log₂ size⌉ splits deep. Two things came later: splits along random directions instead of one column (Hariri,
    Carrasco Kind and Brunner, "Extended isolation forest", IEEE TKDE 2021), here over at most ``columns`` columns with
    weights N(0, 1) over the spread of the column in the node; and −log of the density instead of the depth, so that it
    counts how much of the length a split cut off for how few rows (Cortes, "Isolation forests: looking beyond tree
    depth", 2021, arXiv:2111.11639).

    Columns are scaled by median and spread (``detectors.scaling``) and cut at ±``cut``. The reference rows are those
    labelled GOOD where there are at least ``min_good``, else all of weight above 0. A missing value counts as the
    median, an infinite one lies at the cut. ``explain`` gives what the splits along a row's paths added, by column.
    """

    trees: int = 300
    size: int = 256
    columns: int = 64
    cut: float = 10.0
    min_good: int = 20
    floor: float = 1e-3
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _trees: Trees = field(default_factory=Trees.empty, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if min(self.trees, self.columns, self.min_good) < 1 or self.size < 2 or not self.cut > 0 or not self.floor > 0:
            raise ValueError(
                f"trees = {self.trees}, columns = {self.columns} and min_good = {self.min_good} must be at least 1, "
                f"size = {self.size} at least 2, cut = {self.cut} and floor = {self.floor} above 0"
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
        """Grow the trees from the reference rows; ``previous`` is not needed."""
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema, self._scaling = Schema.of(table), Scaling.fit(table, rows, floor=self.floor)
        z, _ = self._scaling.z(table.take(rows), self.cut)
        random = np.random.default_rng(seed)
        self._trees = Trees.empty()
        if z.size:
            self._trees = Trees.grow(z, trees=self.trees, size=self.size, columns=self.columns, random=random)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Mean surprise, ``(n,)``, in nats; NaN for a row without any feature that was learned."""
        require(self, table)
        z, present = self._scaling.z(table, self.cut)
        return np.where(present.any(axis=1), self._trees.surprise(z), np.nan).astype(np.float32)

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """What a column adds to the surprise, ``(n, d)``, in nats; 0 where it is missing, calms, or is a condition."""
        require(self, table)
        z, present = self._scaling.z(table, self.cut)
        shares = np.where(present, np.maximum(self._trees.shares(z), 0), 0).astype(np.float32)
        return self._scaling.to_columns(shares, len(table.columns))

    def state(self) -> State:
        """The scaling, the trees (``detectors.isolation``) and the ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        return {**self._scaling.state(), **self._trees.state(), "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        detector._trees = Trees.restore(state, detector._scaling.width)
        return detector
