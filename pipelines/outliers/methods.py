"""The scores: how unlikely an event is in the background, or how much likelier in the data than in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from detectors.nade import Nade
from detectors.residual import Residual
from dqm.model.errors import UnknownNameError
from dqm.model.labels import Label
from dqm.model.tables import FeatureTable

STEPS, BATCHES = 36, (64, 512)
T = TypeVar("T")
Terms = NDArray[np.float32] | None


class Method(Protocol):
    """A score of events. ``fit`` never sees which events of the data are signal, nor one that will be scored."""

    @property
    def compares(self) -> bool:
        """Whether it learns from the data too, and not from the background alone."""

    def fit(self, background: FeatureTable, data: FeatureTable, *, seed: int) -> Self:
        """Learn from a background sample and, where the method compares, from data."""

    def score(self, table: FeatureTable) -> NDArray[np.float64]:
        """Higher = more signal-like, ``(n,)``."""

    def terms(self, table: FeatureTable) -> Terms:
        """What each feature adds to the score, ``(n, d)`` nats, ≥ 0; None where the method has no terms."""


@dataclass(frozen=True)
class Effort:
    """How much is spent on densities: ``orders`` of an EoNADE, ``members`` of a residual, passes over the events.

    A pass has about ``STEPS`` steps at least, so that small samples are learned too: batches of 64 to 512 events.
    """

    orders: int = 2
    hidden: int = 32
    epochs: int = 12
    members: int = 3
    passes: int = 15

    def nade(self, events: int, rate: float = 5e-3) -> Nade:
        """EoNADE of Gaussian mixtures, an own network for every order, for so many events."""
        sizes = {"orders": self.orders, "hidden": self.hidden, "layers": 1, "components": 8, "floor": 0.03}
        course = {"epochs": self.epochs, "batch": _batch(events), "patience": 6, "weight_decay": 0.01, "rate": rate}
        return Nade(orderless=False, **sizes, **course)  # type: ignore[arg-type]  # whole numbers where those belong

    def residual(self, events: int) -> Residual:
        """Mixtures of the frozen background and a small NADE, for so many events."""
        return Residual(members=self.members, epochs=self.passes, batch=_batch(events))


@dataclass
class NadeSurprise:
    """−log p_background, the original method: what is improbable stands out, wherever the background has a tail."""

    compares: ClassVar[bool] = False
    effort: Effort = field(default_factory=Effort)
    known: Nade | None = field(default=None, init=False)

    def fit(self, background: FeatureTable, data: FeatureTable, *, seed: int) -> Self:
        """Learn the background alone."""
        self.known = fitted(self.effort.nade(len(background)), background, seed)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float64]:
        """−log p of the features as the density is scaled; a constant of the units is left out."""
        return _model(self.known).score(table).astype(np.float64)

    def terms(self, table: FeatureTable) -> Terms:
        """By how much −log p(x_d | x_<d) exceeds what is typical of the background."""
        return _model(self.known).explain(table)


@dataclass
class NadeRatio:
    """log p_data − log p_background, with p_data = (1 − w)·p_background + w·p_signal (``detectors.residual``)."""

    compares: ClassVar[bool] = True
    effort: Effort = field(default_factory=Effort)
    known: Nade | None = field(default=None, init=False)
    residual: Residual | None = field(default=None, init=False)

    def fit(self, background: FeatureTable, data: FeatureTable, *, seed: int) -> Self:
        """The background first, then what the data hold beyond it."""
        self.known = fitted(self.effort.nade(len(background)), background, seed)
        self.residual = self.effort.residual(len(data)).fit(data, self.known, seed=seed)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float64]:
        """The log ratio, nats."""
        return _model(self.residual).log_ratio(table).astype(np.float64)

    def terms(self, table: FeatureTable) -> Terms:
        """log p_signal(x_d | x_<d) − log p_background(x_d | x_<d), where positive."""
        return _model(self.residual).terms(table)


@dataclass
class NadeDifference:
    """log p_data − log p_background of two whole NADEs, the second begun from the weights of the first."""

    compares: ClassVar[bool] = True
    effort: Effort = field(default_factory=Effort)
    known: Nade | None = field(default=None, init=False)
    seen: Nade | None = field(default=None, init=False)

    def fit(self, background: FeatureTable, data: FeatureTable, *, seed: int) -> Self:
        """Equal shape, orders and scaling, so that errors that both make cancel."""
        self.known = fitted(self.effort.nade(len(background)), background, seed)
        self.seen = fitted(self.effort.nade(len(data), rate=1e-3), data, seed, previous=self.known)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float64]:
        """The log ratio, nats."""
        ratio = _model(self.seen).log_density(table) - _model(self.known).log_density(table)
        return np.asarray(ratio, dtype=np.float64)

    def terms(self, table: FeatureTable) -> Terms:
        """log p_data(x_d | x_<d) − log p_background(x_d | x_<d), where positive."""
        found = _model(self.known).surprise(table) - _model(self.seen).surprise(table)
        return np.asarray(np.maximum(found, 0), dtype=np.float32)


METHODS: dict[str, Callable[[Effort], Method]] = {
    "nade": NadeSurprise,
    "nade-ratio": NadeRatio,
    "nade-difference": NadeDifference,
}
"""Our own; ``pipelines.outliers.peers`` adds others."""


def method_of(name: str, effort: Effort) -> Method:
    """A method by its name; raises ``UnknownNameError`` with the nearest ones."""
    from pipelines.outliers.peers import PEERS

    known: dict[str, Any] = {**METHODS, **PEERS}
    if name not in known:
        raise UnknownNameError("method", name, known)
    made: Method = known[name](effort)
    return made


def fitted(model: Nade, table: FeatureTable, seed: int, previous: Nade | None = None) -> Nade:
    """The density of a whole table."""
    unlabelled = np.full(len(table), Label.UNKNOWN, dtype=np.int8)
    return model.fit(table, unlabelled, seed=seed, previous=previous)


def _batch(events: int) -> int:
    return min(max(events // STEPS, BATCHES[0]), BATCHES[1])


def _model(found: T | None) -> T:
    """What ``fit`` made."""
    if found is None:
        raise RuntimeError("this method has not learned anything yet; call fit first")
    return found
