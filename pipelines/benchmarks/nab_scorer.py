"""NAB's score, from its published definition (Lavin and Ahmad, ICMLA 2015, arXiv:1510.03336; NAB 1.1).

A detection is worth something by where it falls: the first one inside the window of an anomaly from 1 at its begin to
nearly 0 at its end, one outside −0.11 · (how far behind the last window), a window without any −1. The sum over files
is brought to 0 for a silent detector and 100 for a perfect one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HIT, FALSE_ALARM, MISS = 1.0, 0.11, 1.0
"""Weights of the standard profile."""
PROBATION = 0.15
"""Share of a file that is not scored, of at most 5,000 records."""
LONGEST = 5000
FAR_BEHIND = 3.0
"""So many window widths behind a window, and before the first one, a false alarm costs the whole weight."""


@dataclass(frozen=True, eq=False)
class ScoredFile:
    """``score`` ``(n,)`` of every record of a file, and its ``windows``: first and last record of each, inclusive."""

    score: NDArray[np.float64]
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class NabScore:
    """``standard``: 0 to 100; the ``threshold`` it was reached at, the ``windows`` found of all, and false alarms."""

    standard: float
    threshold: float
    found: int
    windows: int
    false_alarms: int


def probation(records: int) -> int:
    """Records at the begin of a file in which nothing counts."""
    return int(PROBATION * min(records, LONGEST))


def worth(file: ScoredFile) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What a detection at every record is worth, ``(n,)``, and the window it is in, −1 outside, −2 in probation.

    Inside: σ(p) / σ(−1) with σ(p) = 2 / (1 + e^{5p}) − 1 and p = −(records to the end + 1) / width. Outside:
    0.11 · σ(distance to the last window / (width − 1)), −0.11 beyond three widths and before the first window.
    """
    n = len(file.score)
    at = np.arange(n)
    value, owner = np.full(n, -FALSE_ALARM), np.full(n, -1, dtype=np.int64)
    for number, (first, last) in enumerate(file.windows):
        width = last - first + 1
        inside = slice(first, last + 1)
        value[inside] = HIT * _sigmoid(-(last - at[inside] + 1) / width) / _sigmoid(np.array(-1.0))
        owner[inside] = number
        if width > 1:
            distance = (at[last + 1 :] - last) / (width - 1)
            value[last + 1 :] = FALSE_ALARM * np.where(distance >= FAR_BEHIND, -1.0, _sigmoid(distance))
        else:
            value[last + 1 :] = -FALSE_ALARM
    owner[: probation(n)] = -2
    return value, owner


def nab_score(files: Sequence[ScoredFile], threshold: float) -> NabScore:
    """Every record with a score at or above the threshold is a detection; the best one inside a window counts."""
    total, found, windows, false = 0.0, 0, 0, 0
    for file in files:
        value, owner = worth(file)
        said = file.score >= threshold
        outside = said & (owner == -1)
        total += float(value[outside].sum())
        false += int(outside.sum())
        for number in range(len(file.windows)):
            hits = value[said & (owner == number)]
            total += float(hits.max()) if len(hits) else -MISS
            found += bool(len(hits))
        windows += len(file.windows)
    return NabScore(_share(total, windows), threshold, found, windows, false)


def best_threshold(files: Sequence[ScoredFile]) -> NabScore:
    """The score at the threshold that is best for it, as NAB reports every detector: it is chosen on the labels."""
    parts = [worth(file) for file in files]
    score = np.concatenate([file.score for file in files])
    value = np.concatenate([part[0] for part in parts])
    first = np.cumsum([0, *(len(file.windows) for file in files)])
    owner = np.concatenate(
        [np.where(part[1] >= 0, part[1] + begin, part[1]) for part, begin in zip(parts, first, strict=False)]
    )
    counted = owner > -2
    order = np.argsort(-score[counted], kind="stable")
    score, value, owner = score[counted][order], value[counted][order], owner[counted][order]
    best = np.full(int(first[-1]), -MISS)
    total, top, threshold = float(best.sum()), float(best.sum()), np.inf
    for i in range(len(score)):
        if owner[i] < 0:
            total += value[i]
        elif value[i] > best[owner[i]]:
            total += value[i] - best[owner[i]]
            best[owner[i]] = value[i]
        if total > top and (i + 1 == len(score) or score[i + 1] < score[i]):
            top, threshold = total, float(score[i])
    return nab_score(files, threshold)


def _share(total: float, windows: int) -> float:
    if not windows:
        raise ValueError("no window in any file; the score is a share of what windows could give")
    return 100 * (total + MISS * windows) / ((HIT + MISS) * windows)


def _sigmoid(place: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2 / (1 + np.exp(5 * place)) - 1)
