"""Which readings ``dqm sensors scan`` judges, and which are the past: of files, or of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dqm.formats.sensor_reading import Advance
from dqm.formats.sensor_screening import SensorRead
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.model.sensors import SensorReadings, moment
from dqm.store.sensors import read_sensors, unit_marks
from dqm.store.store import Store
from dqm.store.unit_marks import changes_of
from pipelines.sensors.certain import Certain, of_change
from pipelines.sensors.commands import Form, chosen, read_files, within
from pipelines.sensors.scan import Night

EARLIEST, LATEST = -(2**62), 2**62


@dataclass(frozen=True)
class Asked:
    """What a scan was asked for: ``since`` and ``until`` in ns of UTC, ``share`` of the time that is the past where no
    moment and no file says so, a pattern of ``sensors``, how files are to be read, and who is told of each."""

    sensors: str = "*"
    share: float = 0.5
    since: int | None = None
    until: int | None = None
    form: Form = field(default_factory=Form)
    advance: Advance = field(default=lambda name, done, total: None)


def of_files(files: list[Path], past: list[Path], asked: Asked, settings: Config) -> tuple[Night, SensorRead]:
    """Readings of files, beside those of earlier files or of the first part of their time, and what was read."""
    if not past:
        read = read_files(files, settings, asked.form, advance=asked.advance)
        early, late, at = _split(within(read.readings, asked.sensors, None, None), asked)
    else:
        before = read_files(past, settings, asked.form, advance=asked.advance)
        read = read_files(files, settings, asked.form, before=before.readings, advance=asked.advance)
        fits = set(chosen([*before.readings.sensors, *read.readings.sensors], asked.sensors))
        early, late = (each.readings.take([n for n in each.readings.names if n in fits]) for each in (before, read))
        at = asked.since
        if at is not None:  # what the files hold from before is of the past as well
            early, late = followed(early, late.between(EARLIEST, at)), late.between(at, LATEST)
        late = late.between(EARLIEST, LATEST if asked.until is None else asked.until)
    begin = int(late.time.min()) if len(late.time) else 0
    known = set(late.names)
    changes = [each for each in read.changes if each.sensor.name in known and (each.end is None or each.end > begin)]
    return Night.of(early, late, [of_change(each) for each in changes], at, asked.until), read


def of_store(store: Store, asked: Asked) -> Night:
    """Readings of the store from a moment on, beside what it holds from before."""
    early, late, at = _split(within(read_sensors(store), asked.sensors, None, None), asked)
    return Night.of(early, late, changed_in(store, early, late), at, asked.until)


def changed_in(store: Store, past: SensorReadings, night: SensorReadings) -> list[Certain]:
    """Changes of unit that made stored readings of a night invalid, and that may have begun in the past of it."""
    if not len(night.time):
        return []
    first = min(int(each.time.min()) for each in (past, night) if len(each.time))
    begin, end = int(night.time.min()), int(night.time.max()) + 1
    marks = unit_marks(store, first, end)
    names = {each.sensor for each in marks} & set(night.names)
    mine = followed(past.take([each for each in past.names if each in names]), night.take(sorted(names)))
    return [of_change(each) for each in changes_of(marks, mine) if each.end is None or each.end > begin]


def _split(readings: SensorReadings, asked: Asked) -> tuple[SensorReadings, SensorReadings, int | None]:
    """What is before a moment, or in the first share of the time, the rest, and that moment in ns of UTC."""
    if asked.since is not None:
        at = asked.since
    elif len(readings.time):
        first, last = int(readings.time.min()), int(readings.time.max())
        at = first + round(asked.share * (last - first))
    else:
        at = 0
    until = LATEST if asked.until is None else asked.until
    return readings.between(EARLIEST, at), readings.between(at, until), at


def followed(early: SensorReadings, later: SensorReadings) -> SensorReadings:
    """Readings of a past, and those that come after them; raises ``InputError`` where they overlap."""
    pairs = {sensor.name: (time, value) for sensor, time, value in early.each()}
    sensors = {each.name: each for each in (*later.sensors, *early.sensors)}
    for sensor, time, value in later.each():
        before = pairs.get(sensor.name, (time[:0], value[:0]))
        if len(time) and len(before[0]) and before[0][-1] >= time[0]:
            raise InputError(
                f"the past of {sensor.name} ends at {moment(before[0][-1])}, after the readings begin "
                f"({moment(time[0])}); name files that do not overlap"
            )
        pairs[sensor.name] = np.concatenate([before[0], time]), np.concatenate([before[1], value])
    return SensorReadings.of(list(sensors.values()), [pairs[name] for name in sensors])
