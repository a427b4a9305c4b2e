"""All that is known of lumisections as numbers: the stored quantities, and what their histograms reduce to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dqm.model.config import Config, FeaturesConfig
from dqm.model.tables import QuantityTable
from dqm.store.histograms import read_partitions
from dqm.store.store import Store
from dqm.store.tables import labels_from_arrow, quantities_from_arrow
from features.expectation import normalised
from features.pasts import Around
from features.presence import expected
from features.runs import Grouped
from features.summaries import SEPARATOR, Summaries
from pipelines.execution.workers import ALONE, Workers
from pipelines.run.reduce_part import reduced_by_blocks
from pipelines.run.sensor_quantities import with_sensors
from pipelines.run.summary_cache import cached, read_run, run_paths, write_run

COVERAGE = "coverage"
"""Status of a lumisection of which too few monitor elements are there."""


def all_quantities(
    store: Store, config: Config, snapshot: int | None = None, workers: Workers = ALONE
) -> QuantityTable:
    """The quantities of a snapshot; columns of histograms are named ``<element>:<what>`` (``features.summaries``).

    A lumisection of which fewer than ``features.coverage`` of the elements that are to be expected
    (``features.presence``) are there has the status ``coverage``. Columns of sensors stand behind where
    ``[features.sensors]`` asks for them. Histograms that are new are reduced by the ``workers``.
    """
    table = quantities_from_arrow(store.read("quantities", snapshot=snapshot))
    asked = config.features.sensors.columns
    if not store.runs("histograms", snapshot):
        return with_sensors(table, store, asked, snapshot)
    found = cached(
        store, config.features, snapshot, lambda: _summaries(store, config.features, table, snapshot, workers)
    )
    entries = [j for j, column in enumerate(found.columns) if column.name.endswith(f"{SEPARATOR}entries")]
    thin = coverage(found.values[:, entries], table.run, config.features.past_runs) < config.features.coverage
    whole = replace(
        table,
        columns=(*table.columns, *found.columns),
        values=np.concatenate([table.values, found.values], axis=1),
        status=np.where(table.usable & thin, COVERAGE, table.status).astype(object),
    )
    return with_sensors(whole, store, asked, snapshot)


def coverage(entries: NDArray[np.float64], run: NDArray[np.int64], recent: int) -> NDArray[np.float64]:
    """Share of the expected elements that each lumisection has, ``(n,)``, from their entries ``(n, elements)``.

    Rows are sorted by run. Where nothing is expected nothing is covered.
    """
    rows = Grouped.of(run)
    wanted = expected(rows.present(entries), recent)[rows.code]
    there = (np.isfinite(entries) & wanted).sum(axis=1)
    return np.asarray(there / np.maximum(wanted.sum(axis=1), 1), dtype=np.float64)


def _summaries(
    store: Store, settings: FeaturesConfig, table: QuantityTable, snapshot: int | None, workers: Workers
) -> QuantityTable:
    """What the histograms of a snapshot reduce to, for the lumisections of ``table``."""
    labels = labels_from_arrow(store.read("labels", snapshot=snapshot)) if store.runs("labels", snapshot) else None
    around = Around.of(table, labels, settings.references.matched)
    summaries = Summaries(settings.percentiles, settings.references, around, settings.label_delay)
    partitions = {each.run: each for each in store.partitions("histograms", snapshot)}
    paths = run_paths(store, settings, snapshot)
    kept = {run: path if path.exists() else partitions[run] for run, path in paths.items()}
    made = reduced_by_blocks(store, settings, around, kept, workers)
    for run, path in paths.items():
        found = read_run(path)
        if found is None:
            found = made.pop(run, None) or summaries.reduce(read_partitions(store.path, [partitions[run]]))
            write_run(path, found)
        summaries.take(found)
    return normalised(summaries.table(table), table, labels, settings.expectation, settings.label_delay)
