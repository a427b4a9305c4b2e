"""A level that jumps by the factor between two units: somebody changed the unit, and nobody said so.

A sensor is taken to be logged in another unit from reading *i* on where the readings just before *i* and those from *i*
on are each steady (median absolute deviation below 5% of the median), their medians are a known factor apart to 3%, or
the 273.15 between kelvin and degrees Celsius to 1.5, and the step is made from one reading to the next. It ends where
the level comes back in the same way. A true jump by exactly such a factor is taken for one too: its readings wait for a
person instead of being used.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dqm.model.sensor_units import unit_of
from dqm.model.sensors import Sensor

FACTORS = (1e2, 1e3, 1e5, 1e6)
"""bar and kPa, hPa and Pa; milli and kilo; bar and Pa; mega."""
ICE = 273.15
STEADY, NEAR, NEAR_ICE = 0.05, 0.03, 1.5
AROUND, LEAST = 12, 4
"""Readings on each side by which a level is known, at most and at least."""


def unit_jumps(
    sensor: Sensor, value: NDArray[np.float64], before: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.bool_], list[tuple[int, str]]]:
    """Which of n readings are in another unit ``(n,)``, and every begin of such a stretch with what it looks like.

    ``before`` are the last readings known to be good, so that a change between two files is seen as well.
    """
    earlier = np.empty(0) if before is None else before[np.isfinite(before)][-AROUND:]
    whole = np.concatenate([earlier, value])
    finite = np.flatnonzero(np.isfinite(whole))
    level, shifted = whole[finite], np.zeros(len(whole), dtype=bool)
    begins: list[tuple[int, str]] = []
    since, looks = -1, ""
    for i in _steps(level, sensor):
        if since < 0 and (looks := _change(level, i, sensor)):
            since = i
            begins.append((int(finite[i]) - len(earlier), looks))
        elif since >= 0 and _like(level[:since], level[i:]):
            shifted[finite[since] : finite[i]] = True
            since = -1
    if since >= 0:
        shifted[finite[since] :] = True
    return shifted[len(earlier) :], begins


def _steps(level: NDArray[np.float64], sensor: Sensor) -> Iterator[int]:
    """Positions from which on the level may be another one: single steps of about a known size."""
    if len(level) < 2:
        return
    size, temperature = np.abs(level), _is_temperature(sensor)
    wide = 1 + NEAR + 2 * STEADY
    if size.max() < size.min() * FACTORS[0] / wide and not (temperature and np.ptp(level) > ICE - 10 * NEAR_ICE):
        return  # no two readings are that far apart
    low, high = np.minimum(size[1:], size[:-1]), np.maximum(size[1:], size[:-1])
    ratio = np.divide(high, low, out=np.zeros_like(high), where=low > 0)
    found = np.zeros(len(ratio), dtype=bool)
    for factor in FACTORS:
        found |= (ratio > factor / wide) & (ratio < factor * wide)
    if temperature:
        found |= np.abs(np.abs(np.diff(level)) - ICE) < 10 * NEAR_ICE
    yield from (np.flatnonzero(found) + 1).tolist()


def _change(level: NDArray[np.float64], i: int, sensor: Sensor) -> str:
    """What the step at ``i`` looks like, empty where it is no change of unit."""
    before, after = level[max(i - AROUND, 0) : i], level[i : i + AROUND]
    if len(before) < LEAST or len(after) < LEAST or not (_steady(before) and _steady(after)):
        return ""
    a, b = float(np.median(before)), float(np.median(after))
    for factor in FACTORS:
        for times, what in ((factor, f"{factor:g} times higher"), (1 / factor, f"{factor:g} times lower")):
            if abs(b / a / times - 1) < NEAR:
                return what
    if _is_temperature(sensor) and abs(abs(b - a) - ICE) < NEAR_ICE:
        return f"{'higher' if b > a else 'lower'} by {ICE}, as between °C and K"
    return ""


def _like(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether the level is again what it was."""
    a, b = float(np.median(before[-AROUND:])), float(np.median(after[:AROUND]))
    return abs(b - a) <= 0.3 * abs(a)


def _steady(level: NDArray[np.float64]) -> bool:
    middle = float(np.median(level))
    return middle != 0 and float(np.median(np.abs(level - middle))) < STEADY * abs(middle)


def _is_temperature(sensor: Sensor) -> bool:
    return sensor.measures == "temperature" or unit_of(sensor.unit) in ("K", "°C")
