"""What sensors did, as quantities of lumisections: the valve beside the histogram, with no reading after its end."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.sensors import SensorReadings, TimeGrid
from dqm.model.tables import Column, QuantityTable
from dqm.store.calendar import lumisection_times
from dqm.store.sensors import KIND, held_before, in_unit, read_sensors, stored_sensors
from dqm.store.store import Store
from features.sensors.columns import WindowSettings, label
from features.sensors.stream import SensorStream

SILENT = "sensors"
"""Status of a lumisection in whose time an asked sensor read nothing: nothing decides it, and it teaches nothing."""
PIECE = 4000
"""Lumisections that are worked on at a time: what is not asked for is thrown away before the next."""


def with_sensors(table: QuantityTable, store: Store, patterns: Sequence[str], snapshot: int | None) -> QuantityTable:
    """The table with the columns of ``features.sensors`` that fit a pattern, such as ``*:median@10min``.

    A lumisection without a time of its own, or in whose window an asked sensor read nothing, has the status ``SILENT``,
    so that it is UNKNOWN: every sensor that the store knows has its columns, whenever it was read. A sensor that is
    logged on change keeps what it read before the first lumisection. Nothing changes where no pattern is given.

    Raises ``UnknownNameError`` for a pattern that fits no column of the stored sensors, ``StoreError`` where no reading
    is stored or sensors and lumisections have no common time.
    """
    if not patterns:
        return table
    if not store.runs(KIND, snapshot):
        raise StoreError(
            f"{store.path}: no reading of a sensor is stored, and [features.sensors] asks for {patterns[0]!r}; take "
            "some in with: dqm sensors ingest, or take the columns out of [features.sensors]"
        )
    settings = WindowSettings()
    try:
        times = lumisection_times(store, snapshot=snapshot)
    except StoreError as error:
        raise StoreError(f"{error}; or take the columns out of [features.sensors]") from None
    begin, end = int(times.grid.begin[0]) - settings.reach, int(times.grid.end[-1])
    readings = read_sensors(store, "*", begin, end, snapshot)
    if not len(readings.time):
        raise StoreError(
            f"{store.path}: no sensor was read while its lumisections were taken, so there is no common time with the "
            "beam; ingest readings of that time, or take the columns out of [features.sensors]"
        )
    readings = _with_all(readings, store, begin, snapshot)
    stream = SensorStream(readings.sensors, settings)
    chosen = _chosen(stream.columns, patterns)
    heard = _heard(stream.columns, chosen)
    found = np.empty((len(times.grid), len(chosen)))
    told = np.empty(len(times.grid), dtype=bool)
    for first in range(0, len(times.grid), PIECE):
        rows = slice(first, first + PIECE)
        grid = TimeGrid(times.grid.begin[rows], times.grid.end[rows])
        since = -(2**62) if not first else int(times.grid.end[first - 1])
        windows = stream.feed(readings.between(since, int(grid.end[-1])), grid).values
        found[rows], told[rows] = windows[:, chosen], np.isfinite(windows[:, heard]).all(axis=1)
    columns = tuple(stream.columns[j] for j in chosen)
    at = times.index.get_indexer(table.index)
    silent = (at < 0) | ~told[at]
    beside = np.where((at < 0)[:, None], np.nan, found[at])
    status = np.where(table.usable & silent, SILENT, table.status).astype(object)
    values = np.concatenate([table.values, beside], axis=1)
    return replace(table, columns=(*table.columns, *columns), values=values, status=status)


def _with_all(readings: SensorReadings, store: Store, begin: int, snapshot: int | None) -> SensorReadings:
    """The readings, of every sensor that the store knows; one that is logged on change also has its last before."""
    known = {each.name: each for each in stored_sensors(store, snapshot)}
    none = np.empty(0, np.int64), np.empty(0)
    read: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = dict.fromkeys(known, none)
    holding = [each.name for each in known.values() if each.logging == "on-change"]
    for part in (held_before(store, holding, begin, snapshot=snapshot), readings):
        for sensor, *pair in part.each():
            readings_of = np.asarray(pair[0], np.int64), np.asarray(pair[1], np.float64)
            time, value = in_unit(sensor, known[sensor.name], readings_of)
            before = read[sensor.name]
            read[sensor.name] = np.concatenate([before[0], time]), np.concatenate([before[1], value])
    return SensorReadings.of(list(known.values()), list(read.values()))


def _chosen(columns: Sequence[Column], patterns: Sequence[str]) -> list[int]:
    """Positions of the columns that fit any pattern, in order."""
    names = [each.name for each in columns]
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
            raise UnknownNameError("columns of [features.sensors]", pattern, names)
    return [j for j, name in enumerate(names) if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def _heard(columns: Sequence[Column], chosen: Sequence[int]) -> list[int]:
    """Positions of the columns that are known where the sensors of the chosen ones read anything in their windows.

    Other features may lack a value though their sensor was read, as the period of what does not oscillate.
    """
    place = {each.name: j for j, each in enumerate(columns)}
    longest = label(max(WindowSettings().windows))
    found = set()
    for j in chosen:
        window = columns[j].name.partition("@")[2] or longest
        found.add(place.get(f"{columns[j].source}:median@{window}", j))
    return sorted(found)
