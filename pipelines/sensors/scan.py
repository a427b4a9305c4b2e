"""``dqm sensors scan``: from readings of a night and of a past to anomalies of loops, worst first."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.decide.common_cause import with_common_causes
from dqm.decide.intervals import stretches
from dqm.decide.ongoing import LookedAt
from dqm.decide.worst_loops import worst_loops
from dqm.formats.sensor_reading import Advance
from dqm.model.amounts import counted
from dqm.model.errors import InputError
from dqm.model.sensor_catalog import Quiet, hushed
from dqm.model.sensor_gaps import allowed_silence
from dqm.model.sensors import SECOND, AnomalyInterval, Sensor, SensorReadings, TimeGrid, moment
from features.sensors.columns import WindowSettings
from features.sensors.learned import learned
from features.sensors.stream import SensorStream, sensor_windows, since
from pipelines.sensors.alarm import MERGE, Alarm
from pipelines.sensors.certain import Certain, Checked, checked
from pipelines.sensors.tell import Leads, Told, certain_intervals, told
from pipelines.sensors.usual import Feature, Judged, Usual, learned_usual

WINDOW = 23.31
"""Seconds: a lumisection of the LHC, so that sensors and beam have the same bins."""
THINNED = 4
"""Every how many windows the past is looked at: neighbours say nearly the same."""
SETTINGS = WindowSettings(windows=(600.0, 3600.0))
SHORTEST = 3.5 * 3600.0
"""Seconds of a past, at least: from then on one half of it can be judged by what the other says."""
PIECE = 3600 * 6
"""Seconds that are worked on at a time."""


@dataclass(frozen=True)
class Night:
    """``past`` and ``readings`` to be judged, of the same sensors; ``[begin, end)`` of the latter, ns of UTC.

    ``changed`` are changes of unit that were found when the files were read, from the begin of the night on, ``notes``
    what could not be used.
    """

    past: SensorReadings
    readings: SensorReadings
    begin: int
    end: int
    notes: tuple[str, ...] = ()
    changed: tuple[Certain, ...] = ()

    @classmethod
    def of(
        cls,
        past: SensorReadings,
        readings: SensorReadings,
        changed: Sequence[Certain] = (),
        since: int | None = None,
        until: int | None = None,
    ) -> Night:
        """From two sets of readings; what their sensors lack is learned from the past.

        A silence from ``since`` (ns of UTC) to the first reading is of the night, where the past ends before, and one
        from the last reading to ``until`` as well; with both there may be no reading at all.

        Raises ``InputError`` where there is no past, one that is too short, one that is not before the readings, or no
        sensor that both have.
        """
        way_out = "name earlier files with --past, or take a share of the same files with --past-share 0.5"
        if not len(readings.time) and (since is None or until is None or until <= since):
            raise InputError("there is no reading to scan; name files that hold some, or another time")
        if not len(past.time):
            raise InputError(f"there is no past to compare with; {way_out}")
        begin, end = _span(readings, since, until)
        last, first = int(past.time.max()), int(past.time.min())
        if since is not None and last < since < begin:
            begin = since
        if last >= begin:
            raise InputError(f"the past ends at {moment(last)}, after the readings begin ({moment(begin)}); {way_out}")
        if last - first < SHORTEST * SECOND:
            hours = (last - first) / SECOND / 3600
            raise InputError(
                f"the past of {hours:.2g} h is too short: it takes {SHORTEST / 3600:g} h to know what is usual, days "
                f"are better; {way_out}"
            )
        described = {each.name: each for each in learned(past)}
        here = set(readings.names)
        if here and not here & described.keys():
            raise InputError(
                f"the past has none of the sensors that are to be scanned ({readings.names[0]!r} …, the past "
                f"{past.names[0]!r} …); {way_out}"
            )
        fresh = [each for each in readings.sensors if each.name not in described]
        sensors = [*described.values(), *fresh]
        notes = []
        if fresh:
            notes.append(
                f"{counted(len(fresh), 'sensor')} without a past, such as {fresh[0].name}: only what is certain is told"
            )
        if gone := [each for each in described if each not in here]:
            notes.append(f"{counted(len(gone), 'sensor')} of the past not read at all, such as {gone[0]}")
        told = tuple(replace(each, begin=max(each.begin, begin)) for each in changed)
        return cls(_of(past, sensors), _of(readings, sensors), begin, end, tuple(notes), told)

    @property
    def loops(self) -> list[str]:
        """The loops, or lone sensors."""
        return sorted({each.loop or each.name for each in self.readings.sensors})


@dataclass(frozen=True)
class Scan:
    """What a scan found: ``intervals`` in order of time, what the past promises, how it was done, notes, and what it
    ``looked`` at."""

    begin: int
    end: int
    loops: int
    sensors: int
    intervals: tuple[AnomalyInterval, ...]
    alarm: Alarm
    features: int
    notes: tuple[str, ...]
    seconds: float
    looked: LookedAt = field(default_factory=LookedAt)

    def document(self) -> dict[str, Any]:
        """For machines: times in ns of UTC."""
        rate, bound = self.alarm.rate
        return {
            "begin": self.begin, "end": self.end, "loops": self.loops, "sensors": self.sensors,
            "features": self.features, "loop_weeks": self.alarm.weeks, "rate": rate, "rate_bound": bound,
            "opens": self.alarm.rules.opens, "notes": list(self.notes), "seconds": round(self.seconds, 2),
            "intervals": [asdict(each) for each in self.intervals],
            "worst": [asdict(each) for each in worst_loops(self.intervals, self.end)],
        }  # fmt: skip


def scan(
    night: Night,
    *,
    periods: float = 3.0,
    quiet: Sequence[Quiet] = (),
    advance: Advance = lambda name, done, total: None,
) -> Scan:
    """Judge the readings of a night by what the past says; ``periods`` without a reading make a gap."""
    started = time.monotonic()
    pieces = len(_pieces(night.begin, night.end))
    advance("gaps, stuck sensors, changes of unit", 0, pieces + 2)
    clear = checked(night.past, night.readings, (night.begin, night.end), periods=periods, known=night.changed)
    sure = [*night.changed, *clear.found]
    advance("what is usual", 1, pieces + 2)
    usual, alarm = _learned(night, periods)
    found = certain_intervals(sure, MERGE, alarm.highest, night.readings.sensors)
    unseen = _unseen(night, periods)
    begin, end, leads = _judged(night, clear, usual, [*sure, *unseen], advance)
    judged = {name: each for name, each in leads.items() if len(alarm.past) and np.isfinite(each.score).any()}
    for name, lead in judged.items():
        severity = alarm.severity(lead.score)
        found += told(name, stretches(begin, end, severity, alarm.rules), Told(begin, end, lead, usual, alarm))
    sectors = {each.loop or each.name: each.subsystem for each in night.readings.sensors}
    named = sorted(with_common_causes(found, sectors), key=lambda each: (each.begin, each.loop))
    ended = hushed(named, quiet, night.readings.sensors, now=night.end)
    notes = (*night.notes, *clear.notes, *_unjudged(night.loops, judged), *_unseen_note(unseen, night.begin))
    count, known = len(night.loops), len(night.readings)
    seconds = time.monotonic() - started
    looked = _looked(night, clear, {name: begin[np.isfinite(each.score)] for name, each in judged.items()}, sectors)
    features = len(usual.features)
    return Scan(night.begin, night.end, count, known, tuple(ended), alarm, features, notes, seconds, looked)


def _looked(
    night: Night, clear: Checked, judged: Mapping[str, NDArray[np.int64]], sectors: Mapping[str, str]
) -> LookedAt:
    """From when on loops were judged and sensors heard; a sector is judged where half of its judged loops are."""
    loops = {name: int(at[0]) for name, at in judged.items()}
    together: dict[str, list[int]] = {}
    for name, at in loops.items():
        if sectors.get(name):
            together.setdefault(sectors[name], []).append(at)
    loops |= {sector: sorted(ats)[len(ats) // 2] for sector, ats in together.items() if sector not in loops}
    heard = {sensor.name: at[np.isfinite(value)] for sensor, at, value in clear.readings.each()}
    holding = {each.name for each in night.readings.sensors if each.logging == "on-change" and each.period is None}
    sensors = {name: int(at[0]) for name, at in heard.items() if len(at)}
    return LookedAt(loops, dict.fromkeys(holding, night.begin) | sensors)


def _unjudged(loops: Sequence[str], judged: Collection[str]) -> list[str]:
    """A note on loops of which no window could be compared with a past: silence of them says nothing."""
    missing = [each for each in loops if each not in judged]
    if not missing:
        return []
    return [
        f"{counted(len(missing), 'loop')} could not be judged, such as {missing[0]}; only what is certain is told there"
    ]


def _learned(night: Night, periods: float) -> tuple[Usual, Alarm]:
    """What is usual, and from which score on an anomaly opens; gaps and changes of unit in the past teach nothing."""
    past = night.past
    first, last = int(past.time.min()), int(past.time.max())
    clear = checked(past.between(0, 0), past, (first, last), periods=periods)
    every = round(WINDOW * THINNED * SECOND)
    begin = np.arange(first + round(3600 * SECOND), last, every, dtype=np.int64)
    grid = TimeGrid(begin, begin + round(WINDOW * SECOND))
    table = sensor_windows(clear.readings, grid, settings=SETTINGS)
    spoilt = [each for each in clear.found if each.kind != "stuck"]  # without a past of its own nothing is stuck
    _forget(table.values, Judged.of(table, past.sensors).features, spoilt, grid)
    apart = int(np.ceil(SETTINGS.reach / every))
    usual, scores = learned_usual(table, past.sensors, apart)
    return usual, Alarm.of(begin, scores, WINDOW * THINNED)


def _judged(
    night: Night, clear: Checked, usual: Usual, sure: Sequence[Certain], advance: Advance
) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Leads]]:
    """Begins and ends ``(w,)`` of the windows, and what leads in each of them, loop by loop."""
    stream = SensorStream(night.readings.sensors, SETTINGS)
    nothing = TimeGrid(np.empty(0, np.int64), np.empty(0, np.int64))
    earlier = checked(night.past.between(0, 0), night.past, (night.begin, night.begin)).readings
    stream.feed(since(earlier, night.begin - SETTINGS.reach), nothing)  # with what is held since long before
    features = [replace(each, at=i) for i, each in enumerate(usual.features)]
    begins, ends = [], []
    parts: dict[str, list[Leads]] = {name: [] for name in usual.loops}
    pieces = _pieces(night.begin, night.end)
    for done, grid in enumerate(pieces, start=2):
        advance(f"windows from {moment(int(grid.begin[0]))} on", done, len(pieces) + 2)
        until = int(grid.end[-1])
        table = stream.feed(clear.readings.between(int(grid.begin[0]), until), grid)
        x = usual.ranges.transformed(table.values)
        beyond = usual.beyond(x)
        _forget(beyond, features, sure, grid)
        for name, rows in usual.loops.items():
            parts[name].append(Leads.of(beyond[:, rows], x[:, rows], rows, usual))
        begins.append(grid.begin)
        ends.append(grid.end)
    return np.concatenate(begins), np.concatenate(ends), {name: Leads.joined(each) for name, each in parts.items()}


def _unseen(night: Night, periods: float) -> list[Certain]:
    """Sensors that were silent just before the night: windows that reach back there hold too little to be judged."""
    found = []
    for sensor, at, value in night.past.each():
        valid = at[np.isfinite(value)]
        silent = allowed_silence(sensor, valid, periods) * SECOND
        if sensor.logging == "periodic":
            silent = min(silent, SETTINGS.reach)  # a value that was logged on change holds however long that takes
        if len(valid) and night.begin - int(valid[-1]) > silent:
            loop = sensor.loop or sensor.name
            found.append(Certain(sensor.name, loop, "gap", int(valid[-1]), night.begin, "before the night"))
    return found


def _unseen_note(unseen: Sequence[Certain], begin: int) -> list[str]:
    if not unseen:
        return []
    until = moment(begin + SETTINGS.reach)
    return [
        f"{counted(len(unseen), 'sensor')} without a valid reading just before {moment(begin)}, such as "
        f"{unseen[0].sensor}, last at {moment(unseen[0].begin)}; until {until} only what is certain is told there"
    ]


def _forget(values: NDArray[np.float32], features: Sequence[Feature], sure: Sequence[Certain], grid: TimeGrid) -> None:
    """Features that look at a sensor while something certain is wrong with it become NaN, in place."""
    for each in sure:
        last = len(grid) if each.end is None else int(np.searchsorted(grid.begin, each.end + SETTINGS.reach))
        rows = slice(int(np.searchsorted(grid.end, each.begin, side="right")), last)
        if rows.start < rows.stop:
            values[rows, [one.at for one in features if _looks_at(one, each)]] = np.nan


def _looks_at(feature: Feature, each: Certain) -> bool:
    """Whether it is of the sensor, or of sensors of its loop together."""
    together = feature.what == "residual" or feature.source == each.loop
    return feature.source == each.sensor or (feature.loop == each.loop and together)


def _pieces(begin: int, end: int) -> list[TimeGrid]:
    """Windows that cover ``[begin, end)``, some at a time."""
    whole = TimeGrid.fixed(begin, end, WINDOW)
    size = round(PIECE / WINDOW)
    return [
        TimeGrid(whole.begin[first : first + size], whole.end[first : first + size])
        for first in range(0, len(whole), size)
    ]


def _span(readings: SensorReadings, since: int | None, until: int | None) -> tuple[int, int]:
    """From the first reading to the last, or to ``until`` where that is later; without any from ``since`` to it."""
    if not len(readings.time):
        return since or 0, until or 0
    end = int(readings.time.max()) + 1
    return int(readings.time.min()), end if until is None else max(end, until)


def _of(readings: SensorReadings, sensors: Sequence[Sensor]) -> SensorReadings:
    """The readings of these sensors, none where there are none."""
    mine = {sensor.name: (at, value) for sensor, at, value in readings.each()}
    none = np.empty(0, np.int64), np.empty(0)
    return SensorReadings.of(sensors, [mine.get(each.name, none) for each in sensors])
