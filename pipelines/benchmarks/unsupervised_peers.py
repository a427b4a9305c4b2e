"""PyOD's own implementations as they come, beside which our detectors are measured."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

PEERS: Mapping[str, tuple[str, str]] = {
    "pyod-iforest": ("iforest", "IForest"),
    "pyod-ecod": ("ecod", "ECOD"),
    "pyod-copod": ("copod", "COPOD"),
    "pyod-hbos": ("hbos", "HBOS"),
    "pyod-pca": ("pca", "PCA"),
    "pyod-inne": ("inne", "INNE"),
    "pyod-loda": ("loda", "LODA"),
    "pyod-gmm": ("gmm", "GMM"),
    "pyod-mcd": ("mcd", "MCD"),
    "pyod-cblof": ("cblof", "CBLOF"),
    "pyod-knn": ("knn", "KNN"),
    "pyod-lof": ("lof", "LOF"),
    "pyod-sampling": ("sampling", "Sampling"),
    "pyod-kde": ("kde", "KDE"),
    "pyod-ocsvm": ("ocsvm", "OCSVM"),
    "pyod-autoencoder": ("auto_encoder", "AutoEncoder"),
}
"""Module and class of every peer, all with PyOD's own defaults."""

SLOW = ("pyod-kde", "pyod-ocsvm", "pyod-autoencoder", "pyod-lof", "pyod-knn", "pyod-cblof")
"""What ``--quick`` leaves out."""
SEEDED = ("pyod-iforest", "pyod-inne", "pyod-gmm", "pyod-mcd", "pyod-cblof", "pyod-sampling", "pyod-autoencoder")
"""What draws at random; the others give the same scores with every seed and are fitted once."""


def make_peer(name: str, seed: int) -> Any:
    """A fresh detector of PyOD."""
    module, kind = PEERS[name]
    found = getattr(importlib.import_module(f"pyod.models.{module}"), kind)
    given: dict[str, Any] = {"random_state": seed} if name in SEEDED else {}
    return found(**given, **({"verbose": 0} if name == "pyod-autoencoder" else {}))


def filled(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Values ``(n, d)`` as PyOD takes them: what is missing or infinite is the median of its column, or 0."""
    X = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    known = ~np.isnan(X).all(axis=0)
    middle = np.zeros(X.shape[1])
    middle[known] = np.nanmedian(X[:, known], axis=0)
    return np.where(np.isnan(X), middle, X)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings and printed lines of the peers, and with numpy's global generator put back after."""
    state = np.random.get_state()  # LODA draws from it
    try:
        with warnings.catch_warnings(), io.StringIO() as nowhere:
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                yield
    finally:
        np.random.set_state(state)
