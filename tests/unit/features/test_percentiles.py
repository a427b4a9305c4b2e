"""The percentile kernel against a loop over lists: every number type, every nasty histogram, any number of threads."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dqm.model.histograms import Axis
from features.percentiles import MOMENTS, PERCENTILES, _reduce, reduce_histograms

from .naive_histograms import describe, percentile

UNIFORM = Axis(20, -3.0, 7.0)
UNEVEN = Axis(5, -1.0, 100.0, (-1.0, 0.0, 0.5, 3.0, 50.0, 100.0))
TOLERANCE = 3e-6
"""Of the unit in which float32 keeps a number of the size of the axis."""


def expected(counts: np.ndarray, axis: Axis, quantiles: tuple[float, ...]) -> np.ndarray:
    edges = axis.all_edges.tolist()
    rows = counts.astype(float).tolist()
    return np.array([[*(percentile(row[1:-1], edges, q) for q in quantiles), *describe(row, edges)] for row in rows])


def agree(counts: np.ndarray, axis: Axis, quantiles: tuple[float, ...] = PERCENTILES) -> None:
    found = reduce_histograms(counts, axis, quantiles)
    scale = max(abs(axis.low), abs(axis.high))
    np.testing.assert_allclose(found.values, expected(counts, axis, quantiles), rtol=2e-5, atol=TOLERANCE * scale)
    assert not found.invalid.any()


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64, np.uint8, np.uint32, np.float32, np.float64])
@pytest.mark.parametrize("axis", [UNIFORM, UNEVEN], ids=["uniform", "uneven"])
@pytest.mark.parametrize("level", [0.1, 3, 60])
def test_random_histograms_of_every_number_type(kind: type, axis: Axis, level: float) -> None:
    counts = np.random.default_rng(1).poisson(level, (50, axis.bins + 2)).astype(kind)
    agree(counts, axis, (0.0, 0.01, 0.25, 0.5, 0.99, 1.0))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float64, (4, 7), elements=st.sampled_from([0.0, 0.0, 1.0, 2.0, 0.25, 1e-3, 1e6, 3e8])),
    st.sampled_from([Axis(5, 0.0, 1.0), UNEVEN, Axis(5, -1e-6, 1e-6), Axis(5, 1e4, 1.1e4)]),
)
def test_nasty_histograms(counts: np.ndarray, axis: Axis) -> None:
    """Higher moments are left out: they amplify what float32 loses of 1e-3 beside 3e8."""
    found = reduce_histograms(counts, axis, (0.0, 0.3, 1.0))
    right = expected(counts, axis, (0.0, 0.3, 1.0))
    size = max(abs(axis.low), abs(axis.high))
    np.testing.assert_allclose(found.values[:, :5], right[:, :5], rtol=2e-5, atol=TOLERANCE * size)
    np.testing.assert_allclose(found.values[:, 8:], right[:, 8:], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("bins", [2, 3, 4, 5, 23, 24])
def test_weighted_counts_with_empty_ends_reach_the_last_percentile(bins: int) -> None:
    """Mutant: a step of four bins that divides by the empty ones behind the last filled one."""
    rng = np.random.default_rng(bins)
    counts = rng.choice([0.0, 0.1, 0.3, 1e-9, 7.7], (200, bins + 2))
    counts[:, 1] = 0.1
    counts[::2, bins // 2 + 1 : -1] = 0
    axis, wanted = Axis(bins, 0.0, 1.0), (0.0, 0.1, 0.9, 0.999999, 1.0)
    found = reduce_histograms(counts, axis, wanted)
    np.testing.assert_allclose(found.values[:, :5], expected(counts, axis, wanted)[:, :5], atol=TOLERANCE)
    single = (counts[:, 1:-1] > 0).sum(axis=1) == 1
    assert (found.values[single, 7] == 0).all()
    assert np.isnan(found.values[single][:, 8:10]).all(), "a single bin has no skewness, whatever rounding says"


def test_what_is_empty_has_no_percentiles_but_a_sum() -> None:
    counts = np.zeros((2, UNIFORM.bins + 2))
    counts[1, [0, -1]] = 3, 1
    found = reduce_histograms(counts, UNIFORM, (0.5,))
    assert np.isnan(found.values[:, [0, 2, 3, 4, 5]]).all()
    np.testing.assert_array_equal(found.values[:, 1], 0)
    np.testing.assert_array_equal(found.values[1, [6, 7, 8]], np.float32([0.75, 0.25, 1]))
    assert np.isnan(found.values[0, 6])
    assert not found.invalid.any()


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf, -1.0, -1e-300])
def test_what_cannot_be_counted_is_invalid_and_never_a_number(broken: float) -> None:
    """Mutant: NaN compares false, so ``c < 0`` lets it through."""
    counts = np.ones((3, UNIFORM.bins + 2))
    counts[1, 7] = broken
    found = reduce_histograms(counts, UNIFORM)
    assert found.invalid.tolist() == [False, True, False]
    assert np.isnan(found.values[1]).all()
    assert np.isfinite(found.values[[0, 2]]).all()


def test_flow_that_is_not_kept_harms_nothing_else() -> None:
    counts = np.random.default_rng(2).poisson(9, (5, UNIFORM.bins + 2)).astype(float)
    bare = counts.copy()
    bare[:, [0, -1]] = np.nan
    kept, without = (reduce_histograms(each, UNIFORM) for each in (counts, bare))
    flow = [kept.names.index(name) for name in ("underflow", "overflow")]
    assert np.isnan(without.values[:, flow]).all()
    others = [j for j in range(len(kept.names)) if j not in flow]
    np.testing.assert_array_equal(kept.values[:, others], without.values[:, others])
    assert not without.invalid.any()


def test_what_may_be_written_may_still_be_and_needs_no_kernel_of_its_own() -> None:
    """Mutant: the counts as they are given, of which those of the store may not be written and others may."""
    counts = np.random.default_rng(4).poisson(5, (3, UNIFORM.bins + 2)).astype(np.int32)
    kept = counts.copy()
    kept.flags.writeable = False
    np.testing.assert_array_equal(reduce_histograms(counts, UNIFORM).values, reduce_histograms(kept, UNIFORM).values)
    assert counts.flags.writeable
    assert [each.args[0].mutable for each in _reduce.nopython_signatures].count(True) == 0


def test_one_bin_is_an_axis_too() -> None:
    found = reduce_histograms(np.array([[0.0, 4.0, 0.0]]), Axis(1, 2.0, 4.0), (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(found.values[0, :6], np.float32([2, 3, 4, 4, 3, 0]))
    assert np.isnan(found.values[0, 6:8]).all()


def test_a_narrow_peak_far_from_zero_keeps_its_width() -> None:
    """Mutant: raw moments, whose difference loses the width of a peak of one bin in 10,000."""
    axis = Axis(10_000, 1e6, 1.01e6)
    counts = np.zeros((1, 10_002))
    counts[0, 5000:5003] = 100, 200, 100
    found = dict(zip(reduce_histograms(counts, axis).names, reduce_histograms(counts, axis).values[0], strict=True))
    assert found["std"] == pytest.approx(np.sqrt(0.5), rel=1e-6)
    assert found["skewness"] == pytest.approx(0, abs=1e-6)
    assert found["kurtosis"] == pytest.approx(-1, rel=1e-6)


def test_a_row_does_not_depend_on_its_batch_or_the_threads() -> None:
    counts = np.random.default_rng(3).poisson(5, (999, UNIFORM.bins + 2)).astype(np.float32)
    whole = reduce_histograms(counts, UNIFORM).values
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(reduce_histograms(counts, UNIFORM).values, whole)
    finally:
        numba.set_num_threads(before)
    for rows in (slice(0, 1), slice(400, 407), slice(None, None, 3)):
        np.testing.assert_array_equal(reduce_histograms(counts[rows], UNIFORM).values, whole[rows])


def test_names_stand_over_their_columns() -> None:
    found = reduce_histograms(np.ones((0, UNIFORM.bins + 2)), UNIFORM, (0.005, 0.5))
    assert found.names == ("p0.5", "p50", *MOMENTS)
    assert found.values.shape == (0, 10)


def test_what_cannot_be_asked_is_refused() -> None:
    for wanted in ((0.5, 0.5), (0.9, 0.1), (-0.1,), (1.1,)):
        with pytest.raises(ValueError, match=r"must rise within \[0, 1\]"):
            reduce_histograms(np.ones((1, UNIFORM.bins + 2)), UNIFORM, wanted)
    with pytest.raises(ValueError, match=r"counts of shape \(1, 5\) for an axis of 20 bins and its flow"):
        reduce_histograms(np.ones((1, 5)), UNIFORM)
