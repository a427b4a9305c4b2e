"""The shipped configuration for SKAB: one for all files, fixed before any label of a test row was read.

Every choice rests on the first 400 rows of the files, which the protocol gives for training, on the file that is free
of anomalies, and on faults that we injected into those ourselves; ``docs/benchmarks-sensors.md`` says how each was made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift import Drift, block_noise
from features.standing import Reference, trimmed_mean
from pipelines.benchmarks.skab_files import Recording


@dataclass(frozen=True)
class Recipe:
    """All that may be chosen.

    A record is cut where its level changes, for a ``penalty`` of a change. A stretch is anomalous whose T² exceeds what
    a share ``false_alarms`` of good rows reach: the training rows of each recording as judged by those of the one
    before it, within ``gap`` seconds, whose yardstick never saw them. Recordings of one day are one mode of operation;
    the others count ``prior`` together. Pauses of at most ``pause`` rows within an anomaly belong to it. A change is
    reported ``confirmed`` rows after it, when the shortest stretch after it is complete.
    """

    penalty: float = 60.0
    false_alarms: float = 0.05
    prior: float = 4.0
    gap: float = 1300.0
    pause: int = 30
    confirmed: int = 10

    @property
    def digest(self) -> str:
        """SHA-256 over the choices, 64 hex digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Judgement:
    """What is said of the m test rows of a recording: ``statistic`` T², ``anomalous`` and ``changes``, ``(m,)`` each."""

    statistic: NDArray[np.float64]
    anomalous: NDArray[np.bool_]
    changes: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Good:
    """A pair of recordings of one day: training rows of the later one in the standing of the earlier, and their mean."""

    day: str
    standing: NDArray[np.float64]
    shift: NDArray[np.float64]


def judgements(recordings: Sequence[Recording], recipe: Recipe) -> list[Judgement]:
    """Judge the test rows of every recording; labels are not among the arguments."""
    references = [Reference.of(each.train) for each in recordings]
    noise = block_noise([r.standing(each.train) for r, each in zip(references, recordings, strict=True)])
    good = list(_good_pairs(recordings, recipe.gap))
    threshold = _threshold(good, noise, recipe)
    found = []
    for each, reference in zip(recordings, references, strict=True):
        drift = _drift(good, each.day, noise, recipe.prior)
        statistic, changes = drift.judged(reference.standing(each.rows)[len(each.train) :], recipe.penalty)
        reported = np.zeros(len(statistic), dtype=bool)
        late = changes + recipe.confirmed
        reported[late[late < len(reported)]] = True
        found.append(Judgement(statistic, without_pauses(statistic > threshold, recipe.pause), reported))
    return found


def without_pauses(on: NDArray[np.bool_], most: int) -> NDArray[np.bool_]:
    """``on`` ``(n,)`` with every pause of at most ``most`` rows between two rows that are on filled."""
    at = np.flatnonzero(on)
    filled = on.copy()
    for before, after in zip(at, at[1:], strict=False):
        if 1 < after - before <= most + 1:
            filled[before:after] = True
    return filled


def _good_pairs(recordings: Sequence[Recording], gap: float) -> list[Good]:
    """Recordings that follow one another within ``gap`` seconds after the training rows of the earlier one."""
    ordered = sorted(recordings, key=lambda each: each.seconds[0])
    found = []
    for one, other in zip(ordered, ordered[1:], strict=False):
        if other.seconds[0] - one.seconds[len(one.train) - 1] < gap:
            standing = Reference.of(one.train).standing(np.vstack([one.train, other.train]))[len(one.train) :]
            found.append(Good(one.day, standing, trimmed_mean(standing)))
    return found


def _drift(good: Sequence[Good], day: str, noise: NDArray[np.float64], prior: float) -> Drift:
    alike = np.array([each.day == day for each in good], dtype=bool)
    return Drift.fit(np.array([each.shift for each in good]), alike, noise, prior)


def _threshold(good: Sequence[Good], noise: NDArray[np.float64], recipe: Recipe) -> float:
    """Quantile of T² over good rows, each pair judged by a yardstick made of the others."""
    found = []
    for i, each in enumerate(good):
        drift = _drift([*good[:i], *good[i + 1 :]], each.day, noise, recipe.prior)
        found.append(drift.judged(each.standing, recipe.penalty)[0])
    return float(np.quantile(np.concatenate(found), 1 - recipe.false_alarms))
