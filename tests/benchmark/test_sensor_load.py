"""The load benchmark on a small day: pandas gives the same numbers, and every row says what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.sensors import SECOND, TimeGrid
from features.sensors.columns import WindowSettings, label
from features.sensors.stream import sensor_windows
from pipelines.benchmarks.sensor_load import BEGIN, STEP, load, measure, measure_pandas, simulated, with_pandas

SAMPLES = 2000


@pytest.mark.slow
def test_pandas_gives_the_same_statistics_of_windows() -> None:
    """Bins of 23 readings that end where pandas' rows do."""
    settings = WindowSettings(windows=(60.0, 600.0), rhythms=())
    readings = simulated(0, 1, SAMPLES)
    peer = with_pandas(readings.value, settings)
    first = BEGIN + SECOND - STEP * SECOND
    grid = TimeGrid.fixed(first, first + len(peer) * STEP * SECOND, STEP)
    ours = sensor_windows(readings, grid, settings=settings)
    full = np.arange(len(peer)) * STEP > settings.windows[-1]
    for name in peer.columns:
        feature, window = name.split("@")
        column = ours[f"0_CV943:{feature}@{label(float(window))}"]
        np.testing.assert_allclose(column[full], peer[name].to_numpy()[full], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_rows_say_what_was_measured() -> None:
    ours, peer = measure(8, SAMPLES), measure_pandas(8, SAMPLES)
    assert (ours.method, ours.measured_on, peer.method, peer.measured_on) == ("lumicert", 8, "pandas-rolling", 2)
    assert ours.features > peer.features
    assert peer.cpu_seconds > ours.cpu_seconds > 0
    assert {"seconds", "peak_gib"} <= set(ours.document()["metrics"])
    assert "scaled from 2 sensors" in peer.text()
    assert "scaled" not in ours.text()


@pytest.mark.slow
def test_each_method_is_a_process_of_its_own() -> None:
    ours, peer = load(sensors=16, samples=5000)
    assert ours.ratio == 1
    assert peer.ratio > 20
    assert ours.peak_gib < 1
