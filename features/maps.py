"""Maps against a reference of the past: cells that stopped answering, cells that fire too much, and how they cluster.

A cell of which the reference lets expect λ counts is *dead* where it holds none although e^−λ, its chance to do so, is
below ``ALPHA`` over the number of cells: on a good map no cell at all is dead, but for one map in a thousand. It is
*hot* where it holds more than λ + ``SIGMA``·√(λ + (tol·λ)² + 1), far beyond what a Poisson law and a reference of
relative accuracy ``tol`` allow. Too few counts make λ small: nothing is called dead then, and little hot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

ALPHA = 1e-3
SIGMA = 7.0
TOLERANCE = 0.1
MEASURES = ("dead", "hot", "region")


@dataclass(frozen=True, eq=False)
class MapComparison:
    """How ``n`` maps stand to the past, each ``(n,)``; NaN where there is nothing to compare.

    ``dead`` and ``hot`` the shares of the cells that the reference fills, ``region`` the share of the largest
    connected part of them that is dead (neighbours share an edge).
    """

    dead: NDArray[np.float32]
    hot: NDArray[np.float32]
    region: NDArray[np.float32]


def compare_maps(counts: NDArray[Any], reference: NDArray[Any]) -> MapComparison:
    """Compare ``n`` maps ``(n, y, x)`` with one reference ``(y, x)``, both without flow.

    Maps and references without a count, or with counts that are negative or not finite, are not compared.
    """
    n = len(counts)
    dead, hot, region = (np.full(n, np.nan, dtype=np.float32) for _ in range(3))
    past = np.asarray(reference, dtype=np.float64)
    filled = past > 0
    if not (np.isfinite(past).all() and (past >= 0).all() and filled.any()):
        return MapComparison(dead, hot, region)
    given = np.asarray(counts, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        total = given.sum(axis=(1, 2))
        usable = np.isfinite(total) & (total > 0) & (given.min(axis=(1, 2), initial=0) >= 0)
    rows = np.flatnonzero(usable)
    cells = filled.sum()
    silent, loud, _ = _marked(given[rows], total[rows], past)
    dead[rows] = silent.sum(axis=(1, 2)) / cells
    hot[rows] = loud.sum(axis=(1, 2)) / cells
    region[rows] = [_largest(each) / cells for each in silent]
    return MapComparison(dead, hot, region)


@dataclass(frozen=True, eq=False)
class MarkedCells:
    """Which cells of one map ``(y, x)`` are ``dead`` and which ``hot``, and how many counts were ``expected``."""

    dead: NDArray[np.bool_]
    hot: NDArray[np.bool_]
    expected: NDArray[np.float64]


def marked_cells(counts: NDArray[Any], reference: NDArray[Any]) -> MarkedCells:
    """The cells of one map ``(y, x)`` against a reference, both without flow and with countable cells.

    Raises ``ValueError`` where either holds nothing, or a cell that is negative or not finite.
    """
    given, past = np.asarray(counts, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    for name, each in (("map", given), ("reference", past)):
        if not (np.isfinite(each).all() and each.min(initial=0) >= 0 and each.sum() > 0):
            raise ValueError(f"the {name} holds no count, or a cell that is no count; there is nothing to compare")
    silent, loud, expected = _marked(given[None], np.array([given.sum()]), past)
    return MarkedCells(silent[0], loud[0], expected[0])


def _marked(
    given: NDArray[np.float64], total: NDArray[np.float64], past: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Dead and hot cells and the expected counts of ``n`` maps ``(n, y, x)`` with ``total`` counts ``(n,)``."""
    expected = total[:, None, None] * past / past.sum()
    # Where much is dead, what is left is expected to hold more: the scale is that of the cells that answer.
    answering = np.where(given > 0, past, 0).sum(axis=(1, 2)) / past.sum()
    expected = expected / np.maximum(answering, 1e-9)[:, None, None]
    silent = (given == 0) & (expected > np.log(past.size / ALPHA)) & (past > 0)
    limit = expected + SIGMA * np.sqrt(expected + (TOLERANCE * expected) ** 2 + 1)
    return silent, given > limit, expected


def _largest(cells: NDArray[np.bool_]) -> int:
    """Cells of the largest connected part."""
    if not cells.any():
        return 0
    parts, _ = ndimage.label(cells)
    return int(np.bincount(parts.ravel())[1:].max())
