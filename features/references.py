"""Histograms against a reference of the past: beta-binomial pulls, Kolmogorov-Smirnov and earth mover's distance.

Beta-binomial (AutoDQM, arXiv:2501.13789): of n counts in all, D fell into a bin where the reference has R of N. Both of
the reference are scaled down by (1 + (R·tol²)²)^−½, so that no reference is trusted beyond a relative ``tolerance``;
then D follows a beta-binomial law with α = R + 1 and β = N − R + 1. p = P(D) / max P, floored at 1e-300, is averaged
over the references, and the pull is the Z with χ²(1) survival p, signed as D is above or below. χ² is the mean of Z²
over the bins; the largest pull is that of p' = 1 − (1 − p)^bins, the chance to find one such bin among all of them. Few
counts, or a thin reference, widen the law and raise no alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from dqm.model.histograms import Axis
from features.beta_binomial import add_probability, log_factorials, rarest
from features.threads import threads_for

TOLERANCE = 0.01
"""Relative accuracy beyond which no reference is trusted."""
LEAST_P = 1e-300
CHUNK = 4096
"""Histograms at a time: what they need fits into the cache."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """How ``n`` histograms stand to the past, each ``(n,)``; NaN where there is nothing to compare.

    ``chi2`` mean Z² over the bins; ``pull`` the largest |Z| after the look-elsewhere effect; ``where`` its bin, from 0,
    −1 without; ``ks`` the largest difference of cumulative shares; ``emd`` the area between them, in σ of the
    reference.
    """

    chi2: NDArray[np.float32]
    pull: NDArray[np.float32]
    where: NDArray[np.int64]
    ks: NDArray[np.float32]
    emd: NDArray[np.float32]


def compare(
    counts: NDArray[Any],
    references: NDArray[Any],
    axis: Axis,
    tolerance: float = TOLERANCE,
    *,
    every_bin: bool = True,
) -> Comparison:
    """Compare ``n`` histograms ``(n, bins)`` with ``r`` references ``(r, bins)``, both without flow.

    KS and earth mover's distance are against the mean shape of the references. Histograms and references without a
    count, or with counts that are negative or not finite, are not compared. Without ``every_bin`` there is no χ².
    """
    rows = np.flatnonzero(_countable(counts))
    return _compared(counts, rows, log_factorials(), references, axis, tolerance, every_bin)


def _compared(
    counts: NDArray[Any],
    rows: NDArray[np.intp],
    factorials: NDArray[np.float64],
    references: NDArray[Any],
    axis: Axis,
    tolerance: float,
    every_bin: bool = True,
) -> Comparison:
    """``compare`` with what does not depend on the references: the ``rows`` that can be compared, and ln k!.

    Without ``every_bin`` only the rarest bin is looked at: there is no χ², which nothing else needs.
    """
    n, bins = counts.shape
    usable = _countable(references)
    chi2, pull, ks, emd = (np.full(n, np.nan, dtype=np.float32) for _ in range(4))
    where = np.full(n, -1, dtype=np.int64)
    if not usable.any():
        return Comparison(chi2, pull, where, ks, emd)
    past = np.ascontiguousarray(references[usable], dtype=np.float64)
    shape = (past / past.sum(axis=1, keepdims=True)).mean(axis=0)
    edges = axis.all_edges
    width = _spread(shape, edges)
    for begin in range(0, len(rows), CHUNK):
        part = rows[begin : begin + CHUNK]
        given = np.ascontiguousarray(counts[part], dtype=np.float64)
        p = np.zeros(given.shape)
        threads_for(given.size)
        for reference in past:
            add_probability(given, reference, tolerance, factorials, p)
        if every_bin:
            z = -ndtri(np.clip(p / len(past), LEAST_P, 1.0) / 2)
            chi2[part] = (z * z).mean(axis=1)
        pull[part] = _anywhere(p.min(axis=1) / len(past), bins)
        where[part] = p.argmin(axis=1)
        [ks[part]], [emd[part]] = _distances(given, shape[None], np.diff(edges))
    return Comparison(chi2, pull, where, ks, emd / np.float32(width))


def compare_nearest(
    counts: NDArray[Any],
    references: NDArray[Any],
    axis: Axis,
    tolerance: float = TOLERANCE,
    *,
    every_bin: bool = True,
) -> Comparison:
    """Compare with each of ``r`` references alone and take the smallest of every measure.

    Without ``every_bin`` there is no χ².

    A detector that was repaired or retimed stays at its new shape: the nearest reference takes that in, while a fault
    is far from all of them.
    """
    rows = np.flatnonzero(_countable(counts))
    factorials = log_factorials()
    if not every_bin:
        return _nearest(counts, rows, factorials, references[_countable(references)], axis, tolerance)
    found = _compared(counts, rows, factorials, references[:1], axis, tolerance)
    for reference in references[1:]:
        other = _compared(counts, rows, factorials, reference[None], axis, tolerance)
        closer = (other.pull < found.pull) | np.isnan(found.pull)  # also where nothing was comparable so far
        found = Comparison(
            np.fmin(found.chi2, other.chi2),
            np.fmin(found.pull, other.pull),
            np.where(closer, other.where, found.where),
            np.fmin(found.ks, other.ks),
            np.fmin(found.emd, other.emd),
        )
    return found


def _nearest(
    counts: NDArray[Any],
    rows: NDArray[np.intp],
    factorials: NDArray[np.float64],
    references: NDArray[Any],
    axis: Axis,
    tolerance: float,
) -> Comparison:
    """``compare_nearest`` without χ²: of every histogram only the rarest bin is looked at."""
    n, bins = counts.shape
    chi2, pull, ks, emd = (np.full(n, np.nan, dtype=np.float32) for _ in range(4))
    found = Comparison(chi2, pull, np.full(n, -1), ks, emd)
    if not len(references):
        return found
    past = np.ascontiguousarray(references, dtype=np.float64)
    shapes, edges = past / past.sum(axis=1, keepdims=True), axis.all_edges
    widths = np.diff(edges)
    spread = np.array([_spread(shape, edges) for shape in shapes], dtype=np.float32)
    for begin in range(0, len(rows), CHUNK):
        part = rows[begin : begin + CHUNK]
        given = np.ascontiguousarray(counts[part], dtype=np.float64)
        threads_for(given.size)
        least, where = rarest(given, past, tolerance, factorials)
        each = _anywhere(least, bins)
        nearest = each.argmin(axis=0)[None]
        pull[part] = np.take_along_axis(each, nearest, 0)[0]
        found.where[part] = np.take_along_axis(where, nearest, 0)[0]
        largest, area = _distances(given, shapes, widths)
        ks[part], emd[part] = largest.min(axis=0), (area / spread[:, None]).min(axis=0)
    return found


@dataclass
class PastRuns:
    """The counts of earlier runs ``(bins,)`` each, and the references that they make."""

    lengths: tuple[int, ...] = (10, 3, 1)
    runs: list[NDArray[np.float64]] = field(default_factory=list)

    def references(self) -> NDArray[np.float64]:
        """One of the last ten, three and one runs, ``(r, bins)``; none before the first run."""
        if not self.runs:
            return np.zeros((0, 0))
        given = np.stack(self.runs)
        return np.stack([median_shape(given[-length:]) for length in self.lengths])


def pulls(counts: NDArray[Any], reference: NDArray[Any], tolerance: float = TOLERANCE) -> NDArray[np.float32]:
    """Signed pull of every bin, ``(n, bins)``: positive where more was counted than the reference lets expect.

    ``reference`` ``(bins,)``, or several ``(r, bins)`` over which p is averaged; the sign is against their mean shape.
    """
    given, past = np.asarray(counts, dtype=np.float64), np.atleast_2d(np.asarray(reference, dtype=np.float64))
    p = np.zeros(given.shape)
    factorials = log_factorials()
    threads_for(given.size)
    for each in past:
        add_probability(given, each, tolerance, factorials, p)
    expected = given.sum(axis=1, keepdims=True) * (past / past.sum(axis=1, keepdims=True)).mean(axis=0)
    z = -ndtri(np.clip(p / len(past), LEAST_P, 1.0) / 2)
    return np.asarray(np.copysign(z, given - expected), dtype=np.float32)


def _anywhere(p: NDArray[np.float64], bins: int) -> NDArray[np.float32]:
    """The pull of the rarest bin, given its p, after the look-elsewhere effect."""
    with np.errstate(divide="ignore"):  # p = 1: nothing is rarer
        anywhere = -np.expm1(bins * np.log1p(-np.clip(p, LEAST_P, 1.0)))
    return np.asarray(-ndtri(np.clip(anywhere, LEAST_P, 1.0) / 2), dtype=np.float32)


def _countable(counts: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows hold counts, at least one and none that is negative or not finite, ``(n,)``."""
    with np.errstate(invalid="ignore"):
        total = counts.sum(axis=1, dtype=np.float64)
        return np.asarray(np.isfinite(total) & (total > 0) & (counts.min(axis=1, initial=0) >= 0))


@numba.njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def _distances(counts, shapes, widths):  # type: ignore[no-untyped-def]
    """Largest difference of the cumulative shares, and the area between them, each ``(r, n)`` of ``(r, bins)``."""
    n, bins = counts.shape
    largest, area = np.empty((len(shapes), n), dtype=np.float32), np.empty((len(shapes), n), dtype=np.float32)
    for i in numba.prange(n):
        share = counts[i] / counts[i].sum()
        for k in range(len(shapes)):
            apart, most, between = 0.0, 0.0, 0.0
            for j in range(bins):
                apart += share[j] - shapes[k, j]
                most = max(most, abs(apart))
                between += abs(apart) * widths[j]
            largest[k, i], area[k, i] = most, between
    return largest, area


def _spread(shape: NDArray[np.float64], edges: NDArray[np.float64]) -> float:
    """Standard deviation of a shape, at least that of one flat bin of it."""
    centres, widths = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    mean = float(shape @ centres)
    return float(np.sqrt(shape @ (centres - mean) ** 2 + shape @ widths**2 / 12))


def median_shape(runs: Sequence[NDArray[Any]] | NDArray[Any]) -> NDArray[np.float64]:
    """One reference of several runs ``(r, bins)``: the bin by bin median of their shapes, with all their counts.

    One bad run among them moves a median little, where it would stand in a sum for good.
    """
    given = np.asarray(runs, dtype=np.float64)
    total = given.sum(axis=1)
    counted = total > 0
    if not counted.any():
        return np.zeros(given.shape[1])
    shapes = given[counted] / total[counted, None]
    rising, half = np.sort(shapes, axis=0), len(shapes) // 2
    middle = rising[half] if len(shapes) % 2 else (rising[half - 1] + rising[half]) / 2
    size = middle.sum()
    return np.asarray(middle / size * total.sum() if size > 0 else shapes.mean(axis=0) * total.sum())


@dataclass(frozen=True, eq=False)
class AdaptiveReference:
    """A reference that follows slow drifts: the exponentially weighted mean of shapes (DINAMO, arXiv:2501.19237).

    ``mean`` ``(bins,)`` of the shapes, ``weight`` ``(bins,)`` W = αW + (1 − α)ω with ω = 1/σ² and σ² the Poisson
    variance of the shape, ``spread`` ``(bins,)`` the weighted variance of the shapes about the mean. ``alpha`` near 1
    remembers long.
    """

    mean: NDArray[np.float64]
    weight: NDArray[np.float64]
    spread: NDArray[np.float64]
    alpha: float = 0.9

    @classmethod
    def of(cls, counts: NDArray[Any], alpha: float = 0.9) -> Self:
        """Begin with the counts of one run ``(bins,)``; raises ``ValueError`` without a count."""
        shape, variance = _shape(counts)
        return cls(shape, (1 - alpha) / variance, np.zeros(len(shape)), alpha)

    def after(self, counts: NDArray[Any]) -> Self:
        """The reference once another good run has been seen."""
        shape, variance = _shape(counts)
        old, new = self.alpha * self.weight, (1 - self.alpha) / variance
        mean = (old * self.mean + new * shape) / (old + new)
        spread = (old * (self.spread + (self.mean - mean) ** 2) + new * (shape - mean) ** 2) / (old + new)
        return replace(self, mean=mean, weight=old + new, spread=spread)

    def counts(self) -> NDArray[np.float64]:
        """The mean as counts ``(bins,)``, as many in all as its weights say: Σ μ·(μ·W), near those of one run."""
        return self.mean * float((self.mean * self.mean * self.weight).sum() / self.mean.sum())

    def chi2_of(self, counts: NDArray[Any]) -> NDArray[np.float32]:
        """χ² per bin of every histogram ``(n, bins)``; NaN without a count, or with one that is no count."""
        found = np.full(len(counts), np.nan, dtype=np.float32)
        rows = _countable(counts)
        given = np.asarray(counts[rows], dtype=np.float64)
        total = given.sum(axis=1, keepdims=True)
        apart = (given / total - self.mean) ** 2 / (np.maximum(given, 1.0) / total**2 + self.spread)
        found[rows] = apart.mean(axis=1)
        return found


def _shape(counts: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the counts and their variances, those of an empty bin as if it held one count."""
    given = np.asarray(counts, dtype=np.float64)
    total = given.sum()
    if not total > 0:
        raise ValueError("a reference needs at least one count")
    return given / total, np.maximum(given, 1.0) / total**2
