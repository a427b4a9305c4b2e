"""How far out a value lies among those of the training rows: the shares at or below it and at or above it.

Scores that read the distribution of the rows beside them are not scores of a row; everything here is counted against
the rows of the fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.protocol import State

KNOTS = 10_000
"""Most values of a column that are kept: of more, those at even ranks, the two outermost among them."""


@dataclass(frozen=True, eq=False)
class Tails:
    """Empirical distributions of k columns: ``value`` (all of them in a row, each ascending), ``rank`` of each from 1.

    ``length`` ``(k,)`` tells how many knots are of which column, ``spread`` ``(k,)`` the unit of distance beyond them.
    With n values seen the share at or below x is F(x) = #{x_i ≤ x} / n, and beyond the outermost value e it is
    1/n · 1 / (1 + |x − e| / s): a Pareto tail of index 1, so that farther out is more of an outlier and an infinity
    still a number away. The knot next below stands for the values between two knots.
    """

    value: NDArray[np.float64]
    rank: NDArray[np.int64]
    length: NDArray[np.int64]
    spread: NDArray[np.float64]

    @classmethod
    def fit(cls, columns: Sequence[NDArray[np.floating]], spread: NDArray[np.float64]) -> Self:
        """From the finite values of every column, each ``(n_j,)`` with at least one."""
        values, ranks = [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
        for each in columns:
            ordered = np.sort(each.astype(np.float64))
            at = np.unique(np.linspace(0, len(ordered) - 1, min(KNOTS, len(ordered))).round().astype(np.int64))
            values.append(ordered[at])
            ranks.append(at + 1)
        length = np.array([len(each) for each in values[1:]], dtype=np.int64)
        return cls(np.concatenate(values), np.concatenate(ranks), length, spread)

    @classmethod
    def empty(cls) -> Self:
        """Of no column."""
        return cls.fit([], np.zeros(0))

    def shares(self, x: NDArray[np.floating], most: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shares at or below and at or above every value of ``x`` ``(n, k)``, both ``(n, k)``, 1 where it is missing.

        A distance beyond the outermost value counts up to ``most`` spreads.
        """
        below, above = np.ones(x.shape), np.ones(x.shape)
        end = np.cumsum(self.length)
        for j, (first, last) in enumerate(zip(end - self.length, end, strict=True)):
            value, rank = self.value[first:last], self.rank[first:last]
            known = ~np.isnan(x[:, j])
            given = x[known, j].astype(np.float64)
            below[known, j] = _at_or_below(given, value, rank) / rank[-1]
            above[known, j] = _at_or_below(-given, -value[::-1], rank[-1] + 1 - rank[::-1])
            above[known, j] /= rank[-1]
            for share, outermost, sign in ((below, value[0], -1.0), (above, value[-1], 1.0)):
                distance = sign * (given - outermost) / self.spread[j]
                share[known, j] /= 1 + np.clip(distance, 0, most)
        return below, above

    def state(self) -> State:
        """Its arrays, their names behind ``tail_``."""
        return {f"tail_{name}": getattr(self, name) for name in ("value", "rank", "length", "spread")}

    @classmethod
    def restore(cls, state: State, width: int) -> Self:
        """The distributions of ``width`` columns again; raises ``ValueError`` for arrays that are none."""
        value, spread = (np.asarray(state[f"tail_{name}"], dtype=np.float64) for name in ("value", "spread"))
        rank, length = (np.asarray(state[f"tail_{name}"], dtype=np.int64) for name in ("rank", "length"))
        sound = length.shape == spread.shape == (width,) and bool((length > 0).all() and (spread > 0).all())
        if not sound or value.shape != (length.sum(),) or rank.shape != value.shape or not np.isfinite(value).all():
            raise ValueError(f"distributions of lengths {length.tolist()[:5]} … are not those of {width} columns")
        inside = np.ones(len(value), dtype=bool)
        inside[np.cumsum(length) - length] = False
        steps = np.diff(rank, prepend=0)
        if (np.diff(value, prepend=-np.inf)[inside] < 0).any() or (steps[inside] < 1).any() or (rank < 1).any():
            raise ValueError("values or ranks of a distribution do not ascend")
        return cls(value, rank, length, spread)


def _at_or_below(x: NDArray[np.float64], value: NDArray[np.float64], rank: NDArray[np.int64]) -> NDArray[np.float64]:
    """Number of values seen at or below each of ``x`` ``(n,)``, at least 1."""
    place = np.searchsorted(value, x, side="right")
    return np.where(place > 0, rank[np.maximum(place - 1, 0)], 1).astype(np.float64)
