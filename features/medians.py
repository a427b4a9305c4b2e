"""Kernels of medians that leave out what is missing; ``features.runs`` says what they mean.

A median here is the mean of the two middle ones of the finite values, NaN where there is none.
"""

from __future__ import annotations

import numba
import numpy as np

WIDE = 8
"""Columns that are gone through together: their values lie in one line of the cache."""
FEW = 48
"""Values up to which they are sorted by insertion; of more the middle ones alone are brought to their places."""


@numba.njit(parallel=True, cache=True, nogil=True)
def of_rows(values):  # type: ignore[no-untyped-def]
    """Median of every row, ``(m,)`` from ``(m, k)``."""
    m, k = values.shape
    found = np.empty(m)
    for i in numba.prange(m):
        held, count = np.empty(k), 0
        for j in range(k):
            count = _taken(held, count, values[i, j])
        found[i] = _middle(held, count)
    return found


@numba.njit(parallel=True, cache=True, nogil=True)
def of_groups(values, first, count):  # type: ignore[no-untyped-def]
    """Median of every column within each group of rows, ``(m, d)`` from ``(n, d)``."""
    m, d = len(first), values.shape[1]
    found, largest = np.empty((m, d)), 0
    for i in range(m):
        largest = max(largest, count[i])
    for tile in numba.prange((d + WIDE - 1) // WIDE):
        begin, end = tile * WIDE, min((tile + 1) * WIDE, d)
        held, taken = np.empty((WIDE, largest)), np.zeros(WIDE, dtype=np.int64)
        for i in range(m):
            taken[:] = 0
            for row in range(first[i], first[i] + count[i]):
                for j in range(begin, end):
                    taken[j - begin] = _taken(held[j - begin], taken[j - begin], values[row, j])
            for j in range(begin, end):
                found[i, j] = _middle(held[j - begin], taken[j - begin])
    return found


@numba.njit(parallel=True, cache=True, nogil=True)
def apart(values, centre, first, count):  # type: ignore[no-untyped-def]
    """Median of |x − centre| of every column over all rows of ``m`` groups, ``(d,)`` from ``(n, d)``.

    Each group has a ``centre`` of its own, ``(m, d)``.
    """
    d = values.shape[1]
    found = np.empty(d)
    for tile in numba.prange((d + WIDE - 1) // WIDE):
        begin, end = tile * WIDE, min((tile + 1) * WIDE, d)
        held, taken = np.empty((WIDE, count.sum())), np.zeros(WIDE, dtype=np.int64)
        for i in range(len(first)):
            for row in range(first[i], first[i] + count[i]):
                for j in range(begin, end):
                    taken[j - begin] = _taken(held[j - begin], taken[j - begin], abs(values[row, j] - centre[i, j]))
        for j in range(begin, end):
            found[j] = _middle(held[j - begin], taken[j - begin])
    return found


@numba.njit(parallel=True, cache=True, nogil=True)
def around(values, code, reach):  # type: ignore[no-untyped-def]
    """Median over the rows within ``reach`` that have the ``code`` ``(n,)`` of the row, ``(n, d)``."""
    n, d = values.shape
    found = np.empty((n, d))
    for i in numba.prange(n):
        held = np.empty(2 * reach + 1)
        begin, end = max(0, i - reach), min(n, i + reach + 1)
        for j in range(d):
            taken = 0
            for row in range(begin, end):
                if code[row] == code[i]:
                    taken = _taken(held, taken, values[row, j])
            found[i, j] = _middle(held, taken)
    return found


@numba.njit(cache=True, nogil=True)
def _taken(held, count, value):  # type: ignore[no-untyped-def]
    """How many values are ``held`` once this one is, unless it is missing; few are kept sorted."""
    if not np.isfinite(value):
        return count
    at = count
    if count < FEW:
        while at > 0 and held[at - 1] > value:
            held[at] = held[at - 1]
            at -= 1
    held[at] = value
    return count + 1


@numba.njit(cache=True, nogil=True)
def _middle(held, count):  # type: ignore[no-untyped-def]
    if count == 0:
        return np.nan
    low, high = (count - 1) // 2, count // 2
    if count > FEW:
        _select(held, count, low)
        if high > low:
            held[high] = held[high:count].min()
    return (held[low] + held[high]) / 2


@numba.njit(cache=True, nogil=True)
def _select(held, count, wanted):  # type: ignore[no-untyped-def]
    """Bring the value that sorting would bring to place ``wanted`` there, what is larger behind it (Hoare, 1961)."""
    first, last = 0, count - 1
    while first < last:
        a, b, c = held[first], held[(first + last) // 2], held[last]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = first, last
        while i <= j:
            while held[i] < pivot:
                i += 1
            while held[j] > pivot:
                j -= 1
            if i <= j:
                held[i], held[j] = held[j], held[i]
                i, j = i + 1, j - 1
        if wanted <= j:
            last = j
        elif wanted >= i:
            first = i
        else:
            return
