"""A recurrent network that says what the sensors will read next, and how sure it is of that."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.batches import in_blocks
from detectors.forecast_network import Forecast, surprises
from detectors.inputs import NotFittedError, Schema, reference_rows, require
from detectors.networks import Standardise
from detectors.protocol import Scalar, State
from detectors.scaling import Scaling, schema_and_scaling
from detectors.training import History, TrainingRows, TrainingSettings, Watch, arrays_of, initialise, load_arrays, train
from dqm.model.tables import Column, FeatureTable

FLOOR = 1e-3
_LAG = re.compile(r"(.+):lag(\d+)")


@dataclass
class Forecaster:
    """rᵀ Σ⁻¹ r per sensor present: the newest readings against mean and covariance predicted from those before.

    Columns are ``<sensor>:lag0`` … (``features.lags``); one without a lag is a sensor that has no past. A GRU of
    ``hidden`` units reads the lags from the oldest to lag 1 and predicts mean μ and covariance Σ = L Lᵀ of lag 0, L
    lower triangular with a positive diagonal; it is trained on log |Σ| + rᵀ Σ⁻¹ r, r = z − μ, twice the negative log
    likelihood of a Gaussian. Missing readings are left out of r and Σ exactly. In noisy stretches Σ widens, and the
    same residual says less. About 1 for usual rows.

    ``explain`` gives, at lag 0, what the score falls by when a sensor is put where the others and its past expect it,
    (Σ⁻¹ r)_j² / (Σ⁻¹)_jj.
    """

    hidden: int = 32
    cut: float = 30.0
    min_good: int = 20
    epochs: int = 60
    batch: int = 256
    rate: float = 3e-3
    patience: int = 10
    device: str = "cpu"
    schema: Schema | None = field(default=None, init=False, repr=False, compare=False)
    history: History = field(default_factory=History, init=False, repr=False, compare=False)
    watch: Watch | None = field(default=None, init=False, repr=False, compare=False)
    _scaling: Scaling = field(default_factory=Scaling.empty, init=False, repr=False, compare=False)
    _network: Forecast | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.hidden < 1 or self.min_good < 1 or not self.cut > 0:
            raise ValueError(
                f"hidden = {self.hidden} and min_good = {self.min_good} must be at least 1, cut = {self.cut} above 0"
            )
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
        """Learn to foresee usual rows; a ``previous`` network of the same sensors goes on from its weights."""
        rows = reference_rows(labels, weight, len(table), self.min_good)
        if previous is not None:
            require(previous, table)
        self.schema, self.history = Schema.of(table), History()
        self._scaling = Scaling.fit(table, rows, floor=FLOOR)
        self._network = self._build()
        if self._network is not None:
            initialise(self._network, torch.Generator().manual_seed(seed))
            if previous is not None and previous._network is not None and previous._scaling.same_columns(self._scaling):
                self._network.load_state_dict(previous._network.state_dict())
            self._learn(self._network, table.values[rows], None if weight is None else np.asarray(weight)[rows], seed)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """rᵀ Σ⁻¹ r / (sensors present at lag 0), ``(n,)``; NaN for a row where none of them is."""
        require(self, table)
        return self._answers(table)[:, 0]

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """(Σ⁻¹ r)_j² / (Σ⁻¹)_jj at the newest reading of each sensor, ``(n, d)``; 0 elsewhere and where missing."""
        require(self, table)
        shares = np.zeros(table.values.shape, dtype=np.float32)
        if self._network is not None:
            shares[:, self._scaling.at[self._network.newest.numpy()]] = self._answers(table)[:, 1:]
        return shares

    def state(self) -> State:
        """The scaling, weights ``net_…``, the ``history`` ``(epochs, 2)`` with its ``best`` epoch, and the schema."""
        if self.schema is None:
            raise NotFittedError(self)
        course = np.array([self.history.learned, self.history.held_out], dtype=np.float64).T.copy()
        found: State = {**self._scaling.state(), "schema": self.schema.to_text(), "history": course}
        found["best"] = np.array(self.history.best)
        if self._network is not None:
            found |= arrays_of(self._network)
        return found

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The detector again, bit-equal."""
        detector = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        detector.schema, detector._scaling = schema_and_scaling(state)
        course = np.asarray(state["history"], dtype=np.float64).reshape(-1, 2)
        detector.history = History(tuple(course[:, 0].tolist()), tuple(course[:, 1].tolist()), int(state["best"]))
        detector._network = detector._build()
        if detector._network is not None:
            load_arrays(detector._network, state)
        return detector

    def _settings(self) -> TrainingSettings:
        return TrainingSettings(
            epochs=self.epochs, batch=self.batch, rate=self.rate, patience=self.patience, device=self.device
        )

    def _build(self) -> Forecast | None:
        """A network whose weights are not drawn yet; None where no sensor was ever seen at lag 0."""
        if self.schema is None:
            return None
        places = lag_places([self.schema.columns[j] for j in self._scaling.at])
        if not (places[:, 0] >= 0).any():
            return None
        places = places[places[:, 0] >= 0]
        standardise = Standardise(self._scaling, len(self.schema.columns), self.cut)
        return Forecast(standardise, places, self.hidden).eval()

    def _learn(
        self, network: Forecast, rows: NDArray[np.float32], weight: NDArray[np.floating] | None, seed: int
    ) -> None:
        given = TrainingRows((rows,)) if weight is None else TrainingRows((rows,), weight)

        def loss(tensors: tuple[Tensor, ...], _: torch.Generator) -> Tensor:
            return network.loss(tensors[0])

        self.history = train(network, loss, given, self._settings(), seed=seed, watch=self.watch)

    def _answers(self, table: FeatureTable) -> NDArray[np.float32]:
        """Score and shares of the sensors, ``(n, 1 + s)``."""
        network = self._network
        if network is None:
            return np.full((len(table), 1), np.nan, dtype=np.float32)
        with torch.inference_mode():
            return in_blocks(lambda part: surprises(network, torch.from_numpy(part)).numpy(), table.values)


def lag_places(columns: Sequence[Column]) -> NDArray[np.int64]:
    """Position of lag l of sensor i among the columns, ``(s, lags)``, −1 where there is none."""
    sensors: dict[str, dict[int, int]] = {}
    for position, column in enumerate(columns):
        match = _LAG.fullmatch(column.name)
        name, lag = (match[1], int(match[2])) if match else (column.name, 0)
        sensors.setdefault(name, {})[lag] = position
    lags = 1 + max((lag for each in sensors.values() for lag in each), default=0)
    places = np.full((len(sensors), lags), -1, dtype=np.int64)
    for i, each in enumerate(sensors.values()):
        for lag, position in each.items():
            places[i, lag] = position
    return places
