"""What a past of readings says about its sensors, where nobody declared it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dqm.model.sensors import SECOND, Sensor, SensorReadings

ENOUGH = 10
"""Readings below which nothing is learned."""
WHOLE = 0.02
"""How far from a whole multiple of the smallest step another one may be, in steps."""
MOST = 0.9
"""Share of the steps that must be whole multiples before the smallest one is a resolution."""


def learned(past: SensorReadings) -> tuple[Sensor, ...]:
    """The sensors of a past with what they lack: the ``period`` of periodic ones and the ``resolution``.

    The period is the median time between two readings. The resolution is the smallest step between two readings where
    nine in ten of all steps are whole multiples of it, as those of a converter are; otherwise it stays unknown. Only a
    past may be looked at: learn from what was before the readings that are judged, and keep the sensors.
    """
    found = []
    for i, sensor in enumerate(past.sensors):
        rows = slice(past.start[i], past.start[i + 1])
        time, value = past.time[rows], past.value[rows]
        valid = np.isfinite(value)
        found.append(_completed(sensor, time[valid], value[valid]))
    return tuple(found)


def _completed(sensor: Sensor, time: NDArray[np.int64], value: NDArray[np.float64]) -> Sensor:
    if len(time) < ENOUGH:
        return sensor
    if sensor.period is None and sensor.logging == "periodic":
        sensor = replace(sensor, period=float(np.median(np.diff(time))) / SECOND)
    if sensor.resolution is None:
        sensor = replace(sensor, resolution=_resolution(value))
    return sensor


def _resolution(value: NDArray[np.float64]) -> float | None:
    """The step of the converter, or ``None`` where there is none to be seen."""
    steps = np.abs(np.diff(value))
    steps = steps[steps > 1e-12 * np.abs(value).max()]
    if len(steps) < ENOUGH:
        return None
    smallest = float(steps.min())
    multiples = steps / smallest
    whole = np.abs(multiples - np.round(multiples)) < WHOLE
    return smallest if whole.mean() >= MOST and multiples.max() < 1 / WHOLE**2 else None
