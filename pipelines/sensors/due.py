"""What a night does with sensors: take in files that are new or changed, and scan the days that this concerns.

Each day of UTC is judged by the days before it, in a commit of its own with its events, so that a night that is killed
leaves whole days, and the next one goes on. A day is due where its readings are not those that were scanned, or where
it lasted longer than it was looked at; all later days are then due as well, as it is part of their past.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dqm import __version__
from dqm.formats.sensor_reading import Advance, StreamFile
from dqm.model.amounts import counted
from dqm.model.config import Config
from dqm.model.errors import ConfigError, InputError
from dqm.model.findings import Finding
from dqm.model.sensor_catalog import Quiet
from dqm.model.sensors import SECOND, SensorReadings
from dqm.store.anomalies import ScannedDay, scanned_days, store_anomalies
from dqm.store.sensors import DAY, KIND, day_begin, day_number, held_before, in_unit, newest_reading, read_sensors
from dqm.store.store import Store
from pipelines.alerts.loops import last_of_loops, loop_events
from pipelines.run.arrivals import Arrivals, file_seen
from pipelines.sensors.ingest import Also, SensorsIngested, ingest_sensors
from pipelines.sensors.keeping import after_scan, scanned_of
from pipelines.sensors.nights import changed_in
from pipelines.sensors.scan import Night, Scan, scan

MEMORY = Path("cache", "sensor-files.json")
"""Beside the store, and part of no commit: which files were taken in, and what the store held then. Without it, or
where the store holds anything else, all files are read again, which changes nothing."""
HOUR = 3600 * SECOND

Showing = Callable[[str], None]


@dataclass(frozen=True)
class Arrived:
    """Files of the streams that are ``fresh``, new or changed, of ``all`` that there are; ``missing`` patterns."""

    fresh: tuple[StreamFile, ...]
    all: Arrivals
    missing: tuple[Finding, ...]


def arrived(config: Config, store: Store) -> Arrived:
    """What the streams hold that the store did not take in yet."""
    before = _remembered(config, store)
    known = dict(before.files) if before else {}
    files, missing = dict[str, StreamFile](), []
    for stream in config.sensors.stream:
        for pattern in stream.files:
            try:
                files |= {str(path): (path, stream) for path in config.files((pattern,))}
            except ConfigError as error:
                missing.append(Finding("missing", "quarantined", f"[[sensors.stream]]: {error}"))
    seen = {name: each for name, (path, _) in files.items() if (each := file_seen(path, known.get(name))) is not None}
    fresh = [
        file
        for name, file in files.items()
        if name in seen and getattr(known.get(name), "digest", "") != seen[name].digest
    ]
    return Arrived(tuple(fresh), Arrivals(seen), tuple(missing))


def take_in(
    config: Config,
    store: Store,
    found: Arrived,
    now: int,
    also: Also = lambda change, findings: None,
    *,
    whole: bool = False,
    advance: Advance = lambda name, done, total: None,
) -> SensorsIngested:
    """Ingest what is fresh, or the ``whole``, and remember it once it is committed; ``also`` adds to the commit.

    A disk on which nothing can be remembered costs time in the next night, and nothing else. ``advance`` is told of
    each file.
    """
    done = ingest_sensors(config, store, now=now, files=None if whole else found.fresh, also=also, advance=advance)
    memory = store.path / MEMORY
    staged = memory.with_suffix(".part")
    with contextlib.suppress(OSError):
        memory.parent.mkdir(exist_ok=True)
        staged.write_text(json.dumps({"state": _state(config, store), "files": found.all.document()}))
        staged.replace(memory)
    return done


def taken_in(
    config: Config, store: Store, now: int, *, again: bool, advance: Advance = lambda name, done, total: None
) -> SensorsIngested:
    """Ingest what is new or changed since it was read, by a night or before, or all files ``again``.

    Patterns that find no file any more are told. Raises ``InputError`` and ``ConfigError`` as ``ingest_sensors`` does.
    """
    found = arrived(config, store)
    if again or len(found.fresh) == len(found.all.files):
        return take_in(config, store, found, now, whole=True, advance=advance)
    if found.fresh:
        done = take_in(config, store, found, now, _with(found.missing), advance=advance)
        return replace(done, findings=(*done.findings, *found.missing))
    with store.transaction() as change:
        change.add_findings(found.missing)
    return SensorsIngested(0, 0, (), 0, store.snapshot, found.missing, len(found.all.files))


def _with(missing: tuple[Finding, ...]) -> Also:
    return lambda change, findings: change.add_findings(missing)


def scan_due(
    config: Config, store: Store, now: int, showing: Showing = lambda name: None
) -> tuple[list[ScannedDay], list[str]]:
    """Scan the days that are due, in order; they are returned, with what could not be scanned and why."""
    numbers, skipped = [], []
    for midnight, until in due_days(config, store, now):
        showing(f"day {day_number(midnight)}")
        try:
            found = _day_scanned(config, store, midnight, until)
        except InputError as error:
            skipped.append(f"{day_number(midnight)}: {error}")
            continue
        _keep(store, found, midnight)
        numbers.append(day_number(midnight))
    return [each for each in scanned_days(store) if each.day in numbers], skipped


def due_days(config: Config, store: Store, now: int) -> Iterator[tuple[int, int]]:
    """Begins of the days that are to be scanned, and to when in each (ns of UTC).

    A store that nobody scanned begins with its last two days. Time counts to the last reading, and to
    ``[sensors] late`` hours before ``now`` where that is later, so that silence is a gap, of all sensors too; to the
    end of the day after that of the last reading at most: what was silent until then goes on by itself.
    """
    held = {each.run: each.digest for each in store.partitions(KIND)}
    if not held:
        return
    scanned = {each.day: each for each in scanned_days(store)}
    last = max(held)
    newest = newest_reading(store) or day_begin(last)
    silent = min(now - round(config.sensors.late * HOUR), day_begin(last) + 2 * DAY)
    until = max(newest + 1, silent)
    first = min(scanned, default=sorted(held)[-2:][0])
    due = False
    for midnight in range(day_begin(first), until, DAY):
        number, end = day_number(midnight), min(midnight + DAY, until)
        done = scanned.get(number)
        due = due or done is None or done.readings != held.get(number, "none") or done.end < end
        if due:
            yield midnight, end


def _day_scanned(config: Config, store: Store, midnight: int, until: int) -> Scan:
    sensors = config.sensors
    begin = midnight - round(sensors.past * DAY)
    past = _with_held(read_sensors(store, "*", begin, midnight), store, begin)
    readings = read_sensors(store, "*", midnight, until)
    night = Night.of(past, readings, changed_in(store, past, readings), since=midnight, until=until)
    return scan(night, periods=sensors.gap, quiet=[Quiet.of(each) for each in sensors.quiet])


def _with_held(past: SensorReadings, store: Store, begin: int) -> SensorReadings:
    """The past, at whose begin a sensor that is logged on change says what it read last before."""
    silent = [each.name for each in past.sensors if each.logging == "on-change"]
    held = {sensor.name: (sensor, value) for sensor, _, value in held_before(store, silent, begin).each()}
    pairs = []
    for sensor, at, value in past.each():
        if sensor.name in held and not (len(at) and at[0] == begin):
            older, last = held[sensor.name]
            _, said = in_unit(older, sensor, (at[:0], last))
            at, value = np.concatenate([[begin], at]), np.concatenate([said, value])
        pairs.append((at, value))
    return SensorReadings.of(past.sensors, pairs)


def _keep(store: Store, found: Scan, midnight: int) -> None:
    """One day, what it says of earlier ones, and its events, in one commit."""
    number, snapshot = day_number(midnight), store.snapshot
    held = {each.run: each.digest for each in store.partitions(KIND)}
    earlier = scanned_days(store)
    changed = after_scan(earlier, scanned_of(found, {number: held.get(number, "none")}))
    after = {each.day: each for each in (*earlier, *changed)}
    days, numbers = [after[each] for each in sorted(after)], {each.day for each in changed}
    made = {"features": str(found.features), "scanned_at": str(int(time.time()))}
    with store.transaction(based_on=snapshot) as change:
        store_anomalies(change, changed, made)
        change.emit(loop_events(days, numbers, last_of_loops(store)))


def _state(config: Config, store: Store) -> str:
    """A digest of how streams are read and of all readings that the store holds."""
    about = config.sensors.model_dump(mode="json", exclude={"quiet", "past", "late"})
    catalog = config.folder / config.sensors.catalog
    table = catalog.read_bytes().hex() if config.sensors.catalog and catalog.is_file() else ""
    held = [(each.run, each.digest) for each in store.partitions(KIND)]
    return hashlib.sha256(json.dumps([about, table, held, __version__], sort_keys=True).encode()).hexdigest()


def _remembered(config: Config, store: Store) -> Arrivals | None:
    try:
        memory = json.loads((store.path / MEMORY).read_text())
        return Arrivals.from_document(memory["files"]) if memory["state"] == _state(config, store) else None
    except (AttributeError, KeyError, OSError, RecursionError, TypeError, ValueError):
        return None


def scan_text(days: Sequence[ScannedDay]) -> str:
    """For people."""
    alarms = [one for day in days for one in day.intervals if one.alarms]
    loops = counted(len({each.loop for each in alarms}), "loop")
    return f"{counted(len(days), 'day')} scanned, {counted(len(alarms), 'anomaly')} in {loops}"
