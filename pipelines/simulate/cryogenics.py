"""A simulated sector of beam-screen cooling: loops of a valve, a heater, four thermometers and two pressures.

Helium enters a loop at T₁ and P₁, takes up what beam, statics and the heater bring in, and leaves at T₃ through a valve
into P₄. With the flow ṁ of ``features.sensors.loops`` and a dead time θ

    T₃* = T₁ + (Q_static + Q_heater + w·Q_beam + Q_leak) / (ṁ·c_p),    τ·dT₃/dt = T₃*(t − θ) − T₃

A PI controller of the valve holds the measured T₃ at its setpoint, the heater keeps a minimum of heat. The heat of the
beam follows simulated fills. All of it is simplified: it is there to have known faults in signals of the right kind,
not to predict a plant. Equal settings give equal readings.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from dqm.model.sensors import SECOND, Measured, Sensor, SensorReadings
from features.sensors.loops import CP
from pipelines.simulate.cryogenic_faults import CryogenicFault, Plant, logged, placed, within
from pipelines.simulate.fills import Calendar, calendar

STEP = 10
"""Seconds between two readings, and of a step of the simulation: 0.1 Hz."""
BEGIN = np.datetime64("2026-06-01T00:00:00", "ns")
SETPOINT, STATIC, RANGEABILITY, FLOW = 20.0, 10.0, 50.0, 10.0
DEAD_TIME = 6
"""Steps from the valve to the thermometer behind it."""
HEATER, BEAM = 25.0, 120.0
"""Watts of the heater without beam, and that a loop of weight 1 gets at the begin of a fill."""
INJECTION, RAMP = 2400.0, 0.3
"""Seconds from the first injection to collisions, and the share of the heat that is there before the ramp."""

DEVICES: tuple[tuple[str, Measured, str, float, float], ...] = (
    ("QRLAB_{}_CV943", "valve", "%", 0.02, 0.05),
    ("LBARB_{}_EH843", "heater", "W", 0.05, 0.1),
    ("LBARB_{}_TT841", "temperature", "K", 0.008, 0.01),
    ("LBARB_{}_TT843", "temperature", "K", 0.015, 0.01),
    ("LBARB_{}_TT845", "temperature", "K", 0.015, 0.01),
    ("LBARB_{}_TT847", "temperature", "K", 0.015, 0.01),
    ("QRLAA_{}_PT961", "pressure", "bar", 0.002, 0.001),
    ("QRLAB_{}_PT991", "pressure", "bar", 0.001, 0.001),
)
"""Name, what it measures, unit, noise and step of the converter."""


@dataclass(frozen=True, slots=True)
class CryogenicSettings:
    """``days`` of ``loops`` loops of one sector, with ``faults`` of the given ``kinds`` (none: of all) in them.

    ``begin`` is the first moment, UTC.
    """

    days: float = 7.0
    loops: int = 50
    seed: int = 1
    faults: int = 20
    kinds: tuple[str, ...] = ()
    sector: tuple[int, int] = (1, 2)
    begin: np.datetime64 = BEGIN


@dataclass(frozen=True, eq=False)
class Cryogenics:
    """Simulated readings, the faults that are in them, and the lumisections of the fills."""

    settings: CryogenicSettings
    readings: SensorReadings
    faults: tuple[CryogenicFault, ...]
    calendar: Calendar


def simulate(
    settings: CryogenicSettings, faults: tuple[CryogenicFault, ...] | None = None, fills: Calendar | None = None
) -> Cryogenics:
    """Simulate a sector; ``faults`` take the place of those that the settings ask for, ``fills`` that of their own.

    Raises ``UnknownNameError`` for a kind or loop that is not there and ``InputError`` where faults of a loop overlap.
    """
    rng = np.random.default_rng([settings.seed, 9])
    steps = round(settings.days * 86_400 / STEP)
    cells = cell_names(settings.loops, settings.sector)
    fills = fills or fills_of(settings, rng)
    begin = int(settings.begin.astype("datetime64[ns]").astype(np.int64))
    if faults is None:
        faults = placed(cells, settings.faults, settings.kinds, begin, begin + steps * STEP * SECOND, rng)
    faults = within(faults, cells)
    time = begin + np.arange(steps) * (STEP * SECOND)
    shared = _shared(fills, time, rng)
    sensors, parts = [], []
    for cell, noise in zip(cells, rng.spawn(len(cells)), strict=True):
        mine = [each for each in faults if each.loop == cell]
        sensors += sensors_of(cell, settings.sector)
        values = _loop(shared, Plant.of(mine, time), noise)
        parts += logged(mine, [each.name for each in sensors[-len(DEVICES) :]], time, values)
    return Cryogenics(settings, SensorReadings.of(sensors, parts), faults, fills)


def cell_names(loops: int, sector: tuple[int, int] = (1, 2)) -> list[str]:
    """Cells of the arc from one point to the next in order: ``9R1`` … ``33R1``, ``33L2`` … ``9L2`` for 50 loops."""
    right, left = (loops + 1) // 2, loops // 2
    return [
        *(f"{9 + i}R{sector[0]}" for i in range(right)),
        *(f"{9 + i}L{sector[1]}" for i in reversed(range(left))),
    ]


def sensors_of(cell: str, sector: tuple[int, int] = (1, 2)) -> list[Sensor]:
    """The eight sensors of a loop, under the names of the LHC logging system."""
    subsystem = f"S{sector[0]}{sector[1]}"
    return [
        Sensor(
            f"{name.format(cell)}.POSST",
            unit,
            measures,
            cell,
            subsystem,
            period=float(STEP),
            lowest=0.0 if unit == "%" else None,
            highest=100.0 if unit == "%" else None,
            resolution=step,
        )
        for name, measures, unit, _, step in DEVICES
    ]


def fills_of(settings: CryogenicSettings, rng: np.random.Generator) -> Calendar:
    """A fill in every slot of 14 hours, the last of them perhaps longer than the days that are simulated."""
    return calendar(
        rng,
        fills=max(1, int(settings.days * 24 / 14)),
        slot_hours=14.0,
        fill_hours=8.0,
        runs_per_fill=2.0,
        begin=settings.begin,
        first_fill=9000,
        first_run=380_000,
    )


def beam_heat(fills: Calendar, time: NDArray[np.int64]) -> NDArray[np.float64]:
    """Heat of the beam at every time as a share of the highest: injection, ramp, slow decay, dump; shape ``(n,)``."""
    share = np.zeros(len(time))
    bounds = fills.fill_bounds
    start = fills.start.astype(np.int64)
    for first, last in pairwise(bounds):
        collisions, dump = start[first], start[last - 1]
        seconds = (time - collisions) / SECOND
        points = [-INJECTION, -INJECTION / 3, -INJECTION / 6, 0.0]
        rising = np.interp(seconds, points, [0.0, RAMP, RAMP, 1.0])
        decay = np.exp(-np.maximum(seconds, 0) / (25 * 3600))
        share = np.maximum(share, np.where(time < dump, rising * decay, 0.0))
    return share


@dataclass(frozen=True, eq=False)
class Shared:
    """What the loops of a sector share, each ``(n,)``: heat of the beam, T₁ in K, P₁ and P₄ in bar."""

    beam: NDArray[np.float64]
    inlet: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]


def _shared(fills: Calendar, time: NDArray[np.int64], rng: np.random.Generator) -> Shared:
    wander = [_wander(rng.standard_normal(len(time)), sigma) for sigma in (0.05, 0.03, 0.01)]
    return Shared(beam_heat(fills, time), 5.0 + wander[0], 3.0 + wander[1], 1.3 + wander[2])


def _loop(shared: Shared, plant: Plant, rng: np.random.Generator) -> NDArray[np.float64]:
    """Values ``(8, n)`` of the sensors of one loop, noise and steps of the converter included."""
    n = len(shared.beam)
    weight, flow, lag = rng.uniform(0.6, 1.4), FLOW * rng.uniform(0.9, 1.1), rng.uniform(250.0, 500.0)
    noise = rng.standard_normal((len(DEVICES), n))
    sigma = np.array([each[3] for each in DEVICES])[:, None]
    values = np.empty((len(DEVICES), n))
    inlet = shared.inlet + rng.normal(0, 0.1)
    heat = STATIC + weight * BEAM * shared.beam + plant.leak
    _run(
        *(shared.high, shared.low, inlet, heat, noise[4] * sigma[4]),
        *(plant.stiction, plant.gain, plant.integral, plant.heater, plant.bias, plant.frozen),
        *(flow, lag, values),
    )
    noise[4] = 0.0  # the controller has seen it already
    values[6], values[7] = shared.high, shared.low
    values += noise * sigma
    step = np.array([each[4] for each in DEVICES])[:, None]
    return np.asarray(np.round(values / step) * step)


@numba.njit(cache=True, nogil=True)
def _wander(shocks, sigma):  # type: ignore[no-untyped-def]
    """A level that wanders by ``sigma`` and comes back within two hours."""
    back = STEP / 7200.0
    out, level = np.empty(len(shocks)), 0.0
    for i in range(len(shocks)):
        level += -back * level + sigma * np.sqrt(2 * back) * shocks[i]
        out[i] = level
    return out


@numba.njit(cache=True, nogil=True)
def _run(  # type: ignore[no-untyped-def]
    high, low, inlet, heat, noise, stiction, gain, integral, heater_on, bias, frozen, flow, lag, values
):
    """Step by step: thermometer, controller, valve, flow, heat. PI by the rule of Skogestad for lag and dead time."""
    proportional, reset = 3.0, 400.0
    outlet = seen = SETPOINT
    position, heater, total = 15.0, HEATER, 15.0 / proportional
    middle, after = (inlet[0] + SETPOINT) / 2, SETPOINT
    coming = np.full(DEAD_TIME, SETPOINT)
    for i in range(len(high)):
        if not frozen[i]:
            seen = outlet + bias[i] + noise[i]
        error = seen - SETPOINT
        wanted = gain[i] * proportional * error + proportional * total
        step = error * gain[i] * integral[i] * STEP / reset
        if not (wanted >= 100 and step > 0) and not (wanted <= 2 and step < 0):
            total += step
        wanted = min(max(wanted, 2.0), 100.0)
        if abs(wanted - position) > stiction[i]:
            position = wanted
        keep = HEATER + 8.0 * max(SETPOINT - 3.0 - seen, 0.0) if heater_on[i] else 0.0
        heater += (min(keep, 80.0) - heater) * STEP / 60.0
        helium = flow * RANGEABILITY ** (position / 100 - 1) * np.sqrt(max(high[i] - low[i], 0.01))
        target = inlet[i] + (heat[i] + heater) / (helium * CP)
        now = coming[i % DEAD_TIME]
        coming[i % DEAD_TIME] = min(target, 300.0)
        outlet += (now - outlet) * STEP / lag
        middle += (inlet[i] + 0.45 * (outlet - inlet[i]) - middle) * STEP / 120.0
        after += (outlet + 0.4 - after) * STEP / 300.0
        values[0, i], values[1, i], values[2, i] = position, heater, inlet[i]
        values[3, i], values[4, i], values[5, i] = middle, seen, after
