"""Every method of the density benchmark: log p of the test rows of one fold, per spread of its training rows.

One floor for all, so that no repeated row earns any likelihood: half the recorded step of each column is the smallest
standard deviation of a NADE's component, of a mixture's and of a spike; flows have no such scale, so they learn from
rows that are dequantised uniformly over the step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.nade import Nade
from detectors.protocol import Scalar
from dqm.model.tables import Column, FeatureTable
from pipelines.benchmarks.density_sets import DensitySet, Fold

Logs = NDArray[np.float64]
Method = Callable[[DensitySet, Fold, int], Logs]
"""``(set, fold, seed)`` to log p of the test rows, ``(n,)`` nats."""

COMPONENTS = (2, 4, 6, 8, 10, 14)
SHARES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
SMALLEST_STEP = 1e-3
"""Floor of a continuous column, in spreads."""

REAL: dict[str, Scalar] = {
    "orderless": False,
    "layers": 2,
    "hidden": 128,
    "components": 10,
    "scale": "robust",
    "floor": 0.05,
    "epochs": 40,
    "batch": 100,
    "rate": 5e-3,
    "weight_decay": 0.02,
    "dropout": 0.4,
    "held_out": 0.0,
    "orders": 1,
}
BINARY: dict[str, Scalar] = {
    "family": "bernoulli",
    "orderless": False,
    "layers": 1,
    "hidden": 200,
    "epochs": 50,
    "batch": 20,
    "rate": 4e-3,
    "weight_decay": 0.1,
    "patience": 50,
    "orders": 1,
}
ORDERS = {"real": 8, "binary": 8}
"""Of ``eonade``: each order has a network of its own."""


def nade(each: DensitySet, fold: Fold, seed: int) -> Logs:
    """One order, that of the columns."""
    return _nade(each, fold, seed, 1)


def eonade(each: DensitySet, fold: Fold, seed: int) -> Logs:
    """The mean density over several orders."""
    return _nade(each, fold, seed, ORDERS["binary" if each.binary else "real"])


def gaussian(each: DensitySet, fold: Fold, seed: int) -> Logs:
    """One Gaussian of full covariance, by maximum likelihood on all training rows."""
    return _mixture(fold.z(fold.training), 1, np.zeros(len(fold.step)), seed)(fold.z(fold.test))


def gmm(each: DensitySet, fold: Fold, seed: int) -> Logs:
    """A mixture of Gaussians of full covariance; their number is chosen on the rows to choose on."""
    return _mixture(fold.z(fold.training), _chosen_number(fold, seed), _floor(fold), seed)(fold.z(fold.test))


def spikes(each: DensitySet, fold: Fold, seed: int) -> Logs:
    """The mixture and, with a chosen share, a spike as narrow as the floor on every training row: memory of copies."""
    number, floor = _chosen_number(fold, seed), _floor(fold)
    learn, choose = fold.z(fold.learn), fold.z(fold.choose)
    before = _mixture(learn, number, floor, seed)(choose), _spikes(learn, choose, floor)
    share = max(SHARES, key=lambda part: float(_blend(*before, part).mean()))
    training, test = fold.z(fold.training), fold.z(fold.test)
    return _blend(_mixture(training, number, floor, seed)(test), _spikes(training, test, floor), share)


def maf(each: DensitySet, fold: Fold, seed: int) -> Logs:
    """zuko's masked autoregressive flow, three transforms of two layers of 64 units."""
    import zuko

    return _flow(zuko.flows.MAF(len(fold.step), transforms=3, hidden_features=(64, 64)), fold, seed)


def nsf(each: DensitySet, fold: Fold, seed: int) -> Logs:
    """zuko's neural spline flow, three transforms of two layers of 64 units."""
    import zuko

    return _flow(zuko.flows.NSF(len(fold.step), transforms=3, hidden_features=(64, 64)), fold, seed)


METHODS: dict[str, Method] = {
    "nade": nade,
    "eonade": eonade,
    "nsf": nsf,
    "maf": maf,
    "gaussian": gaussian,
    "gmm": gmm,
    "spikes": spikes,
}
FOR_BINARY = ("nade", "eonade")


def _nade(each: DensitySet, fold: Fold, seed: int, orders: int) -> Logs:
    """Trained on what is to learn from and to choose on, a tenth held out; binary sets on their training part alone."""
    rows = fold.learn if each.binary else fold.training
    params = (BINARY if each.binary else REAL) | {"orders": orders}
    detector = Nade(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
    detector.fit(_table(rows), np.zeros(len(rows), dtype=np.int8), seed=seed)
    unit = 0.0 if each.binary else float(np.log(fold.spread).sum())
    return detector.log_density(_table(fold.test)).astype(np.float64) + unit


def _table(rows: NDArray[np.float32]) -> FeatureTable:
    columns = tuple(Column(f"x{j}") for j in range(rows.shape[1]))
    return FeatureTable(pd.RangeIndex(len(rows)), columns, rows.astype(np.float32), extractor="density benchmark")


def _flow(flow: Any, fold: Fold, seed: int) -> Logs:
    """Trained by the one training loop, a tenth held out, on rows with fresh uniform noise over the recorded step."""
    import torch

    from detectors.training import TrainingRows, TrainingSettings, initialise, train

    initialise(flow, torch.Generator().manual_seed(seed))
    step = torch.from_numpy(fold.step).float()

    def loss(batch: tuple[torch.Tensor, ...], random: torch.Generator) -> torch.Tensor:
        noise = step * (torch.rand(batch[0].shape, generator=random) - 0.5) if flow.training else 0.0
        log_prob: torch.Tensor = flow().log_prob(batch[0] + noise)
        return -log_prob

    rows = TrainingRows((fold.z(fold.training).astype(np.float32),))
    settings = TrainingSettings(epochs=100, batch=100, rate=2e-3, patience=20, weight_decay=1e-2)
    train(flow, loss, rows, settings, seed=seed, watch=None)
    with torch.no_grad():
        return np.asarray(flow().log_prob(torch.from_numpy(fold.z(fold.test)).float()).double().numpy())


def _mixture(rows: Logs, number: int, floor: Logs, seed: int) -> Callable[[Logs], Logs]:
    """log p of a fitted mixture whose covariances are widened by the square of the floor."""
    from scipy.special import logsumexp
    from scipy.stats import multivariate_normal
    from sklearn.mixture import GaussianMixture

    found = GaussianMixture(number, reg_covar=1e-6 if number == 1 else 1e-3, random_state=seed).fit(rows)
    covariances = found.covariances_ + np.diag(floor**2)

    def log_density(asked: Logs) -> Logs:
        terms = [
            np.log(share) + multivariate_normal.logpdf(asked, mean, covariance)
            for share, mean, covariance in zip(found.weights_, found.means_, covariances, strict=True)
        ]
        return np.asarray(logsumexp(terms, axis=0))

    return log_density


def _chosen_number(fold: Fold, seed: int) -> int:
    learn, choose = fold.z(fold.learn), fold.z(fold.choose)
    return max(COMPONENTS, key=lambda number: float(_mixture(learn, number, _floor(fold), seed)(choose).mean()))


def _floor(fold: Fold) -> Logs:
    return np.asarray(np.maximum(fold.step / 2, SMALLEST_STEP))


def _spikes(training: Logs, asked: Logs, floor: Logs) -> Logs:
    """log of the mean of Gaussians of width ``floor`` on every training row."""
    from scipy.special import logsumexp

    constant = np.log(floor).sum() + 0.5 * training.shape[1] * np.log(2 * np.pi) + np.log(len(training))
    squared = (((asked[:, None] - training[None]) / floor) ** 2).sum(axis=2)
    return np.asarray(logsumexp(-0.5 * squared, axis=1) - constant)


def _blend(smooth: Logs, spiky: Logs, share: float) -> Logs:
    with np.errstate(divide="ignore"):
        return np.asarray(np.logaddexp(np.log(1 - share) + smooth, np.log(share) + spiky))
