"""The windows of one sensor: from its readings to one row of features for every bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.model.sensors import SECOND, Sensor
from features.sensors.columns import SensorColumns, WindowSettings, cadence, cell_count, has_limits
from features.sensors.held import ticks
from features.sensors.order import describe, order_of, ranks
from features.sensors.rhythm import cells, rhythms, tables
from features.sensors.trends import block_sums, gaps, shares, slopes, stuck

STRETCH = 32_768
"""Readings that are sorted together: as many as the nearest caches hold, and more than a window has."""
SIGMA = 1.482602218505602
"""Standard deviation of a Gaussian in units of its median absolute deviation."""

Times = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Carry:
    """What one sensor takes along from bin to bin beside its latest readings; renewed in place.

    ``last``, ``moved`` and ``seen`` ``(1,)`` are those of ``trends.stuck``; ``rhythm`` ``(r, 4)`` what was last said of
    every rhythm.
    """

    last: Values
    moved: Times
    seen: Times
    rhythm: Values

    @classmethod
    def none(cls, rhythms: int) -> Carry:
        """Before the first reading."""
        earliest = np.array([np.iinfo(np.int64).min])
        return cls(np.array([np.nan]), np.array([0]), earliest, np.full((rhythms, 4), np.nan))


@dataclass(frozen=True, eq=False)
class Series:
    """Values of a sensor as its windows see them: readings, or ticks of one that is held, with their cadence in ns."""

    time: Times
    value: Values
    held: NDArray[np.bool_]
    period: int

    @classmethod
    def of(cls, sensor: Sensor, time: Times, value: Values, settings: WindowSettings, ends: Times) -> Series:
        """Valid readings, or the ticks of an on-change sensor as far as bins with these ends see them."""
        period = round((cadence(sensor, settings) or 0) * SECOND)
        if sensor.logging == "on-change":
            silence = round((sensor.period or 0) * SECOND)
            since = int(ends[0]) - settings.reach
            return cls(*ticks(time, value, since, int(ends[-1]), period, silence), period)
        valid = np.isfinite(value)
        if not valid.all():
            time, value = time[valid], value[valid]
        return cls(time, value, np.zeros(0, np.bool_), period)


def of_sensor(
    plan: SensorColumns,
    time: Times,
    value: Values,
    ends: Times,
    due: list[NDArray[np.intp]],
    settings: WindowSettings,
    carry: Carry,
) -> Values:
    """Features ``(w, k)`` of one sensor in the order of ``plan.columns``.

    ``ends`` ``(w,)`` are those of the bins, ``due`` the bins at which each rhythm is taken anew. The readings must
    reach back by ``settings.reach`` before the first end.
    """
    sensor = plan.sensor
    series = Series.of(sensor, time, value, settings, ends)
    spans = [round(each * SECOND) for each in settings.windows]
    stop = np.searchsorted(series.time, ends)
    begins = [np.searchsorted(series.time, ends - span) for span in spans]
    out = np.empty((len(plan.columns), len(ends)))
    _order(series.value, begins, stop, settings, out, plan.stride)
    sums = block_sums(series.time, series.value)
    for k, (begin, span) in enumerate(zip(begins, spans, strict=True)):
        at = k * plan.stride + 3 + len(settings.percentiles)
        slopes(series.time, series.value, sums, begin, stop, out[at])
        out[at + 1] = np.nan
        if series.period:
            gaps(series.time, series.period, ends, span, begin, stop, out[at + 1])
        if has_limits(sensor):
            out[at + 2] = shares(_beyond(series.value, sensor), begin, stop)
        if sensor.logging == "on-change":
            out[at + 2 + has_limits(sensor)] = shares(series.held, begin, stop)
    _rhythm(plan, series, ends, due, settings, carry, out[plan.stride * len(spans) : -1])
    _stuck(sensor, time, value, ends, carry, out[-1])
    return out.T


def _order(value: Values, begins: list[Times], stop: Times, settings: WindowSettings, out: Values, stride: int) -> None:
    """Percentiles, median absolute deviation and noise of every window, stretch by stretch."""
    wanted, half = np.array([0.5, *settings.percentiles]), np.array([0.5])
    q, longest = len(wanted), begins[-1]
    step = np.diff(value, prepend=value[:1])
    stretch = max(STRETCH, 4 * int((stop - longest).max(initial=0)))
    found: NDArray[Any] = np.empty((len(stop), q + 1))
    moved: NDArray[Any] = np.empty((len(stop), 2))
    first = 0
    while first < len(stop):
        low = longest[first]
        last = max(int(np.searchsorted(stop, low + stretch, side="right")), first + 1)
        rows, part = slice(first, last), slice(low, stop[last - 1])
        values, value_rank = ranks(value[part], order_of(value[part]))
        steps, step_rank = ranks(step[part], order_of(step[part]))
        for k, begin in enumerate(begins):
            a, b = begin[rows] - low, stop[rows] - low
            describe(values, value_rank, a, b, wanted, found[rows])
            describe(steps, step_rank, np.minimum(a + 1, b), b, half, moved[rows])
            out[k * stride : k * stride + q + 1, rows] = found[rows].T
            out[k * stride + q + 1, rows] = SIGMA / np.sqrt(2) * moved[rows, 1]
        first = last


def _beyond(value: Values, sensor: Sensor) -> NDArray[np.bool_]:
    """Which values are at or beyond a limit."""
    low = -np.inf if sensor.lowest is None else sensor.lowest
    high = np.inf if sensor.highest is None else sensor.highest
    return (value <= low) | (value >= high)


def _rhythm(
    plan: SensorColumns,
    series: Series,
    ends: Times,
    due: list[NDArray[np.intp]],
    settings: WindowSettings,
    carry: Carry,
    out: Values,
) -> None:
    """Oscillation and control index: taken where they are due, and told until they are due again."""
    many, at = 3 + plan.controlled, 0
    for r, window in enumerate(settings.rhythms):
        size = cell_count(window, cadence(plan.sensor, settings))
        if not size:
            continue
        width = round(window * SECOND) // size
        taken = np.full((len(due[r]) + 1, 4), np.nan)
        taken[0] = carry.rhythm[r]
        if len(due[r]):
            stop = ends[due[r]] // width
            first = int(stop[0]) - size
            begin = int(np.searchsorted(series.time, first * width))
            mean = cells(series.time, series.value, begin, width, first, int(stop[-1]) - first)
            horizon = max(1, round(settings.horizon * SECOND / width))
            rhythms(mean, stop - first, tables(size), width / SECOND, horizon, taken[1:])
        latest = np.searchsorted(due[r], np.arange(len(ends)), side="right")
        out[at : at + many] = taken[latest, :many].T
        carry.rhythm[r] = taken[-1]
        at += many


def _stuck(sensor: Sensor, time: Times, value: Values, ends: Times, carry: Carry, out: Values) -> None:
    """Time without movement; of an on-change sensor up to the end of the bin, as its value holds until then."""
    valid = np.isfinite(value)
    at = time[valid]
    first = int(np.searchsorted(at, carry.seen[0], side="right"))
    stuck(at, value[valid], first, ends, sensor.resolution or 0.0, carry.last, carry.moved, carry.seen, out)
    if sensor.logging != "on-change":
        return
    last = np.searchsorted(time, ends) - 1
    known = last >= 0
    silent = np.full(len(ends), np.nan)
    silent[known] = (ends[known] - time[last[known]]) / SECOND
    silent[known & ~valid[last]] = np.nan
    if sensor.period is not None:
        silent[silent > sensor.period] = np.nan
    out += silent
