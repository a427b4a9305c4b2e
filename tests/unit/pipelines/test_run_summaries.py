"""A run is reduced once: later nights reduce new runs only, and get the same bits as if they reduced all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pipelines.run.quantities as quantities
from dqm.model.config import Config, FeaturesConfig
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.labels import Labels
from dqm.model.reference_config import ReferencesConfig
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.store.histograms import store_histograms
from dqm.store.store import Store
from dqm.store.tables import store_labels, store_quantities
from features.run_summary import RunSummary
from pipelines.run.quantities import all_quantities
from pipelines.run.summary_cache import FOLDER, RUNS, run_paths

RUNS_OF_TODAY, LS = range(1, 8), 5
LINE, OTHER, MAP = (Axis(8, 0.0, 4.0, title="charge (ke)"),), (Axis(4, 0.0, 4.0),), (Axis(4, 0, 1), Axis(3, 0, 1))
REFERENCES = {
    "nearest": ReferencesConfig(),
    "matched": ReferencesConfig(matched="pileup", step=10),
    "certified": ReferencesConfig(kind="certified", runs=3),
    "adaptive": ReferencesConfig(kind="adaptive"),
    "run": ReferencesConfig(kind="run", run=2),
}


def batches(run: int) -> list[HistogramBatch]:
    """A line whose binning changes with run 5, a map, and an element that run 3 lacks."""
    rng = np.random.default_rng(run)
    found = []
    for element, axes in (("Pixel/charge", OTHER if run >= 5 else LINE), ("Pixel/map", MAP), ("Ecal/time", LINE)):
        if (element, run) != ("Ecal/time", 3):
            counts = rng.poisson(40, (LS, *(axis.bins + 2 for axis in reversed(axes)))).astype(np.int32)
            entries = counts.reshape(LS, -1).sum(axis=1).astype(float)
            found.append(HistogramBatch(element, axes, np.full(LS, run), np.arange(1, LS + 1), counts, entries))
    return found


def add(store: Store, runs: range) -> None:
    index = lumisection_index(np.repeat(list(runs), LS), np.tile(np.arange(1, LS + 1), len(runs)))
    pileup = np.random.default_rng(runs[0]).uniform(20, 50, len(index))
    with store.transaction() as change:
        store_quantities(change, QuantityTable(index, (Column("pileup", role="condition"),), pileup[:, None]), {})
        store_labels(change, Labels.of(index, np.arange(len(index)) % 4 == 0, "test"), {})
        store_histograms(change, [each for run in runs for each in batches(run)], {})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "store") as made:
        yield made


def settings(kind: str) -> Config:
    delay = 1 if kind in ("certified", "adaptive") else 0
    return Config(features=FeaturesConfig(percentiles=(0.5,), references=REFERENCES[kind], label_delay=delay))


@pytest.mark.parametrize(
    "kind", [pytest.param(each, marks=() if each == "adaptive" else pytest.mark.slow) for each in REFERENCES]
)
def test_one_more_run_reduces_one_run_and_gives_the_same_bits(
    store: Store, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(kind)
    for run in RUNS_OF_TODAY:
        add(store, range(run, run + 1))
        found = all_quantities(store, config)
    with Store.create(tmp_path / "other") as other:
        for run in RUNS_OF_TODAY:
            add(other, range(run, run + 1))
        at_once = all_quantities(other, config)
    assert found.columns == at_once.columns
    np.testing.assert_array_equal(found.values, at_once.values)
    reduced = []
    original = quantities.Summaries.reduce
    monkeypatch.setattr(quantities.Summaries, "reduce", lambda self, given: reduced.append(0) or original(self, given))
    add(store, range(8, 9))
    all_quantities(store, config)
    assert len(reduced) == 1


def test_a_changed_run_is_reduced_again_with_all_after_it(store: Store) -> None:
    config = settings("nearest")
    add(store, range(1, 5))
    before = run_paths(store, config.features, None)
    with store.transaction() as change:
        store_histograms(change, [each for each in batches(3) if each.element != "Pixel/map"], {})
    after = run_paths(store, config.features, None)
    assert [before[run] == after[run] for run in (1, 2, 3, 4)] == [True, True, False, False]


def test_labels_matter_where_references_look_at_them(store: Store) -> None:
    add(store, range(1, 4))
    before = {kind: run_paths(store, settings(kind).features, None) for kind in ("nearest", "certified")}
    index = lumisection_index([1] * LS, range(1, LS + 1))
    with store.transaction() as change:
        store_labels(change, Labels.of(index, np.zeros(LS), "test"), {})
    after = {kind: run_paths(store, settings(kind).features, None) for kind in ("nearest", "certified")}
    assert before["nearest"] == after["nearest"]
    assert before["certified"][3] != after["certified"][3]


def test_a_damaged_file_is_made_again_and_old_ones_do_not_pile_up(store: Store) -> None:
    config = settings("nearest")
    add(store, range(1, 4))
    expected = all_quantities(store, config)
    for path in (store.path / FOLDER).glob("*.arrow"):
        path.unlink()
    kept = run_paths(store, config.features, None)[2]
    kept.write_bytes(kept.read_bytes()[:-1])
    (kept.parent / "older.npz").touch()
    np.testing.assert_array_equal(all_quantities(store, config).values, expected.values)
    assert [each.name for each in kept.parent.iterdir()] == [kept.name]
    assert len(list((store.path / FOLDER / RUNS).iterdir())) == 3


def test_a_summary_comes_back_as_it_was(store: Store) -> None:
    from features.summaries import Summaries

    summaries = Summaries((0.5,))
    summaries.add(batches(1))
    found = summaries.reduce(batches(2))
    again = RunSummary.from_arrays(found.to_arrays())
    assert [(a.name, a.unit) for a in again.cells] == [(b.name, b.unit) for b in found.cells]
    for a, b in zip(again.cells, found.cells, strict=True):
        np.testing.assert_array_equal(a.values, b.values)
        np.testing.assert_array_equal(a.code, b.code)
    assert again.sums.keys() == found.sums.keys()
    for name, sums in found.sums.items():
        for (kind, axes, counts), (kind2, axes2, counts2) in zip(sums, again.sums[name], strict=True):
            assert (kind, axes) == (kind2, axes2)
            np.testing.assert_array_equal(counts, counts2)
