"""Stored histograms as quantities: references and expectations that the configuration chooses see conditions and labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dqm.model.config import Config, FeaturesConfig
from dqm.model.errors import UnknownNameError
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.labels import Label, Labels
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.store.histograms import store_histograms
from dqm.store.store import Store
from dqm.store.tables import store_labels, store_quantities
from pipelines.run.quantities import all_quantities

RUNS, ROWS, BINS = 6, 30, 20


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Six runs whose one element moves with pile-up; run 3 is labelled BAD and stands elsewhere."""
    rng = np.random.default_rng(1)
    run, ls = np.repeat(np.arange(1, RUNS + 1), ROWS), np.tile(np.arange(1, ROWS + 1), RUNS)
    pileup = np.tile(np.linspace(20.0, 59.0, ROWS), RUNS)
    centre = 4 + 0.2 * pileup - 8.0 * (run == 3)
    shape = np.exp(-0.5 * ((np.arange(BINS) - centre[:, None]) / 1.5) ** 2)
    inner = rng.poisson(4000 * shape / shape.sum(axis=1, keepdims=True))
    counts = np.pad(inner, ((0, 0), (1, 1))).astype(np.int32)
    batch = HistogramBatch("Pixel/charge", (Axis(BINS, 0.0, 20.0),), run, ls, counts, counts.sum(axis=1).astype(float))
    index = lumisection_index(run, ls)
    table = QuantityTable(index, (Column("pileup", role="condition"),), pileup[:, None])
    labels = Labels.of(index, np.where(run == 3, Label.BAD, Label.GOOD), "test").take(run < RUNS)
    with Store.create(tmp_path_factory.mktemp("store") / "s") as opened:
        with opened.transaction() as change:
            store_quantities(change, table, {})
            store_histograms(change, [batch], {})
            store_labels(change, labels, {})
        yield opened


def quantities(store: Store, **features: object) -> QuantityTable:
    return all_quantities(store, Config(features=FeaturesConfig.model_validate(features)))


def last(table: QuantityTable, name: str) -> np.ndarray:
    found: np.ndarray = table[name][table.run == RUNS]
    return found


def test_conditions_stand_beside_the_numbers_of_histograms(store: Store) -> None:
    found = quantities(store)
    roles = {each.name: each.role for each in found.columns}
    assert roles["pileup"] == "condition"
    assert roles["Pixel/charge:p50"] == "feature"


def test_references_that_the_configuration_chooses(store: Store) -> None:
    """Mutant: the section is read and not used."""
    kinds = {
        "nearest": {},
        "certified": {"kind": "certified", "runs": 3},
        "bad": {"kind": "run", "run": 3},
        "adaptive": {"kind": "adaptive"},
        "matched": {"kind": "certified", "matched": "pileup", "step": 5.0},
    }
    ks = {name: last(quantities(store, references=each), "Pixel/charge:ks").mean() for name, each in kinds.items()}
    assert ks["bad"] > 0.6 > ks["nearest"], "run 3 stands elsewhere"
    assert ks["matched"] < 0.15 < 0.3 < ks["certified"], "what pile-up moves is matched away"
    assert ks["adaptive"] < ks["bad"]
    assert "Pixel/charge:chi2" in quantities(store, references=kinds["adaptive"]).names


def test_what_pile_up_explains_can_be_taken_away(store: Store) -> None:
    before = last(quantities(store), "Pixel/charge:mean").std()
    after = last(quantities(store, expectation={"condition": "pileup"}), "Pixel/charge:mean").std()
    assert after < 0.1 < 1.5 < before


def test_a_condition_that_no_input_has_is_named(store: Store) -> None:
    with pytest.raises(UnknownNameError, match="'pile_up'; nearest valid names: 'pileup'"):
        quantities(store, references={"matched": "pile_up"})
