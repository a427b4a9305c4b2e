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


@numba.njit(cache=True)
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


@numba.njit(cache=True, nogil=True)
def encode_names(data: Any, edges: Any, codes: Any, firsts: Any, table: Any) -> Any:
    """Number equal texts equally, in the order in which they occur; returns how many there are.

    Text ``i`` is ``data[edges[i]:edges[i + 1]]``. Fills ``codes`` ``(n,)`` and ``firsts``, where a number occurs first.
    ``table``, a power of two above n numbers of -1, is the hash table (FNV-1a, open addressing). The text that followed
    last time is tried first, as a DQMIO file repeats its monitor elements in every lumisection.
    """
    known, mask, before = 0, len(table) - 1, -1
    follows = np.full(len(codes) + 1, -1, np.int64)
    for i in range(len(codes)):
        found = follows[before]
        if found < 0 or not _same(data, edges, i, firsts[found]):
            h = np.uint64(0xCBF29CE484222325)
            for j in range(edges[i], edges[i + 1]):
                h = (h ^ np.uint64(data[j])) * np.uint64(0x100000001B3)
            slot = np.int64(h ^ (h >> np.uint64(32))) & mask
            while table[slot] >= 0:
                found = table[slot]
                if _same(data, edges, i, firsts[found]):
                    break
                slot = (slot + 1) & mask
            else:
                found, table[slot], firsts[known] = known, known, i
                known += 1
            follows[before] = found
        codes[i] = before = found
    return known


# Unsigned places: such an index is never negative, so the loops become vectors; slices would be counted references.


@numba.njit(inline="always")
def _equal(a: Any, at: Any, b: Any, bt: Any, n: Any) -> Any:
    differs, i, k = np.uint8(0), np.uint64(at), np.uint64(bt)
    for j in range(n):
        differs |= a[i + np.uint64(j)] ^ b[k + np.uint64(j)]
    return differs == 0


@numba.njit(inline="always")
def _copied(source: Any, at: Any, target: Any, to: Any, n: Any) -> None:
    i, k = np.uint64(at), np.uint64(to)
    for j in range(n):
        target[k + np.uint64(j)] = source[i + np.uint64(j)]


@numba.njit(inline="always")
def _turned8(words: Any, base: Any, n: Any, limit: Any, zero: Any) -> Any:
    odd, begin = 0, np.uint64(base)
    for j in range(n):
        x = words[begin + np.uint64(j)]
        x = ((x >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)) | (
            (x & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8)
        )
        x = ((x >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)) | (
            (x & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)
        )
        x = (x >> np.uint64(32)) | (x << np.uint64(32))
        words[begin + np.uint64(j)] = x
        odd += (x > limit) & (x != zero)
    return odd


@numba.njit(inline="always")
def _turned4(words: Any, base: Any, n: Any, limit: Any, zero: Any) -> Any:
    odd, low, bad, begin = np.uint32(0), np.uint32(limit), np.uint32(zero), np.uint64(base)
    for j in range(n):
        x = words[begin + np.uint64(j)]
        x = np.uint32(
            (x >> np.uint32(24))
            | ((x >> np.uint32(8)) & np.uint32(0xFF00))
            | ((x & np.uint32(0xFF00)) << np.uint32(8))
            | (x << np.uint32(24))
        )
        words[begin + np.uint64(j)] = x
        odd += np.uint32((x > low) & (x != bad))
    return np.int64(odd)


@numba.njit(inline="always")
def _turned2(words: Any, base: Any, n: Any, limit: Any, zero: Any) -> Any:
    odd, low, bad, begin = 0, np.uint16(limit), np.uint16(zero), np.uint64(base)
    for j in range(n):
        x = words[begin + np.uint64(j)]
        x = np.uint16((x >> np.uint16(8)) | (x << np.uint16(8)))
        words[begin + np.uint64(j)] = x
        odd += (x > low) & (x != bad)
    return odd


@numba.njit(inline="always")
def _same(data: Any, edges: Any, one: Any, other: Any) -> Any:
    n = edges[one + 1] - edges[one]
    return edges[other + 1] - edges[other] == n and _equal(data, edges[one], data, edges[other], n)


@numba.njit(inline="always")
def _alike(data: Any, begin: Any, shapes: Any, shape: Any, fixed: Any, first: Any, last: Any) -> Any:
    for s in range(first, last):
        a, b = fixed[s, 0], fixed[s, 1]
        if not _equal(data, begin + a, shapes, shape + a, b - a):
            return False
    return True


@numba.njit(inline="always")
def _doubles(data: Any, at: Any, as_bytes: Any, as_words: Any, base: Any, n: Any) -> None:
    anything = np.uint64(0xFFFFFFFFFFFFFFFF)
    _copied(data, at, as_bytes, 8 * base, 8 * n)
    _turned8(as_words, base, n, anything, anything)


@numba.njit(cache=True, nogil=True)
def decode_entries(
    data: Any,
    begin: Any,
    end: Any,
    group: Any,
    row: Any,
    done: Any,
    odd: Any,
    table: Any,
    shapes: Any,
    fixed: Any,
    width: Any,
    limit: Any,
    zero: Any,
    out: Any,
    entries: Any,
    squares: Any,
    sums: Any,
) -> None:
    """Copy the numbers of every entry that is, byte for byte, like the template of its group, and mark it ``done``.

    Entry ``i`` is ``data[begin[i]:end[i]]`` and goes to row ``row[i]`` of group ``group[i]``. ``table`` has a line a
    group, see ``root_template.Columns``; ``shapes`` are the bytes of the templates and ``fixed`` the parts of them that
    must be equal. ``out`` are the counts, ``width`` bytes each, as bytes and as words of 2, 4 and 8; ``entries``,
    ``squares`` and ``sums`` are words of 8. ``odd[i]`` counts the cells above ``limit`` as unsigned words, which is
    what negative, infinite and undefined numbers are; ``zero`` is the word of -0.
    """
    out1, out2, out4, out8 = out
    for i in range(len(begin)):
        g, a, r = group[i], begin[i], row[i]
        size, cells = table[g, 0], table[g, 5]
        if done[i] or end[i] - a != size or r >= table[g, 13]:
            continue
        if not _alike(data, a, shapes, table[g, 1], fixed, table[g, 2], table[g, 3]):
            continue
        _doubles(data, a + table[g, 7], entries[0], entries[1], table[g, 10] + r, 1)
        at = table[g, 4] + r * cells
        _copied(data, a + table[g, 6], out1, width * at, width * cells)
        if width == 8:
            odd[i] = _turned8(out8, at, cells, limit, zero)
        elif width == 4:
            odd[i] = _turned4(out4, at, cells, limit, zero)
        elif width == 2:
            odd[i] = _turned2(out2, at, cells, limit, zero)
        else:
            for j in range(at, at + cells):
                odd[i] += out1[j] > limit
        if table[g, 8] >= 0:
            _doubles(data, a + table[g, 8], squares[0], squares[1], table[g, 11] + r * cells, cells)
        if table[g, 9] >= 0:
            _doubles(data, a + table[g, 9], sums[0], sums[1], table[g, 12] + r * cells, cells)
        done[i] = True


@numba.njit(cache=True)
def basket_edges(data: Any, end: Any, head: Any, size: Any, edges: Any) -> Any:
    """Fill ``edges`` ``(n + 1,)`` with where the entries of a basket begin and the last one ends; False if they fall.

    ``size`` is that of an entry, or 0 where the places stand behind the entries, at ``end``: their number, then four
    bytes each, counted from the begin of the basket's key of ``head`` bytes.
    """
    n = len(edges) - 1
    listed = data[end:]
    for i in range(n + 1):
        if size > 0 or len(listed) == 0:
            edges[i] = i * size
        elif i == n:
            edges[i] = end
        else:
            place = np.int64(0)
            for k in range(4 * i + 4, 4 * i + 8):
                place = (place << 8) | np.int64(listed[k])
            edges[i] = place - head
        if edges[i] < (edges[i - 1] if i else 0) or edges[i] > end:
            return False
    return True
