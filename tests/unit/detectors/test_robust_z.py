from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.checks import simulated_table
from detectors.robust_z import RobustZ
from dqm.model.labels import Label
from dqm.model.tables import FeatureTable


def _table(values: list[list[float]]) -> FeatureTable:
    """Rows of the first two features of the simulated table, the others missing."""
    empty = simulated_table(len(values), seed=1)
    full = np.full_like(empty.values, np.nan)
    full[:, :2] = np.reshape(values, (-1, 2))
    return replace(empty, values=full)


def _good(n: int) -> np.ndarray:
    return np.full(n, Label.GOOD, dtype=np.int8)


def test_equals_a_loop_over_rows_and_columns() -> None:
    table, fresh = simulated_table(101, seed=2), simulated_table(20, seed=3)
    score = RobustZ().fit(table, _good(101), seed=1).score(fresh)
    for row in range(20):
        z = []
        for column in range(6):
            seen = [v for v in table.values[:, column].astype(float) if not np.isnan(v)]
            centre = np.median(seen)
            spread = 1.4826 * np.median([abs(v - centre) for v in seen])
            if not np.isnan(fresh.values[row, column]):
                z.append(abs(fresh.values[row, column] - centre) / spread)
        assert score[row] == pytest.approx(max(z), rel=1e-6)


def test_only_good_rows_make_the_reference_where_there_are_enough() -> None:
    table = _table([[0.0, 0.0], [1.0, 1.0]] * 20 + [[100.0, 100.0]] * 60)
    labels = np.array([Label.GOOD] * 40 + [Label.BAD] * 60, dtype=np.int8)
    assert RobustZ().fit(table, labels, seed=1).state()["centre"][0] == 0.5
    assert RobustZ(min_good=41).fit(table, labels, seed=1).state()["centre"][0] == 100


def test_rows_of_weight_zero_are_left_out() -> None:
    table = _table([[0.0, 0.0]] * 30 + [[9.0, 9.0]] * 40)
    weight = np.array([1.0] * 30 + [0.0] * 40)
    assert RobustZ().fit(table, _good(70), weight=weight, seed=1).state()["centre"][0] == 0


def test_a_column_that_is_mostly_constant_falls_back_on_the_mean_deviation() -> None:
    table = _table([[0.0, 0.0]] * 90 + [[1.0, 0.0]] * 10)
    assert RobustZ().fit(table, _good(100), seed=1).state()["spread"][0] == pytest.approx(1.2533 * 0.1)


def test_a_constant_column_has_the_floor_as_its_spread() -> None:
    state = RobustZ(floor=0.01).fit(_table([[0.0, 50.0]] * 30), _good(30), seed=1).state()
    assert state["spread"][:2].tolist() == [0.01, 0.5]


def test_a_missing_value_says_nothing_and_an_infinite_one_the_most() -> None:
    detector = RobustZ().fit(_table([[-1.0, -1.0], [1.0, 1.0]] * 20), _good(40), seed=1)
    asked = _table([[np.nan, 1.0], [np.inf, 0.0], [np.nan, np.nan]])
    assert detector.score(asked)[0] == pytest.approx(1 / 1.4826)
    assert detector.score(asked)[1] == 1e6
    assert np.isnan(detector.score(asked)[2])
    assert detector.explain(asked)[0, 0] == 0


def test_without_training_rows_nothing_is_scored() -> None:
    detector = RobustZ().fit(_table([]), _good(0), seed=1)
    assert np.isnan(detector.score(_table([[1.0, 1.0]]))).all()


def test_conditions_are_not_looked_at() -> None:
    table = simulated_table(60, seed=4)
    values = table.values.copy()
    values[:, -1] = 1e9
    detector = RobustZ().fit(table, _good(60), seed=1)
    assert np.array_equal(detector.score(table), detector.score(replace(table, values=values)))
    assert (detector.explain(replace(table, values=values))[:, -1] == 0).all()


def test_parameters_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"min_good = 0 must be at least 1 and floor = 0\.001 above 0"):
        RobustZ(min_good=0)


def test_a_foreign_state_is_refused() -> None:
    state = RobustZ().fit(simulated_table(30, seed=5), _good(30), seed=1).state()
    with pytest.raises(ValueError, match=r"centres \(2,\) and spreads \(6,\) do not suit \(6,\) columns"):
        RobustZ.restore({}, state | {"centre": np.zeros(2)})
    with pytest.raises(KeyError, match="spread"):
        RobustZ.restore({}, {key: value for key, value in state.items() if key != "spread"})
