"""Histograms as loops over lists, the way the docstrings say it: what the fast kernels must equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from scipy import stats

NAN = math.nan


def percentile(counts: Sequence[float], edges: Sequence[float], q: float) -> float:
    """Where the cumulative count reaches q·N, linear inside the bin."""
    total, before = math.fsum(counts), 0.0
    if total == 0:
        return NAN
    for j, c in enumerate(counts):
        if c > 0 and q * total <= before + c * (1 + 1e-12):
            return edges[j] + (q * total - before) / c * (edges[j + 1] - edges[j])
        before += c
    return max(edges[j + 1] for j, c in enumerate(counts) if c > 0)


def describe(cells: Sequence[float], edges: Sequence[float]) -> list[float]:
    """Sum, mean, standard deviation, skewness, excess kurtosis, underflow, overflow, share of empty bins."""
    counts, total = list(cells[1:-1]), math.fsum(cells[1:-1])
    centres = [(a + b) / 2 for a, b in pairwise(edges)]
    everything = math.fsum(cells)
    flow = [cell / everything if everything > 0 else NAN for cell in (cells[0], cells[-1])]
    empty = sum(c == 0 for c in counts) / len(counts)
    if total == 0:
        return [0.0, NAN, NAN, NAN, NAN, *flow, empty]
    mean = math.fsum(c * x for c, x in zip(counts, centres, strict=True)) / total
    second, third, fourth = (
        math.fsum(c * (x - mean) ** k for c, x in zip(counts, centres, strict=True)) / total for k in (2, 3, 4)
    )
    shape = [third / second**1.5, fourth / second**2 - 3] if second > 0 else [NAN, NAN]
    return [total, mean, math.sqrt(second), *shape, *flow, empty]


def pull(d: int, n: int, r: float, reference: float, tolerance: float) -> tuple[float, float]:
    """Probability of d relative to the most probable count, and the pull that belongs to it, by the definition."""
    scale = (1 + (r * tolerance**2) ** 2) ** -0.5
    alpha, beta = r * scale + 1, reference * scale - r * scale + 1
    law = stats.betabinom(n, alpha, beta)
    p = max(min(law.pmf(d) / max(law.pmf(k) for k in range(n + 1)), 1.0), 1e-300)
    return p, math.sqrt(stats.chi2.isf(p, 1))


def distances(a: Sequence[float], b: Sequence[float], edges: Sequence[float]) -> tuple[float, float]:
    """Largest difference of the cumulative shares, and the area between them."""
    if sum(a) == 0 or sum(b) == 0:
        return NAN, NAN
    largest = area = x = y = 0.0
    for j in range(len(a)):
        x, y = x + a[j] / math.fsum(a), y + b[j] / math.fsum(b)
        largest = max(largest, abs(x - y))
        area += abs(x - y) * (edges[j + 1] - edges[j])
    return largest, area


def chi2(mean: Sequence[float], spread: Sequence[float], counts: Sequence[float]) -> float:
    """Mean over the bins of (x − μ)² / (σ² + spread), σ² the Poisson variance of the share, of one count at least."""
    total = math.fsum(counts)
    terms = [(n / total - m) ** 2 / (max(n, 1.0) / total**2 + s) for n, m, s in zip(counts, mean, spread, strict=True)]
    return math.fsum(terms) / len(terms)
