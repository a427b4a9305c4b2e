"""The cache of summaries: what was made is not made again, and nothing but time hangs on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dqm.model.config import FeaturesConfig
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.store.store import Store
from dqm.store.tables import store_quantities
from pipelines.run.summary_cache import FOLDER, cached

TABLE = QuantityTable(
    lumisection_index([1, 1], [1, 2]), (Column("a:p50", "histograms", "a"),), np.array([[1.5], [np.nan]])
)


class Maker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> QuantityTable:
        self.asked += 1
        return TABLE


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.create(tmp_path / "store")
    with store.transaction() as change:
        store_quantities(change, TABLE, {"files": "one"})
    return store


def test_the_same_is_made_once_and_comes_back_as_it_was(store: Store) -> None:
    make = Maker()
    for _ in range(3):
        found = cached(store, FeaturesConfig(), None, make)
        assert found.columns == TABLE.columns
        assert np.array_equal(found.values, TABLE.values, equal_nan=True)
    assert make.asked == 1


@pytest.mark.parametrize("value", [0.1, float(np.float32(0.1)), 1e300, -0.0, np.inf])
def test_what_float32_cannot_hold_comes_back_as_it_was_too(store: Store, value: float) -> None:
    """Mutant: everything is kept as float32."""
    table = replace(TABLE, values=np.array([[value], [np.nan]]))
    found = [cached(store, FeaturesConfig(), None, lambda: table).values for _ in range(2)][1]
    assert found.dtype == np.float64
    assert found.tobytes() == table.values.tobytes()


def test_other_settings_and_other_data_are_made_again(store: Store) -> None:
    """Mutant: a key without the settings, or without the digests of the data."""
    make = Maker()
    cached(store, FeaturesConfig(), None, make)
    cached(store, FeaturesConfig(percentiles=(0.5,)), None, make)
    with store.transaction() as change:
        store_quantities(change, QuantityTable(TABLE.index, TABLE.columns, TABLE.values + 1), {"files": "two"})
    cached(store, FeaturesConfig(), None, make)
    assert make.asked == 3
    assert len(list((store.path / FOLDER).iterdir())) == 2, "old files do not pile up"


def test_a_broken_file_is_made_again(store: Store) -> None:
    make = Maker()
    cached(store, FeaturesConfig(), None, make)
    next((store.path / FOLDER).iterdir()).write_bytes(b"ARROW1 and nothing more")
    assert cached(store, FeaturesConfig(), None, make).columns == TABLE.columns
    assert make.asked == 2


def test_a_store_that_cannot_be_written_costs_time_only(store: Store) -> None:
    (store.path / FOLDER).write_text("a file where the folder should be")
    assert cached(store, FeaturesConfig(), None, Maker()).columns == TABLE.columns
