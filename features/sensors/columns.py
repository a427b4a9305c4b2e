"""Which features there are of a sensor, and what their columns say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dqm.model.sensors import SECOND, Sensor
from dqm.model.tables import Column, Kind

CONTROLLED = ("temperature", "pressure", "level", "flow")
"""What a loop holds to its setpoint."""
ACTING = ("valve", "heater")
"""What it does so with."""
CELL, CELLS, FEWEST = 8.0, 256, 32
"""Seconds of the shortest cell of a rhythm; how many cells a window has at most and at least."""


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """What is taken of every sensor.

    ``windows`` in seconds, rising; ``percentiles`` beside the median, in (0, 1). Of the windows in ``rhythms``
    oscillation and control index are taken at every tenth of the window; ``horizon`` is the dead time of a loop in
    seconds, ``hold`` the seconds between two ticks at which an on-change sensor is read off. Raises ``ValueError`` for
    windows that do not rise, percentiles beyond (0, 1) and rhythms that are no windows.
    """

    windows: tuple[float, ...] = (60.0, 600.0, 3600.0)
    percentiles: tuple[float, ...] = (0.05, 0.95)
    rhythms: tuple[float, ...] = (600.0, 3600.0)
    horizon: float = 60.0
    hold: float = 5.0

    def __post_init__(self) -> None:
        if not self.windows or list(self.windows) != sorted({each for each in self.windows if each > 0}):
            raise ValueError(f"windows {list(self.windows)} must be positive and rise")
        if any(not 0 < each < 1 for each in self.percentiles):
            raise ValueError(
                f"percentiles {list(self.percentiles)} must lie between 0 and 1; the median is always there"
            )
        if strange := [each for each in self.rhythms if each not in self.windows]:
            raise ValueError(f"rhythms of {strange} s, which are none of the windows {list(self.windows)}")

    @property
    def reach(self) -> int:
        """How far before the end of a bin readings matter, ns: the longest window, a cell and two ticks."""
        return round((self.windows[-1] * (1 + 1 / FEWEST) + 2 * self.hold) * SECOND)

    @property
    def text(self) -> str:
        """The parameters as part of a fingerprint."""
        return f"sensor windows 1: {self.windows} {self.percentiles} {self.rhythms} {self.horizon} {self.hold}"


def label(window: float) -> str:
    """``10min`` of 600 s."""
    return f"{window / 60:g}min"


def cell_count(window: float, period: float | None) -> int:
    """Cells of a rhythm: a power of two, none shorter than ``CELL`` or than the period; 0 where these are too few."""
    count = CELLS
    while count >= FEWEST and window / count < max(CELL, period or 0.0):
        count //= 2
    return count if count >= FEWEST else 0


def cadence(sensor: Sensor, settings: WindowSettings) -> float | None:
    """Seconds between two values of a sensor: its period, or the ticks of one that is held; ``None`` if not known."""
    return settings.hold if sensor.logging == "on-change" else sensor.period


def is_controlled(sensor: Sensor, sensors: Sequence[Sensor]) -> bool:
    """Whether the loop of this sensor has something to control it with."""
    if not sensor.loop or sensor.measures not in CONTROLLED:
        return False
    return any(each.loop == sensor.loop and each.measures in ACTING for each in sensors)


def subsystem(sensor: Sensor) -> str:
    """What a verdict speaks of: the subsystem or else the loop."""
    return sensor.subsystem or sensor.loop


@dataclass(frozen=True, slots=True)
class SensorColumns:
    """The columns of one sensor in the order in which ``windows.of_sensor`` computes them."""

    sensor: Sensor
    columns: tuple[Column, ...]
    controlled: bool
    stride: int
    """Columns of one window."""

    @classmethod
    def of(cls, sensor: Sensor, controlled: bool, settings: WindowSettings) -> SensorColumns:
        """Statistics of every window, then rhythms, then the time without movement."""
        found: list[tuple[str, str, Kind]] = []
        unit = sensor.unit
        for window in settings.windows:
            at = f"@{label(window)}"
            found += [(f"median{at}", unit, "value")]
            found += [(f"p{100 * q:g}{at}", unit, "value") for q in settings.percentiles]
            found += [(f"mad{at}", unit, "value"), (f"noise{at}", unit, "value")]
            found += [(f"slope{at}", f"{unit}/h", "value"), (f"gap{at}", "", "fraction")]
            found += [(f"saturated{at}", "", "fraction")] if has_limits(sensor) else []
            found += [(f"held{at}", "", "fraction")] if sensor.logging == "on-change" else []
        stride = len(found) // len(settings.windows)
        for window in settings.rhythms:
            if cell_count(window, cadence(sensor, settings)):
                at = f"@{label(window)}"
                found += [(f"period{at}", "s", "value"), (f"amplitude{at}", unit, "value")]
                found += [(f"hunting{at}", "", "fraction")]
                found += [(f"control{at}", "", "fraction")] if controlled else []
        found += [("stuck", "s", "value")]
        columns = (Column(f"{sensor.name}:{n}", sensor.name, subsystem(sensor), "feature", u, k) for n, u, k in found)
        return cls(sensor, tuple(columns), controlled, stride)


def has_limits(sensor: Sensor) -> bool:
    """Whether the sensor can be saturated."""
    return sensor.lowest is not None or sensor.highest is not None
