"""Readings of slow-control channels: ragged, ordered within a sensor, selected by name and time."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.errors import UnknownNameError
from dqm.model.sensors import SECOND, Sensor, SensorReadings, TimeGrid

VALVE, HEATER, SILENT = Sensor("CV943", "%"), Sensor("EH843", "W"), Sensor("TT843", "K")


@pytest.fixture
def readings() -> SensorReadings:
    return SensorReadings.of(
        [VALVE, SILENT, HEATER],
        [
            (np.array([5, 6, 9]), np.array([1.0, 2.0, 3.0])),
            (np.empty(0, np.int64), np.empty(0)),
            (np.array([1, 7]), np.array([8.0, np.nan])),
        ],
    )


def test_each_sensor_has_its_own_times(readings: SensorReadings) -> None:
    time, value = readings["EH843"]
    assert time.tolist() == [1, 7]
    assert value[0] == 8
    assert np.isnan(value[1])
    assert len(readings["TT843"][0]) == 0
    with pytest.raises(UnknownNameError, match=r"CV942.*CV943"):
        readings["CV942"]


def test_take_and_between(readings: SensorReadings) -> None:
    assert readings.take(["EH843", "CV943"]).names == ["EH843", "CV943"]
    cut = readings.between(6, 9)
    assert cut.start.tolist() == [0, 1, 1, 2]
    assert cut.time.tolist() == [6, 7]


def test_what_cannot_be_is_refused() -> None:
    times, values = np.array([2, 2]), np.zeros(2)
    with pytest.raises(ValueError, match="times of sensor 'EH843' do not increase after reading 0"):
        SensorReadings.of([VALVE, SILENT, HEATER], [(times[:1], values[:1]), (times[:0], values[:0]), (times, values)])
    with pytest.raises(ValueError, match="'CV943' occurs twice"):
        SensorReadings.of([VALVE, VALVE], [(times[:1], values[:1])] * 2)
    with pytest.raises(ValueError, match="bounds of shape"):
        SensorReadings((VALVE,), np.array([0, 1]), times, values)
    with pytest.raises(ValueError, match="values of shape"):
        SensorReadings((VALVE,), np.array([0, 2]), np.array([1, 2]), values[:1])


def test_windows_neither_overlap_nor_end_before_they_begin() -> None:
    grid = TimeGrid.fixed(0, 50 * SECOND, 23.31)
    assert len(grid) == 3
    assert (grid.begin[1:] == grid.end[:-1]).all()
    with pytest.raises(ValueError, match="begins before the one before it has ended"):
        TimeGrid(np.array([0, 5]), np.array([6, 9]))
    with pytest.raises(ValueError, match="ends of shape"):
        TimeGrid(np.array([0, 5]), np.array([6]))
