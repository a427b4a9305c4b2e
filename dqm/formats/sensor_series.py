"""What one file says of each sensor, nothing judged yet: times, values, the unit that the file names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dqm.formats.sensor_rows import Cells
from dqm.formats.sensor_times import UNKNOWN, Converted, clock, settled, to_utc, zone_named
from dqm.formats.sources import Source
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.sensors_config import StreamConfig

UTC_HEADER = re.compile(r"\bUTC(?:_TIME)?\b")
UNIT = re.compile(r"(?P<name>.*\S)\s*[(\[](?P<unit>[^()\[\]]{1,12})[)\]]")


@dataclass(frozen=True, eq=False)
class Series:
    """Readings of one sensor in the order of the file.

    ``time`` int64 ``(n,)`` ns of UTC, the smallest int64 where the cell is no time; ``value`` float64 ``(n,)``, NaN
    where the cell is no number; ``wordy`` where the column is text and no cell of it a number; ``settled`` how many
    readings of a repeated hour the order of the file settled, ``twice`` how many of its readings stayed doubtful and
    ``missing`` how many stand at a time that no clock showed.
    """

    name: str
    unit: str
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    wordy: bool = False
    settled: int = 0
    twice: int = 0
    missing: int = 0


@dataclass(eq=False)
class ParsedSensors:
    """One file: its series, what was found, how many rows it has and how many of them fit no header."""

    source: Source
    rows: int = 0
    lost: int = 0
    series: list[Series] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def moments(cells: pa.ChunkedArray, header: str, given: StreamConfig, source: Source) -> Converted:
    """Moments of a column of times, in UTC by its header, its offsets or the configured zone.

    Raises ``InputError`` for times of an unknown zone.
    """
    found = clock(cells, given.time_unit, f"{source.path}, column {header!r}")
    if not found.local or UTC_HEADER.search(header.upper()):
        none = np.zeros(len(found.time), dtype=np.int64)
        return Converted(found.time, none, none.astype(bool))
    if len(cells) and (found.time == UNKNOWN).all():
        raise InputError(
            f"{source.path}: column {header!r} holds no times, its first cell is {str(cells[0].as_py())[:30]!r}; write "
            "them as 2026-05-01T12:00:00Z, or name the column of the time (time in the configuration, or --time)"
        )
    if not given.zone:
        raise InputError(
            f"{source.path}: the times of column {header!r} have no zone, and a guess may be an hour off; name it, "
            'e.g. zone = "Europe/Zurich" in the configuration, or --zone Europe/Zurich'
        )
    return to_utc(found.time, zone_named(given.zone))


def series_of(name: str, unit: str, when: Converted, cells: Cells) -> Series:
    """One series; cells that are empty are no readings."""
    value, filled = cells.value, cells.filled
    if not filled.all():
        when = Converted(when.time[filled], when.later[filled], when.missing[filled])
        value = value[filled]
    twice, missing = int((when.later != 0).sum()), int(when.missing.sum())
    time, done = settled(when) if twice else (when.time, 0)
    wordy = cells.text and len(value) > 0 and bool(np.isnan(value).all())
    return Series(name, unit, time, value, wordy, done, twice - done, missing)


def named(header: str, given: StreamConfig) -> tuple[str, str]:
    """Name and unit of the sensor of a column such as ``Pressure(hPa)``, as the configuration would have it."""
    found = UNIT.fullmatch(header)
    name, unit = (found["name"], found["unit"]) if found else (header, "")
    return given.prefix + given.names.get(header, given.names.get(name, name)), unit


def refuse_repeated(names: Iterable[str], source: Source) -> None:
    """Refuse columns that end up as one sensor."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{source.path}: two columns are called {name!r}; give one of them another name in names")
        seen.add(name)
