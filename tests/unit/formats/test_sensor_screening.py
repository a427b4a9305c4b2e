"""What becomes of readings that are out of order, repeated, from the future, in another unit, or missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dqm.formats.sensor_jumps import unit_jumps
from dqm.formats.sensor_screening import SAID, SensorRead, _Account, screened
from dqm.formats.sensor_series import ParsedSensors, Series
from dqm.formats.sensor_times import UNKNOWN
from dqm.formats.sources import Source
from dqm.model.sensor_catalog import SensorCatalog
from dqm.model.sensors import SECOND, Sensor
from dqm.model.sensors_config import ChannelConfig

NOW = 1_000_000 * SECOND
SOURCE = Source(Path("x.csv"), b"x")
A = SensorCatalog("none", (ChannelConfig(sensors="a*"),))


def series(time: list[float], value: list[float], name: str = "a", unit: str = "", **counts: int) -> Series:
    moments = np.array([UNKNOWN if t < 0 else round(t * SECOND) for t in time], dtype=np.int64)
    return Series(name, unit, moments, np.array(value, dtype=float), **counts)  # type: ignore[arg-type]


def screen(*parts: Series, catalog: SensorCatalog = A, before: NDArray[np.float64] | None = None) -> SensorRead:
    parsed = ParsedSensors(SOURCE, rows=sum(len(each.time) for each in parts), series=list(parts))
    if before is None:
        return screened([parsed], catalog, now=NOW)
    return screened([parsed], catalog, now=NOW, earlier=lambda name, begin: ("mK", 1000 * before), stored={"a": "K"})


def codes(found: SensorRead) -> dict[str, str]:
    return {each.code: each.severity for each in found.findings}


def test_readings_out_of_order_are_sorted_and_told() -> None:
    found = screen(series([3, 1, 2, 4], [3, 1, 2, 4]))
    assert found.readings["a"][1].tolist() == [1, 2, 3, 4]
    assert codes(found) == {"unsorted": "repaired"}
    assert "2 readings of a stood behind later ones" in found.findings[0].reason


def test_equal_readings_are_one_and_different_ones_are_invalid() -> None:
    """Mutant: the last of two values at one time is taken."""
    nan = float("nan")
    found = screen(series([1, 1, 2, 2, 2, 3, 3, 4], [5, 5, 6, 7, 6, nan, nan, 8]))
    time, value = found.readings["a"]
    assert (time // SECOND).tolist() == [1, 2, 3, 4]
    assert value[[0, 3]].tolist() == [5, 8]
    assert np.isnan(value[[1, 2]]).all()
    assert codes(found) == {"invalid": "quarantined", "conflict": "quarantined", "duplicate": "repaired"}


def test_a_value_and_no_value_at_one_time_contradict_each_other() -> None:
    found = screen(series([1, 1, 2], [5, float("nan"), 6]))
    assert np.isnan(found.readings["a"][1][0])
    assert codes(found)["conflict"] == "quarantined"


def test_times_from_the_future_and_times_that_are_none_are_not_used() -> None:
    found = screen(series([1, 2_000_000, -1, 2], [1, 2, 3, 4]))
    assert found.readings["a"][1].tolist() == [1, 4]
    assert codes(found) == {"time": "quarantined", "future": "quarantined"}
    assert "check the clock" in next(each.reason for each in found.findings if each.code == "future")


def test_hours_of_a_clock_change_are_told_apart_from_times_that_are_none() -> None:
    found = screen(series([-1, -1, -1, 5, 6], [1, 2, 3, 4, 5], settled=2, twice=1, missing=1))
    counts = {each.code: each.reason.split()[0] for each in found.findings}
    assert counts == {"time": "1", "missing-hour": "1", "repeated-hour": "1", "settled-hour": "2"}


def test_infinity_is_invalid() -> None:
    found = screen(series([1, 2], [float("inf"), 1]))
    assert np.isnan(found.readings["a"][1][0])
    assert codes(found) == {"invalid": "quarantined"}


def test_a_sensor_without_a_valid_reading_is_kept_and_told() -> None:
    found = screen(series([1, 2], [float("nan")] * 2), series([], [], "a2"))
    assert found.readings.names == ["a", "a2"]
    assert [each.reason for each in found.findings if each.code == "all-gap"] == [
        "a: has no valid reading",
        "a2: has no valid reading",
    ]


def test_gaps_and_stuck_stretches_are_told() -> None:
    time = [*range(0, 40_000, 100), *range(80_000, 82_000, 100)]
    found = screen(series(list(map(float, time)), [4.5] * 400 + list(np.arange(20.0))))
    assert codes(found) == {"gap": "note", "stuck": "note"}
    assert found.findings[0].reason == "a: 1 gap, together 40100 s, the longest 40100 s from 1970-01-01T11:05:00Z on"
    assert found.findings[1].reason == "a: stood at 4.5 for 11.1 h, from 1970-01-01T00:00:00Z on"


def test_standing_still_longer_than_ever_is_told_and_a_counter_that_rests_is_not() -> None:
    noise = np.random.default_rng(0).normal(size=500)
    still = np.concatenate([noise, np.full(40, 4.5), noise])
    time = list(map(float, range(len(still))))
    assert codes(screen(series(time, list(still)))) == {"stuck": "note"}
    rests = np.concatenate([np.zeros(40), [1], np.zeros(30), [2, 1]])
    assert codes(screen(series(list(map(float, range(len(rests)))), list(rests)))) == {}


def test_names_outside_the_grammar_and_sensors_that_are_expected() -> None:
    catalog = SensorCatalog("lhc", (ChannelConfig(sensors="must"),))
    found = screen(series([1, 2], [1, 2]), series([1, 2], [1, 2], "A_31L2_TT8"), catalog=catalog)
    assert codes(found) == {"name": "note", "absent": "quarantined"}
    assert "1 sensor such as 'a' is outside the grammar" in found.findings[0].reason
    assert found.readings.sensors[0].loop == "31L2"


def test_units_that_a_file_names_are_converted_and_told() -> None:
    catalog = SensorCatalog("none", (ChannelConfig(sensors="a", unit="K"),))
    found = screen(series([1, 3], [4.5, 4.7], unit="K"), series([2], [4600.0], unit="mK"), catalog=catalog)
    assert found.readings["a"][1] == pytest.approx([4.5, 4.6, 4.7])
    assert codes(found) == {"unit-change": "repaired"}


def test_units_of_another_kind_are_invalid() -> None:
    catalog = SensorCatalog("none", (ChannelConfig(sensors="a", unit="K"),))
    found = screen(series([1, 3], [4.5, 4.7], unit="K"), series([2], [4.6], unit="bar"), catalog=catalog)
    assert np.isnan(found.readings["a"][1][1])
    assert "1 reading is in 'bar', which cannot be had in 'K'; it is invalid" in found.findings[0].reason
    assert codes(found)["unit-change"] == "quarantined"


LEVEL = 4.5 + 0.01 * np.sin(np.arange(40))


@pytest.mark.parametrize("factor", [100, 1000, 1e-3, 1e-5, 1e6])
def test_a_jump_by_the_factor_of_a_unit_is_not_used(factor: float) -> None:
    """Mutant: readings after it are kept."""
    value = np.concatenate([LEVEL, factor * LEVEL, LEVEL])
    shifted, begins = unit_jumps(Sensor("a"), value)
    assert shifted.tolist() == [False] * 40 + [True] * 40 + [False] * 40
    assert [at for at, _ in begins] == [40]
    assert ("higher" if factor > 1 else "lower") in begins[0][1]


def test_kelvin_and_celsius_are_told_apart_for_temperatures_only() -> None:
    value = np.concatenate([20 + LEVEL, 293.15 + LEVEL])
    shifted, begins = unit_jumps(Sensor("a", "°C"), value)
    assert shifted.sum() == 40
    assert "between °C and K" in begins[0][1]
    assert not unit_jumps(Sensor("a", "bar"), value)[0].any()


@pytest.mark.parametrize(
    "value",
    [
        np.concatenate([LEVEL, 900 * LEVEL]),
        np.concatenate([LEVEL, 1000 * LEVEL[:3]]),
        np.concatenate([LEVEL, np.geomspace(4.5, 4500, 20), 1000 * LEVEL]),
        np.concatenate([np.random.default_rng(1).normal(size=40), 1000 + LEVEL]),
        np.zeros(50),
        np.array([]),
    ],
    ids=["another factor", "too few to tell", "slowly", "no level", "zero", "nothing"],
)
def test_other_changes_are_no_change_of_unit(value: NDArray[np.float64]) -> None:
    assert not unit_jumps(Sensor("a"), value)[0].any()


def test_invalid_readings_hide_no_change_of_unit() -> None:
    value = np.concatenate([LEVEL, [np.nan, np.nan], 1000 * LEVEL])
    shifted, _ = unit_jumps(Sensor("a"), value)
    assert shifted[42:].all()


def test_a_change_between_two_nights_is_seen() -> None:
    """What the store holds, here in mK, counts as before."""
    found = screen(series(list(map(float, range(40))), list(1000 * LEVEL)), before=LEVEL)
    assert np.isnan(found.readings["a"][1]).all()
    change = next(each for each in found.findings if each.code == "unit-change")
    assert change.severity == "quarantined"
    assert "from 1970-01-01T00:00:00Z on its level is 1000 times higher" in change.reason
    assert codes(screen(series([1, 2, 3, 4], list(LEVEL[:4])), before=LEVEL)) == {}


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3)), max_size=40))
def test_any_readings_end_in_order_each_time_once_and_none_is_invented(rows: list[tuple[int, int]]) -> None:
    """A value that is kept is the only one that its time was given."""
    found = screen(series([float(t) for t, _ in rows], [float(v) for _, v in rows]))
    given_values: dict[int, set[float]] = {}
    for t, v in rows:
        given_values.setdefault(t * SECOND, set()).add(float(v))
    time, value = found.readings["a"] if len(found.readings) else (np.empty(0), np.empty(0))
    assert time.tolist() == sorted(given_values)
    for t, v in zip(time.tolist(), value.tolist(), strict=True):
        assert given_values[t] == {v} if np.isfinite(v) else len(given_values[t]) > 1


@pytest.mark.parametrize("code", SAID)
def test_what_is_counted_speaks_of_one_reading_as_of_one(code: str) -> None:
    """Mutant: 1 readings."""
    account = _Account()
    account.count(code, "TT", 1)
    (one,) = account.all()
    account.count(code, "PT", 1)
    (two,) = account.all()
    assert one.reason.startswith("1 reading of TT ")
    assert two.reason.startswith("2 readings of TT and 1 other sensor ")
    assert not {"|", "["} & set(one.reason + two.reason)
