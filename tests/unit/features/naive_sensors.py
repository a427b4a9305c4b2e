"""Features of sensors as their documentation says them, one window after the other: what the fast ones must equal."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dqm.model.sensors import SECOND, Sensor, TimeGrid
from features.sensors.columns import WindowSettings, cadence, cell_count, label

NAN = math.nan
Point = tuple[int, float]
Row = dict[str, float]


def features(
    sensor: Sensor, time: NDArray[np.int64], value: NDArray[np.float64], grid: TimeGrid, settings: WindowSettings
) -> list[Row]:
    """Every feature of a sensor but those of its loop, by name, one dictionary for each bin."""
    readings = list(zip(time.tolist(), value.tolist(), strict=True))
    rows: list[Row] = []
    for j, end in enumerate(grid.end.tolist()):
        seen = [each for each in readings if each[0] < end]
        row: Row = {"stuck": stuck(sensor, seen, end)}
        for window in settings.windows:
            row |= statistics(sensor, seen, end, window, settings)
        for window in settings.rhythms:
            tenth = round(window * SECOND / 10)
            if j and end // tenth == int(grid.end[j - 1]) // tenth:
                row |= {k: v for k, v in rows[-1].items() if k.endswith(label(window)) and k.split("@")[0] in RHYTHM}
            elif cell_count(window, cadence(sensor, settings)):
                row |= rhythm(sensor, series(sensor, seen, end, settings), end, window, settings)
        rows.append(row)
    return rows


RHYTHM = ("period", "amplitude", "hunting", "control")


def series(sensor: Sensor, seen: list[Point], end: int, settings: WindowSettings) -> list[Point]:
    """Valid readings, or what an on-change sensor holds at every tick before ``end``."""
    if sensor.logging == "periodic":
        return [each for each in seen if math.isfinite(each[1])]
    step, held = round(settings.hold * SECOND), []
    for tick in range(-(-seen[0][0] // step) * step if seen else end, end, step):
        time, value = [each for each in seen if each[0] <= tick][-1]
        silent = sensor.period is not None and tick - time > sensor.period * SECOND
        if math.isfinite(value) and not silent:
            held.append((tick, value))
    return held


def statistics(sensor: Sensor, seen: list[Point], end: int, window: float, settings: WindowSettings) -> Row:
    span, at = round(window * SECOND), f"@{label(window)}"
    known = series(sensor, seen, end, settings)
    inside = [each for each in known if each[0] >= end - span]
    x = np.array([each[1] for each in inside])
    row = {f"median{at}": NAN, f"mad{at}": NAN, f"noise{at}": NAN, f"slope{at}": NAN}
    row |= {f"p{100 * q:g}{at}": np.quantile(x, q) if len(x) else NAN for q in settings.percentiles}
    if len(x):
        row |= {f"median{at}": np.median(x), f"mad{at}": np.median(np.abs(x - np.median(x)))}
    if len(x) > 1:
        step = np.diff(x)
        row[f"noise{at}"] = 1.482602218505602 / np.sqrt(2) * np.median(np.abs(step - np.median(step)))
    if len(x) > 2:
        hours = np.array([each[0] - inside[0][0] for each in inside]) / SECOND / 3600
        row[f"slope{at}"] = np.polyfit(hours, x - x[0], 1)[0]
    period = cadence(sensor, settings)
    row[f"gap{at}"] = gap([each[0] for each in known], end, span, period) if period else NAN
    if sensor.lowest is not None or sensor.highest is not None:
        beyond = [v <= (sensor.lowest or -np.inf) or v >= (sensor.highest or np.inf) for v in x]
        row[f"saturated{at}"] = np.mean(beyond) if beyond else NAN
    if sensor.logging == "on-change":
        ages = [t - max(each[0] for each in seen if each[0] <= t) for t, _ in inside]
        row[f"held{at}"] = np.mean([age >= settings.hold * SECOND for age in ages]) if ages else NAN
    return row


def gap(times: list[int], end: int, span: int, period: float) -> float:
    """Nanosecond by nanosecond would take too long: interval by interval."""
    begin, due = end - span, round(period * SECOND)
    missed = max(0, min(times[0] if times else end, end) - begin)
    for one, following in zip(times, [*times, end][1:], strict=True):
        if following - one > 1.5 * due:
            missed += max(0, following - max(one + due, begin))
    return missed / span


def stuck(sensor: Sensor, seen: list[Point], end: int) -> float:
    valid = [each for each in seen if math.isfinite(each[1])]
    if not valid:
        return NAN
    moved, last = valid[0]
    for time, value in valid:
        if abs(value - last) > (sensor.resolution or 0.0) * (1 + 1e-6):
            moved, last = time, value
    if sensor.logging == "periodic":
        return (valid[-1][0] - moved) / SECOND
    silent = sensor.period is not None and end - seen[-1][0] > sensor.period * SECOND
    return NAN if silent or not math.isfinite(seen[-1][1]) else (end - moved) / SECOND


def rhythm(sensor: Sensor, known: list[Point], end: int, window: float, settings: WindowSettings) -> Row:
    """Oscillation by numpy's transform and the control index by its least squares."""
    size = cell_count(window, cadence(sensor, settings))
    width = round(window * SECOND) // size
    last = end // width
    names = [f"{name}@{label(window)}" for name in RHYTHM]
    inside = [[v for t, v in known if t // width == k] for k in range(last - size, last)]
    full = np.array([bool(each) for each in inside])
    if full.mean() < 0.8:
        return dict.fromkeys(names, NAN)
    mean = np.array([np.mean(each) if each else NAN for each in inside])
    error = np.where(full, mean - np.nanmean(mean), 0.0)
    error[np.abs(error) <= 1e-12 * abs(np.nanmean(mean))] = 0.0
    index = control(error, max(1, round(settings.horizon * SECOND / width)))
    place = np.arange(size)
    line = np.polyval(np.polyfit(place[full], error[full], 1), place)
    left = np.where(full, error - line, 0.0)
    if np.abs(left).max() <= 1e-12 * np.nanmax(np.abs(mean)):
        return dict(zip(names, [NAN, 0.0, 0.0, index], strict=True))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * place / size)
    power = np.abs(np.fft.rfft(left * hann)[:-1]) ** 2
    power[0] = 0.0
    best = 4 + int(np.argmax(power[4:]))
    side = 1 if best + 1 < size // 2 and power[best + 1] > power[best - 1] else -1
    ratio = np.sqrt(power[best + side] / power[best])
    place_of_peak = best + side * (2 * ratio - 1) / (ratio + 1) if ratio <= 1 else best
    near = [k for k in range(3, size // 2) if any(abs(k - m * best) <= 1 for m in (1, 2, 3))]
    amplitude = np.sqrt(power[best - 1 : best + 2].sum() * 32 / 3) / size
    period = size * width / SECOND / place_of_peak
    return dict(zip(names, [period, amplitude, power[near].sum() / power.sum(), index], strict=True))


def control(error: NDArray[np.float64], horizon: int) -> float:
    """Share of the variance that five cells, the latest ``horizon`` before, foretell."""
    n = len(error)
    r = np.array([np.dot(error[k:], error[: n - k]) for k in range(horizon + 5)])
    if not r[0] > 0:
        return NAN
    matrix = np.array([[r[abs(i - k)] + (1e-9 * r[0] if i == k else 0.0) for k in range(5)] for i in range(5)])
    return min(float(r[horizon : horizon + 5] @ np.linalg.solve(matrix, r[horizon : horizon + 5]) / r[0]), 1.0)
