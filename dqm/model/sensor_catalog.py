"""What every sensor is: from its name, from patterns of the configuration, and from a table of anybody's site."""

from __future__ import annotations

import csv
import fnmatch
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dqm.model.errors import ConfigError, nearest
from dqm.model.sensor_names import logged_name
from dqm.model.sensors import SECOND, AnomalyInterval, Measured, Sensor
from dqm.model.sensors_config import ChannelConfig, QuietConfig, SensorsConfig

SITE = ("unit", "measures", "loop", "subsystem", "logging", "period", "lowest", "highest", "resolution")
"""What a channel says of the sensors that fit it."""


@dataclass(frozen=True, slots=True)
class Loop:
    """The sensors of one control loop by what they measure, each by name; ``others`` are the rest."""

    name: str
    subsystem: str
    valves: tuple[str, ...]
    heaters: tuple[str, ...]
    thermometers: tuple[str, ...]
    pressures: tuple[str, ...]
    heat_loads: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class SensorCatalog:
    """How names become sensors: ``channels`` in the order in which they count, ``grammar`` what names tell."""

    grammar: str = "lhc"
    channels: tuple[ChannelConfig, ...] = ()

    @classmethod
    def of(cls, config: SensorsConfig, folder: Path = Path()) -> SensorCatalog:
        """The catalog of a configuration: its table first, its channels over it; paths are relative to ``folder``."""
        table = read_channels(folder / config.catalog) if config.catalog else ()
        return cls(config.grammar, (*table, *config.channel))

    def sensor(self, name: str, unit: str = "") -> Sensor:
        """The sensor of a name; ``unit`` is what its file says and counts where nobody declared one."""
        parts = logged_name(name) if self.grammar == "lhc" else None
        found = Sensor(name)
        if parts is not None:
            found = Sensor(name, parts.unit, parts.measures, parts.loop, parts.sector)
        declared: dict[str, Any] = {}
        for channel in self.channels:
            if fnmatch.fnmatchcase(name, channel.sensors):
                given = channel.model_dump(include=channel.model_fields_set & set(SITE))
                declared |= {key: value for key, value in given.items() if value not in ("", None)}
        if unit and "unit" not in declared:
            declared["unit"] = unit
        return replace(found, **declared)

    def knows(self, name: str) -> bool:
        """Whether its grammar or a channel speaks of the name."""
        named = self.grammar == "lhc" and logged_name(name) is not None
        return named or any(fnmatch.fnmatchcase(name, each.sensors) for each in self.channels)

    @property
    def expected(self) -> list[str]:
        """Names that channels give without a pattern: sensors that must be there."""
        return sorted({each.sensors for each in self.channels if not set(each.sensors) & set("*?[")})


def read_channels(path: Path) -> tuple[ChannelConfig, ...]:
    """Channels of a CSV table; raises ``ConfigError`` naming the file, the line and the nearest valid column."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: this catalog of sensors cannot be read: {error}") from None
    rows = csv.DictReader(io.StringIO(text))
    for name in rows.fieldnames or ():
        if name not in ("sensors", *SITE):
            raise ConfigError(f"{path}: unknown column {name!r}; {nearest(name, ('sensors', *SITE))}")
    channels = []
    for line, row in enumerate(rows, start=2):
        try:
            channels.append(ChannelConfig.model_validate({key: cell for key, cell in row.items() if cell}))
        except ValidationError as error:
            key = ".".join(map(str, error.errors()[0]["loc"]))
            raise ConfigError(f"{path}, line {line}: {key}: {error.errors()[0]['msg']}") from None
    return tuple(channels)


def loops(sensors: Iterable[Sensor]) -> list[Loop]:
    """The control loops among sensors, by name; a sensor without a loop is in none."""
    members: dict[str, list[Sensor]] = {}
    for each in sensors:
        if each.loop:
            members.setdefault(each.loop, []).append(each)
    return [_loop(name, members[name]) for name in sorted(members)]


def _loop(name: str, members: Sequence[Sensor]) -> Loop:
    def of(*kinds: Measured) -> tuple[str, ...]:
        return tuple(sorted(each.name for each in members if each.measures in kinds))

    return Loop(
        name=name,
        subsystem=next((each.subsystem for each in members if each.subsystem), ""),
        valves=of("valve"),
        heaters=of("heater"),
        thermometers=of("temperature"),
        pressures=of("pressure"),
        heat_loads=of("heat-load"),
        others=of("level", "flow", "current", "other"),
    )


@dataclass(frozen=True, slots=True)
class Quiet:
    """Service mode or a known issue: ``[begin, end)`` in nanoseconds of UTC, ``end`` None until further notice.

    ``sensors`` is a pattern of loops, subsystems or sensors; ``who`` said so and ``why``.
    """

    sensors: str
    begin: int
    end: int | None
    kind: str
    who: str
    why: str

    @classmethod
    def of(cls, config: QuietConfig) -> Quiet:
        """From the configuration."""
        end = None if config.end is None else _nanoseconds(config.end)
        return cls(config.sensors, _nanoseconds(config.begin), end, config.kind, config.who, config.why)

    @property
    def text(self) -> str:
        """Why nothing is alarmed, in words."""
        return f"{self.kind}: {self.why} ({self.who})"

    def speaks_of(self, sensor: Sensor) -> bool:
        """Whether the pattern fits a sensor, its loop or its subsystem."""
        names = (sensor.name, sensor.loop, sensor.subsystem)
        return any(fnmatch.fnmatchcase(name, self.sensors) for name in names if name)

    def covers(self, names: Iterable[str], begin: int, end: int | None) -> bool:
        """Whether one of the names fits and ``[begin, end)`` lies inside; what outlasts the service is not covered."""
        inside = begin >= self.begin and (self.end is None or (end is not None and end <= self.end))
        return inside and any(fnmatch.fnmatchcase(name, self.sensors) for name in names)


def hushed(
    intervals: Iterable[AnomalyInterval], quiet: Sequence[Quiet], sensors: Iterable[Sensor] = (), *, now: int
) -> list[AnomalyInterval]:
    """The intervals, with ``suppressed`` telling which service or known issue keeps them from alarming.

    An interval that is still open counts up to ``now``, so that it alarms as soon as it outlasts the service. A pattern
    may name the loop, or its subsystem; a service of one sensor covers an interval where that is its only driver.
    """
    subsystem = {each.loop or each.name: each.subsystem for each in sensors}
    done = []
    for each in intervals:
        names = {each.loop, subsystem.get(each.loop, "")} | (set(each.drivers) if len(each.drivers) == 1 else set())
        end = now if each.end is None else each.end
        why = next((one.text for one in quiet if one.covers(names - {""}, each.begin, end)), "")
        done.append(replace(each, suppressed=why) if why else each)
    return done


def _nanoseconds(moment: datetime) -> int:
    """Nanoseconds of UTC since 1970, exact to the microsecond."""
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * SECOND + moment.microsecond * 1000
