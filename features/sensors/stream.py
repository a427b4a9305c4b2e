"""The way in: features of sensors for the bins of a grid, all at once or as readings arrive."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.sensors import SECOND, Sensor, SensorReadings, TimeGrid
from dqm.model.tables import Column, FeatureTable
from features.sensors.columns import SensorColumns, WindowSettings, is_controlled, label, subsystem
from features.sensors.loops import HeatSettings, heat, heat_columns, heat_loops, mates, residuals
from features.sensors.windows import Carry, of_sensor

TENTH = 10
"""A rhythm is taken anew at every tenth of its window."""


def sensor_windows(
    readings: SensorReadings,
    grid: TimeGrid,
    *,
    index: pd.Index | None = None,
    settings: WindowSettings | None = None,
    heat_settings: HeatSettings | None = None,
) -> FeatureTable:
    """Features of every sensor and loop for the bins of ``grid``; a row looks at readings before its end alone.

    ``index`` names the rows, by default the begin of each bin in ns. Sensors whose period nobody declared have no gap
    fraction: take them from ``learned`` of a past. Nothing is filled in: what cannot be said is NaN.
    """
    return SensorStream(readings.sensors, settings, heat_settings).feed(readings, grid, index)


class SensorStream:
    """The same for readings that arrive piece by piece: ``feed`` equals ``sensor_windows``, however they are cut."""

    def __init__(
        self,
        sensors: Sequence[Sensor],
        settings: WindowSettings | None = None,
        heat_settings: HeatSettings | None = None,
    ) -> None:
        self.sensors = tuple(sensors)
        self.settings = settings or WindowSettings()
        self.heat_settings = heat_settings or HeatSettings()
        loops: dict[str, list[Sensor]] = {}
        for sensor in self.sensors:
            loops.setdefault(sensor.loop, []).append(sensor)
        controlled = [is_controlled(each, loops[each.loop]) for each in self.sensors]
        self._plans = [SensorColumns.of(s, c, self.settings) for s, c in zip(self.sensors, controlled, strict=True)]
        self._mates, self._heat = mates(self.sensors), heat_loops(self.sensors)
        self.columns = self._described()
        self._carries = [Carry.none(len(self.settings.rhythms)) for _ in self.sensors]
        self._kept: SensorReadings | None = None
        self._end: int | None = None

    def feed(self, readings: SensorReadings, grid: TimeGrid, index: pd.Index | None = None) -> FeatureTable:
        """Features of bins that these readings complete: each sensor has delivered all that it will before their ends.

        Readings must be later than those before and than the bins before, the bins later than the bins before; raises
        ``ValueError`` otherwise. An empty grid only keeps the readings.
        """
        self._same_sensors(readings)
        self._in_time(readings, grid)
        together = readings if self._kept is None else _joined(self._kept, readings)
        table = self._table(together, grid, index)
        self._kept = together
        if len(grid):
            self._end = int(grid.end[-1])
            self._kept = since(together, self._end - self.settings.reach)
        return table

    def _table(self, readings: SensorReadings, grid: TimeGrid, index: pd.Index | None = None) -> FeatureTable:
        """Features of the bins from readings that reach back far enough."""
        values = np.empty((len(grid), len(self.columns)), np.float32)
        if len(grid):
            self._fill(readings, grid, values)
        rows = pd.Index(grid.begin, name="begin") if index is None else index
        return FeatureTable(rows, self.columns, values, self.settings.text + f" {self.heat_settings}")

    def _fill(self, readings: SensorReadings, grid: TimeGrid, values: NDArray[np.float32]) -> None:
        due = [_due(grid.end, each, self._end) for each in self.settings.rhythms]
        place = np.cumsum([0, *(len(each.columns) for each in self._plans)])
        windows = len(self.settings.windows)
        median = np.empty((windows, len(grid), len(self.sensors)))

        def one(i: int) -> None:
            rows = slice(readings.start[i], readings.start[i + 1])
            plan, carry = self._plans[i], self._carries[i]
            found = of_sensor(plan, readings.time[rows], readings.value[rows], grid.end, due, self.settings, carry)
            values[:, place[i] : place[i + 1]] = found
            for k in range(windows):
                median[k, :, i] = found[:, k * plan.stride]

        workers = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]  # set from the environment
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, range(len(self.sensors))))
        at = int(place[-1])
        for k in range(windows):
            for members in self._mates:
                beside = np.empty((len(grid), len(members)))
                residuals(np.ascontiguousarray(median[k][:, members]), beside)
                values[:, at : at + len(members)] = beside
                at += len(members)
            balances = heat(median[k], self._heat, self.heat_settings)
            values[:, at : at + balances.shape[1]] = balances
            at += balances.shape[1]

    def _described(self) -> tuple[Column, ...]:
        """Columns of every sensor, then for every window those of loops."""
        found = [column for plan in self._plans for column in plan.columns]
        for window in self.settings.windows:
            at = f"@{label(window)}"
            for i in (i for members in self._mates for i in members):
                sensor = self.sensors[i]
                name = f"{sensor.name}:residual{at}"
                found.append(Column(name, sensor.name, subsystem(sensor), "feature", sensor.unit))
            found += heat_columns(self._heat, at)
        return tuple(found)

    def _same_sensors(self, readings: SensorReadings) -> None:
        for mine, theirs in zip(self.sensors, readings.sensors, strict=False):
            if mine.name != theirs.name:
                raise ValueError(f"readings of {theirs.name!r} where those of {mine.name!r} are expected; take() them")
        if len(self.sensors) != len(readings.sensors):
            raise ValueError(f"readings of {len(readings.sensors)} sensors, {len(self.sensors)} expected; take() them")

    def _in_time(self, readings: SensorReadings, grid: TimeGrid) -> None:
        if self._end is None:
            return
        if len(grid) and grid.begin[0] < self._end:
            raise ValueError(
                f"a bin begins at {grid.begin[0]} ns, before the last one that was fed ended ({self._end})"
            )
        late = np.flatnonzero(readings.time < self._end)
        if len(late):
            owner = int(np.searchsorted(readings.start, late[0], side="right")) - 1
            when = readings.time[late[0]]
            raise ValueError(
                f"sensor {self.sensors[owner].name!r} has a reading at {when} ns, in a bin that was fed before "
                f"(until {self._end}); feed a bin only when all of its readings are there"
            )


def _due(ends: NDArray[np.int64], window: float, before: int | None) -> NDArray[np.intp]:
    """Positions of the bins at which a rhythm is taken: the first to end in a new tenth of its window."""
    tenth = ends // round(window * SECOND / TENTH)
    earlier = np.concatenate([[-1 if before is None else before // round(window * SECOND / TENTH)], tenth[:-1]])
    return np.flatnonzero(tenth != earlier)


def _joined(kept: SensorReadings, later: SensorReadings) -> SensorReadings:
    """Both, sensor by sensor."""
    parts = []
    for i in range(len(kept)):
        mine, theirs = slice(kept.start[i], kept.start[i + 1]), slice(later.start[i], later.start[i + 1])
        time = np.concatenate([kept.time[mine], later.time[theirs]])
        parts.append((time, np.concatenate([kept.value[mine], later.value[theirs]])))
    return SensorReadings.of(kept.sensors, parts)


def since(readings: SensorReadings, begin: int) -> SensorReadings:
    """Readings from ``begin`` on and the last valid and the last one of all before it."""
    parts = []
    for i in range(len(readings)):
        rows = slice(readings.start[i], readings.start[i + 1])
        time, value = readings.time[rows], readings.value[rows]
        first = int(np.searchsorted(time, begin))
        valid = np.flatnonzero(np.isfinite(value[:first]))
        keep = sorted({*valid[-1:].tolist(), *range(max(first - 1, 0), first)})
        chosen = np.concatenate([np.array(keep, np.int64), np.arange(first, len(time))])
        parts.append((time[chosen], value[chosen]))
    return SensorReadings.of(readings.sensors, parts)
