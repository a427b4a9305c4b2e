"""Changes of unit beside stored readings, which they made invalid: what was seen, and from which reading on.

A mark stands at one reading that is invalid. What it says lasts until the next valid reading of its sensor, so that it
says nothing false where readings after it are replaced, and nothing at all where its own reading is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dqm.model.sensors import SensorReadings, UnitChange


class Mark(NamedTuple):
    """A sensor by name, the time of a reading of it in ns of UTC, and what its level looks like from there on."""

    sensor: str
    time: int
    looks: str


def marks_of(changes: Iterable[UnitChange], readings: SensorReadings) -> list[Mark]:
    """One mark at the first of these readings within each change; changes of other times and sensors have none."""
    names, marks = set(readings.names), []
    for each in changes:
        if each.sensor.name in names:
            marks += _first(each, *readings[each.sensor.name], after=each.begin - 1)
    return marks


def marks_beside(marks: Sequence[Mark], old: SensorReadings, new: SensorReadings) -> list[Mark]:
    """What is left of the marks of old readings where new ones replace those from their first to their last."""
    names, left = set(new.names), []
    for each in changes_of(marks, old):
        time, value = old[each.sensor.name]
        over = new[each.sensor.name][0] if each.sensor.name in names else time[:0]
        if not len(over) or each.begin < over[0]:
            left += _first(each, time, value, after=each.begin - 1)
        if len(over):
            left += _first(each, time, value, after=max(int(over[-1]), each.begin - 1))
    return left


def changes_of(marks: Sequence[Mark], readings: SensorReadings) -> Iterator[UnitChange]:
    """The changes of unit that these readings, with marks among them, still show, sensor by sensor in order of time.

    ``end`` is the next valid reading, None where there is none. Marks of sensors that are not among these are left out.
    """
    by_sensor: dict[str, list[Mark]] = {}
    for each in sorted(marks):
        by_sensor.setdefault(each.sensor, []).append(each)
    for sensor, time, value in readings.each():
        last: int | None = -(2**62)
        for mark in by_sensor.get(sensor.name, ()):
            at = int(np.searchsorted(time, mark.time))
            stands = at < len(time) and time[at] == mark.time and np.isnan(value[at])
            if not stands or last is None or mark.time < last:
                continue
            back = np.flatnonzero(np.isfinite(value[at:]))
            last = int(time[at + back[0]]) if len(back) else None
            yield UnitChange(sensor, mark.time, last, mark.looks)


def _first(each: UnitChange, time: NDArray[np.int64], value: NDArray[np.float64], after: int) -> list[Mark]:
    """A mark at the first invalid reading of a change after a moment, if there is one."""
    inside = (time > after) & (time < (2**62 if each.end is None else each.end)) & np.isnan(value)
    return [Mark(each.sensor.name, int(time[inside][0]), each.looks)] if inside.any() else []
