"""``dqm sensors list``: the sensors of the store, their loops and the days on which they were read."""

from __future__ import annotations

import fnmatch
from dataclasses import asdict, dataclass
from typing import Any

from dqm.model.amounts import counted
from dqm.model.sensor_catalog import Loop, Quiet, loops
from dqm.model.sensors import Sensor, moment
from dqm.model.sensors_config import SensorsConfig
from dqm.store.sensors import day_catalogs
from dqm.store.store import Store
from pipelines.sensors.inspect import until

SHOWN = 60


@dataclass(frozen=True)
class StoredSensor:
    """One sensor as its newest day describes it; ``days`` on which it was read, the first and the last of them."""

    sensor: Sensor
    readings: int
    days: int
    first: int
    last: int

    def text(self, width: int) -> str:
        """One line."""
        each = self.sensor
        days = f"{counted(self.days, 'day')}, {self.first}–{self.last}" if self.days else "never read"
        return (
            f"{each.name:{width}}  {each.measures:12} {each.unit or '–':>6} {each.loop or '–':8} "
            f"{each.subsystem or '–':8} {each.logging:9} {self.readings:>10}  {days}"
        )

    def document(self) -> dict[str, Any]:
        """For machines."""
        days = {"readings": self.readings, "days": self.days, "first": self.first, "last": self.last}
        return asdict(self.sensor) | days


@dataclass(frozen=True)
class Listing:
    """The sensors, their loops, and when they are quiet."""

    sensors: tuple[StoredSensor, ...]
    loops: tuple[Loop, ...]
    quiet: tuple[Quiet, ...]

    def text(self) -> str:
        """For people."""
        if not self.sensors:
            return "no such sensor is stored; see all with: dqm sensors list, or take some in with: dqm sensors ingest"
        width = max(len(each.sensor.name) for each in self.sensors[:SHOWN])
        lines = [f"{counted(len(self.sensors), 'sensor')}, {counted(len(self.loops), 'loop')}"]
        lines += [each.text(width) for each in self.sensors[:SHOWN]]
        if len(self.sensors) > SHOWN:
            lines.append(f"… and {len(self.sensors) - SHOWN} more; choose with --sensors, or take --json for all")
        lines += [f"quiet {q.sensors}: {q.text}, {moment(q.begin)} – {until(q.end)}" for q in self.quiet]
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "sensors": [each.document() for each in self.sensors],
            "loops": [asdict(each) for each in self.loops],
            "quiet": [asdict(each) for each in self.quiet],
        }


def listed(store: Store, config: SensorsConfig, pattern: str = "*") -> Listing:
    """The stored sensors whose name or loop fits, with the quiet times of the configuration."""
    described: dict[str, Sensor] = {}
    readings: dict[str, dict[int, int]] = {}
    for day, catalog in sorted(day_catalogs(store).items()):
        count = catalog.readings
        for each in catalog.sensors:
            described[each.name] = each
            readings.setdefault(each.name, {})
            if count[each.name]:
                readings[each.name][day] = count[each.name]
    chosen = [
        each
        for name, each in sorted(described.items())
        if fnmatch.fnmatchcase(name, pattern) or (each.loop and fnmatch.fnmatchcase(each.loop, pattern))
    ]
    found = []
    for each in chosen:
        days = readings[each.name]
        first, last = (min(days), max(days)) if days else (0, 0)
        found.append(StoredSensor(each, sum(days.values()), len(days), first, last))
    return Listing(tuple(found), tuple(loops(chosen)), tuple(Quiet.of(each) for each in config.quiet))
