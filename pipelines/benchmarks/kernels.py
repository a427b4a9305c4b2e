"""``dqm benchmark kernels``: percentiles and moments of a million histograms, beside what people use instead."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.model.histograms import Axis
from features.percentiles import PERCENTILES, reduce_histograms
from features.references import compare
from pipelines.benchmarks.io import versions
from pipelines.benchmarks.memory import peak_mib
from pipelines.progress import track

BINS, FULL, QUICK, REPEATS = 100, 1_000_000, 100_000, 5
SLICE = 5.0
"""Seconds that a slow peer works before its rate is taken."""
CHUNK = 1000
"""Histograms at a time for NumPy, which would otherwise work out of the cache."""

Cells = NDArray[np.float32]


@dataclass(frozen=True)
class KernelRow:
    """One method on one set: histograms per second, median of several runs, or of a slice of at least 5 s."""

    set: str
    method: str
    histograms_per_s: float
    seconds: float

    def document(self, peak: float) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        metrics = {"histograms_per_s": self.histograms_per_s, "peak_mib": peak_mib()}
        return {"set": self.set, "method": self.method, "metrics": metrics, "seconds": self.seconds}


@dataclass(frozen=True)
class KernelResult:
    """Rows, seconds of the first compilation, bytes per second that the machine reads, and peak memory in MiB."""

    rows: tuple[KernelRow, ...]
    histograms: int
    compilation: float
    bandwidth: float
    peak: float
    notes: tuple[str, ...]

    def text(self) -> str:
        """For people."""
        ours = {row.set: row.histograms_per_s for row in self.rows if row.method == "lumicert"}
        lines = [f"{self.histograms} simulated histograms of {BINS} bins, float32 with flow"]
        lines.append(f"{'set':22} {'method':18} {'histograms/s':>14} {'lumicert is':>12}")
        for row in self.rows:
            ratio = f"{ours[row.set] / row.histograms_per_s:.1f}×"
            lines.append(f"{row.set:22} {row.method:18} {row.histograms_per_s:>14,.0f} {ratio:>12}")
        read = ours["percentiles-100bins"] * (BINS + 2) * 4
        lines.append(
            f"first compilation {self.compilation:.1f} s, apart from the rates; this machine reads "
            f"{self.bandwidth / 1e9:.1f} GB/s, the percentile kernel {read / 1e9:.2f} GB/s: {read / self.bandwidth:.0%}"
        )
        return "\n".join([*lines, *(f"note: {each}" for each in self.notes)])

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        rows = [row.document(self.peak) for row in self.rows]
        return {
            "benchmark": "kernels",
            "versions": versions(),
            "histograms": self.histograms,
            "compilation_s": self.compilation,
            "bandwidth_bytes_per_s": self.bandwidth,
            "rows": rows,
        }


def run(*, quick: bool = False, histograms: int = 0) -> KernelResult:
    """Measure on ``histograms`` simulated ones; methods that are not installed are left out with a note."""
    n = histograms or (QUICK if quick else FULL)
    cells, axis = simulated(n), Axis(BINS, 0.0, 100.0)
    begun = time.perf_counter()
    reduce_histograms(cells[:8], axis)
    compilation = time.perf_counter() - begun
    past = cells[: min(n, 1000), 1:-1].sum(axis=0, dtype=np.float64)[None]
    compare(cells[:8, 1:-1], past, axis)
    fast: dict[tuple[str, str], Callable[[Cells], object]] = {
        ("percentiles-100bins", "lumicert"): lambda given: reduce_histograms(given, axis),
        ("percentiles-100bins", "numpy"): lambda given: with_numpy(given, axis),
        ("reference-100bins", "lumicert"): lambda given: compare(given[:, 1:-1], past, axis),
    }
    slow: dict[tuple[str, str], Callable[[Cells], object]] = {("percentiles-100bins", "numpy-per-row"): per_row(axis)}
    notes = []
    if importlib.util.find_spec("boost_histogram"):
        slow["percentiles-100bins", "boost-histogram"] = with_boost_histogram(axis)
    else:
        notes.append("boost-histogram is not installed here; it is left out")
    if importlib.util.find_spec("polars"):
        slow["percentiles-100bins", "polars"] = with_polars(axis)
    else:
        notes.append("polars is not installed here; it is left out")
    rows = []
    for (name, method), act in track(list(fast.items()), "measuring"):
        seconds = median(_timed(act, cells) for _ in range(REPEATS))
        rows.append(KernelRow(name, method, n / seconds, seconds))
    for (name, method), act in track(list(slow.items()), "measuring slow peers"):
        done, seconds = _slice(act, cells)
        rows.append(KernelRow(name, method, done / seconds, seconds))
    order = {"percentiles-100bins": 0, "reference-100bins": 1}
    ranked = tuple(sorted(rows, key=lambda row: order[row.set]))
    return KernelResult(ranked, n, compilation, bandwidth(cells), peak_mib(), tuple(notes))


def simulated(n: int) -> Cells:
    """``n`` Poisson histograms ``(n, bins + 2)`` of Gaussian shapes, 2,000 entries on average."""
    rng = np.random.default_rng(1)
    bins = np.arange(BINS + 2)
    shapes = np.exp(-0.5 * ((bins - rng.uniform(20, 80, (500, 1))) / rng.uniform(5, 20, (500, 1))) ** 2)
    shapes *= 2000 / shapes.sum(axis=1, keepdims=True)
    cells = np.empty((n, BINS + 2), dtype=np.float32)
    for begin in range(0, n, len(shapes)):
        part = cells[begin : begin + len(shapes)]
        part[:] = rng.poisson(shapes[: len(part)])
    return cells


def with_numpy(cells: Cells, axis: Axis) -> list[NDArray[np.float64]]:
    """The same numbers by whole-array NumPy, in chunks that suit the cache."""
    edges, found = axis.all_edges, []
    centres, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    for begin in range(0, len(cells), CHUNK):
        part = cells[begin : begin + CHUNK].astype(np.float64)
        inner = part[:, 1:-1]
        cumulative = np.cumsum(inner, axis=1)
        total, rows = cumulative[:, -1], np.arange(len(part))
        columns = [total, part[:, 0] / part.sum(axis=1), part[:, -1] / part.sum(axis=1), (inner == 0).mean(axis=1)]
        for q in PERCENTILES:
            target = q * total
            at = (cumulative < target[:, None]).sum(axis=1)
            columns.append(edges[at] + (target - cumulative[rows, at] + inner[rows, at]) / inner[rows, at] * width)
        mean = inner @ centres / total
        away = centres - mean[:, None]
        second = inner * away * away
        third = second * away
        powers = [each.sum(axis=1) / total for each in (second, third, third * away)]
        columns += [mean, np.sqrt(powers[0]), powers[1] / powers[0] ** 1.5, powers[2] / powers[0] ** 2 - 3]
        found.append(np.stack(columns, axis=1))
    return found


def per_row(axis: Axis) -> Callable[[Cells], object]:
    """The same, one histogram after the other, as most scripts do."""
    return lambda part: [with_numpy(row[None], axis) for row in part]


def with_boost_histogram(axis: Axis) -> Callable[[Cells], object]:
    """One histogram object after the other, as they come from files; percentiles by its cumulative view."""
    import boost_histogram

    edges, centres = axis.all_edges, (axis.all_edges[1:] + axis.all_edges[:-1]) / 2

    def act(part: Cells) -> list[object]:
        found: list[object] = []
        for row in part:
            histogram = boost_histogram.Histogram(boost_histogram.axis.Regular(axis.bins, axis.low, axis.high))
            histogram.view(flow=True)[:] = row
            counts = histogram.values()
            cumulative = np.concatenate([[0.0], np.cumsum(counts)])
            total = cumulative[-1]
            points = np.interp(np.asarray(PERCENTILES) * total, cumulative, edges)
            mean = counts @ centres / total
            powers = [counts @ (centres - mean) ** k / total for k in (2, 3, 4)]
            found.append((points, mean, powers, histogram.sum(flow=True)))
        return found

    return act


def with_polars(axis: Axis) -> Callable[[Cells], object]:
    """One row per bin and window functions over every histogram, as a table program does it."""
    import polars

    edges, width = axis.all_edges, (axis.high - axis.low) / axis.bins

    def act(part: Cells) -> object:
        n, c, x = len(part), polars.col("c"), polars.col("x")
        table = polars.LazyFrame(
            {
                "i": np.repeat(np.arange(n), axis.bins),
                "x": np.tile(edges[:-1], n),
                "c": part[:, 1:-1].reshape(-1).astype(np.float64),
            }
        ).with_columns(reached=c.cum_sum().over("i"), total=c.sum().over("i"))
        at = x + (polars.col("q") * polars.col("total") - polars.col("reached") + c) / c * width
        points = [
            table.with_columns(q=polars.lit(q))
            .filter(polars.col("reached") >= polars.col("q") * polars.col("total"))
            .group_by("i", maintain_order=True)
            .agg(at.first().alias(f"p{q}"))
            for q in PERCENTILES
        ]
        centre = x + width / 2
        mean = (c * centre).sum() / c.sum()
        powers = [((c * (centre - mean) ** k).sum() / c.sum()).alias(f"m{k}") for k in (2, 3, 4)]
        moments = table.group_by("i", maintain_order=True).agg(mean.alias("mean"), *powers)
        return polars.collect_all([*points, moments])

    return act


def bandwidth(cells: Cells) -> float:
    """Bytes per second that a plain sum reads, the best of several; one thread, so an upper mark for one core."""
    return max(cells.nbytes / _timed(np.sum, cells) for _ in range(3))


def _timed(act: Callable[[Cells], object], cells: Cells) -> float:
    begun = time.perf_counter()
    act(cells)
    return time.perf_counter() - begun


def _slice(act: Callable[[Cells], object], cells: Cells) -> tuple[int, float]:
    """How many histograms a slow peer reduces in at least ``SLICE`` seconds, and these seconds."""
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < SLICE:
        act(cells[done % len(cells) : done % len(cells) + 500])
        done += 500
    return done, time.perf_counter() - begun
