"""``dqm sensors ingest``: streams in, one partition a day out, in one commit with what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dqm.formats.sensor_reading import Advance, StreamFile, read_streams
from dqm.model.amounts import agreeing, counted
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.sensors import SensorReadings
from dqm.store.change import Change
from dqm.store.sensors import BACK, DAY, KIND, day_begin, read_sensors, store_sensors, stored_sensors
from dqm.store.store import Store

Also = Callable[[Change, tuple[Finding, ...]], None]
LAST = 12
"""Earlier values that are enough to know a level."""


@dataclass(frozen=True)
class SensorsIngested:
    """What one ingestion did: sensors and readings that came, days that changed or were confirmed, files read, and
    those that were ``known``: as they were when they were read before."""

    sensors: int
    readings: int
    days: tuple[int, ...]
    files: int
    snapshot: int
    findings: tuple[Finding, ...]
    known: int = 0

    def text(self) -> str:
        """For people."""
        if self.known and not self.files:
            files = f"{counted(self.known, 'file')} [is as it was when it was|are as they were when they were] read"
            return f"nothing is new: {agreeing(self.known, files)}; --again reads all of it"
        span = f"{self.days[0]}–{self.days[-1]}" if self.days else "no day"
        days = f"{counted(len(self.days), 'day')} ({span})"
        came = f"{counted(self.readings, 'reading')} of {counted(self.sensors, 'sensor')} on {days}"
        return f"{came}, from {counted(self.files, 'file')}"

    @property
    def quarantined(self) -> int:
        """Number of findings that keep readings from being used."""
        return sum(each.severity == "quarantined" for each in self.findings)


def ingest_sensors(
    config: Config,
    store: Store,
    *,
    now: int,
    files: Sequence[StreamFile] | None = None,
    also: Also = lambda change, findings: None,
    advance: Advance = lambda name, done, total: None,
) -> SensorsIngested:
    """Read every ``[[sensors.stream]]`` into the store, in one commit; ``now`` in ns of UTC.

    ``also`` adds to the commit what is to be said of the findings, ``advance`` is told of each file. With some
    ``files`` these alone are read: then a sensor that is in none of them but in the store is not told to be absent.

    Raises ``InputError`` where none is configured, or none can be read: then nothing changes.
    """
    if not config.sensors.stream:
        raise InputError("the configuration names no [[sensors.stream]]; see docs/sensor-streams.md")
    before = _Before(store)
    units = {each.name: each.unit for each in stored_sensors(store)}
    read = read_streams(config, now=now, earlier=before.last, stored=units, files=files, advance=advance)
    sources = ",".join(f"{Path(each.path).name}:{each.sha256[:16]}" for each in read.files)
    with store.transaction() as change:
        days, gone = store_sensors(change, store, read.readings, {"files": sources}, read.changes)
        findings = (*read.findings, *_replaced(gone))
        change.add_findings(findings)
        also(change, findings)
    count = len(read.readings.time)
    return SensorsIngested(len(read.readings), count, tuple(days), len(read.files), store.snapshot, findings)


def _replaced(gone: dict[str, int]) -> list[Finding]:
    """What was stored between new readings and is in no file any more."""
    if not gone:
        return []
    first, many = next(iter(gone)), len(gone)
    of = first + (f" and {counted(many - 1, 'other sensor')}" if many > 1 else "")
    reason = f"{counted(sum(gone.values()), 'stored reading')} of {of}: in these files no more, and replaced"
    return [Finding("replaced", "note", reason)]


class _Before:
    """What the store holds of sensors before a moment; a day is read once, for all of them."""

    def __init__(self, store: Store) -> None:
        self._store, self._days = store, store.runs(KIND)
        self._read: dict[int, tuple[SensorReadings, dict[str, int]]] = {}

    def last(self, name: str, begin: int) -> tuple[str, NDArray[np.float64]]:
        """Unit and last good values of a sensor before ``begin``, from the ``BACK`` days before it."""
        for number in reversed(self._days):
            midnight = day_begin(number)
            if midnight >= begin or midnight < begin - BACK * DAY:
                continue
            readings, places = self._day(number)
            if name in places:
                rows = slice(*readings.start[places[name] : places[name] + 2])
                good = (readings.time[rows] < begin) & np.isfinite(readings.value[rows])
                if good.any():
                    return readings.sensors[places[name]].unit, readings.value[rows][good][-LAST:]
        return "", np.empty(0)

    def _day(self, number: int) -> tuple[SensorReadings, dict[str, int]]:
        if number not in self._read:
            begin = day_begin(number)
            found = read_sensors(self._store, "*", begin, begin + DAY)
            self._read[number] = found, {name: i for i, name in enumerate(found.names)}
        return self._read[number]
