"""``dqm benchmark outliers``: densities and their ratios on labelled events, beside the peers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.model.tables import FeatureTable
from pipelines.benchmarks.outlier_sets import OutlierSet, outlier_sets
from pipelines.outliers.merit import LEAST_BACKGROUND, Merit, merit
from pipelines.outliers.methods import Effort, Method, method_of
from pipelines.progress import track

SEED = 1
NAMES = ("nade", "nade-ratio", "nade-difference", "gmm", "gmm-ratio", "iforest", "nsf-ratio")
SLOW = ("nsf-ratio",)
"""Methods that ``--quick`` leaves out."""
QUICK = Effort(orders=1, members=2)
CHUNK = 50_000


@dataclass(frozen=True)
class Request:
    """What to measure: ``data`` folder or ``tables`` NAME=FILE; ``methods`` of ``NAMES``, none = all; ``quick``."""

    data: str = ""
    tables: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    quick: bool = False


@dataclass(frozen=True)
class Row:
    """One method on one set."""

    set: str
    method: str
    merit: Merit
    seconds: float

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        return {"set": self.set, "method": self.method, "metrics": self.merit.metrics(), "seconds": self.seconds}


@dataclass(frozen=True)
class Result:
    """All rows, and what the figures depend on."""

    rows: tuple[Row, ...]
    quick: bool

    def document(self) -> dict[str, Any]:
        """The result as ``--json`` writes it."""
        names = ("lumicert", "numpy", "scikit-learn", "torch", "zuko")
        return {
            "benchmark": "outliers",
            "versions": {name: version(name) for name in names},
            "quick": self.quick,
            "seed": SEED,
            "rows": [row.document() for row in self.rows],
        }

    def text(self) -> str:
        """The table for people."""
        head = f"{'set':12} {'method':16} {'AUC':>7} {'max SIC':>15} {'ε_S there':>10} {'ε_S at 1%':>10} {'s':>7}"
        lines = [head, "-" * len(head)]
        for row in self.rows:
            found = row.merit
            sic = "n/a" if found.max_sic is None else f"{found.max_sic:.2f} ± {found.max_sic_err:.2f}"
            there = "n/a" if found.signal_at_max is None else f"{found.signal_at_max:.3f}"
            lines.append(
                f"{row.set:12} {row.method:16} {found.auc:7.4f} {sic:>15} {there:>10} "
                f"{found.efficiency_at_1pct:10.3f} {row.seconds:7.1f}"
            )
        lines.append(f"max SIC: largest ε_S/√ε_B where {LEAST_BACKGROUND} background events remain, statistical error.")
        lines.append("Background samples are idealised: background events of the disjoint half, taken by their label.")
        return "\n".join(lines)


def run(request: Request, found: Callable[[Row], None] = lambda row: None) -> Result:
    """Fit every method on every fold of every set; each full run on ``lhco`` is one look at its test events.

    ``found`` hears of every row as it is there.
    """
    names = request.methods or tuple(name for name in NAMES if name not in SLOW or not request.quick)
    effort = QUICK if request.quick else Effort()
    for name in names:
        method_of(name, effort)
    sets = list(outlier_sets(Path(request.data), request.tables, quick=request.quick))
    steps = [(each, name) for each in sets for name in names]
    rows = []
    for each, name in track(steps, "fitting"):
        rows.append(_row(each, name, effort))
        found(rows[-1])
    return Result(tuple(rows), request.quick)


def _row(each: OutlierSet, name: str, effort: Effort) -> Row:
    began = time.perf_counter()
    found = [
        method_of(name, effort).fit(fold.background, fold.data, seed=SEED + which)
        for which, fold in enumerate(each.folds)
    ]
    signal, background = (averaged(found, events) for events in (each.signal, each.background))
    return Row(each.name, name, merit(signal, background), round(time.perf_counter() - began, 2))


def averaged(methods: list[Method], table: FeatureTable) -> NDArray[np.float64]:
    """The mean score over the folds, which is their ensemble in log p, ``(n,)``; events in chunks."""
    parts = [np.mean([each.score(part) for each in methods], axis=0) for part in _chunks(table)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _chunks(table: FeatureTable) -> Iterator[FeatureTable]:
    for start in range(0, len(table), CHUNK):
        yield table.take(slice(start, start + CHUNK))
