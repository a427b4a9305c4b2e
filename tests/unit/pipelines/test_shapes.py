"""Bins beside the other features: which rows, which columns, and what a detector that asks for them learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors.artifacts import Bundle, load, save
from dqm.model.config import Config, ModelConfig
from dqm.model.errors import ArtifactError, InputError
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.tables import Column, FeatureTable, QuantityTable, lumisection_index
from dqm.store.histograms import store_histograms
from dqm.store.store import Store
from dqm.store.tables import store_quantities
from pipelines.run.evidence import Evidence
from pipelines.run.explanations import explanations
from pipelines.run.learn import learn, make_detector
from pipelines.run.reasons import reasons_of
from pipelines.run.shapes import Shapes

RUNS, ROWS, BINS = 8, 20, 6
CONFIG = Config.model_validate({"features": {"shapes": {"elements": ["Pixel/*"]}}})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One element of which the last run is another shape, and one that nobody asks for."""
    rng = np.random.default_rng(1)
    run, ls = np.repeat(np.arange(1, RUNS + 1), ROWS), np.tile(np.arange(1, ROWS + 1), RUNS)
    shape = np.where((run == RUNS)[:, None], np.arange(BINS)[::-1] + 1.0, np.arange(BINS) + 1.0)
    counts = np.pad(rng.poisson(50 * shape), ((0, 0), (1, 1))).astype(np.int32)
    axes, entries = (Axis(BINS, 0.0, 1.0),), counts.sum(axis=1).astype(float)
    batches = [HistogramBatch(name, axes, run, ls, counts, entries) for name in ("Pixel/charge", "Muons/time")]
    with Store.create(tmp_path_factory.mktemp("store") / "s") as opened:
        with opened.transaction() as change:
            store_quantities(change, QuantityTable(lumisection_index(run, ls), (Column("rate"),), entries[:, None]), {})
            store_histograms(change, batches, {})
        yield opened


def features(runs: range = range(1, RUNS + 1)) -> FeatureTable:
    run, ls = np.repeat(np.array(runs), ROWS), np.tile(np.arange(ROWS, 0, -1), len(runs))
    values = np.random.default_rng(2).normal(size=(len(run), 1)).astype(np.float32)
    return FeatureTable(lumisection_index(run, ls), (Column("counts.near"),), values, "made up")


def test_bins_stand_beside_the_rows_that_were_asked_for(store: Store) -> None:
    shapes = Shapes.of(CONFIG, store)
    table = shapes.beside(features(range(3, 5)))
    assert table.names == ["counts.near", *(f"Pixel/charge:bin{j}" for j in range(BINS)), "Pixel/charge:entries"]
    assert np.isfinite(table.values).all()
    backwards = shapes.beside(features(range(3, 5)).take(slice(None, None, -1)))
    assert np.array_equal(backwards.values[::-1], table.values), "each row has its own"
    assert shapes.fingerprint(features()) == table.fingerprint
    unknown = shapes.beside(features(range(20, 21)))
    assert np.isnan(unknown.values[:, 1:]).all()
    assert unknown.fingerprint == table.fingerprint


def test_nothing_changes_where_nobody_asks(store: Store) -> None:
    given = features()
    none = Shapes.of(Config(), store)
    assert none.beside(given) is given
    assert none.fingerprint(given) == given.fingerprint
    with pytest.raises(InputError, match="no histogram that was ingested matches 'Ecal"):
        Shapes.of(Config.model_validate({"features": {"shapes": {"elements": ["Ecal/*"]}}}), store)


def trained(store: Store) -> tuple[Bundle, FeatureTable]:
    table = Shapes.of(CONFIG, store).beside(features())
    label = np.where(table.ls % 7 == 0, 1, 0).astype(np.int8)
    label[table.run == RUNS] = -1
    evidence = Evidence(table, label, np.ones(len(table)), table.run)
    makers = [
        make_detector(ModelConfig.model_validate(each))
        for each in ({"kind": "robust-z"}, {"kind": "pca", "columns": ["Pixel/*"]})
    ]
    return Bundle.of(learn(evidence, makers[0], seed=1, others=(makers[1],)).model, (1, 2)), table


def test_only_those_who_ask_see_bins_and_the_bundle_knows(store: Store, tmp_path: Path) -> None:
    bundle, table = trained(store)
    first, second = (each.detector.schema for each in bundle.members)
    assert first is not None
    assert second is not None
    assert [each.name for each in first.columns] == ["counts.near"]
    assert [each.name for each in second.columns] == table.names[1:]
    save(bundle, tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.members[1].columns == ("Pixel/*",)
    assert again.schema.fingerprint == table.fingerprint
    assert again.scores(table).tobytes() == bundle.scores(table).tobytes()
    wrong = replace(bundle, others=(replace(bundle.others[0], columns=("Pixel/*:bin*",)),))
    with pytest.raises(ArtifactError, match="'robust-z' and 'pca' of one model know other features; fit them alike"):
        save(wrong, tmp_path / "wrong")


def test_the_shape_leads_with_its_element_and_is_explained_for_every_bin(store: Store) -> None:
    bundle, table = trained(store)
    last = table.take(table.run == RUNS)
    scores = bundle.scores(last)
    contribution = bundle.explain(last, scores)
    subsystem, reasons = reasons_of(last, contribution)
    assert (subsystem == "Pixel").mean() > 0.9
    lead = reasons[0][0]
    assert lead.feature.startswith("Pixel/charge:bin")
    assert lead.contribution == pytest.approx(contribution[0, 1:].sum(), rel=1e-5)
    told = explanations(bundle, last, contribution)
    assert told.names[1:] == tuple(f"Pixel/charge:bin{j}" for j in range(BINS))
