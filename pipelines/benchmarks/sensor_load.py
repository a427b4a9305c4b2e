"""``dqm benchmark sensors --set load``: a day of thousands of sensors at 1 Hz, all features, beside pandas' rolling.

The readings are simulated, loop by loop, and are not timed; the features of all of them are held at the end. The work
is done in a process of its own, so that its peak memory is that of this work alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.sensors import SECOND, Measured, Sensor, SensorReadings, TimeGrid
from features.sensors.columns import WindowSettings
from features.sensors.stream import SensorStream, sensor_windows
from pipelines.benchmarks.memory import peak_mib

BEGIN = 1_792_893_600 * SECOND
BIN = 23.31
TOGETHER = 120
"""Sensors in memory at a time, 15 loops."""
LOOP: tuple[tuple[str, Measured, str, float], ...] = (
    ("CV943", "valve", "%", 40.0),
    ("EH843", "heater", "W", 8.0),
    ("TT841", "temperature", "K", 5.0),
    ("TT843", "temperature", "K", 8.0),
    ("TT845", "temperature", "K", 15.0),
    ("TT847", "temperature", "K", 17.0),
    ("PT961", "pressure", "bar", 3.0),
    ("PT991", "pressure", "bar", 1.3),
)
SLICE = 2
"""Sensors that pandas is given; its time grows with their number."""
STEP = 23
"""Readings between two rows of pandas: whole ones only, so a little more rows than ours."""


@dataclass(frozen=True, slots=True)
class LoadRow:
    """One method: wall and processor seconds for all ``sensors``, peak memory in GiB, and from how many it was scaled.

    ``ratio`` is how many times the processor seconds of ours it takes.
    """

    set: str
    method: str
    seconds: float
    cpu_seconds: float
    peak_gib: float
    sensors: int
    samples: int
    features: int
    measured_on: int
    ratio: float = 1.0

    def text(self) -> str:
        """For people."""
        scaled = "" if self.measured_on == self.sensors else f", scaled from {self.measured_on} sensors"
        return (
            f"{self.method:16} {self.seconds:8.1f} s {self.cpu_seconds:9.1f} s of processors {self.peak_gib:5.2f} GiB "
            f"{self.ratio:6.1f}×  {self.sensors} sensors × {self.samples}, {self.features} features{scaled}"
        )

    def document(self) -> dict[str, Any]:
        """The row as ``--json`` writes it."""
        metrics = {"seconds": self.seconds, "peak_gib": self.peak_gib, "cpu_seconds": self.cpu_seconds}
        rest = {k: v for k, v in asdict(self).items() if k not in {*metrics, "set", "method"}}
        return {"set": self.set, "method": self.method, "metrics": metrics, **rest}


def load(sensors: int = 3000, samples: int = 86_400) -> list[LoadRow]:
    """Measure ours on all sensors and pandas on a slice, each in a process of its own."""
    rows = []
    for method in ("lumicert", "pandas-rolling"):
        command = [sys.executable, "-m", "pipelines.benchmarks.sensor_load", method, str(sensors), str(samples)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rows.append(LoadRow(**json.loads(done.stdout)))
    ours = rows[0].cpu_seconds
    return [LoadRow(**(asdict(row) | {"ratio": row.cpu_seconds / ours})) for row in rows]


def simulated(first: int, count: int, samples: int) -> SensorReadings:
    """Loops of eight sensors at 1 Hz, 15 to a sector: levels that wander, oscillate and carry noise, in steps."""
    rng = np.random.default_rng(first)
    stamp = BEGIN + np.arange(samples) * SECOND
    sensors, values = [], []
    for i in range(first, first + count):
        device, measures, unit, level = LOOP[i % len(LOOP)]
        loop, sector = f"{i // len(LOOP)}", f"S{i // TOGETHER}"
        high = 100.0 if measures == "valve" else None
        sensors.append(Sensor(f"{loop}_{device}", unit, measures, loop, sector, period=1.0, highest=high))
        noise = rng.standard_normal((2, samples), dtype=np.float32)
        wave = 0.02 * np.sin(np.arange(samples) * (2 * np.pi / rng.uniform(60, 900)))
        signal = level * (1 + wave + 2e-4 * np.cumsum(noise[0]) + 0.005 * noise[1])
        values.append(np.round(signal, 3))
    start = np.arange(count + 1, dtype=np.int64) * samples
    return SensorReadings(tuple(sensors), start, np.tile(stamp, count), np.concatenate(values))


def measure(sensors: int, samples: int) -> LoadRow:
    """Ours in this process."""
    grid = TimeGrid.fixed(BEGIN, BEGIN + samples * SECOND, BIN)
    sensor_windows(simulated(0, min(len(LOOP), sensors), min(samples, 5000)), grid)  # compiles
    many = [min(TOGETHER, sensors - first) for first in range(0, sensors, TOGETHER)]
    width = sum(len(SensorStream(simulated(k * TOGETHER, each, 2).sensors).columns) for k, each in enumerate(many))
    values = np.empty((len(grid), width), np.float32)
    wall = cpu = 0.0
    at = 0
    for k, each in enumerate(many):
        readings = simulated(k * TOGETHER, each, samples)
        begun, used = time.perf_counter(), time.process_time()
        found = sensor_windows(readings, grid).values
        values[:, at : at + found.shape[1]] = found
        wall, cpu = wall + time.perf_counter() - begun, cpu + time.process_time() - used
        at += found.shape[1]
    return LoadRow("load", "lumicert", wall, cpu, peak_mib() / 1024, sensors, samples, width, sensors)


def measure_pandas(sensors: int, samples: int) -> LoadRow:
    """pandas on a slice, scaled to all; statistics of windows alone, without rhythm, control and loops."""
    some = min(SLICE, sensors)
    readings = simulated(0, some, samples)
    begun, used = time.perf_counter(), time.process_time()
    found = [with_pandas(readings.value[readings.start[i] : readings.start[i + 1]]) for i in range(some)]
    scale = sensors / some
    wall, cpu = (time.perf_counter() - begun) * scale, (time.process_time() - used) * scale
    width = sum(each.shape[1] for each in found) * sensors // some
    return LoadRow("load", "pandas-rolling", wall, cpu, peak_mib() / 1024, sensors, samples, width, some)


def with_pandas(value: NDArray[np.float64], settings: WindowSettings | None = None, step: int = STEP) -> pd.DataFrame:
    """Statistics of the windows of one sensor at 1 Hz, every ``step`` readings, as pandas' rolling gives them."""
    settings = settings or WindowSettings()
    series, second = pd.Series(value), pd.Series(np.arange(len(value), dtype=np.float64))
    change, found = series.diff(), {}
    for window in settings.windows:
        n = round(window)
        rolling = series.rolling(n, min_periods=1, step=step)
        found[f"median@{n}"] = rolling.median()
        for q in settings.percentiles:
            found[f"p{100 * q:g}@{n}"] = rolling.quantile(q)
        found[f"mad@{n}"] = rolling.apply(_deviation, raw=True)
        steps = change.rolling(n - 1, min_periods=1, step=step)
        found[f"noise@{n}"] = steps.apply(_deviation, raw=True) * (1.482602218505602 / np.sqrt(2))
        found[f"slope@{n}"] = _slope(second, series, n, step)
        found[f"gap@{n}"] = 1 - rolling.count() / n
    return pd.DataFrame(found)


def _slope(second: pd.Series[float], series: pd.Series[float], n: int, step: int) -> pd.Series[float]:
    """Cov(t, x) / Var(t) per hour from rolling means: pandas' own covariance knows no step."""

    def mean(of: pd.Series[float]) -> pd.Series[float]:
        return of.rolling(n, min_periods=3, step=step).mean()

    level = series - series.mean()
    width = mean(second * second) - mean(second) ** 2
    return (mean(second * level) - mean(second) * mean(level)) / width * 3600


def _deviation(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(np.abs(known - np.median(known)))) if len(known) else np.nan


def main() -> None:
    """``python -m pipelines.benchmarks.sensor_load METHOD SENSORS SAMPLES``: one row as JSON; without: all as text."""
    if len(sys.argv) == 1:
        sys.stderr.write("\n".join(row.text() for row in load()) + "\n")
        return
    act = measure if sys.argv[1] == "lumicert" else measure_pandas
    sys.stdout.write(json.dumps(asdict(act(int(sys.argv[2]), int(sys.argv[3])))))


if __name__ == "__main__":
    main()
