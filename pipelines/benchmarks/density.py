"""``dqm benchmark density``: test log-likelihood of NADE, flows and mixtures beside the published figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from dqm.model.errors import UnknownNameError
from pipelines.benchmarks.density_methods import FOR_BINARY, METHODS
from pipelines.benchmarks.density_sets import SETS, DensitySet, density_set
from pipelines.progress import track

SEED = 1
QUICK_SETS, QUICK_FOLDS = ("red-wine", "red-wine-dedup", "mushrooms"), 1
QUICK_METHODS = ("nade", "maf", "gaussian", "gmm", "spikes")

RNADE, EONADE = "Uria et al. 2013", "Uria et al. 2014"
PUBLISHED: dict[tuple[str, str], tuple[float, str]] = {
    ("red-wine", "nade"): (-9.36, RNADE),
    ("red-wine", "eonade"): (-8.76, EONADE),
    ("red-wine", "gaussian"): (-13.18, RNADE),
    ("white-wine", "nade"): (-10.23, RNADE),
    ("white-wine", "eonade"): (-9.67, EONADE),
    ("white-wine", "gaussian"): (-13.20, RNADE),
    ("boston", "nade"): (-0.64, RNADE),
    ("boston", "gaussian"): (-11.37, RNADE),
    ("mushrooms", "nade"): (-9.81, "Larochelle and Murray 2011"),
    ("dna", "nade"): (-84.81, "Larochelle and Murray 2011"),
}
"""Nats for each test row, and where printed: arXiv:1306.0186, arXiv:1310.1757, AISTATS 2011."""


@dataclass(frozen=True)
class Request:
    """What to measure: ``data`` folder; names of ``sets`` and ``methods``, all where empty; ``quick``: one fold."""

    data: str = ""
    sets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    quick: bool = False


@dataclass(frozen=True)
class Row:
    """One method on one set: mean log p of the test rows and its standard error, nats; seconds of all folds.

    The mean and the error are over folds; with one fold over its rows.
    """

    set: str
    method: str
    test_loglik: float
    stderr: float
    folds: int
    seconds: float

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        metrics = {"test_loglik": self.test_loglik, "stderr": self.stderr}
        return {"set": self.set, "method": self.method, "metrics": metrics, "seconds": self.seconds}


@dataclass(frozen=True)
class Result:
    """All rows."""

    rows: tuple[Row, ...]

    def document(self) -> dict[str, Any]:
        """The result as ``--json`` writes it."""
        names = ("lumicert", "numpy", "torch", "scikit-learn", "zuko")
        rows = [row.document() for row in self.rows]
        return {"benchmark": "density", "versions": {name: version(name) for name in names}, "rows": rows}

    def text(self) -> str:
        """The table for people, published figures beside ours."""
        head = f"{'set':18} {'method':10} {'log-likelihood':>18} {'published':>10} {'folds':>5} {'s':>7}  source"
        lines = [head, "-" * len(head)]
        for row in self.rows:
            figure, source = PUBLISHED.get((row.set, row.method), (None, ""))
            printed = "" if figure is None else f"{figure:.2f}"
            ours = f"{row.test_loglik:.3f} ± {row.stderr:.3f}"
            line = f"{row.set:18} {row.method:10} {ours:>18} {printed:>10} {row.folds:5} {row.seconds:7.1f}  {source}"
            lines.append(line.rstrip())
        lines.append("Nats for each test row, higher is better; columns in standard deviations of the training folds.")
        lines.append("One floor for all: half the recorded step of each column, or uniform dequantisation (flows).")
        return "\n".join(lines)


def run(request: Request, found: Callable[[Row], None] = lambda row: None) -> Result:
    """Every method on every fold of every set, one after the other; ``found`` hears of every row as it is there."""
    names = _chosen("density set", request.sets, SETS, QUICK_SETS if request.quick else tuple(SETS))
    methods = _chosen("density method", request.methods, METHODS, QUICK_METHODS if request.quick else tuple(METHODS))
    sets = [density_set(name, Path(request.data)) for name in names]
    pairs = [(each, method) for each in sets for method in methods if not each.binary or method in FOR_BINARY]
    most = QUICK_FOLDS if request.quick else None
    rows = []
    for each, method in track(pairs, "fitting densities"):
        rows.append(_row(each, method, most))
        found(rows[-1])
    return Result(tuple(rows))


def _row(each: DensitySet, method: str, most: int | None) -> Row:
    begun = time.perf_counter()
    found = [METHODS[method](each, fold, SEED) for fold in each.folds[:most]]
    seconds = time.perf_counter() - begun
    units = np.array([logs.mean() for logs in found]) if len(found) > 1 else found[0]
    stderr = float(units.std(ddof=1) / np.sqrt(len(units)))
    return Row(each.name, method, float(units.mean()), stderr, len(found), seconds)


def _chosen(what: str, asked: tuple[str, ...], known: dict[str, Any], default: tuple[str, ...]) -> tuple[str, ...]:
    for name in asked:
        if name not in known:
            raise UnknownNameError(what, name, known)
    return asked or default
