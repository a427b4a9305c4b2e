"""Shares of the training values at or below and at or above a value, and beyond all of them."""

import numpy as np
import pytest

from detectors import tails
from detectors.tails import Tails


def test_equals_counting() -> None:
    rng = np.random.default_rng(1)
    seen = [rng.integers(0, 9, 40).astype(float), rng.normal(size=30)]
    x = np.column_stack([rng.integers(0, 9, 25), rng.choice(seen[1], 25)]).astype(float)
    below, above = Tails.fit(seen, np.ones(2)).shares(x, 1e6)
    for j, values in enumerate(seen):
        assert below[:, j] == pytest.approx([(values <= v).mean() for v in x[:, j]])
        assert above[:, j] == pytest.approx([(values >= v).mean() for v in x[:, j]])


def test_beyond_the_outermost_value_the_tail_is_that_of_pareto() -> None:
    below, above = Tails.fit([np.arange(10.0)], np.array([2.0])).shares(np.array([[15.0], [-4.0], [np.inf]]), 1e6)
    assert above[0, 0] == pytest.approx(0.1 / (1 + 6 / 2))
    assert below[:, 0] == pytest.approx([1, 0.1 / (1 + 4 / 2), 1])
    assert above[2, 0] == pytest.approx(0.1 / (1 + 1e6))


def test_a_missing_value_is_no_tail() -> None:
    below, above = Tails.fit([np.arange(10.0)], np.ones(1)).shares(np.array([[np.nan]]), 1e6)
    assert below[0, 0] == above[0, 0] == 1


def test_many_values_are_kept_by_even_ranks_with_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "KNOTS", 11)
    found = Tails.fit([np.random.default_rng(2).permutation(1001)], np.ones(1))
    assert found.value.tolist() == list(range(0, 1001, 100))
    below, above = found.shares(np.array([[300.0], [350.0], [1000.0]]), 1e6)
    assert below[:, 0] == pytest.approx([301 / 1001, 301 / 1001, 1])
    assert above[:, 0] == pytest.approx([701 / 1001, 601 / 1001, 1 / 1001])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"tail_length": np.array([3, 4])}, r"lengths \[3, 4\] … are not those of 2 columns"),
        ({"tail_spread": np.array([1.0, 0.0])}, "are not those of 2 columns"),
        ({"tail_value": np.array([0.0, 2, 1, 5, 6, 7])}, "do not ascend"),
        ({"tail_rank": np.array([1, 1, 3, 1, 2, 3])}, "do not ascend"),
        ({"tail_value": np.array([0.0, 1, np.nan, 5, 6, 7])}, "are not those of 2 columns"),
    ],
)
def test_arrays_that_are_no_distribution_are_refused(changed: dict[str, np.ndarray], told: str) -> None:
    state = Tails.fit([np.arange(3.0), np.arange(5.0, 8.0)], np.ones(2)).state()
    with pytest.raises(ValueError, match=told):
        Tails.restore(state | changed, 2)
