"""Neural autoregressive density estimation: exact log p of a row, and the surprise of every feature in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.batches import in_blocks
from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.nade_density import Frame, NadeDensity, NadeRows, drawn_orders
from detectors.nade_families import family_of
from detectors.nade_network import NadeNetwork, Shape, rows_at_once
from detectors.nade_training import blank_networks, fitted_frame, of_role, positions, smallest_scales, train_networks
from detectors.protocol import Scalar, State
from detectors.scaling import Scaling
from detectors.training import History, TrainingSettings, Watch, arrays_of, load_arrays
from dqm.model.tables import FeatureTable, Role

SCALES = ("robust", "standard")
TYPICAL_ROWS = 4096
"""Training rows, evenly taken, from which the typical surprise of a feature is measured."""


@dataclass
class Nade:
    """Score −log p(x | conditions) over the feature columns, learned from the reference rows.

    p(x) = Π_d p(x_{o_d} | x_{o_<d}), every conditional a mixture of ``components`` Gaussians or Laplacians or, for
    columns of 0 and 1, a coin (``family`` gaussian, laplace, bernoulli), whose parameters a network with ``layers``
    hidden layers of ``hidden`` units gives (``nade_network``). ``orderless``: one network learns every order, by
    predicting what is hidden from what is shown; else each order has a network of its own. p is the mean over
    ``orders`` orders, the first that of the columns: NADE is one order and not orderless, EoNADE several.

    ``scale`` robust: z by median and MAD, then asinh z, so that tails do not dominate; standard: z by mean and
    standard deviation. No component is narrower than ``floor`` spreads nor, with ``resolution``, than half the step in
    which its column was recorded. ``conditions``: p is conditional on the columns of role condition.

    A missing value leaves its term out: the density is that of the present features. In the score it counts as typical,
    so that rows with and without it compare. Reference rows are those labelled GOOD where there are at least
    ``min_good``, else all, and count alike; rows of weight 0 are left out. ``dropout`` is the share of the units of the
    last hidden layer that a step of training leaves out. The other fields are ``TrainingSettings``.
    """

    family: str = "gaussian"
    orderless: bool = True
    orders: int = 2
    layers: int = 2
    hidden: int = 64
    components: int = 6
    scale: str = "robust"
    floor: float = 0.05
    resolution: bool = True
    conditions: bool = True
    epochs: int = 40
    batch: int = 128
    rate: float = 5e-3
    weight_decay: float = 0.02
    dropout: float = 0.0
    patience: int = 10
    held_out: float = 0.1
    min_good: int = 20
    device: str = "cpu"
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    history: tuple[History, ...] = field(default=(), init=False, repr=False, compare=False)
    """The course of training of every network."""
    watch: Watch | None = field(default=None, init=False, repr=False, compare=False)
    """Called after every epoch of every network, for a progress bar."""
    _frame: Frame = field(default_factory=Frame.empty, init=False, repr=False, compare=False)
    _density: NadeDensity | None = field(default=None, init=False, repr=False, compare=False)
    _typical: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros(0, np.float32), init=False, repr=False, compare=False
    )

    export_outputs: ClassVar[tuple[str, ...]] = ("score", "log_probability")

    def __post_init__(self) -> None:
        family_of(self.family, self.components)
        if self.scale not in SCALES:
            raise ValueError(f"scale = {self.scale!r} is none of {', '.join(SCALES)}")
        for name in ("orders", "layers", "hidden", "components", "min_good"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least 1")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout} must lie in [0, 1): with 1 no unit would be left to learn from")
        if not self.floor > 0:
            raise ValueError(f"floor = {self.floor} must be above 0: without it a repeated value has any likelihood")
        self._settings()

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.floating] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        """Learn the density of the reference rows.

        ``previous``: training goes on from its weights, in its scaling and orders, where it knows the same columns and
        has networks of the same shape; else afresh. Raises ``ValueError`` for a value other than 0 and 1 with coins.
        """
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self._refuse_other_than_coins(table)
        frame = fitted_frame(table, rows, self.scale, binary=self._binary, conditional=self.conditions)
        density = self._continued(previous, frame) or self._begun(table, rows, frame, seed)
        learned = table.take(rows)
        if len(learned) and frame.features.width:
            self.history = train_networks(
                density, *_arrays(learned), self._settings(), dropout=self.dropout, seed=seed, watch=self.watch
            )
        self.schema, self._frame, self._density = Schema.of(table), density.frame, density
        self._typical = self._typical_of(learned)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """−log p per spread, nats, ``(n,)``, a missing feature counted as typical; NaN for a row without any."""
        density, present = self._asked(table)
        missing = (~present).astype(np.float32) @ self._typical
        score = missing - self._blocks(density.in_spreads, table)
        return np.where(present.any(axis=1), score, np.float32(np.nan)).astype(np.float32)

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """By how much −log p(x_d | x_<d), the mean over orders, exceeds its training median, ``(n, d)`` nats, ≥ 0."""
        density, present = self._asked(table)
        excess = self._blocks(density.surprise, table) - self._typical
        return self._to_columns(np.where(present, np.maximum(excess, 0), 0), table)

    def log_density(self, table: FeatureTable) -> NDArray[np.float32]:
        """log p of the present features of every row, ``(n,)`` nats, per unit of the columns; NaN without any."""
        density, present = self._asked(table)
        return np.where(present.any(axis=1), self._blocks(density, table), np.float32(np.nan))

    def surprise(self, table: FeatureTable) -> NDArray[np.float32]:
        """−log p(x_d | x_<d), the mean over orders, ``(n, d)`` nats per unit of the column; 0 where missing.

        With one order a row's terms sum to −``log_density``.
        """
        density, present = self._asked(table)
        unit = np.log(self._frame.features.spread).astype(np.float32)
        return self._to_columns(np.where(present, self._blocks(density.surprise, table) + unit, 0), table)

    def sample(self, n: int, *, seed: int, conditions: NDArray[np.floating] | None = None) -> NDArray[np.float32]:
        """Rows from the model, ``(n, features)`` of the feature columns; NaN where a column was never present.

        ``conditions`` ``(n, conditions)`` are raw, NaN = not known, None = none known. Each order gives as many rows.
        """
        schema, density = self._fitted()
        features, given = positions(schema.columns, "feature"), positions(schema.columns, "condition")
        known = np.full((n, len(given)), np.nan) if conditions is None else np.asarray(conditions, dtype=np.float64)
        if known.shape != (n, len(given)):
            raise ValueError(f"conditions of shape {known.shape} for {n} rows of {len(given)} condition columns")
        random = torch.Generator().manual_seed(seed)
        drawn = np.full((n, len(features)), np.nan, dtype=np.float32)
        for which, rows in enumerate(np.array_split(np.arange(n), len(density.orders))):
            part = density.sample(len(rows), torch.from_numpy(known[rows]), which, random)
            drawn[np.ix_(rows, self._frame.features.at)] = part.numpy()
        return drawn

    def density(self) -> NadeDensity:
        """The torch module from raw float32 feature values and conditions to log p, as ``log_density``; exportable."""
        return self._fitted()[1]

    def export_module(self) -> NadeRows:
        """The module from raw rows ``(n, d)`` to ``score`` and ``log_probability``, each ``(n,)``.

        Raises ``NotFittedError`` before ``fit`` and ``ValueError`` where no column was known.
        """
        schema, density = self._fitted()
        if not self._frame.features.width:
            raise ValueError("all feature columns were missing in training: there is no network to export")
        features, conditions = (positions(schema.columns, role) for role in ("feature", "condition"))
        return NadeRows(density, features, conditions, self._typical)

    @property
    def scalings(self) -> tuple[Scaling, ...]:
        """What is usual of the features and of the conditions, ``at`` among all columns."""
        columns = self._fitted()[0].columns
        parts: tuple[tuple[Role, Scaling], ...] = (
            ("feature", self._frame.features),
            ("condition", self._frame.conditions),
        )
        return tuple(
            replace(each, at=np.array(positions(columns, role), dtype=np.int64)[each.at]) for role, each in parts
        )

    def state(self) -> State:
        """Scalings, orders, typical surprises and the weights of every network; ``schema``."""
        schema, density = self._fitted()
        found: State = {**self._frame.features.state("features_"), **self._frame.conditions.state("conditions_")}
        for which, network in enumerate(density.networks):
            found |= arrays_of(network, f"net_{which}_")
        return {**found, "orders": density.orders.numpy().copy(), "typical": self._typical, "schema": schema.to_text()}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        schema = Schema.from_text(state["schema"])
        scalings = [
            Scaling.restore(state, tuple(schema.columns[j] for j in positions(schema.columns, role)), f"{role}s_")
            for role in ("feature", "condition")
        ]
        frame = Frame(scalings[0], scalings[1], detector._warped)
        width = frame.features.width
        orders, typical = np.asarray(state["orders"]), np.asarray(state["typical"])
        if orders.shape != (detector.orders, width) or (np.sort(orders, axis=1) != np.arange(width)).any():
            raise ValueError(f"orders {orders.shape} are not {detector.orders} permutations of {width} features")
        if typical.shape != (width,) or not np.isfinite(typical).all():
            raise ValueError(f"typical surprises {typical.shape} do not suit {width} features")
        networks = blank_networks(detector._shape(frame), detector._networks)
        _load(networks, state)
        detector.schema, detector._frame = schema, frame
        detector._density = NadeDensity(frame, networks, orders.astype(np.int64))
        detector._typical = typical.astype(np.float32)
        return detector

    @property
    def _binary(self) -> bool:
        return self.family == "bernoulli"

    @property
    def _warped(self) -> bool:
        return self.scale == "robust" and not self._binary

    @property
    def _networks(self) -> int:
        return 1 if self.orderless else self.orders

    def _settings(self) -> TrainingSettings:
        names = ("epochs", "batch", "rate", "patience", "held_out", "weight_decay", "device")
        return TrainingSettings(**{name: getattr(self, name) for name in names})

    def _shape(self, frame: Frame) -> Shape:
        sizes = frame.features.width, 2 * frame.conditions.width, self.hidden, self.layers, self.components
        return Shape(*sizes, self.family, self.orderless)

    def _begun(self, table: FeatureTable, rows: NDArray[np.bool_], frame: Frame, seed: int) -> NadeDensity:
        """Networks that have learned nothing."""
        random = torch.Generator().manual_seed(seed)
        floors = smallest_scales(table, rows, frame.features, self.floor, resolution=self.resolution)
        orders = drawn_orders(self.orders, frame.features.width, random)
        floor = torch.from_numpy(floors).float()
        networks = [NadeNetwork(self._shape(frame), floor, random) for _ in range(self._networks)]
        return NadeDensity(frame, networks, orders)

    def _continued(self, previous: Self | None, frame: Frame) -> NadeDensity | None:
        """Networks with the weights of the previous ones, None where they do not suit."""
        if previous is None:
            return None
        _, density = previous._fitted()
        known = (previous._frame.features.at, previous._frame.conditions.at)
        same = all(np.array_equal(a, b) for a, b in zip(known, (frame.features.at, frame.conditions.at), strict=True))
        alike = previous._shape(previous._frame) == self._shape(frame) and previous._warped == self._warped
        if not same or not alike or previous.orders != self.orders:
            return None
        networks = blank_networks(self._shape(frame), self._networks)
        _load(networks, previous.state())
        return NadeDensity(previous._frame, networks, density.orders.numpy())

    def _typical_of(self, learned: FeatureTable) -> NDArray[np.float32]:
        """Median surprise of every feature over the training rows, per spread, ``(k,)``; 0 where never present."""
        _, density = self._fitted()
        some = learned.take(slice(None, None, max(1, len(learned) // TYPICAL_ROWS)))
        if not len(some):
            return np.zeros(self._frame.features.width, dtype=np.float32)
        _, present = self._asked(some)
        surprise = np.where(present, self._blocks(density.surprise, some), np.float32(np.nan))
        known = np.asarray(present.any(axis=0))
        typical = np.zeros(surprise.shape[1], dtype=np.float32)
        typical[known] = np.nanmedian(surprise[:, known], axis=0)
        return typical

    def _fitted(self) -> tuple[Schema, NadeDensity]:
        if self.schema is None or self._density is None:
            raise NotFittedError(self)
        return self.schema, self._density

    def _asked(self, table: FeatureTable) -> tuple[NadeDensity, NDArray[np.bool_]]:
        """The density, and which known features of the table are present, ``(n, k)``; refuses another table."""
        require(self, table)
        self._refuse_other_than_coins(table)
        return self._fitted()[1], ~np.isnan(table.values[:, self._places(table)])

    def _places(self, table: FeatureTable) -> NDArray[np.int64]:
        """Where the known features stand among all columns, ``(k,)``."""
        return np.array(table.where(role="feature"), dtype=np.int64)[self._frame.features.at]

    def _blocks(self, function: Callable[[Tensor, Tensor], Tensor], table: FeatureTable) -> NDArray[np.float32]:
        """``function(values, conditions)`` of every row, in blocks of one size, in parts that fit the memory."""
        at_once = rows_at_once(self._shape(self._frame))

        def of_arrays(*block: NDArray[np.float32]) -> NDArray[np.float32]:
            parts = zip(*(torch.split(torch.from_numpy(each), at_once) for each in block), strict=True)
            with torch.no_grad():
                return np.asarray(torch.cat([function(*part) for part in parts]).numpy())

        return in_blocks(of_arrays, *_arrays(table))

    def _to_columns(self, part: NDArray[np.floating], table: FeatureTable) -> NDArray[np.float32]:
        """What belongs to the known features at their places among all columns; 0 elsewhere."""
        whole = np.zeros(table.values.shape, dtype=np.float32)
        whole[:, self._places(table)] = part
        return whole

    def _refuse_other_than_coins(self, table: FeatureTable) -> None:
        """Raise ``ValueError``, naming column and row, where a coin shows anything but 0 and 1."""
        if not self._binary:
            return
        for j in table.where(role="feature"):
            values = table.values[:, j]
            wrong = np.flatnonzero(~np.isin(values, (0, 1)) & ~np.isnan(values))
            if wrong.size:
                raise ValueError(
                    f"column {table.columns[j].name!r} holds {values[wrong[0]]} in row {wrong[0]}, and bernoulli "
                    "knows 0 and 1 only; use family gaussian or laplace, or leave the column out"
                )


def _arrays(table: FeatureTable) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Raw features and conditions."""
    return of_role(table, "feature").values, of_role(table, "condition").values


def _load(networks: list[NadeNetwork], state: State) -> None:
    for which, network in enumerate(networks):
        load_arrays(network, state, f"net_{which}_")
