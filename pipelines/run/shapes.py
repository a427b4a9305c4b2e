"""Histograms bin by bin beside the other features: read run by run, for the rows that are asked for alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Self

import numpy as np

from dqm.model.config import Config
from dqm.model.keys import encode
from dqm.model.tables import FeatureTable
from dqm.store.histograms import catalogs, read_histograms
from dqm.store.store import Store
from features.shapes import Layout


@dataclass(frozen=True)
class Shapes:
    """The shapes of one snapshot of a store; without a ``layout`` none are asked for and tables stay as they are."""

    store: Store
    snapshot: int | None
    layout: Layout | None

    @classmethod
    def of(cls, config: Config, store: Store, snapshot: int | None = None) -> Self:
        """As ``features.shapes`` asks; raises ``InputError`` where no histogram is of an element that it names."""
        settings = config.features.shapes
        if not settings.elements:
            return cls(store, snapshot, None)
        seen = (
            (group.element, each.axes[group.binning])
            for _, each in sorted(catalogs(store, snapshot=snapshot).items())
            for group in each.groups
        )
        return cls(store, snapshot, Layout.of(seen, settings))

    def beside(self, table: FeatureTable) -> FeatureTable:
        """The rows of a table ``(n, d)`` with their bins behind its columns, ``(n, d + k)``; those of no other rows."""
        if self.layout is None:
            return table
        columns = (*table.columns, *self.layout.columns)
        values = np.full((len(table), len(columns)), np.nan, dtype=np.float32)
        values[:, : len(table.columns)] = table.values
        code = encode(table.run, table.ls)
        order = np.argsort(code)
        runs = np.unique(table.run).tolist()
        held = set(self.store.runs("histograms", self.snapshot))
        batches = read_histograms(
            self.store, list(self.layout.axes), [run for run in runs if run in held], self.snapshot
        )
        for _, of_run in groupby(batches, key=lambda batch: int(batch.run[0])):
            part = self.layout.table(of_run)
            found = encode(part.run, part.ls)
            at = np.minimum(np.searchsorted(code, found, sorter=order), len(code) - 1)
            same = code[order[at]] == found
            values[order[at[same]], len(table.columns) :] = part.values[same]
        return FeatureTable(table.index, columns, values, f"{table.extractor} {self.layout.extractor}")

    def fingerprint(self, table: FeatureTable) -> str:
        """That of the table with its bins, without reading any."""
        nothing = table.take(slice(0, 0))
        if self.layout is None:
            return nothing.fingerprint
        return self.beside(nothing).fingerprint
