"""What needs no statistics: sensors that are silent, that stand still, and that are logged in another unit.

None of these may pass, whatever a model says, and while one lasts the numbers of its sensor say nothing.

- *gap*: a reading was due and none came, or those that came were invalid.
- *stuck*: no reading differed from the one before for ``STILL`` times as long as ever in the past, and for at least
  ``LEAST`` seconds and ``REPEATED`` periods.
- *unit-change*: a level that jumps by the factor between two units (``dqm.formats.sensor_jumps``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dqm.formats.sensor_jumps import AROUND, unit_jumps
from dqm.formats.sensor_screening import unit_changes
from dqm.model.amounts import duration
from dqm.model.sensor_gaps import allowed_silence, cadence, gaps
from dqm.model.sensors import SECOND, Sensor, SensorReadings, UnitChange
from features.sensors.trends import stuck

STILL, LEAST, REPEATED = 3.0, 300.0, 30
NEVER = 0.5
"""Share of the past in one value beyond which a sensor is said to stand still usually: it cannot be told from stuck."""

Times = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Certain:
    """``[begin, end)`` in ns of UTC, ``end`` None at the end of what was looked at; ``reason`` in words."""

    sensor: str
    loop: str
    kind: str
    begin: int
    end: int | None
    reason: str


@dataclass(frozen=True, eq=False)
class Checked:
    """``readings`` without those in another unit, what was found, and notes on sensors that cannot be judged so."""

    readings: SensorReadings
    found: tuple[Certain, ...]
    notes: tuple[str, ...]


def checked(
    past: SensorReadings,
    night: SensorReadings,
    span: tuple[int, int],
    *,
    periods: float = 3.0,
    known: Sequence[Certain] = (),
) -> Checked:
    """What is certain of ``night`` within ``span`` (ns of UTC); ``past`` has the same sensors, and is earlier.

    ``periods`` without a reading make a gap. ``known`` are changes of unit whose readings are invalid already: they are
    no gaps, and are not found again.
    """
    found: list[Certain] = []
    notes, pairs = [], []
    for (sensor, before, was), (_, time, value) in zip(past.each(), night.each(), strict=True):
        value, changed = _in_one_unit(sensor, was, time, value)
        found += changed
        units = [*changed, *(each for each in known if each.sensor == sensor.name)]
        found += _silences(sensor, (before, was), (time, value), span, periods, units)
        still, usually = _still(sensor, (before, was), (time, value), span)
        found += still
        if usually:
            notes.append(f"{sensor.name}: stood still in the past already; whether it is stuck cannot be told")
        pairs.append((time, value))
    return Checked(SensorReadings.of(night.sensors, pairs), tuple(found), tuple(notes))


def _certain(sensor: Sensor, kind: str, begin: int, end: int | None, reason: str) -> Certain:
    return Certain(sensor.name, sensor.loop or sensor.name, kind, begin, end, reason)


def of_change(change: UnitChange) -> Certain:
    """A change of unit in words."""
    reason = f"{change.sensor.name}: its level is {change.looks}, as if its unit had changed"
    return _certain(change.sensor, "unit-change", change.begin, change.end, reason)


def _in_one_unit(sensor: Sensor, was: Values, time: Times, value: Values) -> tuple[Values, list[Certain]]:
    """The values, invalid where they are in another unit, and when that was."""
    shifted, begins = unit_jumps(sensor, value, was[np.isfinite(was)][-AROUND:])
    changes = unit_changes(sensor, time, value, shifted, begins)
    return np.where(shifted, np.nan, value), [of_change(each) for each in changes]


def _silences(
    sensor: Sensor,
    before: tuple[Times, Values],
    now: tuple[Times, Values],
    span: tuple[int, int],
    periods: float,
    changed: Sequence[Certain],
) -> list[Certain]:
    """Gaps between valid readings, less the time in which the unit was another."""
    time, value = now
    good = np.isfinite(value)
    valid = time[good]
    earlier = before[0][np.isfinite(before[1])]
    usual = allowed_silence(sensor, earlier if len(earlier) > 1 else valid, periods)
    begin = span[0]
    if len(earlier) and span[0] - earlier[-1] <= usual * SECOND:
        begin = int(earlier[-1])
    found = []
    begins, ends = gaps(sensor, valid, begin=begin, end=span[1], periods=periods)
    for whole in zip(begins.tolist(), ends.tolist(), strict=True):
        for since, until in _outside(*whole, changed):
            if (since, until) != whole and until - since <= usual * SECOND:
                continue
            bad = int(((time > since) & (time < until)).sum())
            what = f"no valid reading ({bad} invalid ones)" if bad else "no reading"
            due = cadence(earlier if len(earlier) > 1 else valid)
            every = "" if np.isnan(due) else f"; one every {sensor.period or due:.3g} s is due"
            first = max(since, span[0])
            reason = f"{sensor.name}: {what} for {lasted(first, until)}{every}"
            found.append(_certain(sensor, "gap", first, None if until >= span[1] else until, reason))
    return found


def _outside(begin: int, end: int, changed: Sequence[Certain]) -> Iterator[tuple[int, int]]:
    """The parts of ``[begin, end)`` in which no change of unit lasts."""
    for each in sorted(changed, key=lambda one: one.begin):
        if each.begin >= end or (each.end is not None and each.end <= begin):
            continue
        if each.begin > begin:
            yield begin, each.begin
        if each.end is None:
            return
        begin = each.end
    if begin < end:
        yield begin, end


def _still(
    sensor: Sensor, before: tuple[Times, Values], now: tuple[Times, Values], span: tuple[int, int]
) -> tuple[list[Certain], bool]:
    """Stretches of one value that last longer than the past explains, and whether the past explains any."""
    good = np.isfinite(before[1])
    early = int(good.sum())
    time, value = (np.concatenate([a[good], b[np.isfinite(now[1])]]) for a, b in zip(before, now, strict=True))
    if sensor.logging == "on-change" and len(time) and time[-1] < span[1]:
        time, value = np.append(time, span[1]), np.append(value, value[-1])  # its last value holds until now
    if len(time) == early:
        return [], False
    seconds = still_seconds(time, value)
    longest = _longest_still(sensor, time[:early], value[:early])
    if early > 1 and longest > NEVER * (time[early - 1] - time[0]) / SECOND:
        return [], True
    usual = sensor.period or cadence(time)
    limit = max(STILL * longest, LEAST, REPEATED * (usual if np.isfinite(usual) else 0.0))
    over = np.append(seconds > limit, False)
    over[:early] = False
    last = np.flatnonzero(over[:-1] & ~over[1:])
    found = []
    for i in last.tolist():
        begin = max(int(time[i] - seconds[i] * SECOND), span[0])
        end = int(time[i + 1]) if i + 1 < len(time) else None
        held = lasted(begin, int(time[i]))
        unit = f" {sensor.unit}" if sensor.unit else ""
        reason = (
            f"{sensor.name}: stands at {value[i]:.6g}{unit} for {held}; in the past at most for {duration(longest)}"
        )
        found.append(_certain(sensor, "stuck", begin, end, reason))
    return found, False


def _longest_still(sensor: Sensor, time: Times, value: Values) -> float:
    """Seconds of the longest stretch of one value; nobody knows what a sensor did in a gap, so it ends one."""
    silent = np.diff(time) > allowed_silence(sensor, time) * SECOND
    edges = [0, *(np.flatnonzero(silent) + 1).tolist(), len(time)]
    return max(float(still_seconds(time[a:b], value[a:b]).max(initial=0)) for a, b in pairwise(edges))


def still_seconds(time: Times, value: Values) -> Values:
    """For each of n valid readings how many seconds all readings up to it were the same, ``(n,)``."""
    out = np.zeros(len(time))
    earliest = np.array([np.iinfo(np.int64).min])
    stuck(time, value, 0, time + 1, 0.0, np.array([np.nan]), np.array([0]), earliest, out)
    return out


def lasted(begin: int, end: int) -> str:
    """How long something lasted, in words."""
    return duration((end - begin) / SECOND)
