"""Oscillation of a window, and how much of a control error a better controller would have removed.

A window is cut into N cells of equal length that lie at fixed times, and the mean of each is taken; so the same cells
serve every window. The mean and the straight line through the cells are removed, the rest is weighted by a Hann window
and taken apart by frequency: P_k = |Σ_i w_i·x_i·exp(−2πi·k·i/N)|² for k = 1 … N/2 − 1. With the largest at k* ≥ 4
(fewer than four cycles in a window may be a drift):

- period = N·δ / k₀, with δ the length of a cell and k₀ between k* and its larger neighbour as a pure sine has it;
- amplitude = √(32/3 · (P_{k*−1} + P_{k*} + P_{k*+1})) / N, that of the sine;
- hunting = the share of ΣP in the peak and its second and third harmonic, each with both neighbours: near 1 for a valve
  that saws to and fro, 0.1 for noise in 256 cells and 0.4 in 32.

The control index is that of Desborough and Harris (Can. J. Chem. Eng. 70 (1992) 1186) over an extended horizon: the
share of the variance of the control error e that a linear prediction from ``LAGS`` cells, the latest of them a horizon
b earlier, explains. With autocovariances r and R_ij = r_|i−j|, c_i = r_{b+i}: index = cᵀR⁻¹c / r₀. What could be
foreseen a dead time earlier the controller could have removed: 0 is as good as control can be, 1 means that all of the
error is of its making. It needs no model of the plant.
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
MISSING = 0.2
"""Share of cells without a reading beyond which nothing is said."""
LAGS = 5
ROUNDING = 1e-12
"""Of a level: what is less is not a movement."""
CYCLES = 4
"""In a window, at the least, to be called an oscillation."""
RIDGE = 1e-9
"""Of the variance: keeps the equations solvable where the error is a pure sine."""


@lru_cache(maxsize=8)
def tables(size: int) -> tuple[Numbers, Numbers, Numbers, NDArray[np.int64]]:
    """Cosine and sine of −2πk/N for k < N/2, the Hann window, and every index below N/2 with its bits in reverse."""
    half = size // 2
    angle = -2 * np.pi * np.arange(half) / size
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    digits = half.bit_length() - 1
    flipped = [int(f"{i:0{digits}b}"[::-1], 2) for i in range(half)]
    return np.cos(angle), np.sin(angle), hann, np.array(flipped)


@numba.njit(cache=True, nogil=True)
def cells(time, value, begin, width, first, count):  # type: ignore[no-untyped-def]
    """Mean of the readings in ``count`` cells of ``width`` ns, the first at ``first`` widths; NaN where none is.

    ``begin`` is the first reading that is not before them.
    """
    total, n = np.zeros(count), np.zeros(count, np.int32)
    edge, at = first * width, np.int64(-1)
    until = edge
    for i in range(begin, len(time)):
        if time[i] >= until:
            at = (time[i] - edge) // width
            until = edge + (at + 1) * width
            if at >= count:
                break
        total[at] += value[i]
        n[at] += 1
    for i in range(count):
        total[i] = total[i] / n[i] if n[i] else np.nan
    return total


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def rhythms(mean, stop, tables, width, horizon, out):  # type: ignore[no-untyped-def]
    """Period (s), amplitude, hunting and control index of the windows ``mean[stop[j] − N:stop[j]]``, out ``(w, 4)``.

    ``tables`` are those of N cells, ``width`` the length of a cell in seconds, ``horizon`` b in cells. NaN where too
    many cells are empty; the period is NaN too where nothing moves.
    """
    cosine, sine, hann, flipped = tables
    size, half = len(hann), len(cosine)
    x, power = np.empty(size), np.empty(half)
    real, imaginary = np.empty(half), np.empty(half)
    for j in range(len(stop)):
        for k in range(4):
            out[j, k] = np.nan
        known = _centred(mean, stop[j] - size, size, x)
        if known < (1 - MISSING) * size:
            continue
        out[j, 3] = _control(x, size, horizon)
        if not _straightened(mean, stop[j] - size, size, x):
            out[j, 1], out[j, 2] = 0.0, 0.0
            continue
        for i in range(size):
            x[i] *= hann[i]
        _power(x, half, cosine, sine, flipped, real, imaginary, power)
        _peak(power, half, size, width, out[j])


@numba.njit(cache=True, nogil=True)
def _centred(mean, start, size, x):  # type: ignore[no-untyped-def]
    """The cells less their mean, 0 where empty; gives the number of cells that are not."""
    total, known = 0.0, 0
    if start < 0:
        return 0
    for i in range(size):
        if not np.isnan(mean[start + i]):
            total += mean[start + i]
            known += 1
    level = total / max(known, 1)
    for i in range(size):
        one = mean[start + i]
        x[i] = one - level if abs(one - level) > ROUNDING * abs(level) else 0.0
    return known


@numba.njit(cache=True, nogil=True)
def _straightened(mean, start, size, x):  # type: ignore[no-untyped-def]
    """Remove the line of least squares from the known cells; tells whether anything but rounding is left."""
    n, st, stt, sx, stx, largest = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(size):
        if not np.isnan(mean[start + i]):
            t = float(i)
            n += 1
            st += t
            stt += t * t
            sx += x[i]
            stx += t * x[i]
            largest = max(largest, abs(mean[start + i]))
    slope = (n * stx - st * sx) / (n * stt - st * st)
    level = (sx - slope * st) / n
    left = 0.0
    for i in range(size):
        if not np.isnan(mean[start + i]):
            x[i] -= level + slope * i
            left = max(left, abs(x[i]))
    return left > ROUNDING * largest


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _control(x, size, horizon):  # type: ignore[no-untyped-def]
    """cᵀR⁻¹c / r₀ by Cholesky; NaN where there is no error or the window is too short for the horizon."""
    if horizon + 2 * LAGS > size:
        return np.nan
    r = np.zeros(max(LAGS, horizon + LAGS))
    for k in range(len(r)):
        if k < LAGS or k >= horizon:
            total, later = 0.0, x[k:]
            for i in range(size - k):
                total += x[i] * later[i]
            r[k] = total
    if not r[0] > 0:
        return np.nan
    lower, solved, share = np.zeros((LAGS, LAGS)), np.zeros(LAGS), 0.0
    for i in range(LAGS):
        for k in range(i + 1):
            total = r[i - k] + (RIDGE * r[0] if i == k else 0.0)
            for m in range(k):
                total -= lower[i, m] * lower[k, m]
            lower[i, k] = np.sqrt(max(total, RIDGE * r[0])) if i == k else total / lower[k, k]
        total = r[horizon + i]
        for m in range(i):
            total -= lower[i, m] * solved[m]
        solved[i] = total / lower[i, i]
        share += solved[i] * solved[i]
    return min(share / r[0], 1.0)


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _power(x, half, cosine, sine, flipped, re, im, power):  # type: ignore[no-untyped-def]
    """|X_k|² for 0 < k < N/2: even and odd numbers as one complex sequence of half the length, then taken apart."""
    for i in range(half):
        re[flipped[i]], im[flipped[i]] = x[2 * i], x[2 * i + 1]
    size = 2
    while size <= half:
        reach, stride = size // 2, 2 * half // size
        for start in range(0, half, size):
            for k in range(reach):
                c, s = cosine[k * stride], sine[k * stride]
                a, b = start + k, start + k + reach
                u, v = re[b] * c - im[b] * s, re[b] * s + im[b] * c
                re[b], im[b] = re[a] - u, im[a] - v
                re[a], im[a] = re[a] + u, im[a] + v
        size *= 2
    power[0] = 0.0
    for k in range(1, half):
        m = half - k
        even_re, even_im = (re[k] + re[m]) / 2, (im[k] - im[m]) / 2
        odd_re, odd_im = (im[k] + im[m]) / 2, (re[m] - re[k]) / 2
        u = even_re + odd_re * cosine[k] - odd_im * sine[k]
        v = even_im + odd_re * sine[k] + odd_im * cosine[k]
        power[k] = u * u + v * v


@numba.njit(cache=True, nogil=True)
def _peak(power, half, size, width, out):  # type: ignore[no-untyped-def]
    """Period, amplitude and hunting from the powers."""
    total, best = 0.0, CYCLES
    for k in range(1, half):
        total += power[k]
        if k >= CYCLES and power[k] > power[best]:
            best = k
    above = power[best + 1] if best + 1 < half else 0.0
    side = 1 if above > power[best - 1] else -1
    ratio = np.sqrt(max(above, power[best - 1]) / power[best]) if power[best] > 0 else 0.5
    place = best + side * (2 * ratio - 1) / (ratio + 1) if ratio <= 1 else float(best)
    harmonic = 0.0
    for k in range(CYCLES - 1, half):
        if min(abs(k - best), abs(k - 2 * best), abs(k - 3 * best)) <= 1:
            harmonic += power[k]
    out[0] = size * width / place
    out[1] = np.sqrt((power[best - 1] + power[best] + above) * 32 / 3) / size
    out[2] = harmonic / total
