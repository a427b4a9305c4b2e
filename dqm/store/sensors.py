"""Readings of sensors in the store: Parquet by UTC day, tiles of an hour and some sensors, so that little is read.

A partition of the kind ``sensors`` is called by its day, ``20261025``. It has the columns ``time``, whole multiples of
the coarsest tick that loses nothing, and ``whole`` and ``real``, which together are the value (``sensor_values``).
Which sensor and hour its rows belong to stands in the metadata beside the sensors, so that a file explains itself. A
row group holds one hour of as many sensors as make ``TILE`` rows: one sensor of many days, or one hour of all sensors,
touches few of them. Whole numbers are kept as differences (an even cadence takes no space), real ones split into their
bytes, all of it compressed with zstd.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from numpy.typing import NDArray

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.sensor_units import conversion
from dqm.model.sensors import SECOND, Sensor, SensorReadings, UnitChange
from dqm.store import schema
from dqm.store.change import Change
from dqm.store.partitions import ENCODINGS, GROUPS, Partition, explained, opened
from dqm.store.sensor_values import decimals_of, split, together
from dqm.store.store import Store
from dqm.store.unit_marks import Mark, marks_beside, marks_of

KIND = "sensors"
DAY_CATALOG = b"lumicert.sensors"
"""Metadata entry: the sensors of a day, the tick of its times, and what each row group holds, as JSON."""
DAY = 86_400 * SECOND
HOUR = 3_600 * SECOND
TILE = 1 << 16
"""Rows of a row group, at least, where an hour has so many."""
BACK = 8
"""Days back to which an earlier value is looked for."""
TICKS = (SECOND, 1_000_000, 1_000, 1)
SPLIT = {"time": "DELTA_BINARY_PACKED", "whole": "DELTA_BINARY_PACKED", "real": "BYTE_STREAM_SPLIT"}
Tile = tuple[int, tuple[int, ...], tuple[int, ...]]
"""Hour, positions of the sensors, and how many rows each of them has."""
Pair = tuple[NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class DayCatalog:
    """What one partition holds: its sensors by name with the decimals of their readings, None where these are no whole
    numbers; the tick of its times in ns; of every row group its hour and the rows of each sensor, by position; and
    where readings begin that were made invalid as if their unit had changed."""

    sensors: tuple[Sensor, ...]
    decimals: tuple[int | None, ...]
    tick: int
    tiles: tuple[Tile, ...]
    marks: tuple[Mark, ...] = ()

    def to_bytes(self) -> bytes:
        """As JSON; ``from_bytes`` reads it."""
        sensors = [asdict(each) for each in self.sensors]
        tree: dict[str, Any] = {"sensors": sensors, "decimals": self.decimals, "tick": self.tick, "tiles": self.tiles}
        if self.marks:  # else a day is called as before there were any
            tree["marks"] = self.marks
        return json.dumps(tree, separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> DayCatalog:
        """The catalog again."""
        tree = json.loads(data)
        tiles = ((hour, tuple(which), tuple(rows)) for hour, which, rows in tree["tiles"])
        sensors = tuple(Sensor(**each) for each in tree["sensors"])
        marks = tuple(Mark(*each) for each in tree.get("marks", ()))
        return cls(sensors, tuple(tree["decimals"]), tree["tick"], tuple(tiles), marks)

    @property
    def readings(self) -> dict[str, int]:
        """Readings of every sensor."""
        count = np.zeros(len(self.sensors), dtype=np.int64)
        for _, which, rows in self.tiles:
            count[list(which)] += np.array(rows)
        return dict(zip((each.name for each in self.sensors), count.tolist(), strict=True))


def day_number(time: int) -> int:
    """The UTC day of a moment as a partition is called, 20261025."""
    return int(np.datetime_as_string(np.datetime64(time // SECOND, "s"), unit="D").replace("-", ""))


def day_begin(number: int) -> int:
    """Begin of the day that a partition is called by, in ns of UTC."""
    text = f"{number:08d}"
    days = np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:]}", "D").astype(np.int64)
    return int(days) * DAY


def sensors_to_arrow(readings: SensorReadings, marks: Iterable[Mark] = ()) -> pa.Table:
    """Readings of one UTC day, with the ``marks`` of changes of unit in it, as one table; raises ``ValueError`` for
    readings of several days."""
    time, value = readings.time, readings.value
    if len(time) and time.min() // DAY != time.max() // DAY:
        raise ValueError("readings of several days in one partition; split them by day first")
    order = sorted(range(len(readings)), key=lambda i: readings.sensors[i].name)
    tiles, spans = _tiles(readings, order)
    tick = next(each for each in TICKS if not (time % each).any())
    whole, real = np.empty(len(value), np.int64), np.empty(len(value))
    decimals = []
    for i in order:
        rows = slice(readings.start[i], readings.start[i + 1])
        decimals.append(decimals_of(value[rows]))
        whole[rows], real[rows] = split(value[rows], decimals[-1])
    sensors = tuple(readings.sensors[i] for i in order)
    catalog = DayCatalog(sensors, tuple(decimals), tick, tiles, tuple(sorted(set(marks))))
    columns = {"time": _gathered(time, spans) // tick, "whole": _gathered(whole, spans), "real": _gathered(real, spans)}
    groups = json.dumps([sum(rows) for _, _, rows in tiles]).encode()
    metadata = {DAY_CATALOG: catalog.to_bytes(), GROUPS: groups, ENCODINGS: json.dumps(SPLIT).encode()}
    return pa.table(columns, metadata=metadata)


def store_sensors(
    change: Change,
    store: Store,
    readings: SensorReadings,
    provenance: Mapping[str, str],
    changes: Sequence[UnitChange] = (),
) -> tuple[list[int], dict[str, int]]:
    """Put readings into the transaction, day by day.

    What is put replaces what is stored of a sensor from its first to its last new reading of that day; what lies
    outside, and other sensors, stay. So the same files again change nothing, a corrected file replaces what it
    corrects, and tonight's file goes on where yesterday's ended. The newest description of a sensor stands. ``changes``
    of unit that made some of the readings invalid are kept beside them.

    Returns the days, and of every sensor how many stored readings went because nothing new stands at their time.
    Raises ``StoreError``, at the commit, where another writer changed one of the days meanwhile.
    """
    held = {each.run: each.digest for each in store.partitions(KIND)}
    days, gone = _days(readings), dict.fromkeys(readings.names, 0)
    for begin in days:
        number = day_number(begin)
        fresh = readings.between(begin, begin + DAY)
        marks = marks_of(changes, fresh)
        if number in held:
            stored = read_sensors(store, "*", begin, begin + DAY)
            marks += marks_beside(unit_marks(store, begin, begin + DAY), stored, fresh)
            fresh, replaced = _over(stored, fresh)
            gone = {name: gone[name] + replaced.get(name, 0) for name in gone}
        change.put(KIND, number, sensors_to_arrow(fresh, marks), provenance)
    numbers = [day_number(each) for each in days]
    change.require(partial(_refuse_changed, store.path, {each: held.get(each) for each in numbers}))
    return numbers, {name: count for name, count in gone.items() if count}


def _refuse_changed(folder: Path, read: Mapping[int, str | None], connection: sa.Connection) -> None:
    """The days are still what they were when the new readings were joined with them."""
    table = schema.partitions
    current = sa.select(table.c.run, table.c.digest).where(table.c.kind == KIND, table.c.valid_to.is_(None))
    now = {row.run: row.digest for row in connection.execute(current)}
    for day, digest in read.items():
        if now.get(day) != digest:
            raise StoreError(f"{folder}: readings of {day} were changed meanwhile by another command; do it again")


def read_sensors(
    store: Store,
    names: str | Sequence[str] = "*",
    begin: int | None = None,
    end: int | None = None,
    snapshot: int | None = None,
) -> SensorReadings:
    """Readings in ``[begin, end)`` (ns of UTC; None: all) of the sensors that a pattern or a list of names asks for.

    Only the row groups of those hours and sensors are read; all days come in the unit of the newest. Raises
    ``UnknownNameError`` for a name of a list that the store does not know, ``StoreError`` where a file is missing or
    damaged, or a unit has become one that it cannot be converted to.
    """
    first = -(2**62) if begin is None else begin
    last = 2**62 if end is None else end
    held = [each for each in store.partitions(KIND, snapshot) if first < day_begin(each.run) + DAY]
    days = [_read_day(store, each, names, first, last) for each in held if day_begin(each.run) < last]
    if not isinstance(names, str):
        _refuse_unknown(names, days, store, snapshot)
    return _joined(days)


def held_before(
    store: Store, names: Sequence[str], begin: int, days: int = BACK, snapshot: int | None = None
) -> SensorReadings:
    """The last reading of each of these sensors before ``begin`` (ns of UTC), valid or not, from the ``days`` before.

    It is what a sensor that is logged on change still says at ``begin``. Sensors without one are left out.
    """
    found: dict[str, tuple[Sensor, Pair]] = {}
    wanted = set(names)
    for each in reversed(store.partitions(KIND, snapshot)):
        if not begin - days * DAY <= day_begin(each.run) < begin or not wanted - found.keys():
            continue
        for sensor, time, value in _read_day(store, each, sorted(wanted - found.keys()), -(2**62), begin).each():
            if len(time):
                found[sensor.name] = sensor, (time[-1:], value[-1:])
    return SensorReadings.of([sensor for sensor, _ in found.values()], [pair for _, pair in found.values()])


def day_catalogs(store: Store, snapshot: int | None = None) -> dict[int, DayCatalog]:
    """What the store holds of every day, from the ends of the files alone."""
    found = {}
    for each in store.partitions(KIND, snapshot):
        with opened(store.path, each) as file:
            found[each.run] = _catalog(file)
    return found


def unit_marks(store: Store, begin: int, end: int) -> list[Mark]:
    """Where in ``[begin, end)`` (ns of UTC) changes of unit begin, once for every day that one lasts."""
    found: list[Mark] = []
    for each in store.partitions(KIND):
        if begin < day_begin(each.run) + DAY and day_begin(each.run) < end:
            with opened(store.path, each) as file:
                found += [mark for mark in _catalog(file).marks if begin <= mark.time < end]
    return found


def newest_reading(store: Store) -> int | None:
    """The time of the newest stored reading, ns of UTC, from the last hour that holds any; None without one."""
    for each in reversed(store.partitions(KIND)):
        with opened(store.path, each) as file:
            hours = [hour for hour, _, _ in _catalog(file).tiles]
        if hours:
            return int(_read_day(store, each, "*", day_begin(each.run) + max(hours) * HOUR, 2**62).time.max())
    return None


def stored_sensors(store: Store, snapshot: int | None = None) -> list[Sensor]:
    """All sensors by name, each as its newest day describes it."""
    found: dict[str, Sensor] = {}
    for _, catalog in sorted(day_catalogs(store, snapshot).items()):
        found |= {each.name: each for each in catalog.sensors}
    return [found[name] for name in sorted(found)]


def _tiles(readings: SensorReadings, order: Sequence[int]) -> tuple[tuple[Tile, ...], list[tuple[int, int]]]:
    """The row groups of a day, and which readings stand in them one after the other."""
    if not len(readings.time):
        return (), []
    day = int(readings.time.min()) // DAY * DAY
    edges = day + HOUR * np.arange(25)
    bounds = np.empty((len(order), 25), dtype=np.int64)
    for position, i in enumerate(order):
        time = readings.time[readings.start[i] : readings.start[i + 1]]
        bounds[position] = readings.start[i] + np.searchsorted(time, edges)
    tiles: list[Tile] = []
    spans: list[tuple[int, int]] = []
    for hour in range(24):
        which: list[int] = []
        rows: list[int] = []
        held = 0
        for position in np.flatnonzero(bounds[:, hour + 1] > bounds[:, hour]).tolist():
            begin, end = bounds[position, hour : hour + 2].tolist()
            which.append(position)
            rows.append(end - begin)
            spans.append((begin, end))
            held += end - begin
            if held >= TILE:
                tiles.append((hour, tuple(which), tuple(rows)))
                which, rows, held = [], [], 0
        if which:
            tiles.append((hour, tuple(which), tuple(rows)))
    return tuple(tiles), spans


def _gathered(column: NDArray[Any], spans: Sequence[tuple[int, int]]) -> NDArray[Any]:
    return np.concatenate([column[:0], *(column[begin:end] for begin, end in spans)])


def _days(readings: SensorReadings) -> list[int]:
    """Begins of the UTC days in which anything was read."""
    return [int(each) * DAY for each in np.unique(readings.time // DAY)]


def _over(old: SensorReadings, new: SensorReadings) -> tuple[SensorReadings, dict[str, int]]:
    """The old readings with the new ones in the place of what lies between their first and last of each sensor, and how
    many old ones went that have no new one at their time."""
    gone = {}
    sensors = {each.name: each for each in (*old.sensors, *new.sensors)}
    pairs = {sensor.name: in_unit(sensor, sensors[sensor.name], (time, value)) for sensor, time, value in old.each()}
    for sensor, time, value in new.each():
        before, kept = pairs.get(sensor.name, (time[:0], value[:0]))
        if len(time):
            a, b = np.searchsorted(before, time[0]), np.searchsorted(before, time[-1], side="right")
            gone[sensor.name] = int((~np.isin(before[a:b], time, assume_unique=True)).sum())
            before = np.concatenate([before[:a], time, before[b:]])
            kept = np.concatenate([kept[:a], value, kept[b:]])
        pairs[sensor.name] = before, kept
    return SensorReadings.of(list(sensors.values()), [pairs[name] for name in sensors]), gone


def in_unit(old: Sensor, new: Sensor, pair: Pair) -> Pair:
    """Readings as they were stored in the unit in which the sensor is described now."""
    if old.unit == new.unit or not old.unit or not new.unit:
        return pair
    way = conversion(old.unit, new.unit)
    if way is None:
        raise StoreError(
            f"{old.name}: some of its readings are stored in {old.unit!r}, which cannot be had in {new.unit!r}; "
            f"declare {old.unit!r} in [[sensors.channel]], or ingest those days again"
        )
    return pair[0], way[0] * pair[1] + way[1]


def _joined(days: Sequence[SensorReadings]) -> SensorReadings:
    """One after the other; the newest description of a sensor stands."""
    sensors = {each.name: each for day in days for each in day.sensors}
    pieces: dict[str, list[Pair]] = {name: [] for name in sorted(sensors)}
    for day in days:
        for sensor, time, value in day.each():
            pieces[sensor.name].append(in_unit(sensor, sensors[sensor.name], (time, value)))
    pairs = [(np.concatenate([t for t, _ in each]), np.concatenate([v for _, v in each])) for each in pieces.values()]
    return SensorReadings.of([sensors[name] for name in pieces], pairs)


def _read_day(store: Store, day: Partition, names: str | Sequence[str], begin: int, end: int) -> SensorReadings:
    """The readings of one day that are asked for."""
    midnight = day_begin(day.run)
    with opened(store.path, day) as file:
        catalog = _catalog(file)
        asked = [i for i, each in enumerate(catalog.sensors) if _asked(each.name, names)]
        pieces: dict[int, list[tuple[int, int]]] = {i: [] for i in asked}
        groups, at = [], 0
        for group, (hour, which, rows) in enumerate(catalog.tiles):
            inside = midnight + (hour + 1) * HOUR > begin and midnight + hour * HOUR < end
            if not inside or pieces.keys().isdisjoint(which):
                continue
            groups.append(group)
            for position, n in zip(which, rows, strict=True):
                if position in pieces:
                    pieces[position].append((at, at + n))
                at += n
        table = explained(store.path, day, partial(file.read_row_groups, groups, use_threads=True))
    time, whole, real = (table[name].to_numpy() for name in SPLIT)
    pairs = []
    for i, spans in pieces.items():
        value = together(_gathered(whole, spans), _gathered(real, spans), catalog.decimals[i])
        pairs.append((_gathered(time, spans) * catalog.tick, value))
    return SensorReadings.of([catalog.sensors[i] for i in asked], pairs).between(begin, end)


def _asked(name: str, names: str | Sequence[str]) -> bool:
    return fnmatch.fnmatchcase(name, names) if isinstance(names, str) else name in names


def _refuse_unknown(names: Sequence[str], days: Sequence[SensorReadings], store: Store, snapshot: int | None) -> None:
    """A sensor that no day holds was spelt wrong; one that these days lack was silent."""
    found = {name for day in days for name in day.names}
    if set(names) - found:
        known = [each.name for each in stored_sensors(store, snapshot)]
        for name in names:
            if name not in known:
                raise UnknownNameError("sensor", name, known)


def _catalog(file: pq.ParquetFile) -> DayCatalog:
    return DayCatalog.from_bytes(file.schema_arrow.metadata[DAY_CATALOG])
