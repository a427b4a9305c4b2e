"""The loops over bytes that are too many for Python; every one has a slow twin in the tests."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

P1, P2, P3 = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
P4, P5 = np.uint64(0x85EBCA77C2B2AE63), np.uint64(0x27D4EB2F165667C5)


@numba.njit(inline="always")
def _rotated(x: Any, by: Any) -> Any:
    return (x << np.uint64(by)) | (x >> np.uint64(64 - by))


@numba.njit(inline="always")
def _lane(d: Any, at: Any) -> Any:
    found = np.uint64(0)
    for k in range(8):
        found |= np.uint64(d[at + k]) << np.uint64(8 * k)
    return found


@numba.njit(inline="always")
def _round(acc: Any, lane: Any) -> Any:
    return _rotated(acc + lane * P2, 31) * P1


@numba.njit(cache=True, nogil=True)
def _xxh64(d: Any) -> Any:
    n, at = len(d), 0
    if n >= 32:
        a, b, c, e = P1 + P2, P2, np.uint64(0), np.uint64(0) - P1
        while at + 32 <= n:
            a, b = _round(a, _lane(d, at)), _round(b, _lane(d, at + 8))
            c, e = _round(c, _lane(d, at + 16)), _round(e, _lane(d, at + 24))
            at += 32
        h = _rotated(a, 1) + _rotated(b, 7) + _rotated(c, 12) + _rotated(e, 18)
        for acc in (a, b, c, e):
            h = (h ^ _round(np.uint64(0), acc)) * P1 + P4
    else:
        h = P5
    h += np.uint64(n)
    while at + 8 <= n:
        h = _rotated(h ^ _round(np.uint64(0), _lane(d, at)), 27) * P1 + P4
        at += 8
    if at + 4 <= n:
        word = np.uint64(0)
        for k in range(4):
            word |= np.uint64(d[at + k]) << np.uint64(8 * k)
        h = _rotated(h ^ (word * P1), 23) * P2 + P3
        at += 4
    while at < n:
        h = _rotated(h ^ (np.uint64(d[at]) * P5), 11) * P1
        at += 1
    h = (h ^ (h >> np.uint64(33))) * P2
    h = (h ^ (h >> np.uint64(29))) * P3
    return h ^ (h >> np.uint64(32))


def xxh64(data: NDArray[np.uint8]) -> int:
    """XXH64 of ``data`` with seed 0 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md)."""
    return int(_xxh64(data))
