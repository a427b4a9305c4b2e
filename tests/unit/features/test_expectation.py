"""Numbers at the usual pile-up: what a line explains is taken away, by past good lumisections alone."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.labels import Label, Labels
from dqm.model.reference_config import ExpectationConfig
from dqm.model.tables import Column, QuantityTable, lumisection_index
from features.expectation import LEAST, normalised

RUNS, ROWS = 8, 40
MU = np.random.default_rng(0).uniform(20, 60, RUNS * ROWS)
INDEX = lumisection_index(np.repeat(np.arange(1, RUNS + 1), ROWS), np.tile(np.arange(1, ROWS + 1), RUNS))
WEIGHT = MU / 40
COLUMNS = (
    Column("E:mean"),
    Column("E:entries", kind="count"),
    Column("E:overflow", kind="fraction"),
)
GOOD = ExpectationConfig(condition="pileup")


def tables(bend: float = 0.0) -> tuple[QuantityTable, QuantityTable]:
    """Numbers of histograms that follow pile-up, and the table of conditions and weight."""
    mean = 3 + 0.02 * MU + bend * (MU - 40) ** 2
    values = np.stack([mean, WEIGHT * (100 + MU), np.full(len(MU), 0.1)], axis=1)
    around = (Column("pileup", role="condition"), Column("lumi", role="weight"))
    return QuantityTable(INDEX, COLUMNS, values), QuantityTable(INDEX, around, np.stack([MU, WEIGHT], axis=1))


def labels(value: int = Label.GOOD) -> Labels:
    return Labels.of(INDEX, np.full(len(INDEX), value), "test")


def test_what_pile_up_explains_is_taken_away() -> None:
    table, like = tables()
    found = normalised(table, like, labels(), GOOD)
    later = slice(2 * ROWS, None)
    assert found["E:mean"][later].std() < 1e-3 < 0.1 < table["E:mean"][later].std()
    assert found["E:mean"][later].mean() == pytest.approx(3 + 0.02 * MU[:ROWS].mean(), abs=1e-4), (
        "as at the pile-up of the first run"
    )
    per_weight = found["E:entries"][later] / WEIGHT[later]
    assert per_weight.std() < 0.05 < 10 < (table["E:entries"] / WEIGHT).std()
    np.testing.assert_array_equal(found["E:overflow"], table["E:overflow"])
    np.testing.assert_array_equal(found.values[:ROWS], table.values[:ROWS])


def test_a_curve_needs_a_higher_degree() -> None:
    table, like = tables(bend=0.001)
    line, curve = (
        normalised(table, like, labels(), ExpectationConfig(condition="pileup", degree=degree)) for degree in (1, 2)
    )
    later = slice(2 * ROWS, None)
    assert curve["E:mean"][later].std() < 1e-3 < line["E:mean"][later].std()


def test_only_earlier_good_lumisections_teach() -> None:
    """Mutants: the run itself, later runs, BAD ones or late labels in the fit."""
    table, like = tables()
    assert LEAST > ROWS, "one run is too little here"
    np.testing.assert_array_equal(normalised(table, like, labels(), GOOD).values[: 2 * ROWS], table.values[: 2 * ROWS])
    for nothing in (None, labels(Label.BAD)):
        np.testing.assert_array_equal(normalised(table, like, nothing, GOOD).values, table.values)
    late = normalised(table, like, labels(), GOOD, delay=RUNS)
    np.testing.assert_array_equal(late.values, table.values)
    changed = table.values.copy()
    changed[5 * ROWS :] = 77.0
    future = normalised(QuantityTable(INDEX, COLUMNS, changed), like, labels(), GOOD)
    now = normalised(table, like, labels(), GOOD)
    np.testing.assert_array_equal(future.values[: 5 * ROWS], now.values[: 5 * ROWS])


def test_nothing_is_extrapolated_and_nothing_made_up() -> None:
    table, like = tables()
    values = like.values.copy()
    values[-1, 0], values[-2, 0] = 600.0, np.nan  # 60 is the largest that the past has seen
    found = normalised(table, QuantityTable(INDEX, like.columns, values), labels(), GOOD)
    assert found["E:mean"][-1] == pytest.approx(table["E:mean"][-1] - 0.02 * (60 - MU[:ROWS].mean()), abs=0.01)
    assert np.isnan(found.values[-2, :2]).all()


def test_equal_conditions_teach_nothing_and_no_condition_changes_nothing() -> None:
    table, like = tables()
    still = like.values.copy()
    still[:, 0] = 40.0
    found = normalised(table, QuantityTable(INDEX, like.columns, still), labels(), GOOD)
    np.testing.assert_allclose(found.values, table.values)
    assert normalised(table, like, labels(), ExpectationConfig()) is table
    with pytest.raises(KeyError, match="pile_up"):
        normalised(table, like, labels(), ExpectationConfig(condition="pile_up"))
