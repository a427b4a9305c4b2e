"""From what files say to readings that can be used: every reading is kept, merged, made invalid, or named in a finding.

An invalid reading stays as NaN at its time, so that nobody takes the silence for a value that holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from dqm.formats.results import ReadFile
from dqm.formats.sensor_jumps import unit_jumps
from dqm.formats.sensor_series import ParsedSensors, Series
from dqm.formats.sensor_times import UNKNOWN
from dqm.model.amounts import agreeing, counted
from dqm.model.findings import Finding, Severity
from dqm.model.sensor_catalog import SensorCatalog
from dqm.model.sensor_gaps import gaps, longest_stuck
from dqm.model.sensor_units import conversion, unit_of
from dqm.model.sensors import SECOND, Sensor, SensorReadings, UnitChange, moment

SAID: dict[str, tuple[Severity, str]] = {
    "time": ("quarantined", "{n}{of} [stands|stand] at no time that is known; [it is|they are] not used"),
    "missing-hour": (
        "quarantined",
        "{n}{of} [stands|stand] in the hour that clocks skipped; that time never was, and [it is|they are] not used",
    ),
    "repeated-hour": (
        "quarantined",
        "{n}{of} [stands|stand] in the hour that clocks showed twice, and the order does not tell which time it was; "
        "[it is|they are] not used: export in UTC",
    ),
    "settled-hour": (
        "note",
        "{n}{of} [stands|stand] in the hour that clocks showed twice; the one step back in the order of the file tells "
        "which time it was",
    ),
    "future": ("quarantined", "{n}{of} [comes|come] from the future; [it is|they are] not used: check the clock"),
    "unsorted": ("repaired", "{n}{of} stood behind later ones; [it was|they were] sorted"),
    "duplicate": ("repaired", "{n}{of} stood there twice, alike; one of each is kept"),
    "conflict": ("quarantined", "{n}{of} [has|have] several values at one time; [it is|they are] invalid"),
    "invalid": ("quarantined", "{n}{of} [is|are] no finite number; [it is|they are] invalid"),
}
"""What is counted over all sensors of an input, one finding each."""


STUCK_READINGS, STUCK_TIME = 100, 3600 * SECOND
"""A sensor that is read periodically and gives the same so often and so long is told to be stuck."""
UNUSUAL_READINGS, UNUSUAL = 30, 10
"""So is one that gives the same so often, and so many times longer than in its next longest stretch."""

Earlier = Callable[[str, int], tuple[str, NDArray[np.float64]]]
"""Of a sensor by name and a moment: its unit and its last good values before that moment."""


@dataclass(frozen=True, eq=False)
class SensorRead:
    """What inputs of sensor streams gave: readings, findings, an account of every row of every file, and the changes of
    unit whose readings were made invalid."""

    readings: SensorReadings
    findings: tuple[Finding, ...]
    files: tuple[ReadFile, ...]
    changes: tuple[UnitChange, ...] = ()


@dataclass
class _Account:
    """What was found so far: by code how many readings of which sensors."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def count(self, code: str, sensor: str, n: int) -> None:
        if n:
            each = self.counts.setdefault(code, {})
            each[sensor] = each.get(sensor, 0) + n

    def tell(self, code: str, severity: Severity, reason: str) -> None:
        self.findings.append(Finding(code, severity, reason))

    def all(self) -> Iterable[Finding]:
        for code, by_sensor in self.counts.items():
            severity, reason = SAID[code]
            first, many = next(iter(by_sensor)), len(by_sensor)
            of = f" of {first}" + (f" and {counted(many - 1, 'other sensor')}" if many > 1 else "")
            number = sum(by_sensor.values())
            yield Finding(code, severity, agreeing(number, reason).format(n=_many(number), of=of))
        yield from self.findings


def screened(
    parsed: Sequence[ParsedSensors],
    catalog: SensorCatalog,
    *,
    now: int,
    periods: float = 3.0,
    earlier: Earlier = lambda name, begin: ("", np.empty(0)),
    stored: Mapping[str, str] = MappingProxyType({}),
    elsewhere: Collection[str] = (),
) -> SensorRead:
    """Join what files say of each sensor, in UTC, in order, in one unit.

    ``now`` in ns of UTC: later readings are refused. ``periods`` without a reading make a gap. ``earlier`` gives unit
    and last good values of a sensor before these files, ``stored`` the unit of every sensor that is kept already, so
    that a change of unit between two nights is seen. Sensors that are ``elsewhere`` are not absent.
    """
    account = _Account()
    together: dict[str, list[Series]] = {}
    for file in parsed:
        account.findings += file.findings
        for series in file.series:
            together.setdefault(series.name, []).append(series)
    sensors, readings = [], []
    changes: list[UnitChange] = []
    for name in sorted(together):
        if name not in stored and not catalog.knows(name) and all(each.wordy for each in together[name]):
            account.tell("words", "note", f"column {name!r} holds words; it is no sensor")
            continue
        sensor, time, value = _joined(together[name], catalog, now, account, stored.get(name, ""))
        shifted, begins = unit_jumps(sensor, value, _before(sensor, time, earlier))
        changes += unit_changes(sensor, time, value, shifted, begins)
        value[shifted] = np.nan
        for at, looks in begins:
            account.tell("unit-change", "quarantined", _jumped(sensor, int(time[at]), looks, int(shifted.sum())))
        _tell_silence(sensor, time, value, periods, account)
        sensors.append(sensor)
        readings.append((time, value))
    _tell_names(sensors, catalog, elsewhere, account)
    files = tuple(
        ReadFile(str(each.source.path), each.source.digest, each.rows, each.rows - each.lost) for each in parsed
    )
    return SensorRead(SensorReadings.of(sensors, readings), tuple(account.all()), files, tuple(changes))


def unit_changes(
    sensor: Sensor,
    time: NDArray[np.int64],
    value: NDArray[np.float64],
    shifted: NDArray[np.bool_],
    begins: Sequence[tuple[int, str]],
) -> Iterator[UnitChange]:
    """What ``unit_jumps`` found in readings ``(n,)``, each until the next valid reading that is in its unit again."""
    for at, looks in begins:
        first = max(at, 0)
        back = np.flatnonzero(~shifted[first:] & np.isfinite(value[first:]))
        yield UnitChange(sensor, int(time[first]), int(time[first + back[0]]) if len(back) else None, looks)


def _joined(
    parts: Sequence[Series], catalog: SensorCatalog, now: int, account: _Account, stored: str
) -> tuple[Sensor, NDArray[np.int64], NDArray[np.float64]]:
    """One sensor: its readings in one unit, in order, each time once."""
    name = parts[0].name
    said = next((each.unit for each in parts if each.unit), "")
    sensor = catalog.sensor(name, unit_of(stored or said))
    time = np.concatenate([each.time for each in parts])
    value = np.concatenate([_in_unit(each, sensor, account) for each in parts])
    twice, missing = (sum(getattr(each, what) for each in parts) for what in ("twice", "missing"))
    unknown, future = time == UNKNOWN, time > now
    account.count("time", name, int(unknown.sum()) - twice - missing)
    account.count("missing-hour", name, missing)
    account.count("repeated-hour", name, twice)
    account.count("settled-hour", name, sum(each.settled for each in parts))
    account.count("future", name, int(future.sum()))
    kept = ~(unknown | future)
    given = np.isfinite(np.concatenate([each.value for each in parts]))
    account.count("invalid", name, int((kept & ~given).sum()))
    account.count("unsorted", name, sum(_behind(each.time, now) for each in parts))
    if not kept.all():
        time, value = time[kept], value[kept]
    time, value = _ordered(name, time, np.where(np.isfinite(value), value, np.nan), account)
    return sensor, time, value


def _behind(time: NDArray[np.int64], now: int) -> int:
    """Readings that stand behind later ones."""
    if len(time) < 2 or not (np.diff(time) < 0).any():
        return 0
    known = time[(time != UNKNOWN) & (time <= now)]
    return int((known < np.maximum.accumulate(known)).sum())


def _before(sensor: Sensor, time: NDArray[np.int64], earlier: Earlier) -> NDArray[np.float64]:
    """The last good values before the first of these readings, in the unit of the sensor."""
    if not len(time):
        return np.empty(0)
    unit, value = earlier(sensor.name, int(time[0]))
    way = conversion(unit, sensor.unit) if unit and sensor.unit else (1.0, 0.0)
    return np.empty(0) if way is None else way[0] * value + way[1]


def _in_unit(series: Series, sensor: Sensor, account: _Account) -> NDArray[np.float64]:
    """The values of a part in the unit of the sensor; where there is no way from one to the other they are invalid."""
    if not series.unit or not sensor.unit:
        return series.value
    way, number = conversion(series.unit, sensor.unit), len(series.value)
    if way is None:
        reason = (
            f"{series.name}: {_many(number, '[is|are]')} in {series.unit!r}, which cannot be had in {sensor.unit!r}; "
            f"{agreeing(number, '[it is|they are]')} invalid: declare its unit in [[sensors.channel]]"
        )
        account.tell("unit-change", "quarantined", reason)
        return np.full(len(series.value), np.nan)
    factor, summand = way
    if (factor, summand) == (1.0, 0.0):
        return series.value
    was = agreeing(number, "[was|were]")
    reason = f"{series.name}: {_many(number)} in {series.unit!r} {was} converted to {sensor.unit!r}"
    account.tell("unit-change", "repaired", reason)
    return factor * series.value + summand


def _ordered(
    name: str, time: NDArray[np.int64], value: NDArray[np.float64], account: _Account
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """In order of time; equal readings are one, different ones at a time are one that is invalid."""
    if len(time) < 2:
        return time, value
    step = np.diff(time)
    if (step < 0).any():
        order = np.argsort(time, kind="stable")
        time, value = time[order], value[order]
        step = np.diff(time)
    again = step == 0
    if not again.any():
        return time, value
    group = np.concatenate([[0], np.cumsum(~again)])
    first = np.concatenate([[True], ~again])
    kept = value[first]
    same = (value == kept[group]) | (np.isnan(value) & np.isnan(kept[group]))
    conflict = np.zeros(len(kept), dtype=bool)
    conflict[group[~same]] = True
    account.count("conflict", name, int(conflict.sum()))
    account.count("duplicate", name, int((~first & ~conflict[group]).sum()))
    return time[first], np.where(conflict, np.nan, kept)


def _jumped(sensor: Sensor, at: int, looks: str, invalid: int) -> str:
    return (
        f"{sensor.name}: from {moment(at)} on its level is {looks}, as if the unit had changed; "
        f"{_many(invalid, '[is|are]')} invalid: declare the unit, or correct the source"
    )


def _many(readings: int, verb: str = "") -> str:
    return f"{counted(readings, 'reading')} {agreeing(readings, verb)}".rstrip()


def _tell_silence(
    sensor: Sensor, time: NDArray[np.int64], value: NDArray[np.float64], periods: float, account: _Account
) -> None:
    if not np.isfinite(value).any():
        account.tell("all-gap", "quarantined", f"{sensor.name}: has no valid reading")
        return
    begins, ends = gaps(sensor, time, periods=periods)
    if len(begins):
        longest = int(np.argmax(ends - begins))
        reason = (
            f"{sensor.name}: {counted(len(begins), 'gap')}, together {(ends - begins).sum() / SECOND:.0f} s, "
            f"the longest {(ends - begins)[longest] / SECOND:.0f} s from {moment(begins[longest])} on"
        )
        account.tell("gap", "note", reason)
    if sensor.logging == "periodic":
        _tell_stuck(sensor, time, value, account)


def _tell_stuck(sensor: Sensor, time: NDArray[np.int64], value: NDArray[np.float64], account: _Account) -> None:
    """One value for long, or for far longer than this sensor ever stands still otherwise."""
    since, to, next_longest = longest_stuck(time, value)
    readings, lasted = to - since + 1, int(time[to] - time[since])
    long = readings >= STUCK_READINGS and lasted >= STUCK_TIME
    unusual = readings >= UNUSUAL_READINGS and readings >= UNUSUAL * next_longest > 0
    if long or unusual:
        reason = f"stood at {value[since]:.6g} for {lasted / SECOND / 3600:.1f} h, from {moment(time[since])} on"
        account.tell("stuck", "note", f"{sensor.name}: {reason}")


def _tell_names(
    sensors: Sequence[Sensor], catalog: SensorCatalog, elsewhere: Collection[str], account: _Account
) -> None:
    """Sensors that nobody described, and those that should be there and are not."""
    outside = [each.name for each in sensors if not catalog.knows(each.name)]
    if outside:
        what = (
            "[is|are] outside the grammar and in no channel; [it stands|they stand] alone, in no loop: describe "
            "[it|them] in [[sensors.channel]]"
        )
        such = f"{counted(len(outside), 'sensor')} such as {outside[0]!r}"
        account.tell("name", "note", f"{such} {agreeing(len(outside), what)}")
    found = {each.name for each in sensors}.union(elsewhere)
    for name in catalog.expected:
        if name not in found:
            account.tell("absent", "quarantined", f"{name}: the catalog expects it and no file has it")
