"""What a night would do with sensors, told before it is done; and how long all of them have been silent."""

from __future__ import annotations

from collections.abc import Iterator

from dqm.formats.sensor_reading import StreamFile, read_streams
from dqm.model.amounts import counted, duration
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.model.sensors import SECOND, moment
from dqm.store.sensors import day_number, newest_reading
from dqm.store.store import Store
from pipelines.sensors.due import arrived, due_days

LISTED = 20
"""Files that are read for what they hold; of more than these the number alone is told."""
HOUR = 3600 * SECOND


def foreseen(config: Config, store: Store, now: int) -> Iterator[str]:
    """Lines on the files of streams that are new or changed, what each holds, and on the days that are to be scanned.

    Files are read and nothing is written; ``now`` in ns of UTC. Without ``[[sensors.stream]]`` there is no line.
    """
    if not config.sensors.stream:
        return
    found = arrived(config, store)
    yield f"sensor files that are new or changed: {len(found.fresh)} of {len(found.all.files)}"
    yield from (f"  {_held(file, config, now)}" for file in found.fresh[:LISTED])
    if len(found.fresh) > LISTED:
        yield f"  … and {len(found.fresh) - LISTED} more, not looked into"
    yield from (f"not found: {each.reason}" for each in found.missing)
    days = [str(day_number(midnight)) for midnight, _ in due_days(config, store, now)]
    named = f" ({days[0]}–{days[-1]})" if len(days) > 1 else "".join(f" ({each})" for each in days)
    also = ", and those that these files change with all later ones" if found.fresh else ""
    yield f"days of sensors to scan, of what is stored: {len(days)}{named}{also}"
    if silent := silence(config, store, now):
        yield silent


def silence(config: Config, store: Store, now: int) -> str:
    """That no sensor at all was read for more than an hour and from when on that is a gap, empty where one was."""
    newest, late = newest_reading(store), config.sensors.late
    if newest is None or now - newest <= HOUR:
        return ""
    lasted = (now - newest) / SECOND
    then = "which is a gap" if lasted > late * 3600 else f"a gap once it lasts {late:g} h ([sensors] late)"
    return f"no sensor was read after {moment(newest)}, {duration(lasted)} ago: {then}"


def _held(file: StreamFile, config: Config, now: int) -> str:
    """A file by name: how many readings of how many sensors, from when to when, and what would be in quarantine."""
    name = file[0].name
    try:
        read = read_streams(config, now=now, files=[file])
    except (InputError, OSError) as error:
        return f"{name}: {error}"
    time, bad = read.readings.time, sum(each.severity == "quarantined" for each in read.findings)
    span = f", {moment(time.min())} to {moment(time.max())}" if len(time) else ""
    also = f"; {counted(bad, 'finding')} in quarantine" if bad else ""
    return f"{name}: {counted(len(time), 'reading')} of {counted(len(read.readings), 'sensor')}{span}{also}"
