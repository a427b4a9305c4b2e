"""Histograms of several files as one set: identical ones are kept once, conflicting ones not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dqm.model.amounts import counted
from dqm.model.findings import Finding
from dqm.model.histograms import HistogramBatch

Place = tuple[int, int]
"""Which batch, and which of its rows."""


def merge_histograms(batches: Iterable[HistogramBatch]) -> tuple[list[HistogramBatch], list[Finding]]:
    """Every (element, run, LS) once.

    Two histograms of one lumisection that are equal in binning and every number are one; two that are not are both
    left out, with a finding ``conflict`` for every element and run: nobody can tell which of them is right.
    """
    by_element: dict[str, list[HistogramBatch]] = {}
    for each in batches:
        by_element.setdefault(each.element, []).append(each)
    kept, findings = [], []
    for parts in by_element.values():
        found, conflicts = _once(parts)
        kept += found
        findings += conflicts
    return kept, findings


def _once(parts: Sequence[HistogramBatch]) -> tuple[list[HistogramBatch], list[Finding]]:
    """The batches of one element without what they repeat."""
    keys = [(each.run << 32) | each.ls for each in parts]
    _, first, count = np.unique(np.concatenate(keys), return_index=True, return_counts=True)
    if (count == 1).all():
        return list(parts), []
    keep = [np.ones(len(each), dtype=bool) for each in parts]
    twice: dict[int, list[Place]] = {}
    repeated = np.concatenate(keys)[first[count > 1]]
    for k, key in enumerate(keys):
        for row in np.flatnonzero(np.isin(key, repeated)).tolist():
            twice.setdefault(int(key[row]), []).append((k, row))
    conflicts: dict[int, list[int]] = {}
    for code, places in sorted(twice.items()):
        agree = all(_equal(parts, places[0], other) for other in places[1:])
        for k, row in places[1:] if agree else places:
            keep[k][row] = False
        if not agree:
            conflicts.setdefault(code >> 32, []).append(code & (2**32 - 1))
    kept = [each if rows.all() else each.take(rows) for each, rows in zip(parts, keep, strict=True)]
    return [each for each in kept if len(each)], [_conflict(parts[0].element, run, ls) for run, ls in conflicts.items()]


def _equal(parts: Sequence[HistogramBatch], one: Place, other: Place) -> bool:
    a, b = parts[one[0]], parts[other[0]]
    if a.binning != b.binning:
        return False
    return all(
        _same(getattr(a, name), one[1], getattr(b, name), other[1]) for name in ("counts", "entries", "squares", "sums")
    )


def _same(a: NDArray[np.generic] | None, i: int, b: NDArray[np.generic] | None, j: int) -> bool:
    if a is None or b is None:
        return a is b
    return bool(np.array_equal(a[i], b[j], equal_nan=True))


def _conflict(element: str, run: int, lumisections: Sequence[int]) -> Finding:
    many = counted(len(lumisections), "lumisection")
    reason = f"{element}: two files give {many} different contents; none of them is used"
    return Finding("conflict", "quarantined", reason, run=run, ls=lumisections[0])
