"""Densities and detectors of others, over the same features: Gaussian mixtures, spline flows, isolation forests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from dqm.model.tables import FeatureTable
from pipelines.outliers.methods import Effort, Method, Terms

COMPONENTS = (8, 16, 32)
"""Sizes of a Gaussian mixture; the best on a fifth of the background that it has not seen is taken."""


@dataclass
class GaussianMixtures:
    """scikit-learn's Gaussian mixture: −log p_background or, with ``ratio``, log p_data − log p_background."""

    ratio: bool
    models: list[Any] = field(default_factory=list, init=False)

    @property
    def compares(self) -> bool:
        """With ``ratio``."""
        return self.ratio

    def fit(self, background: FeatureTable, data: FeatureTable, *, seed: int) -> Self:
        """The size by held-out likelihood of the background; the mixture of the data begins from that of it."""
        from sklearn.mixture import GaussianMixture

        known = background.values.astype(np.float64)
        fifth = len(known) // 5
        tried = [GaussianMixture(k, random_state=seed, reg_covar=1e-4).fit(known[fifth:]) for k in COMPONENTS]
        best = max(tried, key=lambda model: float(model.score(known[:fifth])))
        size = best.n_components
        began = {"means_init": best.means_, "weights_init": best.weights_, "precisions_init": best.precisions_}
        samples = [known, data.values.astype(np.float64)][: 2 if self.ratio else 1]
        self.models = [
            GaussianMixture(size, random_state=seed, reg_covar=1e-4, **began).fit(sample) for sample in samples
        ]
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float64]:
        """In nats."""
        found = [model.score_samples(table.values.astype(np.float64)) for model in self.models]
        return np.asarray(found[1] - found[0] if self.ratio else -found[0])

    def terms(self, table: FeatureTable) -> Terms:
        """None: a mixture does not split its density over the features."""
        return None


@dataclass
class Flows:
    """zuko's neural spline flow, log p_data − log p_background; the flow of the data begins from that of the other."""

    compares: ClassVar[bool] = True
    epochs: int = 12
    models: list[Any] = field(default_factory=list, init=False)
    centre: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), init=False)
    spread: NDArray[np.float64] = field(default_factory=lambda: np.ones(0), init=False)

    def fit(self, background: FeatureTable, data: FeatureTable, *, seed: int) -> Self:
        """Trained as every network here: early stopping on a tenth that is held out."""
        import torch
        from zuko.flows import NSF

        known = background.values.astype(np.float64)
        self.centre, self.spread = known.mean(axis=0), known.std(axis=0).clip(min=1e-9)
        with torch.random.fork_rng(devices=[]):  # zuko draws its first weights from the global generator
            torch.manual_seed(seed)
            flow = NSF(features=known.shape[1], transforms=3, hidden_features=(64, 64))
        self.models = [self._trained(flow, background, seed, rate=2e-3)]
        self.models.append(self._trained(_copied(flow), data, seed, rate=5e-4))
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float64]:
        """The log ratio, nats."""
        import torch

        with torch.no_grad():
            parts = torch.from_numpy(self._scaled(table)).split(8192)
            found = [np.concatenate([flow().log_prob(part).numpy() for part in parts]) for flow in self.models]
        return np.asarray(found[1] - found[0], dtype=np.float64)

    def terms(self, table: FeatureTable) -> Terms:
        """None: its conditionals stand in another space."""
        return None

    def _scaled(self, table: FeatureTable) -> NDArray[np.float32]:
        return np.asarray((table.values - self.centre) / self.spread, dtype=np.float32)

    def _trained(self, flow: Any, table: FeatureTable, seed: int, rate: float) -> Any:
        from detectors.training import TrainingRows, TrainingSettings, train

        settings = TrainingSettings(epochs=self.epochs, batch=512, rate=rate, patience=6)
        rows = TrainingRows((self._scaled(table),))
        train(flow, lambda batch, random: -flow().log_prob(batch[0]), rows, settings, seed=seed, watch=None)
        return flow


@dataclass
class Forest:
    """scikit-learn's isolation forest of the background; no density, and no comparison with the data."""

    compares: ClassVar[bool] = False
    model: Any = field(default=None, init=False)

    def fit(self, background: FeatureTable, data: FeatureTable, *, seed: int) -> Self:
        """Two hundred trees."""
        from sklearn.ensemble import IsolationForest

        self.model = IsolationForest(n_estimators=200, random_state=seed).fit(background.values)
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float64]:
        """Short paths stand out."""
        return np.asarray(-self.model.score_samples(table.values))

    def terms(self, table: FeatureTable) -> Terms:
        """None."""
        return None


def _copied(flow: Any) -> Any:
    """A flow of the same weights; zuko's modules are plain torch modules."""
    import copy

    return copy.deepcopy(flow)


PEERS: dict[str, Callable[[Effort], Method]] = {
    "gmm": lambda _effort: GaussianMixtures(ratio=False),
    "gmm-ratio": lambda _effort: GaussianMixtures(ratio=True),
    "nsf-ratio": lambda effort: Flows(effort.epochs),
    "iforest": lambda _effort: Forest(),
}
