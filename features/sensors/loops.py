"""Sensors of a loop beside each other, and loops of a sector beside each other.

*Residual*: the median of a sensor less the median of those of the other sensors of its loop that measure the same.

*Heat balance* of a beam-screen loop, in W: what beam brings in is what the helium takes away less what else warms it,

    Q_bs = ṁ·(H₃ − H₁) − Q_s − Q_EH,    ṁ = ṁ₀·R^(x/100 − 1)·√((P₁ − P₄)/1 bar),    H = c_p·T

with the flow ṁ by the equation of an equal-percentage valve open by x %, of rangeability R and of flow ṁ₀ fully open at
1 bar; the enthalpy of helium as an ideal gas (c_p = 5.193 J/(g·K): simplified, near 5 K and 3 bar the real gas differs
much); Q_s the static heat and Q_EH the electrical heater. Temperatures T₁ and T₃ are the first and third thermometer of
the loop by name, pressures P₁ and P₄ the first and last. Its residual is the balance less the logged heat load of the
loop, or, where none is logged, less the median of the other loops of its subsystem, which see the same beam.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from dqm.model.sensors import Measured, Sensor
from dqm.model.tables import Column
from features.sensors.columns import subsystem

CP = 5.193
"""J/(g·K) of helium as an ideal gas: 5/2 of the gas constant by 4.0026 g."""
NEIGHBOURS = 3
"""Other loops that it takes to say what a loop of the sector should have."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeatSettings:
    """Constants of the valve and the static heat: ``flow`` in g/s fully open at 1 bar, ``static`` in W."""

    flow: float = 10.0
    rangeability: float = 50.0
    static: float = 10.0


@dataclass(frozen=True, slots=True)
class HeatLoop:
    """Positions of the sensors of one balance; ``logged`` is that of a logged heat load, −1 without one.

    ``compared`` tells whether there is anything to compare it with: a logged heat load or enough other loops.
    """

    loop: str
    subsystem: str
    valve: int
    heater: int
    inlet: int
    outlet: int
    high: int
    low: int
    logged: int
    compared: bool = True


def mates(sensors: Sequence[Sensor]) -> list[list[int]]:
    """Positions of the sensors of one loop that measure the same in the same unit, where there are at least two."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for i, sensor in enumerate(sensors):
        if sensor.loop:
            groups.setdefault((sensor.loop, sensor.measures, sensor.unit), []).append(i)
    return [each for each in groups.values() if len(each) > 1]


def heat_loops(sensors: Sequence[Sensor]) -> list[HeatLoop]:
    """The loops of which every input of the balance is there, once and in %, W, K and bar."""
    loops: dict[str, list[int]] = {}
    for i, sensor in enumerate(sensors):
        if sensor.loop:
            loops.setdefault(sensor.loop, []).append(i)
    found = [_heat_loop(loop, members, sensors) for loop, members in loops.items()]
    there = [each for each in found if each is not None]
    many = Counter(each.subsystem for each in there)
    return [replace(each, compared=each.logged >= 0 or many[each.subsystem] > NEIGHBOURS) for each in there]


def _heat_loop(loop: str, members: Sequence[int], sensors: Sequence[Sensor]) -> HeatLoop | None:
    def named(measures: Measured, unit: str) -> list[int]:
        chosen = [i for i in members if sensors[i].measures == measures and sensors[i].unit == unit]
        return sorted(chosen, key=lambda i: sensors[i].name)

    valves, heaters, logged = named("valve", "%"), named("heater", "W"), named("heat-load", "W")
    temperatures, pressures = named("temperature", "K"), named("pressure", "bar")
    if len(valves) != 1 or len(heaters) != 1 or len(temperatures) < 3 or len(pressures) < 2:
        return None
    place = (valves[0], heaters[0], temperatures[0], temperatures[2], pressures[0], pressures[-1])
    return HeatLoop(loop, subsystem(sensors[valves[0]]), *place, logged[0] if logged else -1)


def heat_columns(loops: Iterable[HeatLoop], at: str) -> list[Column]:
    """Balance and, where there is anything to compare it with, residual of every loop."""
    named = [(each, name) for each in loops for name in ("heat", "heat_residual")[: 1 + each.compared]]
    return [Column(f"{each.loop}:{name}{at}", each.loop, each.subsystem, "feature", "W") for each, name in named]


@numba.njit(cache=True, nogil=True)
def residuals(median, out):  # type: ignore[no-untyped-def]
    """``median`` ``(w, g)`` less the median of the others in its row, out ``(w, g)``; NaN where there is no other."""
    others = np.empty(median.shape[1])
    for j in range(median.shape[0]):
        for i in range(median.shape[1]):
            n = 0
            for k in range(median.shape[1]):
                one = median[j, k]
                if k != i and not np.isnan(one):
                    at = n
                    while at > 0 and others[at - 1] > one:
                        others[at] = others[at - 1]
                        at -= 1
                    others[at] = one
                    n += 1
            middle = (others[(n - 1) // 2] + others[n // 2]) / 2 if n else np.nan
            out[j, i] = median[j, i] - middle


def balance(median: Values, loop: HeatLoop, settings: HeatSettings) -> Values:
    """Q_bs in W of every row of ``median`` ``(w, s)``; NaN where an input is missing, no flow against the pressure."""
    drop = np.maximum(median[:, loop.high] - median[:, loop.low], 0.0)
    flow = settings.flow * settings.rangeability ** (median[:, loop.valve] / 100 - 1) * np.sqrt(drop)
    warmed = CP * (median[:, loop.outlet] - median[:, loop.inlet])
    return np.asarray(flow * warmed - settings.static - median[:, loop.heater])


def heat(median: Values, loops: Sequence[HeatLoop], settings: HeatSettings) -> Values:
    """Balance and residual of every loop, ``(w, c)`` in the order of ``heat_columns``."""
    balances = np.array([balance(median, loop, settings) for loop in loops]).reshape(len(loops), len(median)).T
    beside = np.full(balances.shape, np.nan)
    for sector in {each.subsystem for each in loops}:
        members = [k for k, each in enumerate(loops) if each.subsystem == sector]
        found = np.empty((len(median), len(members)))
        residuals(np.ascontiguousarray(balances[:, members]), found)
        beside[:, members] = found
    columns = []
    for k, loop in enumerate(loops):
        columns.append(balances[:, k])
        if loop.compared:
            columns.append(balances[:, k] - median[:, loop.logged] if loop.logged >= 0 else beside[:, k])
    return np.array(columns).reshape(len(columns), len(median)).T
