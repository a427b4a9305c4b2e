"""What sensors did, as quantities of lumisections: the valve beside the histogram, with no reading after its end."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.sensors import TimeGrid
from dqm.model.tables import Column, QuantityTable
from dqm.store.calendar import LumisectionTimes, lumisection_times
from dqm.store.sensors import KIND, read_sensors
from dqm.store.store import Store
from features.sensors.columns import WindowSettings
from features.sensors.stream import SensorStream

PIECE = 4000
"""Lumisections that are worked on at a time: what is not asked for is thrown away before the next."""


def with_sensors(table: QuantityTable, store: Store, patterns: Sequence[str], snapshot: int | None) -> QuantityTable:
    """The table with the columns of ``features.sensors`` that fit a pattern, such as ``*:median@10min``.

    A lumisection without a time of its own, and a sensor without readings, have NaN. Nothing changes where no pattern
    is given or no reading is stored. Raises ``UnknownNameError`` for a pattern that fits no column of the stored
    sensors, ``StoreError`` where sensors and lumisections have no common time.
    """
    if not patterns or not store.runs(KIND, snapshot):
        return table
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
    stream = SensorStream(readings.sensors, settings)
    chosen = _chosen(stream.columns, patterns)
    found = np.empty((len(times.grid), len(chosen)))
    for first in range(0, len(times.grid), PIECE):
        rows = slice(first, first + PIECE)
        grid = TimeGrid(times.grid.begin[rows], times.grid.end[rows])
        since = begin if not first else int(times.grid.end[first - 1])
        found[rows] = stream.feed(readings.between(since, int(grid.end[-1])), grid).values[:, chosen]
    columns = tuple(stream.columns[j] for j in chosen)
    values = np.concatenate([table.values, _beside(table, times, found)], axis=1)
    return replace(table, columns=(*table.columns, *columns), values=values)


def _chosen(columns: Sequence[Column], patterns: Sequence[str]) -> list[int]:
    """Positions of the columns that fit any pattern, in order."""
    names = [each.name for each in columns]
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
            raise UnknownNameError("columns of [features.sensors]", pattern, names)
    return [j for j, name in enumerate(names) if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def _beside(table: QuantityTable, times: LumisectionTimes, found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of the windows at the lumisections of the table, NaN where a lumisection has no window."""
    at = times.index.get_indexer(table.index)
    values = np.full((len(table), found.shape[1]), np.nan)
    values[at >= 0] = found[at[at >= 0]]
    return values
