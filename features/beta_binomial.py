"""The beta-binomial law of a bin, given what a reference has there: P(D) / max P of many bins, or of the rarest.

Of n counts in all, D fell into a bin where the reference has R of N (``features.references``). The law is log-concave
in D for α, β ≥ 1, and it has a whole number as its most probable count: both make it cheap.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

TABLE = 100_000
"""Largest k of which ln k! is kept; a larger one is computed."""
NEAR = 64.0
"""Distance from the most probable count up to which probabilities are multiplied up step by step."""
MARGIN = 1e-6
"""By how much ln p must be larger than the least one, for rounding, before a bin is left out."""


@lru_cache(maxsize=1)
def log_factorials() -> NDArray[np.float64]:
    """ln k! for k up to ``TABLE``, not to be written to."""
    return np.asarray(gammaln(np.arange(TABLE + 1) + 1.0))


@numba.njit(parallel=True, cache=True, nogil=True)
def add_probability(counts, reference, tolerance, factorials, p):  # type: ignore[no-untyped-def]
    """Add P(D) / max P of one reference ``(bins,)`` to ``p`` ``(n, bins)``, without the log-gamma terms that cancel.

    ``factorials`` holds ln k! of whole numbers.
    """
    n, bins = counts.shape
    whole = reference.sum()
    for i in numba.prange(n):
        total = counts[i].sum()
        whole_numbers = total == math.floor(total)
        for j in range(bins):
            r, rest = _trusted(reference[j], whole, tolerance)
            best = _most_probable(total, r, rest)
            p[i, j] += _one(counts[i, j], best, total, r, rest, whole_numbers, factorials)


@numba.njit(cache=True, nogil=True)
def _ratio(d, best, total, r, rest):  # type: ignore[no-untyped-def]
    """P(d) / P(best) of whole numbers, step by step: P(k + 1) / P(k) = (T − k)(k + α) / ((k + 1)(T − k − 1 + β)).

    A dozen factors instead of eight log-gammas, and none of the digits lost that these have in common.
    """
    low, high, above, below = min(d, best), max(d, best), 1.0, 1.0
    k = low
    while k < high:
        above *= (total - k) * (k + r + 1)
        below *= (k + 1) * (total - k + rest)
        if above > 1e140 or below > 1e140:
            above, below = above / below, 1.0
        k += 1
    return above / below if d > best else below / above


@numba.njit(cache=True, nogil=True)
def _term(d, total, r, rest, factorials):  # type: ignore[no-untyped-def]
    """ln of C(total, d) · B(d + α, total − d + β), without what does not depend on d."""
    beta = math.lgamma(d + r + 1) + math.lgamma(total - d + rest + 1)
    return beta - _log_factorial(d, factorials) - _log_factorial(total - d, factorials)


@numba.njit(cache=True, nogil=True)
def _log_factorial(k, factorials):  # type: ignore[no-untyped-def]
    """ln k!, looked up where k is a whole number of the table; Γ(k + 1) elsewhere."""
    whole = int(k) if k < len(factorials) else -1
    return factorials[whole] if whole == k else math.lgamma(k + 1)


@numba.njit(parallel=True, cache=True, nogil=True)
def rarest(counts, references, tolerance, factorials):  # type: ignore[no-untyped-def]
    """P(D) / max P of the rarest bin of histograms ``(n, bins)``, and that bin, each ``(r, n)``, one by one reference.

    The same numbers as ``add_probability`` gives, and its first smallest, with a proof in the place of most of them:
    the steps from the most probable count to D shrink by factors that fall on the way, so that m steps with a last
    factor f leave p ≥ fᵐ, and ln fᵐ ≥ m (f − 1) / f. Where this bound is smallest is looked at first; a bin that cannot
    be rarer than one seen already is left out.
    """
    n, bins = counts.shape
    count = len(references)
    least, where = np.empty((count, n)), np.empty((count, n), dtype=np.int64)
    trusted, rests = np.empty((count, bins)), np.empty((count, bins))
    for k in range(count):
        whole = references[k].sum()
        for j in range(bins):
            trusted[k, j], rests[k, j] = _trusted(references[k, j], whole, tolerance)
    for i in numba.prange(n):
        bounds = np.empty(bins)
        total = counts[i].sum()
        whole_numbers = total == math.floor(total)
        for k in range(count):
            _bound(counts[i], trusted[k], rests[k], total, bounds)
            if not whole_numbers:
                bounds[:] = -np.inf
            first = int(bounds.argmin())
            best = _most_probable(total, trusted[k, first], rests[k, first])
            smallest = _one(
                counts[i, first], best, total, trusted[k, first], rests[k, first], whole_numbers, factorials
            )
            at, bound = first, math.log(smallest) + MARGIN if smallest > 0 else -np.inf
            for j in range(bins):
                if bounds[j] > bound or j == first:
                    continue
                d, r, rest = counts[i, j], trusted[k, j], rests[k, j]
                p = _one(d, _most_probable(total, r, rest), total, r, rest, whole_numbers, factorials)
                if p < smallest or (p == smallest and j < at):
                    smallest, at = p, j
                    bound = math.log(p) + MARGIN if p > 0 else -np.inf
            least[k, i], where[k, i] = smallest, at
    return least, where


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _bound(counts, trusted, rests, total, bounds):  # type: ignore[no-untyped-def]
    """What ln P(D) / max P is not below, of every bin of one histogram, into ``bounds``; −∞ of counts that are none.

    The last step on the way from the most probable count to D is a ratio of two products, so that it costs one
    division, and the loop has no branch.
    """
    for j in range(len(counts)):
        d, r, rest = counts[j], trusted[j], rests[j]
        best = min(np.floor((total + 1) * r / (r + rest)), total)
        high = d > best
        above = (total - d + 1) * (d + r) if high else (d + 1) * (total - d + rest)
        below = d * (total - d + 1 + rest) if high else (total - d) * (d + r + 1)
        bound = abs(d - best) * (above - below) / above
        bounds[j] = (0.0 if d == best else bound) if d == np.floor(d) else -np.inf


@numba.njit(cache=True, nogil=True)
def _trusted(r, whole, tolerance):  # type: ignore[no-untyped-def]
    """What a reference has in a bin and elsewhere, as far as it is trusted."""
    scale = 1 / math.sqrt(1 + (r * tolerance * tolerance) ** 2)
    return r * scale, (whole - r) * scale


@numba.njit(cache=True, nogil=True)
def _most_probable(total, r, rest):  # type: ignore[no-untyped-def]
    """Where P(k + 1) = P(k); it is a whole number, and so is D unless it is weighted."""
    return min(math.floor((total + 1) * r / (r + rest)), total) if r + rest > 0 else 0.0


@numba.njit(cache=True, nogil=True)
def _one(d, best, total, r, rest, whole_numbers, factorials):  # type: ignore[no-untyped-def]
    """P(d) / P(best)."""
    if d == best:
        return 1.0
    if abs(d - best) <= NEAR and whole_numbers and d == math.floor(d):
        return min(_ratio(d, best, total, r, rest), 1.0)
    here = _term(d, total, r, rest, factorials)
    return min(math.exp(here - _term(best, total, r, rest, factorials)), 1.0)
