"""When a simulated fault happens, where and how strongly: a seeded draw that ends at the wanted share of bad data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipelines.simulate.faults import CATALOG, Fault, Place
from pipelines.simulate.fills import Calendar

PARTS = 5
"""Equal parts of the runs among which bad data are spread evenly, so that the newest runs are no special case."""
ATTEMPTS = 50
"""Draws of a place before a fault is given up."""
RUNS_PER_DRIFT = 50
"""One slow drift for so many runs; shorter campaigns than half of it have none."""
DUMPED_BEAMS = 0.7
"""Share of the fills that end in a beam dump which is seen in the data."""


@dataclass(frozen=True, slots=True)
class Event:
    """One simulated fault: it hits rows ``first`` to ``stop − 1`` of the calendar with ``strength`` at its worst."""

    fault: Fault
    subsystems: tuple[str, ...]
    first: int
    stop: int
    strength: float

    def course(self) -> NDArray[np.float64]:
        """Strength at every row hit, shape ``(stop − first,)``."""
        n = self.stop - self.first
        grown = np.arange(1, n + 1) / n
        shape = {"flat": np.ones(n), "growing": grown, "fading": grown[::-1]}[self.fault.shape]
        return self.strength * shape

    def bad(self) -> NDArray[np.bool_]:
        """Which of the rows hit are truly bad, shape ``(stop − first,)``."""
        return (self.course() >= self.fault.tolerance) & (not self.fault.harmless)


@dataclass(frozen=True, eq=False)
class _Board:
    """What has been placed: ``busy`` and ``bad`` per row of the calendar, and the events."""

    busy: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    events: list[Event] = field(default_factory=list)

    def put(self, event: Event, *, alone: bool = True) -> bool:
        """Place an event; refuse one that wants to be ``alone`` where another such one is."""
        rows = slice(event.first, event.stop)
        if alone and self.busy[rows].any():
            return False
        self.busy[rows] |= alone
        self.bad[rows] |= event.bad()
        self.events.append(event)
        return True


def placed(
    rng: np.random.Generator,
    calendar: Calendar,
    *,
    bad_share: float,
    quiet: Sequence[int] = (),
    catalog: Sequence[Fault] = CATALOG,
) -> tuple[Event, ...]:
    """Draw faults of the ``catalog`` until ``bad_share`` of the lumisections is bad; the last one may overshoot it.

    Fills begin with a ramp and most end with a dump; slow drifts come next, then single faults from a shuffled deck,
    each put where least is bad; the first deck spares the newest runs, so that labels speak of every kind. ``quiet``
    are positions of runs that get no more than begin and end of a fill. A campaign too short for the wanted share gets
    less.
    """
    board = _Board(np.zeros(len(calendar), dtype=bool), np.zeros(len(calendar), dtype=bool))
    _fill_edges(rng, catalog, calendar, board)
    bounds = calendar.run_bounds
    for i in quiet:
        board.busy[bounds[i] : bounds[i + 1]] = True
    _drifts(rng, catalog, bounds, board)
    _single_faults(rng, catalog, bounds, board, bad_share)
    return tuple(sorted(board.events, key=lambda event: (event.first, event.stop, event.fault.name)))


def _of(catalog: Sequence[Fault], *places: Place) -> list[Fault]:
    return [fault for fault in catalog if fault.place in places]


def _event(rng: np.random.Generator, fault: Fault, first: int, stop: int) -> Event:
    hit = fault.subsystems if fault.together else (fault.subsystems[rng.integers(len(fault.subsystems))],)
    return Event(fault, hit, int(first), int(stop), float(rng.uniform(*fault.strength)))


def _length(rng: np.random.Generator, fault: Fault) -> int:
    return int(rng.integers(fault.length[0], fault.length[1] + 1))


def _fill_edges(rng: np.random.Generator, catalog: Sequence[Fault], calendar: Calendar, board: _Board) -> None:
    for first, stop in pairwise(calendar.fill_bounds.tolist()):
        for fault in _of(catalog, "fill begin"):
            board.put(_event(rng, fault, first, min(first + _length(rng, fault), stop)), alone=False)
        for fault in _of(catalog, "fill end"):
            if rng.random() < DUMPED_BEAMS:
                board.put(_event(rng, fault, max(stop - _length(rng, fault), first), stop), alone=False)


def _drifts(rng: np.random.Generator, catalog: Sequence[Fault], bounds: NDArray[np.int64], board: _Board) -> None:
    """Slow drifts, each from the begin of a run on; the first in the older half, so that the labels have met one."""
    begins = bounds[:-1].tolist()
    for fault in _of(catalog, "several runs"):
        for number in range(round(len(begins) / RUNS_PER_DRIFT)):
            for first in rng.permutation(begins if number else begins[: len(begins) // 2]).tolist():
                stop = first + _length(rng, fault)
                if stop <= bounds[-1] and board.put(_event(rng, fault, first, stop)):
                    break


def _single_faults(
    rng: np.random.Generator, catalog: Sequence[Fault], bounds: NDArray[np.int64], board: _Board, bad_share: float
) -> None:
    parts = [each for each in np.array_split(np.arange(len(bounds) - 1), PARTS) if len(each)]
    cards = [fault for fault in _of(catalog, "anywhere", "whole run") for _ in range(fault.cards)]
    deck: list[Fault] = []
    dealt = refused = 0
    while board.bad.mean() < bad_share and refused < len(cards):
        deck = deck or [cards[i] for i in rng.permutation(len(cards))]
        among = parts if dealt >= len(cards) else parts[:-1] or parts
        cleanest = min(among, key=lambda runs: board.bad[bounds[runs[0]] : bounds[runs[-1] + 1]].mean())
        found = _dealt(rng, deck.pop(), bounds, cleanest, board)
        dealt, refused = dealt + 1, 0 if found else refused + 1


def _dealt(
    rng: np.random.Generator, fault: Fault, bounds: NDArray[np.int64], runs: NDArray[np.int64], board: _Board
) -> bool:
    """Put the fault somewhere in one of the runs, longer ones being hit more often; tell whether it fitted."""
    sizes = bounds[runs + 1] - bounds[runs]
    if fault.place == "whole run":
        fitting = (sizes >= fault.length[0]) & (sizes <= fault.length[1])
        runs, sizes = runs[fitting], sizes[fitting]
    for i in rng.choice(runs, ATTEMPTS, p=sizes / sizes.sum()) if len(runs) else ():
        first, stop = int(bounds[i]), int(bounds[i + 1])
        if fault.place == "anywhere":
            length = min(_length(rng, fault), stop - first)
            first = int(rng.integers(first, stop - length + 1))
            stop = first + length
        if board.put(_event(rng, fault, first, stop)):
            return True
    return False
