"""What a window tells beside its order statistics: slope, gaps, shares of readings, and time without movement."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Readings whose sums are taken once; a window is its whole blocks and what is left at both ends."""
LATE = 1.5
"""Periods after which a reading is missed: a cadence trembles."""
ALMOST = 1 + 1e-6
"""One step of a converter, as the difference of two floats, is not always one step."""
SECONDS = 1e-9
HOUR = 3600.0


@numba.njit(cache=True, nogil=True)
def block_sums(time, value):  # type: ignore[no-untyped-def]
    """First t and x, then Σt, Σx, Σt², Σt·x from these on, of every whole block: shape ``(6, b)``, t in seconds."""
    sums = np.zeros((6, len(time) // BLOCK))
    for b in range(sums.shape[1]):
        first = b * BLOCK
        sums[0, b], sums[1, b] = (time[first] - time[0]) * SECONDS, value[first]
        for i in range(first, first + BLOCK):
            t, x = (time[i] - time[first]) * SECONDS, value[i] - value[first]
            sums[2, b] += t
            sums[3, b] += x
            sums[4, b] += t * t
            sums[5, b] += t * x
    return sums


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def slopes(time, value, sums, begin, stop, out):  # type: ignore[no-untyped-def]
    """Least-squares slope per hour of every window, out ``(w,)``; NaN of fewer than three readings.

    slope = (n·Σtx − Σt·Σx) / (n·Σt² − (Σt)²). Every window is summed afresh, so that nothing of a spike remains when
    it has left, and counts from its own first reading, so that nothing is lost to a large level.
    """
    t0, x0, t1, x1, t2, tx = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    for j in range(len(begin)):
        a, b = begin[j], stop[j]
        if b - a < 3:
            out[j] = np.nan
            continue
        n, st, sx, stt, stx = float(b - a), 0.0, 0.0, 0.0, 0.0
        first, last = -(-a // BLOCK), b // BLOCK
        head, tail = (first * BLOCK, last * BLOCK) if first < last else (b, b)
        for start, end in ((a, head), (tail, b)):
            for i in range(start, end):
                t, x = (time[i] - time[a]) * SECONDS, value[i] - value[a]
                st += t
                sx += x
                stt += t * t
                stx += t * x
        since, level = (time[a] - time[0]) * SECONDS, value[a]
        for k in range(first, last):
            t, x = t0[k] - since, x0[k] - level
            st += t1[k] + BLOCK * t
            sx += x1[k] + BLOCK * x
            stt += t2[k] + t * (2 * t1[k] + BLOCK * t)
            stx += tx[k] + t * x1[k] + x * (t1[k] + BLOCK * t)
        width = n * stt - st * st
        out[j] = (n * stx - st * sx) / width * HOUR if width > 0 else np.nan


@numba.njit(cache=True, nogil=True)
def gaps(time, period, ends, span, begin, stop, out):  # type: ignore[no-untyped-def]
    """Share of every window ``[end − span, end)`` in which a reading was due and none came, out ``(w,)``.

    Two readings that are more than 1.5 periods apart leave a gap from one period behind the first to the second. What
    lies before the first reading of all is a gap; what comes after the end of a window is not known in it.
    """
    n, late = len(time), np.int64(LATE * period)
    missed = np.zeros(n + 1, np.int64)
    for i in range(1, n):
        apart = time[i] - time[i - 1]
        missed[i] = missed[i - 1] + (apart - period if apart > late else 0)
    for j in range(len(ends)):
        a, b = begin[j], stop[j]
        since, gap = ends[j] - span, np.int64(0)
        if b > a:
            gap = missed[b - 1] - missed[a]
            if a == 0:
                gap += time[0] - since
            elif time[a] - time[a - 1] > late:
                gap += time[a] - max(since, time[a - 1] + period)
        if b > 0 and ends[j] - time[b - 1] > late:
            gap += ends[j] - max(since, time[b - 1] + period)
        out[j] = 1.0 if b == 0 else gap / span


def shares(flagged: NDArray[np.bool_], begin: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of flagged readings in every window, shape ``(w,)``; NaN without readings."""
    counted = np.concatenate([[0], np.cumsum(flagged)])
    n = stop - begin
    return np.where(n > 0, (counted[stop] - counted[begin]) / np.maximum(n, 1), np.nan)


@numba.njit(cache=True, nogil=True)
def stuck(time, value, first, ends, resolution, last, moved, seen, out):  # type: ignore[no-untyped-def]
    """Seconds from the last movement to the latest reading before every end, out ``(w,)``; NaN before the first.

    A movement is a change by more than the ``resolution`` from the value at the movement before. ``last`` (that
    value), ``moved`` (when) and ``seen`` (the latest reading looked at), arrays of one number, carry over to the next
    call, which begins with reading ``first``.
    """
    i, least = first, resolution * ALMOST
    for j in range(len(ends)):
        while i < len(time) and time[i] < ends[j]:
            if not abs(value[i] - last[0]) <= least:
                last[0], moved[0] = value[i], time[i]
            seen[0] = time[i]
            i += 1
        out[j] = np.nan if np.isnan(last[0]) else (seen[0] - moved[0]) * SECONDS
