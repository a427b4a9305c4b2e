"""Slow-control channels: what each one is, and what it read when.

Readings are ragged: every sensor has its own times. They are kept as one column of times and one of values with the
bounds of each sensor, so that kernels walk them without a Python object per sensor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import UnknownNameError

Logging = Literal["periodic", "on-change"]
Measured = Literal["temperature", "pressure", "valve", "heater", "level", "flow", "heat-load", "current", "other"]
SECOND = 1_000_000_000
"""Nanoseconds."""


def moment(time: int) -> str:
    """A moment in nanoseconds of UTC as text, to the second."""
    return f"{np.datetime64(int(time) // SECOND, 's')}Z"


@dataclass(frozen=True, slots=True)
class Sensor:
    """One channel.

    ``loop`` is the control loop it belongs to and ``subsystem`` the part of the detector or the sector that verdicts
    speak of; both may be empty. *periodic*: a reading is due every ``period`` seconds (``None``: learned from the past)
    and its absence is a gap. *on-change*: a value holds until the next reading, however long that takes, so that only a
    silence beyond ``period`` (``None``: never) is a gap. Values at or beyond ``lowest`` and ``highest`` (in ``unit``)
    are saturated. ``resolution`` is the smallest change that is a movement (``None``: any change is).
    """

    name: str
    unit: str = ""
    measures: Measured = "other"
    loop: str = ""
    subsystem: str = ""
    logging: Logging = "periodic"
    period: float | None = None
    lowest: float | None = None
    highest: float | None = None
    resolution: float | None = None


@dataclass(frozen=True, slots=True)
class UnitChange:
    """Readings of a sensor in ``[begin, end)``, ns of UTC, that look as if its unit had changed; ``end`` None: all to
    the last one."""

    sensor: Sensor
    begin: int
    end: int | None
    looks: str


@dataclass(frozen=True, eq=False)
class SensorReadings:
    """What ``s`` sensors read: sensor ``i`` has the readings ``start[i]:start[i + 1]``.

    ``start`` int64 ``(s + 1,)``; ``time`` int64 ``(n,)``, nanoseconds of UTC since 1970, strictly increasing within a
    sensor; ``value`` float64 ``(n,)`` in the unit of the sensor, NaN where a reading was logged as invalid. Raises
    ``ValueError`` where the shapes disagree, times do not increase or a name occurs twice.
    """

    sensors: tuple[Sensor, ...]
    start: NDArray[np.int64]
    time: NDArray[np.int64]
    value: NDArray[np.float64]

    def __post_init__(self) -> None:
        n = len(self.time)
        if self.start.shape != (len(self.sensors) + 1,) or self.start[0] != 0 or self.start[-1] != n:
            raise ValueError(f"bounds of shape {self.start.shape} for {len(self.sensors)} sensors and {n} readings")
        if self.value.shape != (n,) or (np.diff(self.start) < 0).any():
            raise ValueError(f"values of shape {self.value.shape} for {n} times, or bounds that fall")
        names = self.names
        if len(set(names)) != len(names):
            raise ValueError(f"sensor {next(each for each in names if names.count(each) > 1)!r} occurs twice")
        later = np.diff(self.time) > 0
        first = self.start[1:-1]
        later[first[(first > 0) & (first < n)] - 1] = True
        if not later.all():
            at = int(np.flatnonzero(~later)[0])
            owner = int(np.searchsorted(self.start, at, side="right")) - 1
            raise ValueError(f"times of sensor {names[owner]!r} do not increase after reading {at - self.start[owner]}")

    def __len__(self) -> int:
        return len(self.sensors)

    @property
    def names(self) -> list[str]:
        """Names of the sensors, in order."""
        return [sensor.name for sensor in self.sensors]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @classmethod
    def of(
        cls, sensors: Sequence[Sensor], readings: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]
    ) -> SensorReadings:
        """From the times and values of every sensor, in the order of ``sensors``."""
        start = np.cumsum([0, *(len(time) for time, _ in readings)], dtype=np.int64)
        time = np.concatenate([np.empty(0, np.int64), *(time for time, _ in readings)])
        value = np.concatenate([np.empty(0), *(value for _, value in readings)])
        return cls(tuple(sensors), start, time, value)

    def each(self) -> Iterator[tuple[Sensor, NDArray[np.int64], NDArray[np.float64]]]:
        """Every sensor with its times and values, in order."""
        for i, sensor in enumerate(self.sensors):
            rows = slice(self.start[i], self.start[i + 1])
            yield sensor, self.time[rows], self.value[rows]

    def __getitem__(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Times and values of one sensor; raises ``UnknownNameError`` with the nearest names."""
        if name not in self._places:
            raise UnknownNameError("sensor", name, self.names)
        i = self._places[name]
        rows = slice(self.start[i], self.start[i + 1])
        return self.time[rows], self.value[rows]

    def take(self, names: Sequence[str]) -> SensorReadings:
        """The named sensors, in that order."""
        known = {sensor.name: sensor for sensor in self.sensors}
        return SensorReadings.of([known[name] for name in names if self[name]], [self[name] for name in names])

    def between(self, begin: int, end: int) -> SensorReadings:
        """The readings of ``[begin, end)``, nanoseconds of UTC."""
        readings = []
        for i in range(len(self)):
            time = self.time[self.start[i] : self.start[i + 1]]
            first, stop = np.searchsorted(time, [begin, end]) + self.start[i]
            readings.append((self.time[first:stop], self.value[first:stop]))
        return SensorReadings.of(self.sensors, readings)


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """``w`` time windows ``[begin, end)`` in int64 nanoseconds of UTC, in order and without overlap: lumisections of
    the calendar, or fixed windows where there is no beam."""

    begin: NDArray[np.int64]
    end: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.begin.shape != self.end.shape or self.begin.ndim != 1:
            raise ValueError(f"begins of shape {self.begin.shape}, ends of shape {self.end.shape}")
        if (self.end <= self.begin).any() or (self.begin[1:] < self.end[:-1]).any():
            raise ValueError("a window ends before it begins, or begins before the one before it has ended")

    def __len__(self) -> int:
        return len(self.begin)

    @classmethod
    def fixed(cls, begin: int, end: int, seconds: float) -> TimeGrid:
        """Windows of ``seconds`` that cover ``[begin, end)``; the last one may reach beyond ``end``."""
        step = round(seconds * SECOND)
        starts = np.arange(begin, end, step, dtype=np.int64)
        return cls(starts, starts + step)


@dataclass(frozen=True, slots=True)
class AnomalyInterval:
    """A stretch of time in which a loop (or a lone sensor) did not behave.

    ``begin`` and ``end`` in nanoseconds of UTC, ``end`` = ``None`` while it is open. ``severity`` is the largest
    −log10 of the p-value inside it; ``drivers`` the sensors that contributed most, first the worst; ``kind`` names
    what was seen (``hunting``, ``stuck``, ``gap``, ``unit-change``, ``drift``, ``level``, ``anomaly`` …); ``reason``
    says it in words. ``suppressed`` names the service mode or known issue that keeps it from alarming, or is empty.
    ``cause`` names the pseudo-loop that alarms in its place, as many loops went wrong at once, or is empty; that one,
    called by the subsystem, has the number of ``loops`` that it speaks for, any other 0.
    """

    loop: str
    begin: int
    end: int | None
    severity: float
    kind: str
    drivers: tuple[str, ...]
    reason: str
    suppressed: str = ""
    cause: str = ""
    loops: int = 0

    @property
    def alarms(self) -> bool:
        """Whether it is an incident of its own."""
        return not self.suppressed and not self.cause
