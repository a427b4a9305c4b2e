"""Detectors that learn to give a row back through a bottleneck: what they cannot give back is unusual.

Everything but the network is here: scaling, denoising, what counts as usual, score, explanation and state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.batches import in_blocks
from detectors.elements import group_numbers
from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.networks import ReconstructionScore
from detectors.protocol import Scalar, State
from detectors.scaling import MEAN_TO_SIGMA, Scaling, schema_and_scaling
from detectors.training import (
    History,
    TrainingRows,
    TrainingSettings,
    Watch,
    arrays_of,
    held_out_rows,
    initialise,
    load_arrays,
    train,
)
from dqm.model.tables import Column, FeatureTable

FLOOR = 1e-3
"""Smallest relative spread of a column, as in ``RobustZ``."""

USUAL_LEAST = 0.05
"""Smallest usual residual, in spreads of the column: one given back exactly answers to a change, not to rounding."""

HUBER = 3.0
"""Residual, in spreads of the column, from which on the loss grows linearly: a few outliers teach little."""


@dataclass
class Reconstruction(ABC):
    """A denoising autoencoder; the score is how badly a row is given back, in units of what is usual for each column.

    Values are scaled by median and robust spread and cut at ±``cut``. In training, Gaussian noise of ``noise`` spreads
    is added and a share ``hide`` of the values is hidden as if missing; the network is to give back what was there
    (Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008). It sees which
    values are missing, and only what is there is counted. Latent numbers are bounded, so that what lies outside of
    what was learned is not carried through; there are ``bottleneck`` of them, at most a third of the columns. With
    ``conditional`` the columns of role *condition* (pile-up, luminosity) stand beside the input and the latent numbers,
    so that what follows from them is expected; they are never judged.

    The usual residual u_j of a column is 1.2533 times its mean absolute residual over rows that were not learned from
    (with under 200 rows, over all). The score is the mean over elements (``detectors.elements``) of the mean over the
    values present of ((z_j − ẑ_j) / u_j)², about 1 for usual rows: a map of a thousand cells weighs as much as a rate.

    It learns from the rows labelled GOOD where there are at least ``min_good``, else from all of positive weight.
    Columns that were always missing then are not looked at; where that is all of them, every score is NaN.
    """

    bottleneck: int = 8
    noise: float = 0.3
    hide: float = 0.1
    conditional: bool = True
    cut: float = 10.0
    min_good: int = 20
    epochs: int = 60
    batch: int = 256
    rate: float = 3e-3
    patience: int = 10
    device: str = "cpu"
    export_outputs: ClassVar[tuple[str, ...]] = ("score", "contribution")
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    history: History = field(default_factory=History, init=False, repr=False, compare=False)
    watch: Watch | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _conditions: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _module: ReconstructionScore | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, bound in {"bottleneck": 1, "min_good": 1}.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least {bound}")
        if self.noise < 0 or not 0 <= self.hide < 1 or not self.cut > 0:
            raise ValueError(
                f"noise = {self.noise} must not be negative, hide = {self.hide} lie in [0, 1) and cut = {self.cut} "
                "be above 0"
            )
        self._settings()

    @abstractmethod
    def _network(self, columns: tuple[Column, ...], beside: int) -> nn.Module:
        """The network of ``columns`` ``(k,)``: (z, present, beside ``(n, beside)``) to ẑ ``(n, k)``."""

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Learn to give usual rows back; a ``previous`` network of the same shape goes on from its weights.

        Centres, spreads and usual residuals are taken afresh in any case.
        """
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema, self.history = Schema.of(table), History()
        self._scaling = Scaling.fit(table, rows, floor=FLOOR)
        self._conditions = Scaling.fit(table, rows, "condition", FLOOR) if self.conditional else Scaling.empty()
        self._module = self._build()
        if self._module is not None:
            self._start(self._module, previous, seed)
            self._learn(self._module, table.values[rows], None if weight is None else np.asarray(weight)[rows], seed)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """Mean squared residual in units of the usual one, ``(n,)``; NaN for a row without any known feature."""
        require(self, table)
        if (module := self._module) is None:
            return np.full(len(table), np.nan, dtype=np.float32)
        return _in_blocks(lambda rows: module(rows)[0], table.values)

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """What each column adds to the score, ``(n, d)``: the sum of a row is its score; 0 where missing."""
        require(self, table)
        if (module := self._module) is None:
            return np.zeros(table.values.shape, dtype=np.float32)
        return _in_blocks(lambda rows: module(rows)[1], table.values)

    def reconstruct(self, table: FeatureTable) -> NDArray[np.float32]:
        """The table as the network gives it back, ``(n, d)`` in its units; NaN for columns that are not judged."""
        require(self, table)
        whole = np.full(table.values.shape, np.nan, dtype=np.float32)
        if self._module is not None:
            whole[:, self._scaling.at] = _in_blocks(self._module.reconstruct, table.values)
        return whole

    def export_module(self) -> nn.Module:
        """The module that scores, from raw rows ``(n, d)`` to ``score`` ``(n,)`` and ``contribution`` ``(n, d)``.

        Raises ``NotFittedError`` before ``fit`` and ``ValueError`` where no column was known.
        """
        if self.schema is None:
            raise NotFittedError(self)
        if self._module is None:
            raise ValueError("all feature columns were missing in training: there is no network to export")
        return self._module

    @property
    def scalings(self) -> tuple[Scaling, ...]:
        """What is usual of the features and of the conditions, ``at`` among all columns."""
        return self._scaling, self._conditions

    def state(self) -> State:
        """Scalings, ``usual`` ``(k,)``, weights ``net_…``, the ``history`` ``(epochs, 2)`` and its ``best`` epoch."""
        if self.schema is None:
            raise NotFittedError(self)
        found: State = {
            **self._scaling.state(),
            **self._conditions.state("condition_"),
            "schema": self.schema.to_text(),
            "history": np.array([self.history.learned, self.history.held_out], dtype=np.float64).T.copy(),
            "best": np.array(self.history.best),
        }
        if self._module is not None:
            found |= arrays_of(self._module.network) | {"usual": self._module.usual.numpy().copy()}
        return found

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        detector._conditions = Scaling.restore(state, detector.schema.columns, "condition_")
        course = np.asarray(state["history"], dtype=np.float64).reshape(-1, 2)
        detector.history = History(tuple(course[:, 0].tolist()), tuple(course[:, 1].tolist()), int(state["best"]))
        detector._module = detector._build()
        if detector._module is not None:
            load_arrays(detector._module.network, state)
            usual = np.asarray(state["usual"], dtype=np.float32)
            if usual.shape != (detector._scaling.width,) or not (usual > 0).all():
                raise ValueError(
                    f"usual residuals of shape {usual.shape} do not suit {detector._scaling.width} columns"
                )
            detector._module.usual.copy_(torch.from_numpy(usual))
        return detector

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs, batch=self.batch, rate=self.rate, patience=self.patience, device=self.device
        )

    def _build(self) -> ReconstructionScore | None:
        """The module around a network whose weights are not drawn yet; None where no column is known."""
        if self.schema is None or not self._scaling.width:
            return None
        known = tuple(self.schema.columns[j] for j in self._scaling.at)
        network = self._network(known, 2 * self._conditions.width)
        d = len(self.schema.columns)
        return ReconstructionScore(network, self._scaling, self._conditions, group_numbers(known), d, self.cut).eval()

    def _start(self, module: ReconstructionScore, previous: Self | None, seed: int) -> None:
        """Weights of the previous network where it knows the same columns and has the same shape, else drawn."""
        initialise(module.network, torch.Generator().manual_seed(seed))
        if previous is None or previous._module is None:
            return
        alike = (mine.same_columns(theirs) for mine, theirs in zip(self.scalings, previous.scalings, strict=True))
        old, new = previous._module.network.state_dict(), module.network.state_dict()
        if all(alike) and {k: v.shape for k, v in old.items()} == {k: v.shape for k, v in new.items()}:
            module.network.load_state_dict(old)

    def _learn(
        self, module: ReconstructionScore, rows: NDArray[np.float32], weight: NDArray[np.floating] | None, seed: int
    ) -> None:
        """Train, then see what residual of each column is usual."""
        given = TrainingRows((rows,)) if weight is None else TrainingRows((rows,), weight)
        settings = self._settings()
        self.history = train(
            module, lambda t, random: self._loss(module, t[0], random), given, settings, seed=seed, watch=self.watch
        )
        held = held_out_rows(len(rows), settings, seed=seed)
        usual = np.full(self._scaling.width, np.nan)
        for part in (rows[held], rows):
            if len(part) and np.isnan(usual).any():
                usual = np.where(np.isnan(usual), _usual(module, part), usual)
        module.usual.copy_(torch.from_numpy(np.maximum(usual, USUAL_LEAST).astype(np.float32)))

    def _loss(self, module: ReconstructionScore, rows: Tensor, random: torch.Generator) -> Tensor:
        """Huber loss of what is given back of disturbed rows, ``(b,)``, with the weights of the score."""
        z, present, beside = module.parts(rows)
        noise = torch.randn(z.shape, generator=random).to(z.device) * self.noise
        seen = present * (torch.rand(z.shape, generator=random) >= self.hide).to(z.device)
        given = module.network((z + noise) * seen, seen, beside)
        off = nn.functional.huber_loss(given, z, reduction="none", delta=HUBER)
        weighted: Tensor = module.weights(present) * off
        return weighted.sum(1)


def _in_blocks(function: Callable[[Tensor], Tensor], values: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        return in_blocks(lambda part: function(torch.from_numpy(part)).numpy(), values)


def _usual(module: ReconstructionScore, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean absolute residual as a σ, ``(k,)``; NaN for a column that these rows do not hold."""
    residual = np.abs(_in_blocks(module.residual, rows)).astype(np.float64)
    count = (~np.isnan(residual)).sum(axis=0)
    return np.where(count, MEAN_TO_SIGMA * np.nansum(residual, axis=0) / np.maximum(count, 1), np.nan)
