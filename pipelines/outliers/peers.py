"""Densities and detectors of others, over the same features: Gaussian mixtures, spline flows, isolation forests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from detectors.flow import Flow
from dqm.model.labels import Label
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
    """Neural spline flows (``detectors.flow``), log p_data − log p_background; the second begins from the first.

    The score lacks the ratio of the two scalings, a constant.
    """

    compares: ClassVar[bool] = True
    epochs: int = 12
    models: list[Flow] = field(default_factory=list, init=False)

    def fit(self, background: FeatureTable, data: FeatureTable, *, seed: int) -> Self:
        """Of one shape, the flow of the data at a quarter of the rate."""
        known = Flow(epochs=self.epochs, batch=512, patience=6, rate=2e-3, noise=0.02)
        unlabelled = [np.full(len(each), Label.UNKNOWN, dtype=np.int8) for each in (background, data)]
        known.fit(background, unlabelled[0], seed=seed)
        seen = replace(known, rate=known.rate / 4)
        self.models = [known, seen.fit(data, unlabelled[1], seed=seed, previous=known)]
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float64]:
        """The log ratio, nats, up to a constant."""
        known, seen = (model.score(table).astype(np.float64) for model in self.models)
        return np.asarray(len(table.columns) * (known - seen))

    def terms(self, table: FeatureTable) -> Terms:
        """None: its conditionals stand in another space."""
        return None


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


PEERS: dict[str, Callable[[Effort], Method]] = {
    "gmm": lambda _effort: GaussianMixtures(ratio=False),
    "gmm-ratio": lambda _effort: GaussianMixtures(ratio=True),
    "nsf-ratio": lambda effort: Flows(effort.epochs),
    "iforest": lambda _effort: Forest(),
}
