"""The past of a monitor element: earlier runs, the references that they make, and conditions matched.

==============  ======================================================================================================
``nearest``     the bin by bin medians of the last ten, three and one runs; of every measure the smallest counts
``run``         one chosen run
``certified``   the last n runs with lumisections that people call good, of these alone; p averaged over the runs
``adaptive``    the moving mean of DINAMO (``AdaptiveReference``), lumisections that people call bad left out
==============  ======================================================================================================

*Matched*: lumisections are sorted into classes of a condition, such as steps of ten in pile-up, each with a past of its
own; a class without one borrows that of the nearest class. A lumisection without the condition is not compared.

*Another binning*: where every edge of one is an edge of the other, counts are added up to the coarser and compared
there; elsewhere there is nothing to compare with, and what was compared before is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.model.keys import encode
from dqm.model.labels import Label, Labels
from dqm.model.rebinning import nests, rebinned_cells
from dqm.model.reference_config import ReferencesConfig
from dqm.model.tables import QuantityTable
from features.references import AdaptiveReference, Comparison, PastRuns, compare, compare_nearest
from features.run_summary import Axes, Sums

Measures = Mapping[str, NDArray[np.float32]]
Compare = Callable[[NDArray[Any], NDArray[np.float64], Axes], Measures]
"""Counts ``(n, …)``, references ``(r, …)`` and their common axes to measures ``(n,)``."""


@dataclass(frozen=True, eq=False)
class Around:
    """What is known of lumisections beside their histograms: rising ``code``, ``condition`` and ``label``, ``(n,)``."""

    code: NDArray[np.int64]
    condition: NDArray[np.float64]
    label: NDArray[np.int8]

    @classmethod
    def of(cls, table: QuantityTable, labels: Labels | None, condition: str = "") -> Around:
        """From a table; raises ``UnknownNameError`` for a condition that it lacks."""
        code = encode(table.run, table.ls)
        order = np.argsort(code)
        label = np.full(len(code), Label.UNKNOWN, dtype=np.int8) if labels is None else labels.aligned(table.index)
        value = table[condition] if condition else np.zeros(len(code))
        return cls(code[order], value[order].astype(np.float64), label[order])

    def at(self, code: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """Condition and label ``(m,)`` of the given lumisections; NaN and UNKNOWN for one that is not in the table."""
        place = np.minimum(np.searchsorted(self.code, code), max(len(self.code) - 1, 0))
        known = self.code[place] == code if len(self.code) else np.zeros(len(code), dtype=bool)
        if not len(self.code):
            return np.full(len(code), np.nan), np.full(len(code), Label.UNKNOWN, dtype=np.int8)
        label = np.where(known, self.label[place], Label.UNKNOWN).astype(np.int8)
        return np.where(known, self.condition[place], np.nan), label


@dataclass
class Past:
    """The past of one element in one class of conditions."""

    settings: ReferencesConfig
    runs: list[tuple[Axes, NDArray[np.float64]]] = field(default_factory=list)
    adaptive: AdaptiveReference | None = None

    def add(self, axes: Axes, counts: NDArray[np.float64]) -> None:
        """Take the counts of a run in, without flow; nothing where nothing was counted."""
        if not (np.isfinite(counts).all() and counts.sum() > 0):
            return
        if self.settings.kind == "adaptive":
            same = self.adaptive is not None and self.runs[-1][0] == axes
            flat = counts.reshape(-1)
            self.adaptive = (
                self.adaptive.after(flat)
                if same and self.adaptive is not None
                else AdaptiveReference.of(flat, self.settings.alpha)
            )
            self.runs = [(axes, self.adaptive.counts().reshape(counts.shape))]
            return
        most = {"nearest": max(PastRuns().lengths), "run": 1, "certified": self.settings.runs}[self.settings.kind]
        self.runs = [*self.runs, (axes, counts)][-most:]

    def common(self, axes: Axes) -> Axes | None:
        """The coarser of these axes and those of the last run, where one nests in the other; None elsewhere."""
        if not self.runs:
            return None
        last = self.runs[-1][0]
        if last == axes:
            return axes
        if len(last) != len(axes):
            return None
        for coarse, fine in ((axes, last), (last, axes)):
            if all(nests(a, b) for a, b in zip(fine, coarse, strict=True)):
                return coarse
        return None

    def references(self, axes: Axes) -> NDArray[np.float64]:
        """The references on ``axes``, ``(r, …)``; runs that cannot be brought there exactly are left out."""
        shape = tuple(axis.bins for axis in reversed(axes))
        brought = [_brought(counts, own, axes) for own, counts in self.runs]
        kept = [each.reshape(-1) for each in brought if each is not None]
        if self.settings.kind == "nearest":
            found = PastRuns(runs=kept).references()
        else:
            found = np.stack(kept) if kept else np.zeros((0, 0))
        return found.reshape(-1, *shape) if len(found) else np.zeros((0, *shape))


@dataclass
class MatchedPast:
    """The pasts of one element by class of conditions; ``delay`` runs wait until their labels are known."""

    settings: ReferencesConfig
    delay: int = 0
    _classes: dict[int, Past] = field(default_factory=dict)
    _waiting: deque[list[Sums]] = field(default_factory=deque)

    def compare(
        self, inner: NDArray[Any], axes: Axes, condition: NDArray[np.float64], act: Compare
    ) -> dict[str, NDArray[np.float32]]:
        """Measures ``(n,)`` of ``n`` histograms ``(n, …)`` without flow; empty where nothing has a past yet."""
        found: dict[str, NDArray[np.float32]] = {}
        for kind, rows in _by_class(self._class_of(condition)):
            past = self._nearest(kind)
            common = past.common(axes) if past else None
            if past is None or common is None:
                continue
            given = _brought(inner[rows], axes, common)
            if given is None:
                continue
            for name, values in act(given, past.references(common), common).items():
                found.setdefault(name, np.full(len(inner), np.nan, dtype=np.float32))[rows] = values
            if past.adaptive is not None and common == past.runs[-1][0]:
                values = past.adaptive.chi2_of(given.reshape(len(given), -1))
                found.setdefault("chi2", np.full(len(inner), np.nan, dtype=np.float32))[rows] = values
        return found

    def add(
        self,
        run: int,
        inner: NDArray[Any],
        axes: Axes,
        condition: NDArray[np.float64],
        label: NDArray[np.int8],
    ) -> None:
        """Take a run in: the counts of those of its lumisections that may serve, class by class."""
        self.take(self.sums(run, inner, axes, condition, label))

    def sums(
        self,
        run: int,
        inner: NDArray[Any],
        axes: Axes,
        condition: NDArray[np.float64],
        label: NDArray[np.int8],
    ) -> list[Sums]:
        """What a run is to the past of later ones; it changes nothing here."""
        serves = serving(self.settings, run, label)
        return [
            (kind, axes, inner[rows & serves].sum(axis=0, dtype=np.float64))
            for kind, rows in _by_class(self._class_of(condition))
        ]

    def take(self, sums: list[Sums]) -> None:
        """Take in what a run is to later ones; where labels come late it waits for its own."""
        self._waiting.append(sums)
        while len(self._waiting) > (self.delay if self.settings.kind in ("certified", "adaptive") else 0):
            for kind, own, counts in self._waiting.popleft():
                self._classes.setdefault(kind, Past(self.settings)).add(own, counts)

    def _class_of(self, condition: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.floor(condition / self.settings.step)

    def _nearest(self, kind: int) -> Past | None:
        held = [each for each, past in self._classes.items() if past.runs]
        return self._classes[min(held, key=lambda each: (abs(each - kind), each))] if held else None


def serving(settings: ReferencesConfig, run: int, label: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which lumisections of an earlier run may serve as reference, by their ``label`` ``(n,)``."""
    judged = {"certified": label == Label.GOOD, "adaptive": label != Label.BAD}
    everything = np.full(len(label), settings.kind == "nearest" or run == settings.run)
    return np.asarray(judged.get(settings.kind, everything))


def lines(settings: ReferencesConfig) -> Compare:
    """χ², largest pull, KS and earth mover's distance of histograms of one dimension."""

    def measured(inner: NDArray[Any], references: NDArray[np.float64], axes: Axes) -> Measures:
        if settings.kind == "nearest":
            found: Comparison = compare_nearest(inner, references, axes[0], every_bin=False)
        else:
            found = compare(inner, references, axes[0], every_bin=False)
        return {name: getattr(found, name) for name in ("ks", "emd", "pull")}

    return measured


def _by_class(kinds: NDArray[np.float64]) -> list[tuple[int, NDArray[np.bool_]]]:
    """Classes and their rows ``(n,)``; a lumisection without the condition is in none."""
    if len(kinds) and (alike := kinds == kinds[0]).all():
        return [(int(kinds[0]), alike)]
    return [(int(kind), kinds == kind) for kind in np.unique(kinds[np.isfinite(kinds)])]


def _brought(counts: NDArray[Any], axes: Axes, wanted: Axes) -> NDArray[Any] | None:
    """Counts ``(…, bins)`` without flow on other axes, None where that is not exact."""
    if axes == wanted:
        return counts
    return rebinned_cells(counts, axes, wanted)
