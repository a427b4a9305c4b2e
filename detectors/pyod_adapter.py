"""PyOD's models as detectors of ours: those that score a row by what they learned and not by the rows beside it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detectors.batches import in_blocks
from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.occlusion import shares_by_occlusion
from detectors.protocol import Scalar, State
from detectors.scaling import Scaling, schema_and_scaling
from dqm.model.errors import UnknownNameError
from dqm.model.tables import FeatureTable

MODELS: Mapping[str, tuple[str, bool]] = {
    "gmm": ("GMM", True),
    "iforest": ("IForest", True),
    "inne": ("INNE", True),
    "kde": ("KDE", False),
    "knn": ("KNN", False),
    "lof": ("LOF", False),
    "mcd": ("MCD", True),
    "ocsvm": ("OCSVM", False),
    "pca": ("PCA", True),
}
"""Class of every model that is let in, in the module of its name, and whether it takes a seed."""
WITNESSES = 16
"""Rows whose scores are kept, to see that a model fitted again is the model that was saved."""
ROUNDING = 1e-4
MOST = 1e37
"""No score is larger, so that differences of scores are numbers too."""
FEWEST = 25
"""Rows that PyOD is given at least, by repetition: its neighbours and components ask for some."""


@dataclass
class Pyod:
    """A model of PyOD by its name, with PyOD's own settings.

    Zhao, Nasrullah and Li, "PyOD", JMLR 20 (2019) 96. Let in are models whose ``decision_function`` of a row is the
    same in any batch, which a test verifies of each: PyOD's ECOD and COPOD are not (use ``ecod`` and ``copod``), its
    LODA and deep models draw from global generators, its HBOS takes what lies beyond training for the edge of it.

    Columns are scaled by median and spread (``detectors.scaling``) and cut at ±``cut``; a missing value is the median,
    an infinite one lies at the cut. The model sees at most ``rows`` of the reference rows, those labelled GOOD where
    there are at least ``min_good``, else all of weight above 0, drawn with the seed.

    PyOD saves models by pickle only. Here the state is the rows that the model saw and the seed: ``restore`` fits it
    again, in equal bits where the packages are the same, and refuses where it does not find the scores that it had.

    PyOD gives no reasons. The share of a column is what the score falls by when the column is at its median
    (``detectors.occlusion``), at the cost of a scoring for every column.
    """

    model: str = "iforest"
    rows: int = 5000
    cut: float = 10.0
    min_good: int = 20
    floor: float = 1e-3
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _seen: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32), init=False, repr=False)
    _seed: int = field(default=0, init=False, repr=False, compare=False)
    _fitted: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise UnknownNameError("model of PyOD whose scores do not hang on the batch:", self.model, MODELS)
        if self.rows < FEWEST or self.min_good < 1 or not self.cut > 0 or not self.floor > 0:
            raise ValueError(
                f"rows = {self.rows} must be at least {FEWEST}, min_good = {self.min_good} at least 1, "
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
        """Fit the model; ``previous`` must have the same columns and is not used, for PyOD has no warm start."""
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema, self._scaling = Schema.of(table), Scaling.fit(table, rows, floor=self.floor)
        z, present = self._scaling.z(table.take(rows), self.cut)
        z = z[present.any(axis=1)]
        if len(z) > self.rows:
            z = z[np.sort(np.random.default_rng(seed).choice(len(z), self.rows, replace=False))]
        self._seen, self._seed = z, seed
        self._fitted = self._model() if z.size else None
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """PyOD's ``decision_function`` of every row, ``(n,)``; NaN for a row without any feature that was learned."""
        require(self, table)
        z, present = self._scaling.z(table, self.cut)
        if self._fitted is None:
            return np.full(len(table), np.nan, dtype=np.float32)
        return np.where(present.any(axis=1), self._decided(z), np.float32(np.nan))

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """What the score falls by with the column at its median, ``(n, d)``, not below 0; 0 where it is missing."""
        require(self, table)
        z, present = self._scaling.z(table, self.cut)
        shares = np.zeros_like(z) if self._fitted is None else shares_by_occlusion(self._decided, z, present)
        return self._scaling.to_columns(shares, len(table.columns))

    def state(self) -> State:
        """The scaling; ``seen`` ``(m, k)`` scaled and ``seed``; ``witness`` scores of the first of them; ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        learned = {"seen": self._seen, "seed": np.array(self._seed), "witness": self._witness()}
        return {**self._scaling.state(), **learned, "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, fitted afresh; raises ``ValueError`` where that gives another model."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        seen, witness = (np.asarray(state[name], dtype=np.float32) for name in ("seen", "witness"))
        k = detector._scaling.width
        if seen.ndim != 2 or seen.shape[1] != k or len(seen) > detector.rows or not np.isfinite(seen).all():
            raise ValueError(f"training rows {seen.shape} do not suit {k} columns and rows = {detector.rows}")
        detector._seen, detector._seed = seen, int(state["seed"])
        detector._fitted = detector._model() if seen.size else None
        again = detector._witness()
        if again.shape != witness.shape or not np.allclose(
            again, witness, rtol=ROUNDING, atol=ROUNDING, equal_nan=True
        ):
            raise ValueError(
                f"PyOD's {detector.model} fitted again gives other scores than when it was saved, for another version "
                "of PyOD or scikit-learn is installed; install the versions of the bundle, or train anew"
            )
        return detector

    def _model(self) -> Any:
        """The model fitted on the rows that it may see."""
        kind, seeded = MODELS[self.model]
        make = getattr(importlib.import_module(f"pyod.models.{self.model}"), kind)
        seen = np.tile(self._seen, (-(-FEWEST // len(self._seen)), 1)) if len(self._seen) < FEWEST else self._seen
        return make(**({"random_state": self._seed} if seeded else {})).fit(seen.astype(np.float64))

    def _witness(self) -> NDArray[np.float32]:
        return self._decided(self._seen[:WITNESSES]) if self._fitted is not None else np.zeros(0, dtype=np.float32)

    def _decided(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        return in_blocks(self._block, z)

    def _block(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        found = np.asarray(self._fitted.decision_function(z.astype(np.float64)), dtype=np.float64)
        return np.asarray(np.clip(found, -MOST, MOST), dtype=np.float32)
