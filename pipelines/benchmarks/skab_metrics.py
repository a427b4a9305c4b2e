"""SKAB's published measures: rows pooled over all files, and its form of NAB's score for change points.

The definitions are those of the evaluation that SKAB publishes with its table (window of 60 s to the right of a change
point, cut where windows meet); re-implemented from what they compute.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINDOW = 60.0
"""Seconds after a change point in which a detection counts for it."""
FALSE_ALARM = -0.11
"""Standard profile: what a detection outside every window costs; a hit is worth up to 1 and a miss −1."""
STEPS = 1000
"""The published score function is a table of so many steps over the window."""


@dataclass(frozen=True)
class RowMeasures:
    """``f1`` a fraction; false-alarm rate ``far`` and missed-alarm rate ``mar`` in percent of good and of bad rows."""

    f1: float
    far: float
    mar: float


@dataclass(frozen=True)
class ChangeMeasures:
    """``nab_standard`` up to 100, 0 for silence; change points in all, those ``missed``, and ``false`` detections."""

    nab_standard: float
    points: int
    missed: int
    false: int


def row_measures(pairs: Iterable[tuple[NDArray[np.bool_], NDArray[np.bool_]]]) -> RowMeasures:
    """Over ``(truth, said)`` of every file, ``(m,)`` each, pooled; raises ``ValueError`` without good or bad rows."""
    hit = false = missed = right = 0
    for truth, said in pairs:
        hit += int((truth & said).sum())
        false += int((~truth & said).sum())
        missed += int((truth & ~said).sum())
        right += int((~truth & ~said).sum())
    if not hit + missed or not false + right:
        raise ValueError(f"{hit + missed} bad and {false + right} good rows; rates need some of either")
    return RowMeasures(hit / (hit + (false + missed) / 2), 100 * false / (false + right), 100 * missed / (hit + missed))


def change_measures(
    files: Iterable[tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]],
) -> ChangeMeasures:
    """Over ``(seconds, truth, said)`` of every file, ``(m,)`` each: 100 (score + points) / (2 · points).

    Raises ``ValueError`` where no file has a change point.
    """
    total, points, missed, false = 0.0, 0, 0, 0
    for seconds, truth, said in files:
        detections, left = seconds[said], seconds[said]
        for begin, end in _windows(seconds[truth]):
            inside = detections[(detections >= begin) & (detections <= end)]
            points += 1
            missed += not len(inside)
            total += _hit((inside[0] - begin) / (end - begin)) if len(inside) else -1
            left = left[(left < begin) | (left > end)]
        false += len(left)
    if not points:
        raise ValueError("no change point in any file; the score is a share of what they could give")
    total += FALSE_ALARM * false
    return ChangeMeasures(100 * (total + points) / (2 * points), points, missed, false)


def _windows(points: NDArray[np.float64]) -> list[tuple[float, float]]:
    """The window after every point; one that begins within the one before it begins at the end of that."""
    found: list[tuple[float, float]] = []
    for point in points.tolist():
        begin = max(point, found[-1][1]) if found else point
        found.append((begin, point + WINDOW))
    return found


def _hit(place: float) -> float:
    """What a first detection at ``place`` in [0, 1] of the window is worth: 1 at its begin, −0.11 at its end.

    A hyperbolic tangent over [−π/2, π/2], in a table of 1,000 steps as published.
    """
    x = np.linspace(-np.pi / 2, np.pi / 2, STEPS)[min(int(place * STEPS), STEPS - 1)]
    half = (1 - FALSE_ALARM) / 2
    return float(half - half * np.tanh(x) / np.tanh(np.pi / 2) + FALSE_ALARM)
