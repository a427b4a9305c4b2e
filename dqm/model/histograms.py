"""Histograms of one monitor element over many lumisections, as arrays that stay together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Axis:
    """``bins`` bins from ``low`` to ``high`` in the unit of the axis, equally wide unless ``edges`` are given.

    ``edges`` holds bins + 1 rising numbers, or nothing; ``labels`` one text a bin, or nothing. Raises ``ValueError``
    for an axis on which nothing could be counted: no bin, an edge that is not finite, a bin of no width.
    """

    bins: int
    low: float
    high: float
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    title: str = ""

    def __post_init__(self) -> None:
        if self.bins < 1:
            raise ValueError(f"an axis of {self.bins} bins")
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"an axis from {self.low} to {self.high}")
        if self.edges:
            found = np.asarray(self.edges)
            if len(found) != self.bins + 1 or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
                raise ValueError(f"{len(found)} edges of {self.bins} bins do not rise")
        if self.labels and len(self.labels) != self.bins:
            raise ValueError(f"{len(self.labels)} labels on {self.bins} bins")

    def document(self) -> dict[str, Any]:
        """For JSON: its fields by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    @property
    def all_edges(self) -> NDArray[np.float64]:
        """The bins + 1 edges, ``(bins + 1,)``."""
        if self.edges:
            return np.asarray(self.edges, dtype=np.float64)
        return np.linspace(self.low, self.high, self.bins + 1)


@dataclass(frozen=True, eq=False)
class HistogramBatch:
    """One monitor element over ``n`` lumisections.

    ``run`` and ``ls`` ``(n,)``, ls 0 = the whole run. ``axes`` x, then y, then z. ``counts`` ``(n, x + 2)``,
    ``(n, y + 2, x + 2)`` or ``(n, z + 2, y + 2, x + 2)`` with underflow first and overflow last on every axis, in the
    number type of the source; NaN in the flow cells of a source that does not keep them. ``entries`` ``(n,)`` is how
    often it was filled, NaN where the source does not say. ``squares``, shaped like ``counts``, is Σw² where the source
    keeps it (a weighted histogram), else None. For a profile ``counts`` is Σw of every cell, ``sums`` Σwy and
    ``squares`` Σwy²; ``sums`` is None for everything else.
    """

    element: str
    axes: tuple[Axis, ...]
    run: NDArray[np.int64]
    ls: NDArray[np.int64]
    counts: NDArray[Any]
    entries: NDArray[np.float64]
    squares: NDArray[np.float64] | None = field(default=None, repr=False)
    sums: NDArray[np.float64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        shape = (len(self.run), *(axis.bins + 2 for axis in reversed(self.axes)))
        for name in ("counts", "squares", "sums"):
            given = getattr(self, name)
            if given is not None and given.shape != shape:
                raise ValueError(f"{self.element}: {name} of shape {given.shape} where run and axes ask for {shape}")
        for name in ("ls", "entries"):
            if len(getattr(self, name)) != len(self.run):
                raise ValueError(f"{self.element}: {len(getattr(self, name))} {name} for {len(self.run)} runs")

    def __len__(self) -> int:
        return len(self.run)

    @cached_property
    def binning(self) -> str:
        """Digest of the axes: equal for equal binnings and labels, in every run and file."""
        return binning_of(self.axes)

    @property
    def inner(self) -> NDArray[Any]:
        """The counts without the flow cells, ``(n, x)``, ``(n, y, x)`` or ``(n, z, y, x)``."""
        return self.counts[(slice(None), *(slice(1, -1),) * len(self.axes))]

    @property
    def has_flow(self) -> bool:
        """Whether the source keeps under- and overflow: False where all flow cells are NaN."""
        if not len(self) or self.counts.dtype.kind != "f" or not np.isnan(self.counts.flat[0]):
            return True
        outside = np.isnan(self.counts).sum() - np.isnan(self.inner).sum()
        return bool(outside < self.counts.size - self.inner.size)

    def without_flow(self) -> Self:
        """The same as a source that keeps no flow would have it: NaN in the flow cells."""
        counts = np.full(self.counts.shape, np.nan, dtype=np.float64)
        middle = (slice(None), *(slice(1, -1),) * len(self.axes))
        counts[middle] = self.counts[middle]
        return replace(self, counts=counts)

    def sorted(self) -> Self:
        """By run and lumisection."""
        key = (self.run << 32) | self.ls
        return self if (np.diff(key) >= 0).all() else self.take(np.argsort(key, kind="stable"))

    @classmethod
    def joined(cls, batches: Sequence[Self]) -> Self:
        """Batches of one element and one binning as one; raises ``ValueError`` where they differ in either."""
        first = batches[0]
        if len(batches) == 1:
            return first
        for each in batches[1:]:
            if (each.element, each.binning) != (first.element, first.binning):
                raise ValueError(f"{first.element} and {each.element}: two elements or two binnings in one batch")
        if len({each.sums is None for each in batches}) > 1:
            raise ValueError(f"{first.element} is a profile in one batch and none in another")
        squares, sums = ([getattr(each, name) for each in batches] for name in ("squares", "sums"))
        return replace(
            first,
            run=np.concatenate([each.run for each in batches]),
            ls=np.concatenate([each.ls for each in batches]),
            counts=np.concatenate([each.counts for each in batches]),
            entries=np.concatenate([each.entries for each in batches]),
            squares=_stacked(first.element, batches, squares),
            sums=_stacked(first.element, batches, sums),
        )

    def take(self, rows: NDArray[Any]) -> Self:
        """The given rows, by boolean mask ``(n,)`` or positions."""
        return replace(
            self,
            run=self.run[rows],
            ls=self.ls[rows],
            counts=self.counts[rows],
            entries=self.entries[rows],
            squares=None if self.squares is None else self.squares[rows],
            sums=None if self.sums is None else self.sums[rows],
        )


def _stacked(
    element: str, batches: Sequence[HistogramBatch], given: Sequence[NDArray[np.float64] | None]
) -> NDArray[np.float64] | None:
    """Σw² of histograms of which some keep it: where they do not, every fill weighs 1 and Σw² is the count."""
    if all(each is None for each in given):
        return None
    return np.concatenate(
        [batch.counts.astype(np.float64) if each is None else each for batch, each in zip(batches, given, strict=True)]
    )


def binning_of(axes: tuple[Axis, ...]) -> str:
    """Sixteen hexadecimal digits that stand for the axes; titles do not matter."""
    told = [[axis.bins, axis.low, axis.high, axis.edges, axis.labels] for axis in axes]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
