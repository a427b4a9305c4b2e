"""Windows of lags, control charts, standing against a reference: beside loops that do it slowly."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.tables import Column, FeatureTable, lumisection_index
from features.charts import chart_table
from features.lags import lagged
from features.standing import Reference


def table(values: np.ndarray, *conditions: str) -> FeatureTable:
    names = [f"s{j}" for j in range(values.shape[1] - len(conditions))]
    columns = [*(Column(name, unit="K") for name in names), *(Column(name, role="condition") for name in conditions)]
    return FeatureTable(lumisection_index(np.ones(len(values)), 1 + np.arange(len(values))), tuple(columns), values)


def test_lags_stand_beside_their_reading() -> None:
    found = lagged(table(np.arange(8.0).reshape(4, 2), "pileup"), 3)
    assert found.names == ["s0:lag0", "s0:lag1", "s0:lag2", "pileup"]
    assert found.columns[1].unit == "K"
    nan = np.nan
    expected = [[0, nan, nan, 1], [2, 0, nan, 3], [4, 2, 0, 5], [6, 4, 2, 7]]
    np.testing.assert_array_equal(found.values, np.array(expected, dtype=np.float32))


def test_no_window_reaches_over_a_pause() -> None:
    found = lagged(table(np.arange(5.0)[:, None]), 2, seconds=np.array([0, 1, 50, 51, 52]), gap=10)
    np.testing.assert_array_equal(found["s0:lag1"], np.array([np.nan, 0, np.nan, 2, 3], dtype=np.float32))


def test_fewer_rows_than_lags_and_none_at_all() -> None:
    assert np.isnan(lagged(table(np.ones((1, 1))), 3).values).tolist() == [[False, True, True]]
    assert lagged(table(np.ones((0, 1))), 2, seconds=np.zeros(0)).values.shape == (0, 2)


def test_lags_refuse_what_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"lags = 0 must be at least 1: the row itself is lag 0"):
        lagged(table(np.ones((3, 1))), 0)
    with pytest.raises(ValueError, match=r"time falls after row 1; sort the rows by time first"):
        lagged(table(np.ones((3, 1))), 2, seconds=np.array([0, 5, 4]))


def test_charts_are_what_their_recursions_say() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(3, 2, size=(200, 2))
    values[40, 0], values[100, 1] = np.nan, 1e9
    found = chart_table(table(values), np.full(2, 3.0), np.full(2, 2.0), weight=0.2, allowance=0.5)
    assert found.names == ["s0:ewma", "s1:ewma", "s0:rising", "s1:rising", "s0:falling", "s1:falling"]
    for j in range(2):
        mean = up = down = 0.0
        for t in range(200):
            z = min(max((np.float32(values[t, j]) - 3) / 2, -4), 4)
            if np.isnan(values[t, j]):
                assert np.isnan(found.values[t, [j, 2 + j, 4 + j]]).all()
                continue
            mean, up, down = mean + 0.2 * (z - mean), max(0, up + z - 0.5), max(0, down - z - 0.5)
            assert found.values[t, [j, 2 + j, 4 + j]] == pytest.approx([mean, up, down], abs=1e-4)


def test_charts_refuse_what_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"weight = 0 must lie in \(0, 1\] and allowance = 0\.5 not be negative"):
        chart_table(table(np.ones((2, 1))), np.zeros(1), np.ones(1), weight=0)


def test_standing_is_in_units_of_the_reference() -> None:
    rng = np.random.default_rng(2)
    good = rng.normal([5, -100], [0.1, 30], size=(4000, 2))
    standing = Reference.of(good).standing(rng.normal([5.3, -100], [0.1, 60], size=(4000, 2)))
    assert standing[:, :2].mean(axis=0) == pytest.approx([3 / 1.094, 0], abs=0.1)  # the noise is taken 9% too large
    assert standing[:, 2].mean() == pytest.approx(0, abs=0.1)
    assert standing[1:, 3].mean() > 0.4


def test_a_start_up_does_not_move_the_reference() -> None:
    good = np.random.default_rng(3).normal(size=(400, 1))
    good[:30] = 50.0
    assert Reference.of(good).centre[0] == pytest.approx(0.1, abs=0.2)
    assert Reference.of(good).noise[0] == pytest.approx(1, abs=0.15)


def test_a_reference_needs_rows() -> None:
    with pytest.raises(ValueError, match=r"3 good readings; at least 10 are needed"):
        Reference.of(np.ones((3, 1)))
