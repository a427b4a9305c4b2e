"""When a sensor was silent: its usual cadence, and the stretches in which a reading was due and did not come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dqm.model.sensors import SECOND, Sensor

Moments = NDArray[np.int64]


def cadence(time: Moments) -> float:
    """Median seconds from one reading to the next; NaN for fewer than two."""
    return float(np.median(np.diff(time))) / SECOND if len(time) > 1 else float("nan")


def allowed_silence(sensor: Sensor, time: Moments, periods: float = 3.0) -> float:
    """Seconds of silence that are no gap yet.

    *periodic*: ``periods`` times the declared period, or the usual cadence where none is declared. *on-change*: the
    declared period itself; infinite where none is, because a value then holds however long it takes.
    """
    if sensor.logging == "on-change":
        return float("inf") if sensor.period is None else sensor.period
    usual = cadence(time) if sensor.period is None else sensor.period
    return float("inf") if np.isnan(usual) else periods * usual


def gaps(
    sensor: Sensor, time: Moments, *, begin: int | None = None, end: int | None = None, periods: float = 3.0
) -> tuple[Moments, Moments]:
    """Begins and ends ``(g,)`` in ns of UTC of the stretches without a reading, from the reading before to the next.

    Given ``begin`` and ``end`` of what was looked at, a silence at either edge counts as well, a sensor without any
    reading is one gap, and around a single one of which no period is known all is.
    """
    edges = np.concatenate([[begin] if begin is not None else [], time, [end] if end is not None else []])
    edges = edges.astype(np.int64)
    allowed = allowed_silence(sensor, time, periods)
    unheard = not len(time) or np.isinf(allowed)
    if unheard and len(edges) == len(time) + 2 and sensor.logging == "periodic":
        allowed = 0.0
    at = np.flatnonzero(np.diff(edges) > allowed * SECOND)
    return edges[at], edges[at + 1]


def longest_stuck(time: Moments, value: NDArray[np.float64]) -> tuple[int, int, int]:
    """First and last reading of the longest stretch in which readings ``(n,)`` are all the same, and how many readings
    the next longest one has; zeros for none."""
    if not len(time):
        return 0, 0, 0
    edges = np.concatenate([[0], np.flatnonzero(np.diff(value) != 0) + 1, [len(time)]])
    longest = int(np.argmax(time[edges[1:] - 1] - time[edges[:-1]]))
    others = np.delete(np.diff(edges), longest)
    return int(edges[longest]), int(edges[longest + 1] - 1), int(others.max(initial=0))
