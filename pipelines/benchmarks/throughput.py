"""``dqm benchmark training``: rows a second of fit and score, every registered detector and PyOD's on one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors import registry
from dqm.model.errors import ConfigError
from dqm.model.labels import Label
from dqm.model.tables import FeatureTable
from pipelines.benchmarks.detector_sets import feature_table
from pipelines.benchmarks.unsupervised_peers import PEERS, filled, make_peer, quiet
from pipelines.progress import track

FULL, QUICK = (20_000, 100), (2_000, 20)
"""Rows and columns of the simulated table."""
HIDDEN_SHARE = 10
"""Columns for each hidden number that they follow."""
BAD_SHARE = 0.02
REPEATS = 3
SLOW = ("pyod-ocsvm", "pyod-kde", "pyod-lof", "pyod-knn", "pyod-mcd")
"""Peers whose time grows with the square of the rows or the cube of the columns: not measured in the full table."""
SEED = 1


class Timed(Protocol):
    """What is timed: ``fit`` once, then ``score`` the table."""

    def fit(self) -> None:
        """Learn."""

    def score(self) -> NDArray[np.floating]:
        """Score every row."""


@dataclass(frozen=True)
class Row:
    """Rows a second of one fit and of the median scoring; ``seconds`` of the fit."""

    set: str
    method: str
    fit_rows_per_s: float
    score_rows_per_s: float
    seconds: float

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        metrics = {"fit_rows_per_s": self.fit_rows_per_s, "score_rows_per_s": self.score_rows_per_s}
        return {"set": self.set, "method": self.method, "metrics": metrics, "seconds": self.seconds}


@dataclass(frozen=True)
class Result:
    """All rows, the device, and the methods that failed, with the reason."""

    rows: tuple[Row, ...]
    device: str
    failed: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The result as ``--json`` writes it."""
        names = ("lumicert", "numpy", "scikit-learn", "lightgbm", "torch", "pyod")
        return {
            "benchmark": "training",
            "versions": {name: version(name) for name in names},
            "device": self.device,
            "rows": [row.document() for row in self.rows],
            "failed": list(self.failed),
        }

    def text(self) -> str:
        """The table for people, the quickest to score first."""
        head = f"{'set':14} {'method':18} {'fit rows/s':>12} {'score rows/s':>13} {'fit s':>8}"
        lines = [head, "-" * len(head)]
        for row in sorted(self.rows, key=lambda row: -row.score_rows_per_s):
            lines.append(
                f"{row.set:14} {row.method:18} {row.fit_rows_per_s:12,.0f} {row.score_rows_per_s:13,.0f} "
                f"{row.seconds:8.2f}"
            )
        lines += [f"failed: {each}" for each in self.failed]
        lines.append(f"Wall time, shipped settings, networks on {self.device}; scoring is the median of {REPEATS}.")
        return "\n".join(lines)


def run(
    *,
    rows: int = 0,
    columns: int = 0,
    device: str = "cpu",
    quick: bool = False,
    methods: Sequence[str] = (),
    found: Callable[[Row], None] = lambda row: None,
) -> Result:
    """Measure every method, or the named ones, on a table of ``rows`` by ``columns``; 0 = 20,000 by 100.

    ``found`` hears of every row as it is there.

    Raises ``ConfigError`` for a device that is not there or a method that does not exist.
    """
    from detectors.training import checked_device

    checked_device(device)
    size = QUICK if quick else FULL
    size = rows or size[0], columns or size[1]
    table, labels = correlated(*size)
    name = f"{size[0]}x{size[1]}"
    timed, failed = [], []
    for method in track(_chosen(methods, quick), "timing"):
        try:
            timed.append(_timed(name, method, _subject(method, table, labels, device), size[0]))
            found(timed[-1])
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            failed.append(f"{method}: {str(error).partition(chr(10))[0]}")
    return Result(tuple(timed), device, tuple(failed))


def correlated(rows: int, columns: int) -> tuple[FeatureTable, NDArray[np.int8]]:
    """A table whose columns follow one hidden number for every ten, with noise; one row in fifty bad, one column off.

    Columns ``(rows, columns)``; labels ``(rows,)``.
    """
    random = np.random.default_rng(SEED)
    hidden = max(columns // HIDDEN_SHARE, 1)
    values = random.normal(size=(rows, hidden)) @ random.normal(size=(hidden, columns))
    values += random.normal(size=values.shape)
    bad = random.random(rows) < BAD_SHARE
    values[bad, random.integers(0, columns, int(bad.sum()))] += 8
    return feature_table(values), np.where(bad, Label.BAD, Label.GOOD).astype(np.int8)


@dataclass
class _Ours:
    """A registered detector; networks train on ``device``."""

    kind: str
    table: FeatureTable
    labels: NDArray[np.int8]
    device: str

    def fit(self) -> None:
        params = {"device": self.device} if "device" in registry.parameters(self.kind) else {}
        self._fitted = registry.make(self.kind, params).fit(self.table, self.labels, seed=SEED)

    def score(self) -> NDArray[np.floating]:
        return self._fitted.score(self.table)


@dataclass
class _Theirs:
    """PyOD's own; its time to fit includes the scores of the training rows, which it always computes."""

    name: str
    X: NDArray[np.float64]

    def fit(self) -> None:
        with quiet():
            self._fitted = make_peer(self.name, SEED).fit(self.X)

    def score(self) -> NDArray[np.floating]:
        with quiet():
            return np.asarray(self._fitted.decision_function(self.X))


def _chosen(methods: Sequence[str], quick: bool) -> list[str]:
    known = [*registry.names(), *PEERS]
    for name in methods:
        if name not in known:
            raise ConfigError(f"--method {name!r} is none of {', '.join(known)}")
    return list(methods) or [name for name in known if quick or name not in SLOW]


def _subject(method: str, table: FeatureTable, labels: NDArray[np.int8], device: str) -> Timed:
    if method in PEERS:
        return _Theirs(method, filled(table.values))
    return _Ours(method, table, labels, device)


def _timed(name: str, method: str, subject: Timed, rows: int) -> Row:
    fit = next(_seconds(subject.fit, 1))
    score = median(_seconds(subject.score, REPEATS))
    return Row(name, method, rows / fit, rows / score, fit)


def _seconds(work: Callable[[], object], times: int) -> Iterator[float]:
    for _ in range(times):
        begin = time.perf_counter()
        work()
        yield max(time.perf_counter() - begin, 1e-9)
