"""Trees that part rows at random until few are together: grown from samples, walked by rows, and who was to blame.

A tree sees a few columns. Its split s parts rows along a direction, p = Σ w_c z_c, at t: those with p ≤ t go
to node 2s + 1, the others to node 2s + 2. ``tests/unit/detectors/test_forest.py`` has the loop over one row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Self

import numba
import numpy as np
from numpy.typing import NDArray

from detectors.protocol import State

ROWS = 512
"""Rows that go down one tree together: its splits stay in the cache meanwhile."""
LEAST = 1e-6
"""Least share of a length, and least spread, that counts: a density stays finite."""


@dataclass(frozen=True, eq=False)
class Trees:
    """``split`` ``(trees, nodes)`` is the number of a node's split, −1 at a leaf; ``value`` is its mean surprise.

    The surprise of a leaf is the sum, over the splits that lead to it, of log(share of the length / share of the rows)
    that fell to its side: −log of its density over that of the whole tree. Of another node it is the mean over the rows
    of the sample there. ``column`` ``(trees, q)`` is what a tree sees; ``weight`` ``(trees, splits, q)`` and
    ``threshold`` ``(trees, splits)`` are its splits.
    """

    split: NDArray[np.int32]
    value: NDArray[np.float32]
    column: NDArray[np.int32]
    weight: NDArray[np.float32]
    threshold: NDArray[np.float32]

    @classmethod
    def empty(cls) -> Self:
        """No tree."""
        one, none = np.zeros((0, 1), dtype=np.float32), np.zeros((0, 0), dtype=np.float32)
        return cls(one.astype(np.int32), one, none.astype(np.int32), none.reshape(0, 0, 0), none)

    @classmethod
    def grow(cls, z: NDArray[np.float32], *, trees: int, size: int, columns: int, random: np.random.Generator) -> Self:
        """Each tree from ``size`` of the rows ``z`` ``(n, k)`` and ``columns`` of the k; both at least one."""
        size, q = min(size, len(z)), min(columns, z.shape[1])
        split = np.full((trees, 2 * size - 1), -1, dtype=np.int32)
        value = np.zeros(split.shape, dtype=np.float32)
        column = np.array([np.sort(random.permutation(z.shape[1])[:q]) for _ in range(trees)], dtype=np.int32)
        weight = random.standard_normal((trees, size - 1, q), dtype=np.float32)
        threshold = random.random((trees, size - 1), dtype=np.float32)
        for t in range(trees):
            sample = np.ascontiguousarray(z[random.permutation(len(z))[:size]][:, column[t]])
            _grow(sample, deepest(size), split[t], value[t], weight[t], threshold[t])
        return cls(split, value, column, weight, threshold)

    @classmethod
    def restore(cls, state: State, width: int) -> Self:
        """The trees again; raises ``ValueError`` for what are no trees over ``width`` columns: a walk might not end."""
        if any(np.asarray(state[name]).dtype != np.int32 for name in ("split", "column")):
            raise ValueError("splits or columns of the trees are no whole numbers of 32 bits")
        split, column = (np.ascontiguousarray(state[name]) for name in ("split", "column"))
        value, weight, threshold = (
            np.ascontiguousarray(state[name], dtype=np.float32) for name in ("value", "weight", "threshold")
        )
        if not all(np.isfinite(each).all() for each in (value, weight, threshold)):
            raise ValueError("values, weights and thresholds of the trees must be finite")
        found = cls(split, value, column, weight, threshold)
        found._require_shapes()
        forward = (2 * found.split + 1 > np.arange(found.split.shape[1])) & (found.split < found.threshold.shape[1])
        inside = (found.column >= 0) & (found.column < width)
        if not ((found.split < 0) | forward).all() or not inside.all():
            raise ValueError(f"a split of the trees leads back or is not there, or one is over none of {width} columns")
        return found

    def state(self) -> State:
        """The arrays by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def surprise(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean over the trees of the surprise where each row ``z`` ``(n, k)`` ends, ``(n,)``."""
        found = np.zeros(len(z))
        _walk(np.ascontiguousarray(z), self.split, self.value, self.column, self.weight, self.threshold, found)
        return (found / max(len(self.split), 1)).astype(np.float32)

    def shares(self, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each column adds to the surprise of each row, ``(n, k)``, mean over the trees; negative where it calms.

        A step to a child adds v(child) − v(node), which goes to the columns that pulled the row that way from z = 0, in
        the proportion of w_c z_c.
        """
        found = np.zeros(z.shape)
        _tell(np.ascontiguousarray(z), self.split, self.value, self.column, self.weight, self.threshold, found)
        return (found / max(len(self.split), 1)).astype(np.float32)

    def _require_shapes(self) -> None:
        trees, splits = self.threshold.shape if self.threshold.ndim == 2 else (-1, -1)
        q = self.column.shape[-1] if self.column.ndim else -1
        suits = self.split.shape == self.value.shape == (trees, max(2 * splits, 0) + 1)
        if not suits or self.column.shape != (trees, q) or self.weight.shape != (trees, splits, q):
            raise ValueError(
                f"splits {self.split.shape} with values {self.value.shape}, columns {self.column.shape}, weights "
                f"{self.weight.shape} and thresholds {self.threshold.shape} are no trees"
            )


def deepest(size: int) -> int:
    """Where trees over ``size`` rows end, ⌈log₂ size⌉."""
    return math.ceil(math.log2(max(size, 2)))


@numba.njit(cache=True, nogil=True)
def _grow(
    sample: NDArray[np.float32],
    deepest: int,
    split: NDArray[np.int32],
    value: NDArray[np.float32],
    weight: NDArray[np.float32],
    threshold: NDArray[np.float32],
) -> None:
    """One tree over ``sample`` ``(size, q)``, breadth first.

    ``split`` and ``value`` come as leaves and zeros, ``weight`` as standard normal, ``threshold`` as uniform numbers.
    """
    size = len(sample)
    order, along = np.arange(size), np.zeros(size, dtype=np.float32)
    bound, depth, surprise = np.zeros((len(split), 2), np.int64), np.zeros(len(split), np.int64), np.zeros(len(split))
    bound[0, 1], splits, node = size, 0, 0
    while node <= 2 * splits:
        first, last = bound[node]
        if last - first > 1 and depth[node] < deepest:
            mine, where = order[first:last], along[first:last]
            low, high = _project(sample, mine, weight[splits], where)
            if low < high:
                at = np.float32(low + (high - low) * threshold[splits])
                at = at if low <= at < high else low
                middle = first + _part(mine, where, at)
                for side, a, b, length in ((1, first, middle, at - low), (2, middle, last, high - at)):
                    child = 2 * splits + side
                    bound[child, 0], bound[child, 1], depth[child] = a, b, depth[node] + 1
                    density = (b - a) / (last - first) / max(length / (high - low), LEAST)
                    surprise[child] = surprise[node] - math.log(density)
                split[node], threshold[splits] = splits, at
                splits += 1
        node += 1
    weight[splits:], threshold[splits:] = 0, 0
    for node in range(2 * splits, -1, -1):
        s = split[node]
        if s >= 0:
            a, b = bound[2 * s + 1, 1] - bound[2 * s + 1, 0], bound[2 * s + 2, 1] - bound[2 * s + 2, 0]
            surprise[node] = (a * surprise[2 * s + 1] + b * surprise[2 * s + 2]) / (a + b)
        value[node] = surprise[node]


@numba.njit(cache=True, nogil=True)
def _project(
    sample: NDArray[np.float32], mine: NDArray[np.int64], weight: NDArray[np.float32], along: NDArray[np.float32]
) -> tuple[np.float32, np.float32]:
    """Divide the weights by the spreads of the rows ``mine``; where these lie ``along`` the direction, and its range.

    A column that is constant there keeps its weight, so that a change is seen.
    """
    for c in range(len(weight)):
        mean = square = 0.0
        for i in mine:
            mean += sample[i, c]
        mean /= len(mine)
        for i in mine:
            square += (sample[i, c] - mean) ** 2
        spread = math.sqrt(square / len(mine))
        weight[c] /= spread if spread > LEAST else 1.0
    for i in range(len(mine)):
        along[i] = _dot(sample[mine[i]], weight)
    return along.min(), along.max()


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _dot(row: NDArray[np.float32], weight: NDArray[np.float32]) -> np.float32:
    """Σ w_c z_c; in any order, so that eight columns are one instruction."""
    p = np.float32(0)
    for c in range(len(weight)):
        p += weight[c] * row[c]
    return p


@numba.njit(cache=True, nogil=True)
def _part(mine: NDArray[np.int64], along: NDArray[np.float32], at: np.float32) -> int:
    """Bring the rows that go left to the front; how many these are."""
    front, back = 0, len(mine)
    while front < back:
        if along[front] <= at:
            front += 1
        else:
            back -= 1
            mine[front], mine[back] = mine[back], mine[front]
            along[front], along[back] = along[back], along[front]
    return front


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _walk(
    z: NDArray[np.float32],
    split: NDArray[np.int32],
    value: NDArray[np.float32],
    column: NDArray[np.int32],
    weight: NDArray[np.float32],
    threshold: NDArray[np.float32],
    found: NDArray[np.float64],
) -> None:
    """Add the surprise of every tree's leaf to ``found`` ``(n,)``."""
    q = column.shape[1]
    seen, at = np.zeros((ROWS, q), dtype=np.float32), np.zeros(ROWS, dtype=np.int64)
    for begin in range(0, len(z), ROWS):
        rows = min(ROWS, len(z) - begin)
        for t in range(len(split)):
            splits, weights, thresholds = split[t], weight[t], threshold[t]
            for i in range(rows):
                for c in range(q):
                    seen[i, c] = z[begin + i, column[t, c]]
            at[:] = 0
            going = True
            while going:
                going = False
                for i in range(rows):
                    s = splits[at[i]]
                    if s >= 0:
                        p = np.float32(0)
                        for c in range(q):
                            p += weights[s, c] * seen[i, c]
                        at[i] = 2 * s + 1 + (p > thresholds[s])
                        going = True
            for i in range(rows):
                found[begin + i] += value[t, at[i]]


@numba.njit(cache=True, nogil=True)
def _tell(
    z: NDArray[np.float32],
    split: NDArray[np.int32],
    value: NDArray[np.float32],
    column: NDArray[np.int32],
    weight: NDArray[np.float32],
    threshold: NDArray[np.float32],
    found: NDArray[np.float64],
) -> None:
    """Add v(child) − v(node) of every step to the columns that pulled there, in ``found`` ``(n, k)``."""
    q = column.shape[1]
    seen, pull = np.zeros(q, dtype=np.float32), np.zeros(q)
    for i in range(len(z)):
        for t in range(len(split)):
            for c in range(q):
                seen[c] = z[i, column[t, c]]
            node = 0
            s = split[t, 0]
            while s >= 0:
                right = _dot(seen, weight[t, s]) > threshold[t, s]
                child = 2 * s + 1 + right
                whole = 0.0
                for c in range(q):
                    one = weight[t, s, c] * seen[c]
                    pull[c] = max(one if right else -one, np.float32(0))
                    whole += pull[c]
                gain = (value[t, child] - value[t, node]) / whole if whole > 0 else 0.0
                for c in range(q):
                    found[i, column[t, c]] += gain * pull[c]
                node = child
                s = split[t, node]
