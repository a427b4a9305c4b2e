"""Histograms of one monitor element over many lumisections, as arrays that stay together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
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

    @property
    def binning(self) -> str:
        """Digest of the axes: equal for equal binnings and labels, in every run and file."""
        return binning_of(self.axes)

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


def binning_of(axes: tuple[Axis, ...]) -> str:
    """Sixteen hexadecimal digits that stand for the axes; titles do not matter."""
    told = [[asdict(axis)[name] for name in ("bins", "low", "high", "edges", "labels")] for axis in axes]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
