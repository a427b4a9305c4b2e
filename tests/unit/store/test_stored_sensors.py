"""Readings in the store: by day, the same again is nothing, little is read of much."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.sensors import SECOND, Sensor, SensorReadings
from dqm.store import sensors as module
from dqm.store.sensor_values import decimals_of, split, together
from dqm.store.sensors import (
    DAY,
    HOUR,
    day_begin,
    day_catalogs,
    day_number,
    read_sensors,
    sensors_to_arrow,
    store_sensors,
    stored_sensors,
)
from dqm.store.store import Store

MIDNIGHT = int(np.datetime64("2026-10-25", "ns").astype(np.int64))
TT, CV = Sensor("TT", "K", "temperature", period=10.0), Sensor("CV", "%", "valve", logging="on-change")


def made(sensor: Sensor, *, begin: int = 0, end: int = 86_400, step: int = 600, level: float = 4.5) -> SensorReadings:
    time = MIDNIGHT + np.arange(begin, end, step) * SECOND
    value = np.round(level + 0.1 * np.sin(time / 1e13), 3)
    return SensorReadings.of([sensor], [(time, value)])


def both(*several: SensorReadings) -> SensorReadings:
    pairs = [(time, value) for each in several for _, time, value in each.each()]
    return SensorReadings.of([sensor for each in several for sensor in each.sensors], pairs)


def put(store: Store, readings: SensorReadings) -> tuple[list[int], dict[str, int]]:
    with store.transaction() as change:
        return store_sensors(change, store, readings, {"files": "x"})


def same(a: SensorReadings, b: SensorReadings) -> bool:
    return (
        a.sensors == b.sensors and np.array_equal(a.time, b.time) and np.array_equal(a.value, b.value, equal_nan=True)
    )


def test_days_are_called_by_their_date() -> None:
    assert day_number(MIDNIGHT) == day_number(MIDNIGHT + DAY - 1) == 20261025
    assert day_begin(20261025) == MIDNIGHT


def test_what_was_stored_comes_back_by_day(store: Store) -> None:
    readings = both(made(CV, end=3 * 86_400, step=7_000, level=44.0), made(TT, end=2 * 86_400))
    readings.value[3] = np.nan
    assert put(store, readings) == ([20261025, 20261026, 20261027], {})
    assert store.runs("sensors") == [20261025, 20261026, 20261027]
    assert same(read_sensors(store), readings)
    assert stored_sensors(store) == [CV, TT]
    assert day_catalogs(store)[20261027].readings == {"CV": 13, "TT": 0}


def test_the_same_again_changes_nothing_and_another_value_does(store: Store) -> None:
    readings = made(TT)
    put(store, readings)
    before, digest = store.snapshot, store.partitions("sensors")[0].digest
    put(store, readings)
    assert store.snapshot == before
    readings.value[7] += 0.001
    put(store, readings)
    assert store.snapshot == before + 1
    assert store.partitions("sensors")[0].digest != digest
    assert same(read_sensors(store, snapshot=before), made(TT))


def test_new_readings_go_on_where_the_old_ones_ended_and_replace_what_they_span(store: Store) -> None:
    """Mutant: a day is replaced as a whole, and the morning is gone in the evening."""
    put(store, both(made(TT, end=40_000), made(CV, end=40_000, step=5_000)))
    put(store, made(TT, begin=30_000, level=5.5))
    time, value = read_sensors(store)["TT"]
    assert np.array_equal(time, made(TT).time)
    late = (time - MIDNIGHT) / SECOND >= 30_000
    assert (value[late] > 5).all()
    assert (value[~late] < 5).all()
    assert len(read_sensors(store)["CV"][0]) == 8


def test_stored_readings_that_no_file_has_any_more_are_counted(store: Store) -> None:
    put(store, made(TT))
    assert put(store, made(TT, step=1200)) == ([20261025], {"TT": 71})


def test_two_writers_of_one_day_do_not_lose_each_others_readings(store: Store) -> None:
    """Mutant: the one that commits last writes what it had read first."""
    put(store, made(TT, end=20_000))

    def interrupted() -> None:
        with store.transaction() as change:
            store_sensors(change, store, made(TT, begin=40_000), {})
            put(store, made(CV))

    with pytest.raises(StoreError, match="readings of 20261025 were changed meanwhile by another command; do it again"):
        interrupted()
    assert read_sensors(store).names == ["CV", "TT"]


def test_only_what_is_asked_for_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TILE", 50)
    several = [made(Sensor(f"s{i:02d}"), step=60) for i in range(20)]
    put(store, both(*several))
    read: list[list[int]] = []

    def seen(file: Any, groups: list[int], **options: Any) -> Any:
        read.append(groups)
        return original(file, groups, **options)

    original = module.pq.ParquetFile.read_row_groups
    monkeypatch.setattr(module.pq.ParquetFile, "read_row_groups", seen)
    one = read_sensors(store, ["s07"])
    assert same(one, several[7])
    hour = read_sensors(store, "s*", MIDNIGHT + 5 * HOUR, MIDNIGHT + 6 * HOUR)
    assert len(hour.time) == 20 * 60
    assert [len(each) for each in read] == [24, 20]
    assert same(read_sensors(store), both(*several))


def test_a_pattern_or_a_list_chooses(store: Store) -> None:
    put(store, both(made(CV), made(TT)))
    assert read_sensors(store, "T*").names == ["TT"]
    assert read_sensors(store, ["TT", "CV"]).names == ["CV", "TT"]
    assert read_sensors(store, ["TT"], end=MIDNIGHT).names == []
    with pytest.raises(UnknownNameError, match="unknown sensor 'TX'; nearest valid names: 'TT'"):
        read_sensors(store, ["TX"])


def test_the_newest_unit_stands_and_older_days_follow(store: Store) -> None:
    put(store, made(Sensor("TT", "mK"), level=4500.0))
    put(store, made(TT, begin=86_400, end=2 * 86_400))
    found = read_sensors(store)
    assert found.sensors == (TT,)
    assert (np.abs(found.value - 4.5) < 0.2).all()
    put(store, made(Sensor("TT", "bar"), begin=2 * 86_400, end=3 * 86_400))
    with pytest.raises(StoreError, match="TT: some of its readings are stored in 'mK', which cannot be had in 'bar'"):
        read_sensors(store)


def test_several_days_are_no_partition() -> None:
    with pytest.raises(ValueError, match="readings of several days in one partition; split them by day first"):
        sensors_to_arrow(made(TT, end=2 * 86_400))


def test_a_missing_file_is_named_with_the_way_out(store: Store) -> None:
    put(store, made(TT))
    (store.path / store.partitions("sensors")[0].path).unlink()
    with pytest.raises(StoreError, match=r"sensors/run=020261025/\w+\.parquet is missing; delete it"):
        read_sensors(store)
    put(store, made(TT, begin=86_400, end=100_000))  # another day is not touched by it


def test_an_empty_store_holds_no_readings(store: Store) -> None:
    assert len(read_sensors(store)) == 0
    assert stored_sensors(store) == []


@given(
    st.lists(
        st.one_of(st.decimals(-1000, 1000, places=3).map(float), st.just(float("nan")), st.floats(-1e9, 1e9)),
        max_size=30,
    )
)
def test_values_come_back_exactly(values: list[float]) -> None:
    """Whole numbers or not; mutant: one decimal less."""
    value = np.array(values, dtype=float)
    decimals = decimals_of(value)
    whole, real = split(value, decimals)
    assert np.array_equal(together(whole, real, decimals), value, equal_nan=True)


def test_three_decimals_are_whole_numbers_and_noise_is_not() -> None:
    assert decimals_of(np.array([4.512, 4.5, np.nan])) == 3
    assert decimals_of(np.array([44.0, -3.0])) == 0
    assert decimals_of(np.random.default_rng(0).normal(size=5)) is None
    assert decimals_of(np.array([1e300, 1.0])) is None
    assert decimals_of(np.array([1e305])) is None
