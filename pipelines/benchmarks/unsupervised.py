"""``dqm benchmark detectors``: every detector that needs no label on labelled public tables, beside PyOD's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import registry
from dqm.model.errors import ConfigError
from dqm.model.labels import Label
from pipelines.benchmarks.detector_sets import LabelledTable, labelled_tables
from pipelines.benchmarks.unsupervised_peers import PEERS, SEEDED, SLOW, filled, make_peer, quiet
from pipelines.progress import track
from pipelines.run.ranking import ranking

SEEDS = (1, 2, 3)
NEEDS_LABELS = ("boosted",)
"""Kinds that learn from labels alone: without one they have nothing to say."""
ADAPTERS = ("pyod",)
"""Kinds that are the peers themselves in our form."""
MEAN = "mean"
DEVELOPMENT = ("annthyroid", "cardio", "fault", "http")
"""The first four of the twelve sets by name: variants of ``nearest`` and ``forest`` were compared on no other."""

Scorer = Callable[[LabelledTable, int], NDArray[np.float32]]


@dataclass(frozen=True)
class Row:
    """One method on one set: AUC and average precision, mean over the seeds, and the seconds of one fit and score."""

    set: str
    method: str
    auc: float
    ap: float
    seconds: float

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        metrics = {"auc": self.auc, "ap": self.ap}
        return {"set": self.set, "method": self.method, "metrics": metrics, "seconds": self.seconds}


@dataclass(frozen=True)
class Result:
    """All rows, the means over the sets, and the methods that failed somewhere, with the reason."""

    rows: tuple[Row, ...]
    failed: tuple[str, ...]

    @property
    def sets(self) -> list[str]:
        """Names of the sets, in order."""
        return list(dict.fromkeys(row.set for row in self.rows))

    def means(self, sets: Sequence[str], name: str = MEAN) -> list[Row]:
        """Mean over some sets of every method that has them all, best AUC first."""
        found = []
        for method in dict.fromkeys(row.method for row in self.rows):
            these = [row for row in self.rows if row.method == method and row.set in sets]
            if len(these) == len(sets):
                auc, ap, seconds = (
                    float(np.mean([getattr(row, key) for row in these])) for key in ("auc", "ap", "seconds")
                )
                found.append(Row(name, method, auc, ap, seconds))
        return sorted(found, key=lambda row: -row.auc)

    def document(self) -> dict[str, Any]:
        """The result as ``--json`` writes it; the means over all sets stand under the set ``mean``."""
        names = ("lumicert", "numpy", "scikit-learn", "torch", "pyod")
        return {
            "benchmark": "detectors",
            "versions": {name: version(name) for name in names},
            "seeds": list(SEEDS),
            "rows": [row.document() for row in (*self.rows, *self.means(self.sets))],
            "failed": list(self.failed),
        }

    def text(self) -> str:
        """AUC of every method on every set, the best mean first, and the mean average precision."""
        sets, lines = self.sets, []
        width = max(10, *(len(name) + 1 for name in sets))
        head = f"{'AUC':18}" + "".join(f"{name:>{width}}" for name in sets) + f"{'mean':>8}{'AP':>8}{'s':>7}"
        lines += [head, "-" * len(head)]
        for mean in self.means(sets):
            each = {row.set: row for row in self.rows if row.method == mean.method}
            cells = "".join(f"{each[name].auc:{width}.3f}" for name in sets)
            lines.append(f"{mean.method:18}{cells}{mean.auc:8.4f}{mean.ap:8.4f}{mean.seconds:7.2f}")
        lines += [f"failed: {each}" for each in self.failed]
        others = [name for name in sets if name not in DEVELOPMENT]
        if set(DEVELOPMENT) < set(sets):
            best = ", ".join(f"{row.method} {row.auc:.4f}" for row in self.means(others)[:5])
            lines.append(f"Without the development sets {', '.join(DEVELOPMENT)}: {best}.")
        lines.append("Fitted without labels on all rows and scored on the same rows; mean over seeds 1, 2 and 3.")
        return "\n".join(lines)


def run(
    *,
    data: str = "",
    tables: Sequence[str] = (),
    quick: bool = False,
    methods: Sequence[str] = (),
    found: Callable[[Row], None] = lambda row: None,
) -> Result:
    """Fit and score every method, or the named ones, on every set; ``quick``: one seed and no slow method.

    ``found`` hears of every row as it is there.
    """
    chosen = _chosen(methods, quick)
    rows: list[Row] = []
    failed: list[str] = []
    steps = [(each, method) for each in labelled_tables(Path(data), tables) for method in chosen]
    for each, method in track(steps, "fitting and scoring"):
        try:
            rows.append(_measured(each, method, chosen[method], SEEDS[:1] if quick else SEEDS))
            found(rows[-1])
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            failed.append(
                f"{method} on {each.name}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
            )
    return Result(tuple(rows), tuple(failed))


def ours() -> list[str]:
    """Registered kinds that can be fitted without a label and are no adapter of a peer."""
    return [kind for kind in registry.names() if kind not in (*NEEDS_LABELS, *ADAPTERS)]


def _chosen(methods: Sequence[str], quick: bool) -> dict[str, Scorer]:
    """The scorer of every method to measure."""
    known: dict[str, Scorer] = {kind: _ours(kind) for kind in ours()} | {name: _theirs(name) for name in PEERS}
    for name in methods:
        if name not in known:
            raise ConfigError(f"--method {name!r} is none of {', '.join(known)}")
    left_out = (*SLOW, *filter(_network, ours())) if quick and not methods else ()
    return {name: known[name] for name in methods or known if name not in left_out}


def _measured(each: LabelledTable, method: str, scorer: Scorer, seeds: Sequence[int]) -> Row:
    seeds = seeds if method not in PEERS or method in SEEDED else seeds[:1]
    begin = time.perf_counter()
    scores = [scorer(each, seed) for seed in seeds]
    seconds = (time.perf_counter() - begin) / len(seeds)
    found = np.array([ranking(score, each.bad.astype(np.int8)) for score in scores], dtype=np.float64)
    return Row(each.name, method, float(found[:, 0].mean()), float(found[:, 1].mean()), seconds)


def _network(kind: str) -> bool:
    """Whether a kind of ours trains by epochs, which ``--quick`` leaves out."""
    return "epochs" in registry.parameters(kind)


def _ours(kind: str) -> Scorer:
    def scored(each: LabelledTable, seed: int) -> NDArray[np.float32]:
        nobody = np.full(len(each.table), Label.UNKNOWN, dtype=np.int8)
        return registry.make(kind).fit(each.table, nobody, seed=seed).score(each.table)

    return scored


def _theirs(name: str) -> Scorer:
    def scored(each: LabelledTable, seed: int) -> NDArray[np.float32]:
        with quiet():
            np.random.seed(seed)  # LODA and INNE's scaling draw from the global generator
            found = make_peer(name, seed).fit(filled(each.table.values)).decision_scores_
        return np.asarray(found, dtype=np.float64)

    return scored
