"""A normalising flow, neural splines from zuko: the peer of our own density models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.batches import in_blocks
from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.occlusion import shares_by_occlusion
from detectors.protocol import Scalar, State
from detectors.scaling import Scaling, schema_and_scaling
from detectors.training import (
    History,
    TrainingRows,
    TrainingSettings,
    Watch,
    arrays_of,
    initialise,
    load_arrays,
    train,
)
from dqm.model.tables import FeatureTable

CUT = 20.0
"""Spreads at which a value is cut, an infinity among them; the splines end at 5 and the tails are Gaussian."""


@dataclass
class Flow:
    """Score −log p(z) / k of a neural spline flow over the k scaled columns.

    Durkan et al., "Neural Spline Flows", NeurIPS 2019, as zuko builds it: ``transforms`` autoregressive layers of
    rational-quadratic splines with ``bins`` pieces, each led by a masked network of two layers of ``hidden`` units,
    over a standard Gaussian. Columns are scaled by median and spread (``detectors.scaling``) and cut at ±20; while it
    trains, Gaussian noise of ``noise`` spreads is added anew to every batch, so that a column of whole numbers or of
    one value has a density. It learns from the reference rows, those labelled GOOD where there are at least
    ``min_good``, else all of weight above 0; conditions are not looked at.

    A missing value is the median of its column: the usual, which adds little. The share of a column is what the score
    falls by when the column is at its median (``detectors.occlusion``), at the cost of a scoring for every column.
    """

    transforms: int = 3
    hidden: int = 64
    bins: int = 8
    epochs: int = 60
    batch: int = 256
    rate: float = 3e-3
    patience: int = 8
    noise: float = 0.05
    min_good: int = 20
    floor: float = 1e-3
    device: str = "cpu"
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    history: History = field(default_factory=History, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _network: nn.Module | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, bound in {"transforms": 1, "hidden": 1, "bins": 2, "min_good": 1}.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least {bound}")
        if not self.noise > 0 or not self.floor > 0:
            raise ValueError(f"noise = {self.noise} and floor = {self.floor} must be above 0")
        self._settings()

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
        watch: Watch | None = None,
    ) -> Self:
        """Train on the reference rows, from the weights of ``previous`` where it has the same shape."""
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        start = None if previous is None else previous._network
        columns = None if previous is None else previous._scaling
        self.schema, self._scaling = Schema.of(table), Scaling.fit(table, rows, floor=self.floor)
        z, present = self._scaling.z(table.take(rows), CUT)
        z = z[present.any(axis=1)]
        self._network, self.history = None, History()
        if not z.size:
            return self
        network = self._built()
        initialise(network, torch.Generator().manual_seed(seed))
        alike = columns is not None and columns.same_columns(self._scaling)
        if start is not None and alike and _same_shape(start, network):
            network.load_state_dict(start.state_dict())

        def loss(batch: tuple[Tensor, ...], random: torch.Generator) -> Tensor:
            noise = torch.randn(batch[0].shape, generator=random).to(batch[0].device)
            return _surprise(network, batch[0] + self.noise * noise)

        self.history = train(network, loss, TrainingRows((z,)), self._settings(), seed=seed, watch=watch)
        self._network = network
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """−log p / k of every row, ``(n,)``, nats a column; NaN for a row without any feature that was learned."""
        require(self, table)
        z, present = self._scaling.z(table, CUT)
        if self._network is None:
            return np.full(len(table), np.nan, dtype=np.float32)
        return np.where(present.any(axis=1), self._scored(z), np.float32(np.nan))

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """What the score falls by with the column at its median, ``(n, d)``; 0 where it is missing, for conditions."""
        require(self, table)
        z, present = self._scaling.z(table, CUT)
        shares = np.zeros_like(z) if self._network is None else shares_by_occlusion(self._scored, z, present)
        return self._scaling.to_columns(shares, len(table.columns))

    def state(self) -> State:
        """The scaling; parameters of the network, their names behind ``net_``; ``schema``."""
        if self.schema is None:
            raise NotFittedError(self)
        arrays = {} if self._network is None else arrays_of(self._network)
        return {**self._scaling.state(), **arrays, "schema": self.schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal; raises ``KeyError`` or ``ValueError`` for weights of another network."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        if any(key.startswith("net_") for key in state):
            detector._network = detector._built()
            load_arrays(detector._network, state)
        return detector

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs, batch=self.batch, rate=self.rate, patience=self.patience, device=self.device
        )

    def _built(self) -> nn.Module:
        """The network with weights of no meaning; zuko draws them from torch's generator, which is put back."""
        import zuko

        with torch.random.fork_rng(devices=[]):
            built: nn.Module = zuko.flows.NSF(
                features=self._scaling.width,
                transforms=self.transforms,
                hidden_features=(self.hidden, self.hidden),
                bins=self.bins,
            )
        return built

    def _scored(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        return in_blocks(self._block_score, z)

    @torch.no_grad()
    def _block_score(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        assert self._network is not None
        return _surprise(self._network, torch.from_numpy(z)).numpy()


def _surprise(network: nn.Module, z: Tensor) -> Tensor:
    """−log p(z) / k of every row ``(b, k)``."""
    found: Tensor = -network().log_prob(z) / z.shape[1]
    return found


def _same_shape(one: nn.Module, other: nn.Module) -> bool:
    shapes = [{name: each.shape for name, each in network.state_dict().items()} for network in (one, other)]
    return shapes[0] == shapes[1]
