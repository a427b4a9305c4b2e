"""What goes wrong in simulated cooling loops: the catalog of faults, where they are put, and what they do.

Each fault has a strength in a unit of its own; some act on the plant, and its controller answers, others only on what
is logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import InputError, UnknownNameError
from dqm.model.sensors import SECOND

HOUR = 3600 * SECOND
WARM_UP, MARGIN = 2 * HOUR, 2 * HOUR
"""No fault begins before the first, and two of one loop lie at least the second apart."""
VALVE, HEATER, OUTLET = 0, 1, 4
"""Positions among the sensors of a loop."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What a fault is: its strengths with their unit, how many hours it lasts, and which sensors it can be on.

    ``on`` are positions among the sensors of a loop; empty: the loop itself.
    """

    what: str
    unit: str
    strengths: tuple[float, ...]
    hours: tuple[float, float]
    on: tuple[int, ...] = ()


KINDS: Mapping[str, FaultKind] = {
    "stiction": FaultKind("the valve moves only when its command is this far away", "%", (1.0, 2.0, 4.0, 8.0), (4, 12)),
    "hunting": FaultKind("the controller is this many times too strong", "×", (3.0, 4.0, 5.0, 7.0), (2, 8)),
    "mistuning": FaultKind("the controller integrates this many times too fast", "×", (2.0, 4.0, 6.0, 9.0), (4, 12)),
    "drift": FaultKind("a thermometer drifts", "K/h", (0.1, 0.2, 0.5, 1.0), (6, 12), (2, 3, 4, 5)),
    "stuck": FaultKind(
        "a sensor repeats its last value for this long", "h", (0.5, 1.0, 3.0, 6.0), (0, 0), (1, 2, 3, 4, 5, 6, 7)
    ),
    "leak": FaultKind("heat leaks in, growing over an hour", "W", (5.0, 10.0, 20.0, 40.0), (6, 24)),
    "heater-trip": FaultKind("the heater is off for this long", "h", (0.5, 1.0, 3.0, 6.0), (0, 0)),
    "gap": FaultKind(
        "nothing of a sensor is logged for this long", "h", (0.25, 0.5, 1.0, 4.0), (0, 0), tuple(range(8))
    ),
    "unit-change": FaultKind(
        "a sensor is logged this many times too large", "×", (1000.0, 100.0), (2, 12), (2, 3, 4, 5, 6, 7)
    ),
}


@dataclass(frozen=True, slots=True)
class CryogenicFault:
    """One simulated fault: ``[begin, end)`` in ns of UTC; ``sensor`` is a position in its loop, −1 for all of it."""

    loop: str
    kind: str
    strength: float
    begin: int
    end: int
    sensor: int = -1


def placed(
    loops: Sequence[str], count: int, kinds: Sequence[str], begin: int, end: int, rng: np.random.Generator
) -> tuple[CryogenicFault, ...]:
    """``count`` faults at random places in ``[begin, end)``, kinds and strengths in turn, apart within a loop.

    Raises ``UnknownNameError`` for a kind that is not there, ``InputError`` where so many do not fit.
    """
    chosen = [_kind(name) for name in kinds or KINDS]
    free = {loop: [(begin + WARM_UP, end)] for loop in loops}
    faults = []
    for i in range(count):
        name = chosen[i % len(chosen)]
        kind = KINDS[name]
        strength = kind.strengths[(i // len(chosen)) % len(kind.strengths)]
        hours = strength if kind.unit == "h" else rng.uniform(*kind.hours)
        sensor = int(rng.choice(kind.on)) if kind.on else -1
        found = _room(free, round(hours * HOUR), rng)
        if found is None:
            raise InputError(f"{count} faults do not fit: no room for number {i + 1}; ask for fewer, or for more days")
        faults.append(CryogenicFault(found[0], name, strength, found[1], found[1] + round(hours * HOUR), sensor))
    return tuple(sorted(faults, key=lambda each: (each.begin, each.loop)))


def within(faults: Iterable[CryogenicFault], loops: Sequence[str]) -> tuple[CryogenicFault, ...]:
    """The faults, checked: raises ``UnknownNameError`` and, where two of one loop overlap, ``ValueError``."""
    ordered = sorted(faults, key=lambda each: (each.loop, each.begin))
    for fault in ordered:
        _kind(fault.kind)
        if fault.loop not in loops:
            raise UnknownNameError("loop", fault.loop, list(loops))
    for one, other in pairwise(ordered):
        if one.loop == other.loop and other.begin < one.end:
            raise InputError(f"faults {one.kind!r} and {other.kind!r} of loop {one.loop} overlap; move one of them")
    return tuple(sorted(ordered, key=lambda each: (each.begin, each.loop)))


def _kind(name: str) -> str:
    if name not in KINDS:
        raise UnknownNameError("fault", name, list(KINDS))
    return name


def _room(free: dict[str, list[tuple[int, int]]], length: int, rng: np.random.Generator) -> tuple[str, int] | None:
    """A loop and a begin with room for it, every begin equally likely; the room is taken."""
    spans = [(loop, k, b - a - length) for loop, each in free.items() for k, (a, b) in enumerate(each)]
    spans = [each for each in spans if each[2] > 0]
    if not spans:
        return None
    weight = np.array([each[2] for each in spans], dtype=np.float64)
    loop, k, slack = spans[int(rng.choice(len(spans), p=weight / weight.sum()))]
    a, b = free[loop][k]
    begin = a + int(rng.uniform(0, slack))
    free[loop][k : k + 1] = [(a, begin - MARGIN), (begin + length + MARGIN, b)]
    return loop, begin


@dataclass(frozen=True, eq=False)
class Plant:
    """What faults do to a loop at every step, each ``(n,)``.

    Dead band of the valve in %, factors on gain and integral of the controller, whether the heater works, error of the
    controlled thermometer in K, whether it is stuck, heat that leaks in, in W.
    """

    stiction: NDArray[np.float64]
    gain: NDArray[np.float64]
    integral: NDArray[np.float64]
    heater: NDArray[np.bool_]
    bias: NDArray[np.float64]
    frozen: NDArray[np.bool_]
    leak: NDArray[np.float64]

    @classmethod
    def of(cls, faults: Iterable[CryogenicFault], time: NDArray[np.int64]) -> Plant:
        """Of the faults of one loop."""
        n = len(time)
        plant = cls(
            *(np.full(n, 0.1), np.ones(n), np.ones(n), np.ones(n, bool)),
            *(np.zeros(n), np.zeros(n, bool), np.zeros(n)),
        )
        for fault in faults:
            plant._suffer(fault, time)
        return plant

    def _suffer(self, fault: CryogenicFault, time: NDArray[np.int64]) -> None:
        inside = slice(*np.searchsorted(time, [fault.begin, fault.end]))
        hours = (time[inside] - fault.begin) / HOUR
        if fault.kind == "stiction":
            self.stiction[inside] = fault.strength
        elif fault.kind == "hunting":
            self.gain[inside] = fault.strength
        elif fault.kind == "mistuning":
            self.integral[inside] = fault.strength
        elif fault.kind == "leak":
            self.leak[inside] = fault.strength * np.minimum(hours, 1.0)
        elif fault.kind == "heater-trip":
            self.heater[inside] = False
        elif fault.kind == "drift" and fault.sensor == OUTLET:
            self.bias[inside] = fault.strength * hours
        elif fault.kind == "stuck" and fault.sensor == OUTLET:
            self.frozen[inside] = True


def logged(
    faults: Iterable[CryogenicFault], names: Sequence[str], time: NDArray[np.int64], values: NDArray[np.float64]
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Times and values of every sensor of a loop as they are logged; ``values`` ``(s, n)`` are changed in place."""
    kept = np.ones(values.shape, bool)
    for fault in faults:
        first, last = np.searchsorted(time, [fault.begin, fault.end])
        at = fault.sensor
        if fault.kind == "drift" and at != OUTLET:
            values[at, first:last] += fault.strength * (time[first:last] - fault.begin) / HOUR
        elif fault.kind == "stuck" and first < last:
            values[at, first:last] = values[at, max(first - 1, 0)]
        elif fault.kind == "unit-change":
            values[at, first:last] *= fault.strength
        elif fault.kind == "gap":
            kept[at, first:last] = False
    return [(time[kept[i]], values[i, kept[i]]) for i in range(len(names))]
