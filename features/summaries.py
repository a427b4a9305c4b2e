"""Histograms as quantities: every lumisection's histograms reduced to a few numbers with names, units and subsystems.

For a monitor element E of one dimension these columns stand beside the quantities of other inputs and are judged like
them: ``E:p5`` … percentiles, ``E:mean`` and ``E:std`` (kind *value*), ``E:entries`` everything that was filled
(*count*), ``E:overflow`` and ``E:underflow`` (*fraction*), and against references that the runs before make
(*deviation*, see ``features.pasts``) ``E:ks``, ``E:emd``, ``E:pull`` and, of an adaptive one, ``E:chi2``. A map gives
those of its two projections, ``E/x:…`` and ``E/y:…``, ``E:filled``, the share of cells that hold anything, and against
the same references (``features.maps``) ``E:dead``, ``E:hot`` and ``E:region``, the largest connected dead part.

What cannot be counted, an empty histogram and an element that is not there are NaN: missing, and never good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.keys import encode
from dqm.model.labels import Label
from dqm.model.reference_config import ReferencesConfig
from dqm.model.tables import Column, Kind, QuantityTable
from features.maps import MEASURES, compare_maps
from features.pasts import Around, Compare, MatchedPast, Measures, lines
from features.percentiles import reduce_histograms
from features.run_summary import Axes, Cells, RunSummary, Sums

KINDS: Mapping[str, Kind] = {
    "entries": "count",
    "underflow": "fraction",
    "overflow": "fraction",
    "filled": "fraction",
    "ks": "deviation",
    "emd": "deviation",
    "pull": "deviation",
    "chi2": "deviation",
    "dead": "deviation",
    "hot": "deviation",
    "region": "deviation",
}
"""Kind of a column by what stands after the colon; everything else is a value."""
SEPARATOR = ":"
TOGETHER = 64
"""Columns that are put into their rows at a time, so that they stay in the caches."""

Known = tuple[NDArray[np.float64], NDArray[np.int8]]
"""Condition and label of lumisections, both ``(n,)``."""


@dataclass
class Summaries:
    """Reduces runs in their order; ``reduce`` and ``take`` a run, or ``add`` both; ``table`` gives the columns.

    ``around`` tells condition and label of the lumisections, which some ``references`` ask for; labels younger than
    ``delay`` runs are not looked at.
    """

    percentiles: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95)
    references: ReferencesConfig = field(default_factory=ReferencesConfig)
    around: Around | None = None
    delay: int = 0
    _past: dict[str, MatchedPast] = field(default_factory=dict)
    _cells: dict[str, list[tuple[NDArray[np.int64], NDArray[np.float32]]]] = field(default_factory=dict)
    _units: dict[str, str] = field(default_factory=dict)
    _known: tuple[NDArray[np.int64], Known] | None = None

    def add(self, batches: Iterable[HistogramBatch]) -> None:
        """Reduce and take the histograms of one run."""
        self.take(self.reduce(batches))

    def reduce(self, batches: Iterable[HistogramBatch]) -> RunSummary:
        """Reduce the histograms of one run, compared with the runs that were taken."""
        found = RunSummary()
        for batch in batches:
            rows = batch.ls > 0
            if rows.any():
                kept = batch if rows.all() else batch.take(rows)
                code = encode(kept.run, kept.ls)
                reduced = self._reduced(kept, found.sums)
                found.cells.extend(Cells(name, unit, code, values) for name, unit, values in reduced)
        return found

    def take(self, found: RunSummary) -> None:
        """Take a reduced run in; runs must come in ascending order, for each is a past of the next."""
        for each in found.cells:
            self._cells.setdefault(each.name, []).append((each.code, each.values))
            self._units.setdefault(each.name, each.unit)
        for name, sums in found.sums.items():
            self._past_of(name).take(sums)

    def table(self, like: QuantityTable) -> QuantityTable:
        """The columns for the lumisections of ``like``, in its order; NaN where a lumisection lacks the element."""
        code = encode(like.run, like.ls)
        order = np.argsort(code)
        values = np.full((len(like), len(self._cells)), np.nan)
        rows: dict[bytes, tuple[NDArray[np.int64], NDArray[np.bool_]]] = {}
        columns = list(self._cells.values()) if len(like) else []
        for begin in range(0, len(columns), TOGETHER):
            some = columns[begin : begin + TOGETHER]
            block = np.full((len(some), len(like)), np.nan)
            for j, parts in enumerate(some):
                found, given = (np.concatenate(each) for each in zip(*parts, strict=True))
                key = found.tobytes()  # mostly all columns have the same lumisections
                if key not in rows:
                    at = np.minimum(np.searchsorted(code, found, sorter=order), len(code) - 1)
                    rows[key] = order[at], code[order[at]] == found
                place, same = rows[key]
                block[j, place[same]] = given[same]
            values[:, begin : begin + len(some)] = block.T
        return QuantityTable(like.index, tuple(self._column(name) for name in self._cells), values)

    def _column(self, name: str) -> Column:
        kind = KINDS.get(name.rpartition(SEPARATOR)[2], "value")
        return Column(name, "histograms", subsystem_of(name), unit=self._units[name], kind=kind)

    def _reduced(
        self, batch: HistogramBatch, sums: dict[str, list[Sums]]
    ) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        """Name, unit and values ``(n,)`` of every column that a batch gives; into ``sums`` what it is to later runs."""
        whole = batch.counts.reshape(len(batch), -1)
        entries = np.nansum(whole, axis=1, dtype=np.float64)
        broken = ~np.isfinite(batch.inner.reshape(len(batch), -1)).all(axis=1)
        yield f"{batch.element}{SEPARATOR}entries", "", np.where(broken, np.nan, entries).astype(np.float32)
        if len(batch.axes) == 1:
            yield from self._line(batch.element, batch, batch.counts, batch.axes[0], sums)
            return
        if len(batch.axes) > 2:
            return
        inner = batch.inner
        with np.errstate(invalid="ignore"):
            filled = (inner > 0).mean(axis=(1, 2), dtype=np.float64)
            countable = np.isfinite(inner.sum(axis=(1, 2))) & (inner.min(axis=(1, 2), initial=0) >= 0)
        yield f"{batch.element}{SEPARATOR}filled", "", np.where(broken, np.nan, filled).astype(np.float32)
        cells = f"{batch.element}/cells"
        for name, values in self._compared(cells, batch, inner, batch.axes, countable, fewest_cells, sums).items():
            if name in MEASURES:
                yield f"{batch.element}{SEPARATOR}{name}", "", values
        for name, along, axis in (("x", 1, batch.axes[0]), ("y", 2, batch.axes[1])):
            projected = np.zeros((len(batch), axis.bins + 2), dtype=np.float64)
            projected[:, 1:-1] = inner.sum(axis=along, dtype=np.float64)
            yield from self._line(f"{batch.element}/{name}", batch, projected, axis, sums, flow=False)

    def _line(
        self,
        element: str,
        batch: HistogramBatch,
        counts: NDArray[np.generic],
        axis: Axis,
        sums: dict[str, list[Sums]],
        *,
        flow: bool = True,
    ) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
        found = reduce_histograms(counts, axis, self.percentiles)
        for j, name in enumerate(found.names):
            if name in ("mean", "std") or name.startswith("p"):
                yield f"{element}{SEPARATOR}{name}", _unit(axis), found.values[:, j]
            elif flow and name in ("underflow", "overflow"):
                yield f"{element}{SEPARATOR}{name}", "", found.values[:, j]
        act = lines(self.references)
        compared = self._compared(element, batch, counts[:, 1:-1], (axis,), ~found.invalid, act, sums)
        for name, values in compared.items():
            yield f"{element}{SEPARATOR}{name}", "", values

    def _compared(
        self,
        name: str,
        batch: HistogramBatch,
        inner: NDArray[np.generic],
        axes: Axes,
        countable: NDArray[np.bool_],
        act: Compare,
        sums: dict[str, list[Sums]],
    ) -> Measures:
        """Compare one run with its past, and put into ``sums`` what it is to the next."""
        past = self._past_of(name)
        condition, label = self._circumstances(batch)
        found = past.compare(inner, axes, condition, act)
        kept, matched, known = inner[countable], condition[countable], label[countable]
        sums.setdefault(name, []).extend(past.sums(int(batch.run[0]), kept, axes, matched, known))
        return found

    def _past_of(self, name: str) -> MatchedPast:
        return self._past.setdefault(name, MatchedPast(self.references, self.delay))

    def _circumstances(self, batch: HistogramBatch) -> Known:
        if self.around is None:
            return np.zeros(len(batch)), np.full(len(batch), Label.UNKNOWN, dtype=np.int8)
        code = encode(batch.run, batch.ls)
        if self._known is None or not np.array_equal(self._known[0], code):  # mostly one element is as the one before
            condition, label = self.around.at(code)
            self._known = code, (condition if self.references.matched else np.zeros(len(batch)), label)
        return self._known[1]


def fewest_cells(inner: NDArray[np.generic], references: NDArray[np.float64], axes: Axes) -> Measures:
    """Dead and hot cells of maps; of the references the one with the fewest of them counts."""
    compared = [compare_maps(inner, reference) for reference in references]
    return {name: np.fmin.reduce([getattr(each, name) for each in compared]) for name in MEASURES if compared}


def subsystem_of(name: str) -> str:
    """The first folder of the element's path, such as ``PixelPhase1``; the whole name without one."""
    return name.partition("/")[0].partition(SEPARATOR)[0]


def _unit(axis: Axis) -> str:
    """What stands in round or square brackets at the end of the title of the axis."""
    title = axis.title.strip()
    for left, right in ("()", "[]"):
        if title.endswith(right) and left in title:
            return title.rpartition(left)[2][:-1].strip()
    return ""
