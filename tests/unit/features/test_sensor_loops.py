"""Sensors of a loop beside each other, the heat balance by hand, and what a past says about sensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dqm.model.sensors import SECOND, Measured, Sensor, SensorReadings, TimeGrid
from dqm.model.tables import FeatureTable
from features.sensors.columns import WindowSettings
from features.sensors.learned import learned
from features.sensors.loops import CP, HeatSettings
from features.sensors.stream import sensor_windows

BEGIN = 1_792_893_600 * SECOND
SETTINGS = WindowSettings(windows=(600.0,), rhythms=(600.0,))
UNITS: dict[Measured, str] = {"valve": "%", "heater": "W", "temperature": "K", "pressure": "bar"}
LEVELS: dict[str, float] = {
    "CV943": 60,
    "EH843": 5,
    "TT841": 5,
    "TT843": 8,
    "TT845": 12,
    "TT847": 13,
    "PT961": 3,
    "PT991": 1.3,
}
MEASURES: dict[str, Measured] = {"CV": "valve", "EH": "heater", "TT": "temperature", "PT": "pressure"}


def table(loops: int = 1, shift: float = 0.0, logged: float | None = None, without: str = "none") -> FeatureTable:
    """Loops whose sensors stand still; ``shift`` opens the valve of the first one further."""
    sensors, parts = [], []
    time = BEGIN + np.arange(60) * 10 * SECOND
    for loop in range(loops):
        for device, level in LEVELS.items():
            if device == without:
                continue
            measures = MEASURES[device[:2]]
            sensors.append(Sensor(f"{loop}L2_{device}", UNITS[measures], measures, f"{loop}L2", "S12", period=10.0))
            parts.append((time, np.full(60, level + (shift if device == "CV943" and not loop else 0))))
        if logged is not None:
            sensors.append(Sensor(f"{loop}L2_QBS943", "W", "heat-load", f"{loop}L2", "S12", period=10.0))
            parts.append((time, np.full(60, logged)))
    return sensor_windows(
        SensorReadings.of(sensors, parts), TimeGrid.fixed(BEGIN, BEGIN + 600 * SECOND, 60), settings=SETTINGS
    )


def balance(opening: float) -> float:
    """Written out: 10 g/s fully open at 1 bar, rangeability 50, 10 W static, 5 W heater."""
    return 10 * 50 ** (opening / 100 - 1) * (3 - 1.3) ** 0.5 * CP * (12 - 5) - 10 - 5


def test_residual_is_against_the_others_that_measure_the_same() -> None:
    """Mutant: the sensor itself is among the others."""
    found = table()
    assert found["0L2_TT841:residual@10min"][-1] == pytest.approx(5 - 12)
    assert found["0L2_TT845:residual@10min"][-1] == pytest.approx(12 - 8)
    assert found["0L2_PT961:residual@10min"][-1] == pytest.approx(1.7)
    assert "0L2_CV943:residual@10min" not in found


def test_heat_balance_by_hand() -> None:
    found = table()
    assert found["0L2:heat@10min"][-1] == pytest.approx(balance(60), rel=1e-6)
    assert found.columns[found.position("0L2:heat@10min")].unit == "W"
    assert "0L2:heat_residual@10min" not in found


def test_heat_is_compared_with_the_other_loops_of_the_sector_or_with_what_is_logged() -> None:
    found = table(loops=4, shift=10)
    assert found["0L2:heat_residual@10min"][-1] == pytest.approx(balance(70) - balance(60), rel=1e-5)
    assert found["1L2:heat_residual@10min"][-1] == pytest.approx(0, abs=1e-4)
    assert table(logged=40)["0L2:heat_residual@10min"][-1] == pytest.approx(balance(60) - 40, rel=1e-5)


@pytest.mark.parametrize("without", ["CV943", "EH843", "TT847", "PT991"])
def test_without_an_input_there_is_no_balance(without: str) -> None:
    """The fourth thermometer is no input; every other one is."""
    assert ("0L2:heat@10min" in table(without=without)) == (without == "TT847")


def test_only_what_a_loop_controls_has_a_control_index() -> None:
    found = table()
    assert {name for name in found.names if ":control@" in name} == {
        f"0L2_{device}:control@10min" for device in LEVELS if device[:2] in {"TT", "PT"}
    }
    lone = table(without="CV943")
    assert any(":control@" in name for name in lone.names)


def test_the_fingerprint_covers_settings() -> None:
    readings = SensorReadings.of([Sensor("a")], [(BEGIN + np.arange(9) * SECOND, np.arange(9.0))])
    grid = TimeGrid.fixed(BEGIN, BEGIN + 60 * SECOND, 60)
    one = sensor_windows(readings, grid, settings=SETTINGS)
    assert one.fingerprint != sensor_windows(readings, grid, settings=replace(SETTINGS, horizon=30.0)).fingerprint
    other = sensor_windows(readings, grid, settings=SETTINGS, heat_settings=HeatSettings(static=1.0))
    assert one.fingerprint != other.fingerprint


def test_a_past_says_period_and_resolution() -> None:
    rng = np.random.default_rng(1)
    time = BEGIN + np.arange(200) * 10 * SECOND
    steps = np.round(rng.normal(20, 3, 200) / 0.25) * 0.25
    steps[7] = np.nan
    noise = rng.normal(20, 3, 200)
    sensors = [Sensor("steps"), Sensor("noise"), Sensor("held", logging="on-change"), Sensor("few"), Sensor("still")]
    readings = [(time, steps), (time, noise), (time, steps), (time[:5], noise[:5]), (time, np.ones(200))]
    one, two, three, four, five = learned(SensorReadings.of(sensors, readings))
    assert (one.period, one.resolution) == (10.0, pytest.approx(0.25))
    assert (two.period, two.resolution) == (10.0, None)
    assert (three.period, three.resolution) == (None, pytest.approx(0.25))
    assert four == sensors[3]
    assert (five.period, five.resolution) == (10.0, None)
    declared = Sensor("steps", period=60.0, resolution=1.0)
    assert learned(SensorReadings.of([declared], [(time, steps)])) == (declared,)
