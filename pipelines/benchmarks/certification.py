"""``dqm benchmark certification``: thresholds of the past, realised on the next runs, beside the peers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from dqm.decide.bounds import alpha_min
from dqm.decide.definitions import Interval, Intervals, Outcome, RunSums, bootstrap_intervals, outcome
from dqm.model.errors import ConfigError
from pipelines.benchmarks.peers import EXCURSION, peers_of, variants_of
from pipelines.benchmarks.sets import BenchmarkSet, benchmark_sets
from pipelines.benchmarks.simulated_set import NAME as SIMULATED
from pipelines.benchmarks.simulated_set import simulated_set
from pipelines.progress import track
from pipelines.run.ranking import ranking
from pipelines.run.rolling import Budget, Walk, Walker

BUDGETS = (0.001, 0.005, 0.01, 0.02)
QUICK = (0.01,)
LEVEL, RESAMPLES, SEED = 0.9, 1000, 1
SLOW = ("pyod-iforest", "lumicert-no-flags", "lumicert-fused", "lumicert-shapes")
"""Methods that ``--quick`` leaves out."""
OURS, ASKED = "lumicert", "lumicert-asked"


@dataclass(frozen=True)
class Request:
    """What to measure: ``data`` folder or ``tables`` NAME=FILE; ``labels`` all or asked; ``development`` only."""

    data: str = ""
    tables: tuple[str, ...] = ()
    labels: str = "all"
    development: bool = False
    quick: bool = False


@dataclass(frozen=True)
class Row:
    """One method on one set at one pair of budgets: realised figures with run-bootstrap 90% intervals."""

    set: str
    method: str
    budget: Budget
    outcome: Outcome
    intervals: Intervals
    auc: float | None
    ap: float | None
    past_runs: int
    seconds: float

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        found, seen = self.outcome, self.intervals
        metrics: dict[str, float | None] = {}
        for name in ("data_loss", "pollution", "workload", "workload_runs"):
            interval: Interval | None = getattr(seen, name)
            metrics[name] = getattr(found, name)
            metrics[f"{name}_lo"] = None if interval is None else interval.lo
            metrics[f"{name}_hi"] = None if interval is None else interval.hi
        metrics |= {"auc": self.auc, "ap": self.ap, "alpha_min": alpha_min(self.past_runs, 1 - LEVEL)}
        metrics |= {"lumisections": found.lumisections, "without_truth": found.without_truth}
        budget = asdict(self.budget)
        return {"set": self.set, "method": self.method, "budget": budget, "metrics": metrics, "seconds": self.seconds}


@dataclass(frozen=True)
class Result:
    """All rows, and what the figures depend on."""

    rows: tuple[Row, ...]
    development: bool

    def document(self) -> dict[str, Any]:
        """The result as ``--json`` writes it."""
        names = ("lumicert", "numpy", "pandas", "scikit-learn", "lightgbm", "pyod")
        return {
            "benchmark": "certification",
            "versions": {name: version(name) for name in names},
            "development": self.development,
            "rows": [row.document() for row in self.rows],
        }

    def text(self) -> str:
        """The table for people: per cent, realised [5%, 95%]."""
        head = f"{'set':34} {'method':20} {'budget':>6}  {'data loss':>18} {'pollution':>18} {'workload':>8} "
        head += f"{'runs':>6} {'AUC':>6} {'α_min':>6} {'s':>5}"
        lines = [head, "-" * len(head)]
        for row in self.rows:
            loss = _cell(row.outcome.data_loss, row.intervals.data_loss)
            pollution = _cell(row.outcome.pollution, row.intervals.pollution)
            auc = "" if row.auc is None else f"{row.auc:.4f}"
            promise = alpha_min(row.past_runs, 1 - LEVEL)
            lines.append(
                f"{row.set:34} {row.method:20} {row.budget.data_loss:6.1%}  {loss:>18} {pollution:>18} "
                f"{_percent(row.outcome.workload):>8} {_percent(row.outcome.workload_runs):>6} {auc:>6} "
                f"{promise:6.1%} {row.seconds:5.1f}"
            )
        part = "development blocks only" if self.development else "blocks 6-10 of ten"
        lines.append(f"Realised on {part}, thresholds of the past; [5%, 95%] over resampled runs.")
        if any(row.set == SIMULATED for row in self.rows):
            lines.append(f"{SIMULATED} is simulated with all its labels: nothing of it was measured anywhere.")
        lines.append("α_min: what the past runs could promise at 90% with no loss seen; the margin is a policy.")
        return "\n".join(lines)


def run(request: Request, plots: Path | None = None) -> Result:
    """Walk every method over every set; each second half that is read is one look at report data."""
    if request.labels not in ("all", "asked"):
        raise ConfigError(f"--labels {request.labels!r}: write all or asked")
    budgets = tuple(Budget(b, b) for b in (QUICK if request.quick else BUDGETS))
    rows: list[Row] = []
    sets = list(benchmark_sets(Path(request.data), request.tables, development=request.development))
    if not request.tables and not request.quick:
        sets.append(simulated_set())
    for each in track(sets, "certifying"):
        rows += _rows_of(each, budgets, request)
    result = Result(tuple(rows), request.development)
    if plots is not None:
        from pipelines.benchmarks.certification_plots import write_plots

        write_plots(result, plots)
    return result


def _rows_of(each: BenchmarkSet, budgets: tuple[Budget, ...], request: Request) -> Iterator[Row]:
    walker = Walker(each.make, excursion=EXCURSION)
    if request.labels == "asked":
        for budget in budgets:
            yield from _measured(each, ASKED, walker.walk_asked(each.evidence, budget, each.block), (budget,))
    else:
        yield from _measured(each, OURS, walker.walk(each.evidence, budgets, each.block, each.reported), budgets)
    others = [*variants_of(each), *peers_of(each)]
    for other in (other for other in others if other.name not in SLOW or not request.quick):
        evidence = replace(each.evidence, table=other.table)
        walker = Walker(other.make, others=other.others, excursion=other.excursion)
        walk = walker.walk(evidence, budgets, each.block, each.reported)
        yield from _measured(each, other.name, walk, budgets)


def _measured(each: BenchmarkSet, method: str, walk: Walk, budgets: tuple[Budget, ...]) -> Iterator[Row]:
    """Rows over the reported blocks of the set, and over its parts."""
    reported = np.isin(each.block, each.reported)
    parts = {each.name: reported} | {f"{each.name}:{name}": reported & rows for name, rows in each.parts.items()}
    for name, rows in parts.items():
        label, weight, run = each.evidence.label[rows], each.evidence.weight[rows], each.evidence.run[rows]
        auc, ap = ranking(walk.score[rows], label)
        for which, budget in enumerate(budgets):
            decision = walk.decision[which][rows]
            sums = RunSums.of(decision, label, weight, run)
            yield Row(
                set=name,
                method=method,
                budget=budget,
                outcome=outcome(decision, label, weight, run),
                intervals=bootstrap_intervals(sums, LEVEL, RESAMPLES, seed=SEED),
                auc=auc,
                ap=ap,
                past_runs=max((point.runs for point in walk.points[which]), default=0),
                seconds=walk.seconds,
            )


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.1%}"


def _cell(value: float | None, interval: Interval | None) -> str:
    if value is None or interval is None:
        return "n/a"
    return f"{100 * value:.2f} [{100 * interval.lo:.2f}, {100 * interval.hi:.2f}]"
