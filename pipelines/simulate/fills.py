"""Simulated fills: luminosity that decays, pile-up, and the calendar of runs and lumisections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LUMISECTION_SECONDS = 23.31
"""2¹⁸ turns of the LHC at 11,245.5 turns per second."""
REVOLUTIONS_PER_SECOND = 11_245.5
INELASTIC_CROSS_SECTION = 8.0e10
"""80 mb in pb: the usual value for pile-up at 13.6 TeV."""
COLLIDING_BUNCHES = 2_340
SHORTEST_RUN = 20
"""Lumisections that a run has at least, unless its whole fill is shorter."""
TURNAROUND_HOURS = 3.0
"""From the end of a fill to the next collisions at the earliest."""


@dataclass(frozen=True, slots=True)
class Decay:
    """Luminosity of one fill, L(t) = peak · (share · exp(−t/fast) + (1 − share) · exp(−t/slow)).

    ``peak`` in pb⁻¹/s, ``fast`` and ``slow`` in hours: the usual double exponential, whose fast part stands for
    emittance growth and burn-off at the begin of a fill.
    """

    peak: float
    share: float
    fast: float
    slow: float

    def at(self, hours: NDArray[np.float64]) -> NDArray[np.float64]:
        """Instantaneous luminosity in pb⁻¹/s at the given times after the begin of collisions, shape ``(n,)``."""
        parts = self.share * np.exp(-hours / self.fast) + (1 - self.share) * np.exp(-hours / self.slow)
        return np.asarray(self.peak * parts)


@dataclass(frozen=True, eq=False)
class Calendar:
    """The ``n`` lumisections of a simulated campaign in time order, each array of shape ``(n,)``.

    ``start`` is UTC, ``luminosity`` in pb⁻¹/s before any fault, numbers of lumisections count from 1 in every run.
    """

    fill: NDArray[np.int64]
    run: NDArray[np.int64]
    ls: NDArray[np.int64]
    start: NDArray[np.datetime64]
    luminosity: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.run)

    @property
    def runs(self) -> NDArray[np.int64]:
        """The runs, ascending, shape ``(r,)``."""
        return np.unique(self.run)

    @property
    def run_bounds(self) -> NDArray[np.int64]:
        """First row of every run and the number of rows, shape ``(r + 1,)``."""
        return _bounds(self.run)

    @property
    def fill_bounds(self) -> NDArray[np.int64]:
        """First row of every fill and the number of rows, shape ``(f + 1,)``."""
        return _bounds(self.fill)


def pileup(luminosity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean inelastic collisions per crossing, μ = L·σ / (bunches · revolutions per second); L in pb⁻¹/s, ``(n,)``."""
    return np.asarray(luminosity * INELASTIC_CROSS_SECTION / (COLLIDING_BUNCHES * REVOLUTIONS_PER_SECOND))


def calendar(
    rng: np.random.Generator,
    *,
    fills: int,
    slot_hours: float,
    fill_hours: float,
    runs_per_fill: float,
    begin: np.datetime64,
    first_fill: int,
    first_run: int,
) -> Calendar:
    """Simulate ``fills`` fills, one in every slot of ``slot_hours``, and cut each into runs.

    ``fill_hours`` is the mean length of a fill, ``runs_per_fill`` the mean number of its runs. Between two runs of a
    fill some lumisections pass unrecorded, and run numbers leave gaps, as test runs do in reality.
    """
    parts: list[tuple[NDArray[np.float64], ...]] = []
    run = first_run
    for number in range(fills):
        longest = slot_hours - TURNAROUND_HOURS
        hours = float(np.clip(rng.gamma(6.0, fill_hours / 6.0), 0.5, longest))
        lengths = _run_lengths(rng, int(hours * 3600 / LUMISECTION_SECONDS), runs_per_fill)
        pauses = np.concatenate([[0], rng.integers(2, 15, len(lengths) - 1)])
        numbers = run + np.cumsum(rng.integers(1, 5, len(lengths)))
        run = int(numbers[-1])
        elapsed = np.arange(lengths.sum()) + np.repeat(np.cumsum(pauses), lengths)
        delay = number * slot_hours + rng.uniform(0, longest - hours)
        decay = Decay(rng.uniform(0.0175, 0.0215), rng.uniform(0.1, 0.2), rng.uniform(1.0, 2.5), rng.uniform(11, 17))
        parts.append(
            (
                np.full(len(elapsed), first_fill + number),
                np.repeat(numbers, lengths),
                np.concatenate([np.arange(1, length + 1) for length in lengths]),
                delay * 3600 + elapsed * LUMISECTION_SECONDS,
                decay.at(elapsed * LUMISECTION_SECONDS / 3600),
            )
        )
    fill, runs, ls, seconds, luminosity = (np.concatenate(each) for each in zip(*parts, strict=True))
    start = begin.astype("datetime64[ns]") + np.rint(seconds * 1000).astype("timedelta64[ms]")
    return Calendar(fill.astype(np.int64), runs.astype(np.int64), ls.astype(np.int64), start, luminosity)


def _run_lengths(rng: np.random.Generator, n: int, mean_runs: float) -> NDArray[np.int64]:
    """Cut a fill of ``n`` lumisections into runs of at least ``SHORTEST_RUN`` where it is long enough."""
    runs = max(1, min(1 + int(rng.poisson(max(mean_runs - 1, 0))), n // SHORTEST_RUN))
    spare = n - runs * min(SHORTEST_RUN, n // runs)
    shares = rng.multinomial(spare, rng.dirichlet(np.full(runs, 3.0)))
    return np.asarray(shares + (n - spare) // runs, dtype=np.int64)


def _bounds(number: NDArray[np.int64]) -> NDArray[np.int64]:
    changes = np.flatnonzero(np.diff(number)) + 1
    return np.concatenate([[0], changes, [len(number)]]).astype(np.int64)
