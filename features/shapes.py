"""Histograms as they are: every bin a column, for detectors that look at shapes.

The bins of element E are the columns ``E:bin0`` … along x, or ``E:bin0,0`` … along x and y with x running fastest, as
``detectors.elements`` reads them; ``E:entries``, log10 of 1 + what was filled, is a column of role *condition*: with
few counts a shape is ragged, and that is to be expected. Flow cells are left out.

Over a season an element may change its binning. ``Layout`` fixes the columns before a histogram is read: every element
has the binning of the first run that has it, with neighbours added together where it is finer than asked for; another
binning is brought to that one where its edges are among the others', and is missing elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import InputError
from dqm.model.histograms import Axis, HistogramBatch, binning_of
from dqm.model.keys import decode, encode
from dqm.model.patterns import asked_for
from dqm.model.rebinning import rebinned
from dqm.model.reference_config import ShapesConfig
from dqm.model.tables import BINS, Column, FeatureTable, Kind, lumisection_index
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
    if entries:
        values = np.concatenate([values, amount], axis=1)
    return described(batch.element, batch.axes, scale, entries=entries), values.astype(np.float32)


def described(element: str, axes: Sequence[Axis], scale: Scale, *, entries: bool) -> list[Column]:
    """The columns of one element, x running fastest, and ``entries`` behind them."""
    kind: Kind = "fraction" if scale == "share" else "value"
    subsystem = subsystem_of(element)
    if len(axes) == 1:
        places = [f"{x}" for x in range(axes[0].bins)]
    else:
        places = [f"{x},{y}" for y in range(axes[1].bins) for x in range(axes[0].bins)]
    columns = [Column(f"{element}{SEPARATOR}bin{place}", BINS, subsystem, kind=kind) for place in places]
    if entries:
        columns.append(Column(f"{element}{SEPARATOR}entries", BINS, subsystem, role="condition"))
    return columns


@dataclass(frozen=True, eq=False)
class Layout:
    """The columns that the shapes of a store have: the ``axes`` of every element, and how bins become columns."""

    axes: Mapping[str, tuple[Axis, ...]]
    settings: ShapesConfig

    @classmethod
    def of(cls, seen: Iterable[tuple[str, tuple[Axis, ...]]], settings: ShapesConfig) -> Self:
        """From elements with a binning, in the order of the runs; raises ``InputError`` where none is asked for.

        An element of three dimensions is refused by name.
        """
        axes: dict[str, tuple[Axis, ...]] = {}
        for element, given in seen:
            if element not in axes and asked_for(element, settings.elements):
                if len(given) > 2:
                    raise InputError(
                        f"{element} has {len(given)} dimensions; shapes are of one or two: leave it out of "
                        "features.shapes.elements"
                    )
                axes[element] = tuple(
                    coarser(each, settings.bins if len(given) == 1 else settings.side) for each in given
                )
        if not axes:
            asked = ", ".join(map(repr, settings.elements))
            raise InputError(f"features.shapes.elements: no histogram that was ingested matches {asked}")
        return cls(dict(sorted(axes.items())), settings)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Of every element in the order of their names."""
        scale, entries = self.settings.scale, self.settings.entries
        return tuple(c for name, axes in self.axes.items() for c in described(name, axes, scale, entries=entries))

    @property
    def extractor(self) -> str:
        """What the columns hang on besides their names: the scale, and where the bins lie."""
        bins = hashlib.sha256("".join(f"{name}\n{binning_of(axes)}\n" for name, axes in self.axes.items()).encode())
        return f"{EXTRACTOR} {self.settings.scale} {bins.hexdigest()[:16]}"

    def table(self, batches: Iterable[HistogramBatch]) -> FeatureTable:
        """The columns of the lumisections of any batch; those of elements that are not there are missing."""
        found: dict[str, list[HistogramBatch]] = {}
        for batch in batches:
            rows = batch.ls > 0
            fitting = self._fitting(batch.take(rows)) if rows.any() else None
            if fitting is not None:
                found.setdefault(batch.element, []).append(fitting)
        joined = [HistogramBatch.joined(each) for each in found.values()]
        part = shape_table(joined, self.settings.scale, entries=self.settings.entries)
        at = {column.name: j for j, column in enumerate(self.columns)}
        values = np.full((len(part), len(at)), np.nan, dtype=np.float32)
        values[:, [at[name] for name in part.names]] = part.values
        return FeatureTable(part.index, self.columns, values, self.extractor)

    def _fitting(self, batch: HistogramBatch) -> HistogramBatch | None:
        """The batch in the binning of the layout, None where it cannot be had."""
        wanted = self.axes.get(batch.element)
        if wanted is None:
            return None
        try:
            return rebinned(replace(batch, squares=None, sums=None), wanted)
        except ValueError:
            return None


def coarser(axis: Axis, most: int) -> Axis:
    """The axis with neighbouring bins joined such that at most ``most`` are left; one with labels stays as it is."""
    if axis.bins <= most or axis.labels:
        return axis
    edges = axis.all_edges[np.round(np.linspace(0, axis.bins, most + 1)).astype(np.int64)]
    return Axis(most, axis.low, axis.high, tuple(edges.tolist()), title=axis.title)
