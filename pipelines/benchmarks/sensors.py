"""``dqm benchmark sensors``: SKAB and NAB by their published protocols, a day of many sensors, or your own table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dqm.model.errors import ConfigError, nearest
from pipelines.benchmarks.nab_files import streams, windowed_gaussian
from pipelines.benchmarks.nab_recipe import NabRecipe
from pipelines.benchmarks.nab_scorer import NabScore, ScoredFile, best_threshold, nab_score
from pipelines.benchmarks.sensor_published import PUBLISHED
from pipelines.benchmarks.skab_files import Recording, labelled, recordings
from pipelines.benchmarks.skab_methods import NETWORKS, SINGLE, everything, judged
from pipelines.benchmarks.skab_metrics import change_measures, row_measures
from pipelines.benchmarks.skab_recipe import Judgement, Recipe, judgements
from pipelines.progress import track

SETS = ("skab", "nab", "load")
LOOKS = {"skab": 5, "nab": 1}
"""With how many recipes of ours the test labels were looked at; docs/benchmarks-sensors.md has the figures of each.
Of SKAB's five the fourth is shipped."""
UNITS = {"f1": "F1", "far": "FAR %", "mar": "MAR %", "nab_standard": "NAB"}


@dataclass(frozen=True)
class Request:
    """What to measure: ``sets`` of ``SETS``, none = all, from ``data``; or ``tables`` NAME=FILE alone; ``quick``."""

    data: str = ""
    sets: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    quick: bool = False

    def __post_init__(self) -> None:
        for name in self.sets:
            if name not in SETS:
                raise ConfigError(f"--set {name!r} is none of them; {nearest(name, SETS)}")


@dataclass(frozen=True)
class Row:
    """One method on one set: ``metrics`` (f1 a fraction; far and mar in percent), the processor ``seconds``, a note."""

    set: str
    method: str
    metrics: dict[str, float]
    seconds: float
    note: str = ""

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        found = {"set": self.set, "method": self.method, "metrics": self.metrics, "seconds": self.seconds}
        return found | ({"note": self.note} if self.note else {})

    def text(self) -> str:
        """For people."""
        return _line(self.set, self.method, self.metrics, f"{self.seconds:.1f} s  {self.note}")


@dataclass(frozen=True)
class Result:
    """All rows; ``load`` are those of the load test, which know how to print themselves."""

    rows: tuple[Row, ...]
    load: tuple[Any, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The result as ``--json`` writes it, with the published figures and the digests of the recipes."""
        sets = {row.set for row in self.rows}
        return {
            "benchmark": "sensors",
            "versions": {name: version(name) for name in ("lumicert", "numpy", "torch", "ruptures")},
            "digests": self.digests,
            "looks": {name: LOOKS[name] for name in self.digests},
            "rows": [row.document() for row in (*self.rows, *self.load)],
            "published": [
                {"set": each.set, "method": each.method, "metrics": each.metrics, "source": each.source}
                for each in PUBLISHED
                if each.set in sets
            ],
        }

    def text(self) -> str:
        """The table for people, the published figures below ours."""
        lines = [row.text() for row in self.rows]
        sets = dict.fromkeys(row.set for row in self.rows)
        for name in sets:
            published = [_line(name, p.method, p.metrics, p.source) for p in PUBLISHED if p.set == name]
            lines += ["", f"published for {name}:", *published] if published else []
        lines += [row.text() for row in self.load]
        lines += [
            f"{name}: recipe {digest[:12]}, test labels looked at with {LOOKS[name]} recipes"
            for name, digest in self.digests.items()
        ]
        return "\n".join(lines)


def run(request: Request) -> Result:
    """Measure; raises ``ConfigError`` or ``InputError`` for what is not there."""
    if request.tables:
        return Result(tuple(row for each in request.tables for row in _own(each, request.quick)))
    sets, data = request.sets or SETS, Path(request.data)
    rows: list[Row] = []
    digests = {}
    if "skab" in sets:
        rows += skab(recordings(data), "skab", quick=request.quick)
        digests["skab"] = Recipe().digest
    if "nab" in sets:
        rows += nab(data, quick=request.quick)
        digests["nab"] = NabRecipe().digest
    load: Sequence[Any] = ()
    if "load" in sets:
        from pipelines.benchmarks.sensor_load import load as measure  # starts processes of its own

        load = measure(300, 21_600) if request.quick else measure()
    return Result(tuple(rows), tuple(load), digests)


def skab(given: Sequence[Recording], name: str, *, quick: bool) -> list[Row]:
    """The shipped recipe, our single detectors and what the measures give for nothing, over all recordings."""
    methods: dict[str, Callable[[], list[Judgement]]] = {"lumicert": lambda: judgements(given, Recipe())}
    for single in SINGLE:
        if not (quick and single in NETWORKS):
            methods[single] = lambda single=single: [judged(single, each) for each in given]  # type: ignore[misc]
    methods["everything"] = lambda: [everything(each) for each in given]
    return [_skab_row(name, method, methods[method], given) for method in track(list(methods), name)]


def nab(data: Path, *, quick: bool) -> list[Row]:
    """Ours at the threshold of NAB's rule, as all published scores are, and at its own; the windowed Gaussian."""
    given, recipe = streams(data), NabRecipe()
    started = time.process_time()
    scored = [
        ScoredFile(recipe.score(each.seconds, each.values, each.settle), each.windows) for each in track(given, "nab")
    ]
    seconds = time.process_time() - started
    best, own = best_threshold(scored), nab_score(scored, recipe.threshold)
    rows = [
        _nab_row("lumicert", best, seconds, "threshold by NAB's rule, on the labels, as for every published score"),
        _nab_row("lumicert-fixed", own, seconds, "threshold fixed before the labels were read"),
    ]
    if not quick:
        started = time.process_time()
        peer = best_threshold([ScoredFile(windowed_gaussian(each.values), each.windows) for each in given])
        note = "NAB's baseline, ours of it: the scorer is held to the published 39.65"
        rows.append(_nab_row("windowed-gaussian", peer, time.process_time() - started, note))
    return rows


def _own(table: str, quick: bool) -> Iterator[Row]:
    name, _, file = table.partition("=")
    if not file:
        raise ConfigError(f"--table {table!r}: write NAME=FILE")
    yield from skab([labelled(Path(file))], name, quick=quick)


def _skab_row(name: str, method: str, judge: Callable[[], list[Judgement]], given: Sequence[Recording]) -> Row:
    started = time.process_time()
    found = judge()
    seconds = time.process_time() - started
    both = list(zip(given, found, strict=True))
    rows = row_measures((each.truth["anomaly"], said.anomalous) for each, said in both)
    metrics = {"f1": rows.f1, "far": rows.far, "mar": rows.mar}
    note = ""
    if any(each.truth["changepoint"].any() for each in given):
        tests = ((each.seconds[len(each.train) :], each.truth["changepoint"], said.changes) for each, said in both)
        changes = change_measures(tests)
        metrics["nab_standard"] = changes.nab_standard
        note = f"{changes.missed} of {changes.points} change points missed, {changes.false} false"
    return Row(name, method, metrics, round(seconds, 2), note)


def _nab_row(method: str, score: NabScore, seconds: float, note: str) -> Row:
    counts = f"{score.found} of {score.windows} windows, {score.false_alarms} false alarms, at {score.threshold:.4g}"
    return Row("nab", method, {"nab_standard": score.standard}, round(seconds, 2), f"{counts}; {note}")


def _line(name: str, method: str, metrics: dict[str, float], rest: str) -> str:
    digits = {"f1": 3}
    cells = "".join(
        f"{UNITS[key]:>7} {metrics[key]:7.{digits.get(key, 2)}f}" if key in metrics else " " * 15 for key in UNITS
    )
    return f"{name:10} {method:26}{cells}  {rest}".rstrip()
