"""Times of readings: text or numbers become nanoseconds of UTC; a clock change is settled by the order, or told.

When clocks are put back an hour of local time occurs twice, when they are put forward one is missing. Which of the two
a reading was taken in is known only where the readings of one sensor, in the order of the file, step back once: those
before the step are of the first pass, those after it of the second. Everything else is quarantined, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dqm.model.errors import InputError, UnknownNameError
from dqm.model.sensors import SECOND

LATEST = 4_102_444_800
"""2100-01-01 in seconds since 1970: nothing is later."""
UNKNOWN = np.iinfo(np.int64).min
"""A time that is not known, as NaT is."""
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
DAY = 86_400
OFFSET = r"(?:Z|[+-]\d\d:?\d\d)$"

Moments = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clock:
    """Moments as a file gives them: ``time`` int64 ``(n,)`` ns since 1970, in UTC or, where ``local``, by a clock of
    unknown zone; ``UNKNOWN`` where the cell holds no time."""

    time: Moments
    local: bool


@dataclass(frozen=True, eq=False)
class Converted:
    """``time`` int64 ``(n,)`` ns of UTC, of the first pass where the hour occurs twice; ``later`` what the second pass
    is later by, 0 elsewhere; ``missing`` where a clock never showed that time."""

    time: Moments
    later: Moments
    missing: NDArray[np.bool_]


def clock(cells: pa.ChunkedArray, unit: str, where: str) -> Clock:
    """Moments of a column of times.

    Takes timestamps, ISO 8601 text with or without an offset, and numbers counting ``unit`` since 1970 (``auto``: told
    from their size). Raises ``InputError`` where a column holds text with and without an offset, because what the rest
    means would be a guess.
    """
    if pa.types.is_date(cells.type):
        cells = cells.cast(pa.timestamp("ns"))
    if pa.types.is_timestamp(cells.type):
        zoned = cells.type.tz is not None
        return Clock(_filled(cells.cast(pa.timestamp("ns", "UTC" if zoned else None), safe=False)), not zoned)
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type):
        return Clock(_counted(cells, unit, where), local=False)
    return _text(cells.cast(pa.string()), where)


def _filled(stamps: pa.ChunkedArray) -> Moments:
    found: Moments = pc.fill_null(stamps.cast(pa.int64()), UNKNOWN).to_numpy()
    return np.where((found >= 0) & (found < LATEST * SECOND), found, UNKNOWN)


def _counted(cells: pa.ChunkedArray, unit: str, where: str) -> Moments:
    """Numbers since 1970; whole ones are exact, others to the microsecond."""
    if pa.types.is_integer(cells.type):
        number = pc.fill_null(cells.cast(pa.int64()), -1).to_numpy()
    else:
        number = pc.fill_null(cells.cast(pa.float64()), -1.0).to_numpy()
    per = PER_SECOND[_magnitude(number, where) if unit in ("auto", "text") else unit]
    good = (number >= 0) & (number < LATEST * per)
    if number.dtype.kind == "i":
        return np.where(good, np.where(good, number, 0) * (SECOND // per), UNKNOWN)
    micro = np.rint(np.where(good, number, 0) * (1e6 / per)).astype(np.int64)
    return np.where(good, micro * 1000, UNKNOWN)


def _magnitude(number: NDArray[Any], where: str) -> str:
    """What a number counts since 1970: moments of 1973 to 2100 lie apart in every unit."""
    known = number[number > 0]
    typical = float(np.median(known)) if len(known) else 0.0
    for unit, per in PER_SECOND.items():
        if 1e8 * per <= typical < LATEST * per:
            return unit
    raise InputError(
        f"{where}: numbers such as {typical:.6g} are no count of s, ms, us or ns since 1970; name the column of the "
        "time, or its time_unit"
    )


def _text(cells: pa.ChunkedArray, where: str) -> Clock:
    text = pc.utf8_trim_whitespace(pc.fill_null(cells, ""))
    offset = pc.match_substring_regex(text, OFFSET).to_numpy().astype(bool)
    filled = pc.not_equal(text, "").to_numpy().astype(bool)
    if not offset.any():
        return Clock(_parsed(text), local=True)
    stamps = np.where(offset, text.to_numpy(zero_copy_only=False), "")
    moments = _stamped(pd.to_datetime(pd.Series(stamps), utc=True, format="ISO8601", errors="coerce"))
    naive = filled & ~offset & (_parsed(text) != UNKNOWN)
    if naive.any():
        row = int(np.argmax(naive))
        raise InputError(
            f"{where}: the time {text[row].as_py()!r} has no offset and others have one; write all of them alike"
        )
    return Clock(moments, local=False)


def _parsed(text: pa.ChunkedArray) -> Moments:
    """ISO 8601 text without an offset, whatever the clock; ``UNKNOWN`` where it is none."""
    try:
        return _filled(text.cast(pa.timestamp("ns")))  # ten times faster, but one odd cell stops it
    except pa.ArrowException:
        pass
    series = pd.Series(text.to_numpy(zero_copy_only=False))
    return _stamped(pd.to_datetime(series, format="ISO8601", errors="coerce", utc=True))


def _stamped(series: Any) -> Moments:
    """Moments in UTC as nanoseconds; what lies before 1970 or after 2100 is none, and may not even fit."""
    found = pd.DatetimeIndex(series)
    inside = (found >= pd.Timestamp(0, tz="UTC")) & (found < pd.Timestamp(LATEST, unit="s", tz="UTC"))
    return np.asarray(pd.DatetimeIndex(found.where(inside)).as_unit("ns").asi8)


def zone_named(name: str) -> ZoneInfo:
    """The zone of a name; raises ``UnknownNameError`` with the nearest names."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownNameError("time zone", name, available_timezones()) from None


def to_utc(local: Moments, zone: ZoneInfo) -> Converted:
    """Times of a clock in ``zone`` as moments; ``UNKNOWN`` stays what it is.

    A clock shows ``t + o_k`` in the interval ``[T_k, T_{k+1})`` between two changes. The last interval that has begun
    by its own clock gives the only moment, but where the interval before it has not ended by its clock there are two,
    and where that interval has ended by its clock there is none.
    """
    known = local != UNKNOWN
    if not known.any():
        return Converted(local, np.zeros_like(local), np.zeros(len(local), dtype=bool))
    begins, offsets = _changes(int(local[known].min()), int(local[known].max()), zone)
    if len(begins) == 1:
        time = np.where(known, local - offsets[0], UNKNOWN)
        return Converted(time, np.zeros_like(local), np.zeros(len(local), dtype=bool))
    ends = np.append(begins[1:], np.iinfo(np.int64).max // 2)
    k = np.maximum(np.searchsorted(begins + offsets, local, side="right") - 1, 0)
    before = np.maximum(k - 1, 0)
    missing = known & (local >= ends[k] + offsets[k])
    twice = known & (k > 0) & (local < begins[k] + offsets[before])
    first = np.where(twice, offsets[before], offsets[k])
    later = np.where(twice, first - offsets[k], 0)
    time = np.where(known & ~missing, np.where(known, local, 0) - first, UNKNOWN)
    return Converted(time, later, missing)


def settled(converted: Converted) -> tuple[Moments, int]:
    """Moments of one sensor in the order of its file, and how many in an hour that occurs twice its order settled.

    A stretch of such readings is settled where its local time steps back exactly once and the file is in order all the
    same; otherwise it is ``UNKNOWN``.
    """
    time, done = converted.time.copy(), 0
    twice = np.flatnonzero(converted.later)
    if not len(twice):
        return time, 0
    for stretch in np.split(twice, np.flatnonzero(np.diff(converted.time[twice]) > DAY * SECOND) + 1):
        steps = np.flatnonzero(np.diff(converted.time[stretch]) < 0)
        if len(steps) == 1:
            second = stretch[steps[0] + 1 :]
            time[second] += converted.later[second]
            done += len(stretch)
        else:
            time[stretch] = UNKNOWN
    if done and (np.diff(time[time != UNKNOWN]) < 0).any():  # the order of such a file tells nothing
        time[twice], done = UNKNOWN, 0
    return time, done


def _changes(first: int, last: int, zone: ZoneInfo) -> tuple[Moments, Moments]:
    """Begins ``(c,)`` in ns of UTC of the intervals of constant offset around local times, and those offsets in ns."""
    low, high = first // SECOND - 2 * DAY, last // SECOND + 2 * DAY
    begins, offsets = [low], [_offset(low, zone)]
    for day in range(low, high + DAY, DAY):
        if _offset(day + DAY, zone) != offsets[-1]:
            begins.append(_change(day, day + DAY, zone))
            offsets.append(_offset(day + DAY, zone))
    return np.array(begins, np.int64) * SECOND, np.array(offsets, np.int64) * SECOND


def _change(low: int, high: int, zone: ZoneInfo) -> int:
    """The second at which the offset changes between two moments."""
    before = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _offset(moment: int, zone: ZoneInfo) -> int:
    """Seconds by which the clocks of a zone are ahead of UTC."""
    ahead = datetime.fromtimestamp(moment, UTC).astimezone(zone).utcoffset()
    return int(ahead.total_seconds()) if ahead is not None else 0
