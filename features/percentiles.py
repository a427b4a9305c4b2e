"""Percentiles and moments of histograms: what a lumisection's 100 bins are reduced to, at the speed of memory.

The percentile q of a histogram is the place where its cumulative count reaches q·N, linear inside the bin:

    x_q = e_i + (q·N − C_i) / c_i · (e_{i+1} − e_i),    C_i = Σ_{j<i} c_j < q·N ≤ C_i + c_i

with edges e, counts c and N = Σ c over the axis; q = 0 is the lower edge of the first filled bin, q = 1 the upper edge
of the last. Moments take every count at the centre of its bin. Under- and overflow are outside of all of these and are
given as fractions of everything that was filled.

Each row is computed alone, in float64, so that it does not depend on its batch or on the number of threads, and given
in float32: percentiles and mean to 3e-6 of the larger end of the axis, the others to 2e-5 of themselves. Sums of whole
counts are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from dqm.model.histograms import Axis
from features.threads import threads_for

MOMENTS = ("sum", "mean", "std", "skewness", "kurtosis", "underflow", "overflow", "empty")
"""Σc; the moments in the unit of the axis (kurtosis: excess); flow as fractions of all; the share of empty bins."""
NOTHING = 1e-26
"""Variance, as a share of the squared number of bins, that rounding makes of a single filled bin."""
PERCENTILES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)


@dataclass(frozen=True, eq=False)
class Reduction:
    """``values`` float32 ``(n, p + 8)``, NaN where a histogram is empty or cannot be counted; ``names`` of the columns.

    ``invalid`` ``(n,)`` is True where a count is negative or not finite: nothing may be concluded from it.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]
    invalid: NDArray[np.bool_]


def reduce_histograms(counts: NDArray[Any], axis: Axis, percentiles: Sequence[float] = PERCENTILES) -> Reduction:
    """Reduce ``n`` histograms, ``counts`` ``(n, bins + 2)`` of any number type, flow first and last.

    Flow cells that are NaN, as of a source that keeps none, give NaN fractions and harm nothing else. Raises
    ``ValueError`` for counts of another shape or percentiles that do not rise within [0, 1].
    """
    wanted = np.asarray(percentiles, dtype=np.float64)
    if wanted.size and ((np.diff(wanted) <= 0).any() or wanted[0] < 0 or wanted[-1] > 1):
        raise ValueError(f"percentiles {list(percentiles)} must rise within [0, 1]")
    if counts.ndim != 2 or counts.shape[1] != axis.bins + 2:
        raise ValueError(f"counts of shape {counts.shape} for an axis of {axis.bins} bins and its flow")
    values = np.empty((len(counts), len(wanted) + len(MOMENTS)), dtype=np.float32)
    invalid = np.empty(len(counts), dtype=np.bool_)
    edges = axis.all_edges
    centres = (edges[:-1] + edges[1:]) / 2
    given: NDArray[Any] = np.ascontiguousarray(counts, dtype=_compiled(counts.dtype)).view()
    given.flags.writeable = False  # arrays that may and that may not be written are two types, compiled one by one
    threads_for(given.size)
    _reduce(given, edges, centres, wanted, values, invalid)
    return Reduction((*(f"p{100 * q:g}" for q in wanted), *MOMENTS), values, invalid)


def _compiled(kind: np.dtype[Any]) -> type:
    """The number type that the kernel is compiled for: each takes a second once, so there are three."""
    if kind == np.float32:
        return np.float32
    return np.int32 if kind.kind in "iub" and kind.itemsize <= 4 and kind != np.uint32 else np.float64


@numba.njit(parallel=True, cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _reduce(counts, edges, centres, wanted, values, invalid):  # type: ignore[no-untyped-def]
    """The loop over histograms; the three loops inside each find its bins in the nearest cache."""
    n, bins, p = counts.shape[0], counts.shape[1] - 2, len(wanted)
    middle, width = (edges[0] + edges[bins]) / 2, (edges[bins] - edges[0]) / bins
    place = (centres - middle) / width
    for i in numba.prange(n):
        row, out = counts[i], values[i]
        total, first, filled, bad = 0.0, 0.0, 0, 0
        for j in range(bins):
            c = np.float64(row[j + 1])
            total += c
            first += c * place[j]
        for j in range(bins):
            filled += row[j + 1] > 0
            bad += not row[j + 1] >= 0
        invalid[i] = bad > 0 or not np.isfinite(total)
        if invalid[i] or total == 0:
            for k in range(p + 8):
                out[k] = np.nan
            if not invalid[i]:
                _describe(out, p, 0.0, bins, 0, np.float64(row[0]), np.float64(row[bins + 1]))
            continue
        inverse = 1 / total
        mean = first / total
        second, third, fourth = 0.0, 0.0, 0.0
        for j in range(bins):
            d = place[j] - mean
            cd = np.float64(row[j + 1]) * d * d
            second += cd
            third += cd * d
            fourth += cd * d * d
        variance = second * inverse
        if variance < NOTHING * bins * bins:
            variance = 0.0
        sigma = np.sqrt(variance)
        out[p + 1] = middle + mean * width
        out[p + 2] = sigma * width
        out[p + 3] = third * inverse / (variance * sigma) if variance > 0 else np.nan
        out[p + 4] = fourth * inverse / (variance * variance) - 3 if variance > 0 else np.nan
        _describe(out, p, total, bins, filled, np.float64(row[0]), np.float64(row[bins + 1]))
        _invert(row, edges, wanted, total, bins, out)


@numba.njit(cache=True, nogil=True)
def _describe(out, p, total, bins, filled, under, over):  # type: ignore[no-untyped-def]
    """What needs no filled bin: the sum, the flow and the emptiness."""
    everything = total + under + over
    out[p] = total
    out[p + 5] = under / everything if everything > 0 else np.nan
    out[p + 6] = over / everything if everything > 0 else np.nan
    out[p + 7] = 1 - filled / bins


@numba.njit(cache=True, nogil=True)
def _invert(row, edges, wanted, total, bins, out):  # type: ignore[no-untyped-def]
    """Percentiles by one walk along the cumulative counts, four bins a step, which the wanted ones follow."""
    k, p, j, before = 0, len(wanted), 0, 0.0
    if p and wanted[0] <= 0:  # q = 0 is reached before any count: where the first filled bin begins
        while not row[j + 1] > 0:
            j += 1
        out[0], k, j = edges[j], 1, 0
    while k < p and j + 3 < bins:
        a = np.float64(row[j + 1])
        b = a + row[j + 2]
        c = b + row[j + 3]
        above = before + (c + row[j + 4])
        while k < p and wanted[k] * total <= above:
            left = wanted[k] * total - before
            m, below = (0, 0.0) if left <= a else (1, a)
            if left > b:
                m, below = (2, b) if left <= c else (3, c)
            at = j + m
            if row[at + 1] > 0:
                out[k] = edges[at] + (left - below) / row[at + 1] * (edges[at + 1] - edges[at])
            else:  # only where rounding of the sums put it past the last filled bin
                out[k] = _end(row, edges, at)
            k += 1
        before = above
        j += 4
    while k < p and j < bins:
        one = np.float64(row[j + 1])
        above = before + one
        while k < p and wanted[k] * total <= above:
            out[k] = edges[j] + (wanted[k] * total - before) / one * (edges[j + 1] - edges[j])
            k += 1
        before = above
        j += 1
    for beyond in range(k, p):  # only where rounding of the sums left the end out of reach
        out[beyond] = _end(row, edges, bins)


@numba.njit(cache=True, nogil=True)
def _end(row, edges, at):  # type: ignore[no-untyped-def]
    """Upper edge of the last filled bin before bin ``at``."""
    while not row[at] > 0:
        at -= 1
    return edges[at]
