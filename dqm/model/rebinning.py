"""Another binning of the same counts, only where it is exact: every new edge is an old one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.model.histograms import Axis, HistogramBatch

TOLERANCE = 1e-9
"""Largest distance of two edges that are the same, as a share of the narrowest bin."""


def nests(fine: Axis, coarse: Axis) -> bool:
    """Whether every edge of ``coarse`` is an edge of ``fine``, so that counts can be added without splitting a bin."""
    return _places(fine, coarse) is not None


def rebinned(batch: HistogramBatch, axes: tuple[Axis, ...]) -> HistogramBatch:
    """The same histograms on other axes; what lies outside of them joins the flow.

    Raises ``ValueError`` where an edge of ``axes`` is none of the batch: no bin is ever split. Labelled bins are only
    kept as they are.
    """
    if tuple(batch.axes) == tuple(axes):
        return batch
    if len(axes) != len(batch.axes):
        raise ValueError(f"{batch.element}: {len(axes)} axes for a histogram of {len(batch.axes)}")
    places = []
    for name, fine, coarse in zip("xyz", batch.axes, axes, strict=False):
        found = _places(fine, coarse)
        if found is None:
            raise ValueError(
                f"{batch.element}: the bins of the {name} axis do not nest in the others; compare it apart"
            )
        places.append(found)
    cells = {name: getattr(batch, name) for name in ("counts", "squares", "sums")}
    merged = {name: None if array is None else _added(array, places) for name, array in cells.items()}
    return replace(batch, axes=axes, **merged)  # type: ignore[arg-type]  # counts are never None


def rebinned_cells(
    cells: NDArray[np.generic], axes: tuple[Axis, ...], wanted: tuple[Axis, ...]
) -> NDArray[np.generic] | None:
    """Counts without flow ``(…, y, x)`` on other axes; None where an edge of these is none of theirs."""
    if len(axes) != len(wanted):
        return None
    places = [_places(fine, coarse) for fine, coarse in zip(axes, wanted, strict=True)]
    if any(each is None for each in places):
        return None
    k = len(axes)
    padded = np.pad(cells, [(0, 0)] * (cells.ndim - k) + [(1, 1)] * k)
    summed = _added(padded, [each for each in places if each is not None])
    inner: tuple[Any, ...] = (..., *(slice(1, -1),) * k)
    return np.asarray(summed[inner])


def _places(fine: Axis, coarse: Axis) -> NDArray[np.int64] | None:
    """Where in the cells of ``fine`` (flow first) each cell of ``coarse`` begins, ``(bins + 2,)``; None: no nesting."""
    if fine.labels or coarse.labels:
        return np.arange(fine.bins + 2) if fine == coarse else None
    edges, wanted = fine.all_edges, coarse.all_edges
    at = np.searchsorted(edges, wanted - TOLERANCE * np.diff(edges).min(), side="left")
    if at[-1] >= len(edges) or (np.abs(edges[at] - wanted) > TOLERANCE * np.diff(edges).min()).any():
        return None
    return np.concatenate([[0], at + 1]).astype(np.int64)


def _added(cells: NDArray[np.generic], places: list[NDArray[np.int64]]) -> NDArray[np.generic]:
    """Sums over the cells between neighbouring places, axis by axis; x is the last one."""
    kind = np.int64 if cells.dtype.kind in "iu" else np.float64
    for k, place in enumerate(places):
        cells = np.add.reduceat(cells, place, axis=cells.ndim - 1 - k, dtype=kind)
    return cells
