"""Changes of unit beside stored readings: what they say holds for readings that are there, and for no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dqm.model.sensors import SECOND, Sensor, SensorReadings, UnitChange
from dqm.store.sensors import DAY, DayCatalog, read_sensors, store_sensors, unit_marks
from dqm.store.store import Store
from dqm.store.unit_marks import Mark, changes_of, marks_of

MIDNIGHT = 20_000 * DAY
HOUR = 3600 * SECOND
TT, PT = Sensor("TT", "K"), Sensor("PT", "bar")
LOOKS = "1000 times higher"


def made(sensor: Sensor, first: int, last: int, bad: tuple[int, int] = (0, 0)) -> SensorReadings:
    """One reading an hour from one hour to another, invalid from ``bad[0]`` to ``bad[1]``."""
    hours = np.arange(first, last)
    value = np.where((hours >= bad[0]) & (hours < bad[1]), np.nan, 4.5)
    return SensorReadings.of([sensor], [(MIDNIGHT + hours * HOUR, value)])


def change(sensor: Sensor, begin: int, end: int | None) -> UnitChange:
    return UnitChange(sensor, MIDNIGHT + begin * HOUR, None if end is None else MIDNIGHT + end * HOUR, LOOKS)


def put(store: Store, readings: SensorReadings, *changes: UnitChange) -> None:
    with store.transaction() as into:
        store_sensors(into, store, readings, {}, changes)


def shown(store: Store) -> list[tuple[str, int, int | None]]:
    marks = unit_marks(store, MIDNIGHT, MIDNIGHT + 3 * DAY)
    found = list(changes_of(marks, read_sensors(store)))
    assert {each.looks for each in found} <= {LOOKS}

    def hour(at: int) -> int:
        return (at - MIDNIGHT) // HOUR

    return [(each.sensor.name, hour(each.begin), None if each.end is None else hour(each.end)) for each in found]


def test_a_change_of_unit_is_kept_over_days_and_is_one(tmp_path: Path) -> None:
    """Mutant: the mark of the second day begins a change of its own."""
    with Store.create(tmp_path / "store") as store:
        put(store, made(TT, 0, 60, (20, 50)), change(TT, 20, 50), change(PT, 3, 4))
        assert shown(store) == [("TT", 20, 50)]
        assert [mark.time for mark in unit_marks(store, MIDNIGHT + DAY, MIDNIGHT + 3 * DAY)] == [
            MIDNIGHT + DAY,
            MIDNIGHT + 2 * DAY,
        ], "each day says it of itself"


@pytest.mark.parametrize(
    ("first", "last", "bad", "left"),
    [
        (0, 5, (0, 0), [("TT", 8, 16)]),
        (6, 20, (0, 0), []),
        (6, 10, (0, 0), [("TT", 10, 16)]),
        (10, 12, (0, 0), [("TT", 8, 10), ("TT", 12, 16)]),
        (10, 12, (10, 12), [("TT", 8, 16)]),
        (14, 20, (0, 0), [("TT", 8, 14)]),
        (6, 10, (7, 10), [("TT", 10, 16)]),
    ],
)
def test_what_replaces_readings_replaces_what_was_said_of_them(
    first: int, last: int, bad: tuple[int, int], left: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    """Mutants: a corrected file leaves the change that it corrects; what is left of it is silence."""
    with Store.create(tmp_path / "store") as store:
        put(store, made(TT, 0, 24, (8, 16)), change(TT, 8, 16))
        put(store, made(TT, first, last, bad))
        put(store, made(PT, 0, 24))
        assert shown(store) == left


def test_what_goes_on_in_the_next_file_is_the_same_change(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        put(store, made(TT, 0, 10, (8, 10)), change(TT, 8, None))
        assert shown(store) == [("TT", 8, None)]
        put(store, made(TT, 10, 24, (10, 12)), change(TT, 10, 12))
        assert shown(store) == [("TT", 8, 12)]


def test_the_same_again_changes_nothing_and_a_day_without_a_change_is_called_as_ever(tmp_path: Path) -> None:
    """Mutant: a new entry of the metadata gives every stored day another digest."""
    assert b"marks" not in DayCatalog((), (), 1, ()).to_bytes()
    marked = DayCatalog((), (), 1, (), (Mark("TT", 3, LOOKS),))
    assert DayCatalog.from_bytes(marked.to_bytes()) == marked
    with Store.create(tmp_path / "store") as store:
        for _ in range(2):
            put(store, made(TT, 0, 24, (8, 16)), change(TT, 8, 16))
        assert len({each.digest for each in store.partitions("sensors")}) == 1
        assert store.snapshot == 1


def test_marks_of_other_times_and_sensors_say_nothing() -> None:
    readings = made(TT, 0, 24, (8, 16))
    assert marks_of([change(PT, 8, 16), change(TT, 30, 40)], readings) == []
    here, valid, between = (Mark(*each, LOOKS) for each in (("PT", MIDNIGHT), ("TT", MIDNIGHT), ("TT", MIDNIGHT + 1)))
    assert list(changes_of([here, valid, between], readings)) == []
