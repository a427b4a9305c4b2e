"""Windows of sensors equal the plain loops of ``naive_sensors``, on ordinary and on nasty readings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from dqm.model.sensors import SECOND, Sensor, SensorReadings, TimeGrid
from features.sensors.columns import WindowSettings
from features.sensors.stream import sensor_windows

from . import naive_sensors as naive

BEGIN = 1_792_893_600 * SECOND
SETTINGS = WindowSettings(windows=(60.0, 600.0, 900.0), percentiles=(0.05, 0.9), rhythms=(600.0, 900.0))
T = Sensor("QRLAA_31L2_TT841", "K", "temperature", "31L2", "S12", period=5.0)
Readings = tuple[NDArray[np.int64], NDArray[np.float64]]


def ordinary(rng: np.random.Generator, n: int = 270) -> Readings:
    """Jittered readings of a noisy sine on a converter's grid, some missing, one gap, some invalid."""
    time = BEGIN + np.arange(n) * 5 * SECOND + rng.integers(0, SECOND, n)
    value = np.round(20 + np.sin(np.arange(n) / 7) + rng.normal(0, 0.2, n), 2)
    value[rng.random(n) < 0.02] = np.nan
    keep = rng.random(n) < 0.95
    keep[n // 3 : n // 3 + 30] = False
    return time[keep], value[keep]


def nasty(rng: np.random.Generator, n: int = 220) -> Readings:
    """A step, a spike, a stuck stretch, bursts of readings and a large level."""
    time = BEGIN + np.cumsum(rng.integers(SECOND // 2, 12 * SECOND, n))
    value = 1e5 + rng.integers(0, 3, n).astype(float)
    value[n // 4 :] += 50
    value[n // 2] = 1e9
    value[n // 2 + 20 : n // 2 + 60] = 7.0
    return time, value


def grid(seconds: float = 23.31, bins: int = 55) -> TimeGrid:
    return TimeGrid.fixed(BEGIN + 7 * SECOND, BEGIN + round((7 + bins * seconds) * SECOND), seconds)


def agree(sensor: Sensor, readings: Readings, bins: TimeGrid) -> None:
    table = sensor_windows(SensorReadings.of([sensor], [readings]), bins, settings=SETTINGS)
    expected = naive.features(sensor, *readings, bins, SETTINGS)
    known = [name.partition(":")[2] for name in table.names]
    assert set(known) == {name for row in expected for name in row if not name.startswith("control")}
    for name, column in zip(known, table.values.T, strict=True):
        wanted = np.array([row.get(name, np.nan) for row in expected])
        np.testing.assert_allclose(column, wanted, rtol=2e-6, atol=2e-6 * scale(name, readings[1]), err_msg=name)


def scale(name: str, value: NDArray[np.float64]) -> float:
    """Size of what a feature is a small difference of."""
    known = value[np.isfinite(value)]
    spread = np.abs(known - np.median(known)).max() if len(known) else 0.0
    return float(spread * (60 if name.startswith("slope") else 1)) + 1e-3


@pytest.mark.parametrize(
    "sensor",
    [T, replace(T, period=None), replace(T, lowest=19.0, highest=20.9), replace(T, resolution=0.4)],
    ids=["plain", "no-period", "limits", "resolution"],
)
def test_ordinary_readings(sensor: Sensor) -> None:
    agree(sensor, ordinary(np.random.default_rng(1)), grid())


def test_nasty_readings() -> None:
    agree(T, nasty(np.random.default_rng(2)), grid())


@pytest.mark.parametrize("period", [None, 90.0], ids=["for-ever", "silence"])
def test_on_change_holds_until_the_next_reading_and_says_so(period: float | None) -> None:
    """An invalid reading ends what was held. Mutant: the tick after it holds the value before."""
    rng = np.random.default_rng(3)
    time = BEGIN + np.cumsum(rng.integers(1, 120, 25)) * SECOND
    value = np.round(rng.normal(50, 5, 25))
    value[[5, 6, 14]] = np.nan
    agree(replace(T, logging="on-change", period=period), (time, value), grid())


def test_irregular_bins_with_a_pause_between_runs() -> None:
    first, second = grid(bins=20), grid(bins=50)
    bins = TimeGrid(np.concatenate([first.begin, second.begin[35:]]), np.concatenate([first.end, second.end[35:]]))
    agree(T, ordinary(np.random.default_rng(4)), bins)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_readings(n: int) -> None:
    time, value = ordinary(np.random.default_rng(5))
    agree(T, (time[:n], value[:n]), grid(bins=40))


def test_nothing_is_filled_in_and_a_silent_sensor_is_all_gap() -> None:
    table = sensor_windows(SensorReadings.of([T], [(np.empty(0, np.int64), np.empty(0))]), grid(bins=5))
    gaps = [i for i, name in enumerate(table.names) if ":gap@" in name]
    assert (table.values[:, gaps] == 1).all()
    assert np.isnan(np.delete(table.values, gaps, axis=1)).all()


def test_a_row_does_not_look_past_the_end_of_its_bin() -> None:
    """Mutant: ``searchsorted(…, side="right")``, which lets in a reading at the very end of the bin."""
    time, value = ordinary(np.random.default_rng(6))
    bins = grid(seconds=25.0, bins=50)
    time = np.unique(np.concatenate([time, bins.end]))
    value = np.resize(value, len(time))
    changed = np.where(time >= bins.end[30], 1e6, value)
    tables = [
        sensor_windows(SensorReadings.of([T], [(time, each)]), bins, settings=SETTINGS) for each in (value, changed)
    ]
    np.testing.assert_array_equal(tables[0].values[:31], tables[1].values[:31])
    assert (tables[0]["QRLAA_31L2_TT841:p90@1min"][31:] != tables[1]["QRLAA_31L2_TT841:p90@1min"][31:]).all()


def test_columns_say_what_they_hold() -> None:
    readings = SensorReadings.of([T], [ordinary(np.random.default_rng(7))])
    lumisections = pd.MultiIndex.from_product([[362_000], range(1, 6)], names=("run", "ls"))
    table = sensor_windows(readings, grid(bins=5), index=lumisections)
    column = table.columns[table.position("QRLAA_31L2_TT841:slope@60min")]
    assert (column.source, column.subsystem, column.unit) == ("QRLAA_31L2_TT841", "S12", "K/h")
    assert table.columns[table.position("QRLAA_31L2_TT841:gap@1min")].kind == "fraction"
    assert table.values.dtype == np.float32
    assert table.ls.tolist() == [1, 2, 3, 4, 5]
    assert sensor_windows(readings, grid(bins=5)).index.name == "begin"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"windows": (600.0, 60.0)}, r"windows \[600.0, 60.0\] must be positive and rise"),
        ({"percentiles": (0.0,)}, r"percentiles \[0.0\] must lie between 0 and 1"),
        ({"rhythms": (30.0,)}, r"rhythms of \[30.0\] s, which are none of the windows"),
    ],
)
def test_settings_refuse_what_cannot_be(wrong: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WindowSettings(**wrong)  # type: ignore[arg-type]  # one field each
