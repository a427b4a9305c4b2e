"""``dqm benchmark night``: from DQMIO files to published verdicts, by the command that operators run.

A past of labelled runs is learned from first, untimed. Then tonight's file arrives and ``dqm nightly`` runs in a
process of its own: every feature of ``docs/features.md`` that histograms give, compared with the last runs. Beside it a
night as one would write it with uproot and pandas, on a part of the file, scaled to the whole; and ``dqm watch``, from
a file to its alert. All data are simulated.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dqm.formats.golden import golden_bytes
from dqm.model.config import load
from dqm.model.errors import InputError
from dqm.model.keys import LumiMask
from dqm.store.store import Store
from pipelines.benchmarks.io import root_python, versions
from pipelines.benchmarks.io_methods import SLICE, uproot_values
from pipelines.benchmarks.memory import peak_mib, tree_peak_mib
from pipelines.benchmarks.watch import WatchTimes, measure
from pipelines.execution.schedulers import Scheduler
from pipelines.run.ingest import ingest
from pipelines.run.train import train

PAST_RUNS, PAST_LS, RUNS, EVERY = 30, 20, 8, 3
FIRST, TONIGHT = 900001, 900101
SCHEDULER = "serial"
"""What ``dqm nightly`` does by itself: kernels use both cores, and two processes were no faster."""
PERCENTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)

CONFIG = """\
[[inputs]]
kind = "dqmio"
files = ["*.root"]
[[inputs]]
kind = "golden"
files = ["golden.json"]
coverage = "span"
"""


@dataclass(frozen=True)
class Row:
    """Seconds of the whole or of one stage, and the peak memory of all its processes together, GiB."""

    set: str
    method: str
    seconds: float
    peak_gib: float

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        metrics = {"seconds": self.seconds, "peak_gib": self.peak_gib}
        return {"set": self.set, "method": self.method, "metrics": metrics, "seconds": self.seconds}


@dataclass(frozen=True)
class NightResult:
    """All rows; ``lumisections`` × ``elements`` histograms of tonight, how many were decided how, and who worked."""

    rows: tuple[Row, ...]
    lumisections: int
    elements: int
    decisions: dict[str, int]
    scheduler: str

    def text(self) -> str:
        """For people."""
        lines = [f"{'set':16} {'method':14} {'seconds':>9} {'peak GiB':>9}"]
        lines += [f"{row.set:16} {row.method:14} {row.seconds:>9.2f} {row.peak_gib:>9.2f}" for row in self.rows]
        decided = ", ".join(f"{n} {name}" for name, n in self.decisions.items() if n)
        lines.append(
            f"{self.lumisections} lumisections of {self.elements} elements, simulated: {decided}. Features: "
            "percentiles, moments, flow, and χ², largest pull, KS and earth mover's distance against the last runs. "
            f"Scheduler: {self.scheduler}."
        )
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        rows = [row.document() for row in self.rows]
        about = {"lumisections": self.lumisections, "elements": self.elements, "decisions": self.decisions}
        about["scheduler"] = self.scheduler
        return {"benchmark": "night", "versions": versions(), "rows": rows, **about}


def run(lumisections: int = 2000, elements: int = 500, scheduler: str = SCHEDULER) -> NightResult:
    """Write the files with ROOT, learn, and time the night; raises ``InputError`` where no ROOT is to be found.

    The night is given the ``scheduler``, as ``dqm nightly --scheduler`` takes it; raises ``ConfigError`` for another.
    """
    Scheduler.parse(scheduler)
    interpreter = root_python()
    if interpreter is None:
        raise InputError(
            "the files of this benchmark are written by ROOT; install it with: make benchmark-io, "
            "or name an interpreter that has it: DQM_ROOT_PYTHON"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dqm.toml").write_text(CONFIG, encoding="utf-8")
        _write(interpreter, folder / "past.root", FIRST, PAST_RUNS, PAST_LS, elements)
        (folder / "golden.json").write_bytes(golden_bytes(_good()))
        config = load(folder / "dqm.toml")
        with Store.create(config.store_path) as store:
            ingest(config, store)
            train(config, store)
        _write(interpreter, folder / "tonight.root", TONIGHT, RUNS, lumisections // RUNS, elements)
        seconds, peak, document = _timed_night(folder, scheduler)
        rows = [Row("total", "lumicert", seconds, peak)]
        rows += [Row(f"stage-{each['name']}", "lumicert", each["seconds"], peak) for each in document["stages"]]
        rows += _naive(folder / "tonight.root", lumisections // RUNS * RUNS * elements)
        rows.append(watch_row(measure()))
        return NightResult(tuple(rows), lumisections // RUNS * RUNS, elements, document["decisions"], scheduler)


def watch_row(found: WatchTimes) -> Row:
    """Set ``watch``: seconds from a file to its alert at the median, by ``dqm watch``."""
    return Row("watch", "lumicert", found.median, found.peak_gib)


def _write(interpreter: str, file: Path, first: int, runs: int, lumisections: int, elements: int) -> None:
    program = Path(__file__).with_name("io_files.py")
    numbers = map(str, (first, runs, lumisections, elements, EVERY))
    subprocess.run([interpreter, str(program), "night", str(file), *numbers], check=True, capture_output=True)


def _good() -> LumiMask:
    """What is good of the past: all but the second quarter of every third run."""
    ranges = {}
    for k in range(PAST_RUNS):
        bad = k % EVERY == 0
        ranges[FIRST + k] = [(1, PAST_LS // 4), (PAST_LS // 2 + 1, PAST_LS)] if bad else [(1, PAST_LS)]
    return LumiMask(ranges)


def _timed_night(folder: Path, scheduler: str) -> tuple[float, float, dict[str, Any]]:
    """Seconds, peak GiB of all its processes, and what the night says of itself."""
    command = [sys.executable, "-m", "pipelines.cli", "nightly", "--json", "night.json", "--scheduler", scheduler]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    begun = time.perf_counter()
    with (folder / "night.log").open("w+", encoding="utf-8") as log:
        night = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
        peak = tree_peak_mib(night) / 1024
        seconds = time.perf_counter() - begun
        log.seek(0)
        if night.returncode != 0:
            raise InputError(f"the night failed: {log.read().strip()[-500:]}")
    document: dict[str, Any] = json.loads((folder / "night.json").read_text(encoding="utf-8"))
    return seconds, peak, document


def _naive(file: Path, histograms: int) -> list[Row]:
    """uproot's objects into pandas, percentiles one by one, z against the median: what a quick script would do.

    It reads for ``SLICE`` seconds and is scaled to the whole night.
    """
    if importlib.util.find_spec("uproot") is None:
        return []
    rows, begun = [], time.perf_counter()
    for counts in uproot_values(file):
        edges = np.cumsum(counts[1:-1]) / max(counts[1:-1].sum(), 1)
        bins = np.arange(len(counts) - 2)
        mean = (counts[1:-1] * bins).sum() / max(counts[1:-1].sum(), 1)
        rows.append((mean, counts.sum(), *(float(np.searchsorted(edges, q)) for q in PERCENTILES)))
        if len(rows) % 100 == 0 and time.perf_counter() - begun > SLICE:
            break
    frame = pd.DataFrame(rows)
    z = (frame - frame.median()) / (frame.std() + 1e-9)
    z.abs().max(axis=1).gt(5).sum()
    seconds = (time.perf_counter() - begun) * histograms / len(rows)
    return [Row("total", "uproot-pandas", seconds, peak_mib() / 1024)]
