"""Features of sensors are the same however their readings arrive."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqm.model.sensors import SECOND, Sensor, SensorReadings, TimeGrid
from features.sensors.columns import WindowSettings
from features.sensors.stream import SensorStream, sensor_windows

BEGIN = 1_792_893_600 * SECOND
BINS = 60
SETTINGS = WindowSettings(windows=(60.0, 600.0), rhythms=(600.0,))
SENSORS = (
    Sensor("QRLAB_31L2_CV943", "%", "valve", "31L2", "S12", "on-change", period=300.0),
    Sensor("LBARB_31L2_TT841", "K", "temperature", "31L2", "S12", period=4.0, resolution=0.05, lowest=19.2),
    Sensor("LBARB_31L2_TT843", "K", "temperature", "31L2", "S12", period=4.0),
)


def readings_of(seed: int) -> SensorReadings:
    """Two thermometers with gaps, invalid readings and a spike, and a valve that logs its changes."""
    rng = np.random.default_rng(seed)
    parts = []
    for sensor in SENSORS:
        n, longest = (40, 90) if sensor.logging == "on-change" else (350, 6)
        time = BEGIN + np.cumsum(rng.integers(2 * SECOND, longest * SECOND, n))
        value = np.round(20 + np.cumsum(rng.normal(0, 0.1, n)), 1)
        value[rng.random(n) < 0.03] = np.nan
        value[rng.integers(n)] = 1e6
        keep = np.ones(n, bool)
        keep[n // 2 : n // 2 + rng.integers(1, n // 4)] = rng.random() < 0.5
        parts.append((time[keep], value[keep]))
    return SensorReadings.of(SENSORS, parts)


def grid() -> TimeGrid:
    """Bins with a pause in the middle, as between two runs."""
    bins = TimeGrid.fixed(BEGIN, BEGIN + BINS * 23 * SECOND, 23.0)
    keep = np.r_[0:25, 35:BINS]
    return TimeGrid(bins.begin[keep], bins.end[keep])


GRID = grid()


@settings(max_examples=15)
@given(seed=st.integers(0, 20), cuts=st.sets(st.integers(0, len(GRID)), max_size=8), ahead=st.integers(0, 200))
def test_streaming_equals_batch(seed: int, cuts: set[int], ahead: int) -> None:
    """Any cut of the bins, with readings up to ``ahead`` seconds beyond each cut. Mutant: a buffer that is too short."""
    readings = readings_of(seed)
    whole = sensor_windows(readings, GRID, settings=SETTINGS)
    stream, parts, since = SensorStream(SENSORS, SETTINGS), [], 0
    edges = [0, *sorted(cuts), len(GRID)]
    for first, last in pairwise(edges):
        bins = TimeGrid(GRID.begin[first:last], GRID.end[first:last])
        until = max(since, (int(bins.end[-1]) if len(bins) else since) + ahead * SECOND)
        parts.append(stream.feed(readings.between(since, until), bins).values)
        since = until
    np.testing.assert_allclose(np.concatenate(parts), whole.values, rtol=1e-6)


def test_late_readings_and_bins_are_refused() -> None:
    """A bin that was told is not told again. Mutant: late readings join the next window in silence."""
    readings = readings_of(1)
    stream = SensorStream(SENSORS, SETTINGS)
    first, second = TimeGrid(GRID.begin[:9], GRID.end[:9]), TimeGrid(GRID.begin[8:12], GRID.end[8:12])
    end = int(first.end[-1])
    stream.feed(readings.between(0, end), first)
    with pytest.raises(ValueError, match=r"a bin begins at \d+ ns, before the last one that was fed ended"):
        stream.feed(readings.between(end, end + SECOND), second)
    with pytest.raises(ValueError, match=r"'QRLAB_31L2_CV943' has a reading at \d+ ns, in a bin that was fed before"):
        stream.feed(readings.between(0, end), TimeGrid(GRID.begin[9:12], GRID.end[9:12]))


def test_other_sensors_are_refused() -> None:
    readings, stream = readings_of(1), SensorStream(SENSORS, SETTINGS)
    with pytest.raises(ValueError, match="readings of 2 sensors, 3 expected; take"):
        stream.feed(readings.take([SENSORS[0].name, SENSORS[1].name]), GRID)
    other = SensorReadings(
        (replace(SENSORS[0], name="CV1"), *SENSORS[1:]), readings.start, readings.time, readings.value
    )
    with pytest.raises(ValueError, match="readings of 'CV1' where those of 'QRLAB_31L2_CV943' are expected"):
        stream.feed(other, GRID)
