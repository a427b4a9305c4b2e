"""The shipped configuration for SKAB: one for all files, fixed before any label of a test row was read.

Every choice rests on the first 400 rows of the files, which the protocol gives for training, on the file that is free
of anomalies, and on faults that we injected into those ourselves; ``docs/benchmarks-sensors.md`` says how each was
made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors.drift import Drift, Shifts, block_differences, statistic
from detectors.transitions import with_transitions
from features.standing import Reference, trimmed_mean
from pipelines.benchmarks.skab_files import Recording

LEAST_STATISTIC = 6.0
"""No stretch is anomalous at less, however quiet the good rows are: one sensor at z = 2.8."""
LEAST_GOOD = 30
"""Good stretches from which on their own quantiles are the units of z; of fewer a quantile says little."""
LEAST_PAIRS = 3
"""Recordings that follow one another, from which on they are the yardstick of drift."""


@dataclass(frozen=True)
class Recipe:
    """All that may be chosen.

    A record is cut where its level changes, for a ``penalty`` of a change. A stretch is anomalous whose S exceeds what
    a share ``false_alarms`` of good rows reach: the second half of every training part as the first half sees it, 200 s
    later, and the training rows of each recording as those of the one before it see them, within ``gap`` seconds, by a
    yardstick that never saw them, 1,180 s later. The latter count with the weight ``later``: test rows lie 575 s after
    training rows in the mean. Recordings of one day are one mode of operation; the others count ``prior`` together.
    Pauses of at most ``pause`` rows within an anomaly belong to it, and so do the transitions into and out of it, where
    a ramp saves ``transition`` of the squares of a step. A change is reported ``confirmed`` rows after it, when the
    shortest stretch after it is complete.
    """

    version: int = 4
    """Counts what was committed and then looked at: the code is part of the recipe."""
    penalty: float = 60.0
    false_alarms: float = 0.09
    later: float = 0.38
    prior: float = 1.0
    gap: float = 1300.0
    pause: int = 60
    transition: float = 20.0
    confirmed: int = 10

    @property
    def digest(self) -> str:
        """SHA-256 over the choices, 64 hex digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Judgement:
    """What is said of the m test rows of a recording, ``(m,)`` each; ``statistic`` is S of the stretch of each row."""

    statistic: NDArray[np.float64]
    anomalous: NDArray[np.bool_]
    changes: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Good:
    """Good rows of a day as earlier good rows see them, ``(n, 2s)``, and their mean ``shift`` ``(2s,)``."""

    day: str
    standing: NDArray[np.float64]
    shift: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Past:
    """What training rows teach of drift: pairs of recordings, both ``halves`` of one, block differences by day."""

    pairs: tuple[Good, ...]
    halves: tuple[Good, ...]
    blocks: tuple[tuple[str, NDArray[np.float64]], ...]

    def drift(self, day: str, prior: float, without: int = -1) -> Drift:
        """The yardstick of a day, without one of the pairs."""
        pairs = [each for i, each in enumerate(self.pairs) if i != without]
        shifts = Shifts(np.array([each.shift for each in pairs]), np.array([each.day == day for each in pairs]))
        alike = np.concatenate([np.full(len(rows), of == day) for of, rows in self.blocks])
        weight = len(self.blocks[0][1])
        return Drift.fit(shifts, Shifts(np.vstack([rows for _, rows in self.blocks]), alike, weight), prior)

    def calibrated(self, recipe: Recipe) -> tuple[NDArray[np.float64], float]:
        """Units of z ``(2s,)``, and what S of a share of the good rows exceeds."""
        seen = [(i, each) for i, each in enumerate(self.pairs)] + [(-1, each) for each in self.halves]
        z = [self.drift(each.day, recipe.prior, without=i).judged(each.standing, recipe.penalty)[0] for i, each in seen]
        later = sum(len(each.standing) for each in self.pairs)
        rows = np.vstack(z)
        enough = len(seen) >= LEAST_GOOD
        unit = np.quantile(np.abs(rows), 0.95, axis=0) / 2 if enough else np.ones(rows.shape[1])
        weight = np.full(len(rows), (1 - recipe.later) / (len(rows) - later))
        weight[:later] = recipe.later / later
        return unit, max(weighted_quantile(statistic(rows / unit), weight, 1 - recipe.false_alarms), LEAST_STATISTIC)


def judgements(recordings: Sequence[Recording], recipe: Recipe) -> list[Judgement]:
    """Judge the test rows of every recording; labels are not among the arguments."""
    past = learned(recordings, recipe.gap)
    unit, threshold = past.calibrated(recipe)
    found = []
    for each in recordings:
        drift = past.drift(each.day, recipe.prior).in_units(unit)
        standing = Reference.of(each.train).standing(each.rows)[len(each.train) :]
        z, changes = drift.judged(standing, recipe.penalty)
        reported = np.zeros(len(z), dtype=bool)
        late = changes + recipe.confirmed
        reported[late[late < len(reported)]] = True
        whole = without_pauses(statistic(z) > threshold, recipe.pause)
        anomalous = with_transitions(whole, drift.scaled(standing), gain=recipe.transition)
        found.append(Judgement(statistic(z), anomalous, reported))
    return found


def learned(recordings: Sequence[Recording], gap: float) -> Past:
    """From training rows alone; a recording that begins within ``gap`` seconds of the last training row of the one
    before is a pair with it.

    Where there are fewer than three such pairs, quarters of one training part that follow one another take their place.
    """
    ordered = sorted(recordings, key=lambda each: each.seconds[0])
    references = [Reference.of(each.train) for each in ordered]
    blocks = [
        (each.day, block_differences(r.standing(each.train))) for r, each in zip(references, ordered, strict=True)
    ]
    pairs = []
    for reference, (one, other) in zip(references, pairwise(ordered), strict=False):
        if other.seconds[0] - one.seconds[len(one.train) - 1] < gap:
            pairs.append(_good(one.day, reference, one.train, other.train))
    if len(pairs) < LEAST_PAIRS:
        pairs = [good for each in ordered for good in _parts(each, 4)]
    halves = [good for each in ordered for good in _parts(each, 2)]
    return Past(tuple(pairs), tuple(halves), tuple(blocks))


def _parts(each: Recording, parts: int) -> list[Good]:
    """Parts of the training rows, each as the one before it sees it."""
    return [
        _good(each.day, Reference.of(one), one, other) for one, other in pairwise(np.array_split(each.train, parts))
    ]


def _good(day: str, reference: Reference, before: NDArray[np.float64], after: NDArray[np.float64]) -> Good:
    standing = reference.standing(np.vstack([before, after]))[len(before) :]
    return Good(day, standing, trimmed_mean(standing))


def weighted_quantile(values: NDArray[np.float64], weight: NDArray[np.float64], share: float) -> float:
    """The smallest of ``values`` ``(n,)`` at or below which ``share`` of the ``weight`` ``(n,)`` lies."""
    order = np.argsort(values)
    held = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(held, share * held[-1])])


def without_pauses(on: NDArray[np.bool_], most: int) -> NDArray[np.bool_]:
    """``on`` ``(n,)`` with every pause of at most ``most`` rows between two rows that are on filled."""
    at = np.flatnonzero(on)
    filled = on.copy()
    for before, after in pairwise(at):
        if 1 < after - before <= most + 1:
            filled[before:after] = True
    return filled
