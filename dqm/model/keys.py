"""The one key, ``(run, ls)``, and sets of it as ranges.

A lumisection is coded as the integer ``run · 2³² + ls``, so that every operation on a set of ranges is one sorted
sweep over NumPy arrays whatever the number of runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LS_BITS = 32
LS_LAST = 2**31 - 1
"""The largest lumisection number; a range that ends here means "to the end of the run"."""


class LumisectionId(NamedTuple):
    """One lumisection: the unit of certification."""

    run: int
    ls: int


def encode(run: ArrayLike, ls: ArrayLike) -> NDArray[np.int64]:
    """Code runs and lumisections as sortable integers, shape ``(n,)``; raises ``ValueError`` outside their range."""
    run, ls = np.asarray(run, dtype=np.int64), np.asarray(ls, dtype=np.int64)
    if run.size and (run.min() < 0 or run.max() >= 2**31):
        raise ValueError(f"run numbers must lie in [0, 2^31): found {run.min()} to {run.max()}")
    if ls.size and (ls.min() < 0 or ls.max() > LS_LAST):
        raise ValueError(f"lumisection numbers must lie in [0, {LS_LAST}]: found {ls.min()} to {ls.max()}")
    code: NDArray[np.int64] = (run << LS_BITS) | ls
    return code


def decode(code: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split codes into runs and lumisections, each of shape ``(n,)``."""
    return code >> LS_BITS, code & (2**LS_BITS - 1)


class LumiMask:
    """An immutable set of lumisections held as sorted, disjoint, closed ranges per run.

    >>> mask = LumiMask({355100: [(1, 10), (12, 50)]})
    >>> mask - LumiMask({355100: [(5, 20)]})
    LumiMask({355100: [(1, 4), (21, 50)]})
    """

    __slots__ = ("_first", "_last")

    def __init__(self, ranges: Mapping[int, Iterable[tuple[int, int]]] | None = None) -> None:
        triples = [(run, a, b) for run, each in (ranges or {}).items() for a, b in each]
        for run, a, b in triples:
            if b < a:
                raise ValueError(f"run {run}: the range [{a}, {b}] runs backwards")
        table = np.asarray(triples, dtype=np.int64).reshape(-1, 3)
        self._first, self._last = _merged(encode(table[:, 0], table[:, 1]), encode(table[:, 0], table[:, 2]))

    @classmethod
    def _of(cls, first: NDArray[np.int64], last: NDArray[np.int64]) -> LumiMask:
        mask = cls.__new__(cls)
        mask._first, mask._last = first, last
        return mask

    @classmethod
    def of_lumisections(cls, run: ArrayLike, ls: ArrayLike) -> LumiMask:
        """Collect single lumisections, arrays of shape ``(n,)`` in any order, into ranges."""
        code = encode(run, ls)
        return cls._of(*_merged(code, code))

    @property
    def runs(self) -> list[int]:
        """The runs that hold at least one lumisection, ascending."""
        return [int(run) for run in np.unique(self._first >> LS_BITS)]

    @property
    def ranges(self) -> dict[int, list[tuple[int, int]]]:
        """The closed ranges of every run, ascending."""
        found: dict[int, list[tuple[int, int]]] = {}
        run, first = decode(self._first)
        _, last = decode(self._last)
        for r, a, b in zip(run.tolist(), first.tolist(), last.tolist(), strict=True):
            found.setdefault(r, []).append((a, b))
        return found

    @property
    def counts(self) -> dict[int, int]:
        """How many lumisections of every run, ascending.

        >>> LumiMask({7: [(1, 10), (12, 12)], 3: [(5, 6)]}).counts
        {3: 2, 7: 11}
        """
        return {run: sum(last - first + 1 for first, last in ranges) for run, ranges in self.ranges.items()}

    def contains(self, run: ArrayLike, ls: ArrayLike) -> NDArray[np.bool_]:
        """Tell for each of ``n`` lumisections whether it is in the set, shape ``(n,)``."""
        code = encode(run, ls)
        if not self._first.size:
            return np.zeros(code.shape, dtype=bool)
        at = np.searchsorted(self._first, code, side="right") - 1
        return (at >= 0) & (code <= self._last[np.maximum(at, 0)])

    def lumisections(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every lumisection as runs and numbers, each ``(n,)``, ascending; not for open-ended ranges."""
        length = self._last - self._first + 1
        if length.size and int(length.max()) >= LS_LAST // 2:
            raise ValueError("the mask holds a range without an end; intersect it with a calendar first")
        before = np.cumsum(length) - length
        return decode(np.repeat(self._first - before, length) + np.arange(int(length.sum()), dtype=np.int64))

    def only_runs(self, runs: Iterable[int]) -> LumiMask:
        """The part of the set that lies in the given runs."""
        keep = np.isin(self._first >> LS_BITS, np.fromiter(runs, dtype=np.int64))
        return self._of(self._first[keep], self._last[keep])

    def __or__(self, other: LumiMask) -> LumiMask:
        return self._combined(other, np.logical_or)

    def __and__(self, other: LumiMask) -> LumiMask:
        return self._combined(other, np.logical_and)

    def __sub__(self, other: LumiMask) -> LumiMask:
        return self._combined(other, lambda a, b: a & ~b)

    def _combined(self, other: LumiMask, keep: Callable[..., NDArray[np.bool_]]) -> LumiMask:
        """Cut the line at every edge of both sets and keep the pieces that ``keep(in_self, in_other)`` names."""
        edges = np.unique(np.concatenate([self._first, self._last + 1, other._first, other._last + 1]))
        kept = keep(_covers(self, edges), _covers(other, edges))[:-1] if edges.size else np.zeros(0, dtype=bool)
        return self._of(*_merged(edges[:-1][kept], edges[1:][kept] - 1))

    def __len__(self) -> int:
        return int((self._last - self._first + 1).sum())

    def __bool__(self) -> bool:
        return bool(self._first.size)

    def __iter__(self) -> Iterator[LumisectionId]:
        return (LumisectionId(int(r), int(n)) for r, n in zip(*self.lumisections(), strict=True))

    def __contains__(self, key: tuple[int, int]) -> bool:
        return bool(self.contains([key[0]], [key[1]])[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LumiMask):
            return NotImplemented
        return np.array_equal(self._first, other._first) and np.array_equal(self._last, other._last)

    def __hash__(self) -> int:
        return hash((self._first.tobytes(), self._last.tobytes()))

    def __repr__(self) -> str:
        return f"LumiMask({self.ranges})"


def _covers(mask: LumiMask, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    begun = np.searchsorted(mask._first, at, side="right")
    ended = np.searchsorted(mask._last, at, side="left")
    return begun > ended


def _merged(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort ranges and join those that touch or overlap."""
    if not first.size:
        return first, last
    order = np.argsort(first, kind="stable")
    first, last = first[order], np.maximum.accumulate(last[order])
    begins = np.concatenate([[True], first[1:] > last[:-1] + 1])
    ends = np.concatenate([begins[1:], [True]])
    return first[begins], last[ends]
