"""Histograms as they are: every bin a column, for detectors that look at shapes.

The bins of element E are the columns ``E:bin0`` … along x, or ``E:bin0,0`` … along x and y with x running fastest, as
``detectors.elements`` reads them; ``E:entries``, log10 of 1 + what was filled, is a column of role *condition*: with
few counts a shape is ragged, and that is to be expected. Flow cells are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import InputError
from dqm.model.histograms import HistogramBatch
from dqm.model.keys import decode, encode
from dqm.model.tables import Column, FeatureTable, Kind, lumisection_index
from features.summaries import SEPARATOR, subsystem_of

EXTRACTOR = "shapes-1"
"""Changes whenever a column changes its meaning; part of the fingerprint, so that an old model refuses new columns."""

Scale = Literal["share", "root", "log"]
LOG_LEAST = 1e-6
"""Share of an empty bin on the logarithmic scale."""


def shape_table(batches: Sequence[HistogramBatch], scale: Scale = "root", *, entries: bool = True) -> FeatureTable:
    """One row for every lumisection of any batch, in order; one batch an element, of one or two dimensions.

    p = counts / their sum; ``share`` is p itself, ``root`` √p, of which a Poisson law makes every bin vary alike, and
    ``log`` ln(p + 10⁻⁶). Missing is what cannot be a shape: an element that is not there, an empty histogram, one with
    a count that is negative or not finite. Raises ``InputError`` where an element comes twice (join its batches first;
    two binnings cannot be one table) or has three dimensions, and ``ValueError`` for an unknown scale.
    """
    if scale not in get_args(Scale):
        raise ValueError(f"scale {scale!r} is none of {', '.join(get_args(Scale))}")
    _refuse(batches)
    codes = [encode(each.run, each.ls) for each in batches]
    every = np.unique(np.concatenate(codes)) if codes else np.zeros(0, dtype=np.int64)
    columns: list[Column] = []
    parts: list[NDArray[np.float32]] = []
    for batch, code in zip(batches, codes, strict=True):
        described, values = _columns(batch, scale, entries)
        part = np.full((len(every), len(described)), np.nan, dtype=np.float32)
        part[np.searchsorted(every, code)] = values
        columns += described
        parts.append(part)
    whole = np.concatenate(parts, axis=1) if parts else np.zeros((0, 0), dtype=np.float32)
    return FeatureTable(lumisection_index(*decode(every)), tuple(columns), whole, f"{EXTRACTOR} {scale}")


def _refuse(batches: Sequence[HistogramBatch]) -> None:
    seen: set[str] = set()
    for batch in batches:
        if batch.element in seen:
            raise InputError(f"{batch.element} comes twice; join its batches, or choose one of its binnings")
        if len(batch.axes) > 2:
            raise InputError(f"{batch.element} has {len(batch.axes)} dimensions; shapes are of one or two")
        seen.add(batch.element)


def _columns(batch: HistogramBatch, scale: Scale, entries: bool) -> tuple[list[Column], NDArray[np.float32]]:
    """Columns of one element and their values ``(n, bins)``, with ``entries`` one more."""
    counts = batch.inner.reshape(len(batch), -1).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = counts.sum(axis=1, keepdims=True)
        sound = np.isfinite(total) & (total > 0) & (counts >= 0).all(axis=1, keepdims=True)
        share = np.where(sound, counts / total, np.nan)
        amount = np.log10(1 + np.where(sound, total, np.nan))
    values = {"share": share, "root": np.sqrt(share), "log": np.log(share + LOG_LEAST)}[scale]
    kind: Kind = "fraction" if scale == "share" else "value"
    subsystem = subsystem_of(batch.element)
    columns = [
        Column(f"{batch.element}{SEPARATOR}bin{place}", batch.element, subsystem, kind=kind) for place in _places(batch)
    ]
    if entries:
        columns.append(Column(f"{batch.element}{SEPARATOR}entries", batch.element, subsystem, role="condition"))
        values = np.concatenate([values, amount], axis=1)
    return columns, values.astype(np.float32)


def _places(batch: HistogramBatch) -> list[str]:
    """What stands after ``bin``, x running fastest."""
    if len(batch.axes) == 1:
        return [f"{x}" for x in range(batch.axes[0].bins)]
    return [f"{x},{y}" for y in range(batch.axes[1].bins) for x in range(batch.axes[0].bins)]
