"""What a scan leaves in the store: days of anomalies, joined with what earlier scans said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dqm.decide.ongoing import LookedAt, continued, reaches
from dqm.model.sensors import AnomalyInterval
from dqm.store.anomalies import ScannedDay
from dqm.store.sensors import DAY, day_number
from pipelines.sensors.scan import Scan


@dataclass(frozen=True)
class Scanned:
    """What one scan of ``[begin, end)`` (ns of UTC) found, as ``ScannedDay`` has it, and what it ``looked`` at;
    ``readings`` are the digests of the stored days that it scanned."""

    begin: int
    end: int
    promise: str
    intervals: Sequence[AnomalyInterval]
    notes: Sequence[str] = ()
    looked: LookedAt = field(default_factory=LookedAt)
    readings: Mapping[int, str] = field(default_factory=dict)


def scanned_of(found: Scan, readings: Mapping[int, str] | None = None) -> Scanned:
    """What a scan found, to be kept."""
    promise, looked = found.alarm.promise, found.looked
    return Scanned(found.begin, found.end, promise, found.intervals, found.notes, looked, readings or {})


def after_scan(earlier: Sequence[ScannedDay], scanned: Scanned) -> list[ScannedDay]:
    """The days that a scan changes, as they are after it.

    A scan replaces what an ``earlier`` one said of the same time, and of the day nothing else: anomalies that began
    before or after its span stay, and hours between the two that nobody looked at are noted. Those that go on where it
    begins are taken up, or end, or go on unseen (``dqm.decide.ongoing``), so days before its span may change too.
    """
    begin, days = scanned.begin, {each.day: each for each in earlier}
    open_ = [one for each in earlier for one in each.intervals if one.begin < begin and reaches(one, begin)]
    kept, found = continued(open_, scanned.intervals, begin, scanned.looked)
    new = dict(zip(map(_key, open_), kept, strict=True))
    changed = {}
    for each in earlier:
        mine = tuple(new.get(_key(one), one) for one in each.intervals)
        if mine != each.intervals:
            changed[each.day] = days[each.day] = replace(each, intervals=mine)
    for midnight in range(begin // DAY * DAY, scanned.end, DAY):
        day = _day_after(midnight, found, scanned, days.get(day_number(midnight)))
        changed[day.day] = day
    return [changed[number] for number in sorted(changed)]


def _key(each: AnomalyInterval) -> tuple[str, int, str]:
    return each.loop, each.begin, each.kind


def _day_after(
    midnight: int, found: Sequence[AnomalyInterval], scanned: Scanned, other: ScannedDay | None
) -> ScannedDay:
    """One day of the span of a scan; ``other`` is what an earlier scan said of it."""
    number, mine = day_number(midnight), [each for each in found if midnight <= each.begin < midnight + DAY]
    first, last = max(midnight, scanned.begin), min(midnight + DAY, scanned.end)
    told = list(scanned.notes)
    if other is not None:
        mine = [*mine, *(each for each in other.intervals if not first <= each.begin < last)]
        told = list(dict.fromkeys([*told, *_still_true(other, first, last)]))
        first, last = min(first, other.begin), max(last, other.end)
    mine.sort(key=lambda each: (each.begin, each.loop))
    return ScannedDay(number, first, last, scanned.promise, tuple(mine), tuple(told), scanned.readings.get(number, ""))


def _still_true(other: ScannedDay, first: int, last: int) -> list[str]:
    """What an earlier scan noted of its day, unless all that it looked at was looked at again."""
    if first <= other.begin and other.end <= last:
        return []
    return [*other.notes, *_between((first, last), (other.begin, other.end))]


def _between(one: tuple[int, int], other: tuple[int, int]) -> list[str]:
    """The note on hours that lie between two scans of a day, none where they touch."""
    begin, end = min(one[1], other[1]), max(one[0], other[0])
    if end <= begin:
        return []
    hours = (np.datetime_as_string(np.datetime64(each, "ns"), unit="m") for each in (begin, end))
    return ["nobody looked from {}Z to {}Z".format(*hours)]
