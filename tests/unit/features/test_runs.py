"""Medians, spreads and neighbours of runs equal their loops, on random and on nasty tables."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from features.flags import flags
from features.levels import per_weight, relative
from features.medians import WIDE, apart
from features.position import position
from features.runs import Grouped, local_median, nan_extreme, nan_median, past_median

from . import naive_features

LENGTHS = {
    "even": [4, 4, 4, 4],
    "uneven": [7, 1, 2, 12, 3],
    "single rows": [1, 1, 1, 1, 1],
    "one run": [9],
    "one row": [1],
}
MISSING = {"complete": 0.0, "gaps": 0.3, "sparse": 0.85, "empty": 1.0}


def table(
    lengths: list[int], missing: float, seed: int = 3, d: int = 3
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Runs that are not consecutive, values with ties, zeros, both signs and a share of missing ones."""
    rng = np.random.default_rng(seed)
    run = np.repeat(np.cumsum(rng.integers(1, 50, len(lengths))), lengths)
    values = np.round(rng.normal(0, 2, (len(run), d)), 1)
    values[rng.random(values.shape) < missing] = np.nan
    return run, values


cases = pytest.mark.parametrize(
    ("run", "values"),
    [pytest.param(*table(n, p), id=f"{shape}-{gaps}") for shape, n in LENGTHS.items() for gaps, p in MISSING.items()],
)


@cases
def test_medians_means_and_spread_of_runs(run: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    """Mutant: ``high`` one row further, right only for odd numbers of finite values."""
    rows = Grouped.of(run)
    centre = rows.medians(values)
    assert_allclose(centre, naive_features.medians(values, run))
    assert_allclose(rows.means(values), naive_features.means(values, run))
    assert_allclose(rows.spread(values, centre), naive_features.spread(values, centre, run))


@pytest.mark.parametrize("d", [WIDE, 2 * WIDE + 3])
def test_medians_of_more_columns_than_go_together(d: int) -> None:
    """Mutant: ``apart`` takes the centre of the first group for all."""
    run, values = table(LENGTHS["uneven"], 0.3, d=d)
    rows = Grouped.of(run)
    centre = rows.medians(values)
    assert_allclose(centre, naive_features.medians(values, run))
    some = np.array([0, 2, 4])
    kept = np.isin(rows.code, some)
    found = apart(values, centre[some], rows.first[some], rows.count[some])
    assert_allclose(found, np.nanmedian(np.abs(values - centre[rows.code])[kept], axis=0))


@cases
@pytest.mark.parametrize("runs", [1, 3, 10])
def test_median_over_past_runs(run: NDArray[np.int64], values: NDArray[np.float64], runs: int) -> None:
    found = past_median(values, runs)
    assert_allclose(found, naive_features.past_median(values, runs))
    assert np.isnan(found[0]).all()
    assert run.size == len(found)


@cases
@pytest.mark.parametrize("reach", [0, 2, 6])
def test_local_median_stays_within_its_run(run: NDArray[np.int64], values: NDArray[np.float64], reach: int) -> None:
    assert_allclose(local_median(values, Grouped.of(run), reach), naive_features.local_median(values, run, reach))


def test_local_median_of_fewer_rows_than_neighbours() -> None:
    run, values = np.array([5]), np.array([[2.0, np.nan]])
    assert_allclose(local_median(values, Grouped.of(run), 2), values)


@cases
def test_nan_median_and_extreme(run: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    assert run.size == len(values)
    assert_allclose(nan_median(values), [naive_features.middle(row) for row in values])
    assert_allclose(nan_extreme(values), [naive_features.largest(row) for row in values])


@cases
def test_relative_to_the_first_run_that_has_the_quantity(run: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    assert_allclose(relative(values, Grouped.of(run)), naive_features.relative(values, run))


def test_relative_to_a_first_median_of_zero_is_the_value_itself() -> None:
    run, values = np.array([1, 1, 2]), np.array([[0.0], [0.0], [7.0]])
    assert relative(values, Grouped.of(run))[:, 0].tolist() == [0.0, 0.0, 7.0]


@cases
def test_level_per_weight(run: NDArray[np.int64], values: NDArray[np.float64]) -> None:
    weight = np.where(np.arange(len(run)) % 3 == 1, 0.0, 0.1 + np.arange(len(run)))
    amount = np.abs(values)
    found = per_weight(amount, weight)
    assert_allclose(found, naive_features.per_weight(amount, weight))
    assert np.isnan(found[weight == 0]).all()


@cases
@pytest.mark.parametrize("reach", [0, 2, 6])
def test_flags(run: NDArray[np.int64], values: NDArray[np.float64], reach: int) -> None:
    bits = np.where(np.isnan(values), np.nan, values > -2)
    assert_allclose(flags(bits, Grouped.of(run), reach), naive_features.flags(bits, run, reach))


def test_flags_of_one_row() -> None:
    assert flags(np.array([[0.0, np.nan]]), Grouped.of(np.array([5]))).tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())
def test_position(lengths: list[int]) -> None:
    run, _ = table(lengths, 0.0)
    steps = np.random.default_rng(1).choice([1, 1, 1, 2, 15, 90], len(run))
    ls = np.cumsum(steps) % 700 if len(lengths) == 1 else np.concatenate([1 + np.cumsum(steps[:k]) for k in lengths])
    assert_allclose(position(ls, Grouped.of(run)), naive_features.position(ls, run))


def test_edge_of_runs() -> None:
    edge = Grouped.of(np.array([1, 1, 1, 1, 1, 1, 2, 2])).edge(2)
    assert edge.tolist() == [True, True, False, False, True, True, True, True]


def test_unsorted_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="rows must be sorted by run"):
        Grouped.of(np.array([2, 1]))


@pytest.mark.parametrize("count", [48, 49, 50, 301])
def test_medians_of_many_values_are_those_of_sorting(count: int) -> None:
    """Mutant: the larger of the two middle values is taken from where it stood before."""
    rng = np.random.default_rng(count)
    drawn = [rng.normal(size=(20, count)), rng.integers(0, 3, (20, count)), np.tile(np.arange(count), (20, 1))]
    for values in (*drawn, -drawn[2]):
        assert (nan_median(values.astype(np.float64)) == np.median(values, axis=1)).all()
