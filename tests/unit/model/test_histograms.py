"""Axes that nothing could be counted on, batches that stay together, and binnings that nest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dqm.model.histograms import Axis, HistogramBatch, binning_of
from dqm.model.rebinning import nests, rebinned

TEN, FIVE = Axis(10, 0.0, 10.0), Axis(5, 0.0, 10.0)


def batch(axes: tuple[Axis, ...] = (TEN,), n: int = 3, seed: int = 0, element: str = "Pixel/charge") -> HistogramBatch:
    shape = (n, *(axis.bins + 2 for axis in reversed(axes)))
    counts = np.random.default_rng(seed).poisson(9, shape).astype(np.float32)
    return HistogramBatch(
        element, axes, np.full(n, 7), np.arange(1, n + 1), counts, counts.reshape(n, -1).sum(axis=1).astype(float)
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"bins": 0, "low": 0, "high": 1}, "an axis of 0 bins"),
        ({"bins": 1, "low": 1, "high": 1}, "an axis from 1 to 1"),
        ({"bins": 1, "low": 0, "high": np.inf}, "an axis from 0 to inf"),
        ({"bins": 2, "low": 0, "high": 1, "edges": (0, 1, 1)}, "3 edges of 2 bins do not rise"),
        ({"bins": 2, "low": 0, "high": 1, "edges": (0, 1)}, "2 edges of 2 bins do not rise"),
        ({"bins": 2, "low": 0, "high": 1, "labels": ("a",)}, "1 labels on 2 bins"),
    ],
)
def test_an_axis_on_which_nothing_could_be_counted_is_refused(fields: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Axis(**fields)


def test_a_binning_is_its_edges_and_labels_and_not_its_title() -> None:
    assert binning_of((TEN,)) == binning_of((replace(TEN, title="charge (e)"),))
    others = [FIVE, Axis(10, 0.0, 11.0), replace(TEN, labels=tuple("abcdefghij")), Axis(10, 0, 10, tuple(range(11)))]
    assert len({binning_of((each,)) for each in (TEN, *others)}) == 5
    assert binning_of((TEN, FIVE)) != binning_of((FIVE, TEN))


def test_columns_of_unequal_length_are_refused() -> None:
    given = batch()
    with pytest.raises(
        ValueError, match=r"Pixel/charge: counts of shape \(2, 12\) where run and axes ask for \(3, 12\)"
    ):
        replace(given, counts=given.counts[:2])
    with pytest.raises(ValueError, match="2 ls for 3 runs"):
        replace(given, ls=given.ls[:2])


def test_rows_stay_together() -> None:
    given = batch(n=5)
    given = replace(given, squares=given.counts * 2.0)
    mixed = given.take(np.array([3, 0, 4]))
    assert mixed.ls.tolist() == [4, 1, 5]
    assert mixed.squares is not None
    np.testing.assert_array_equal(mixed.squares, mixed.counts * 2)
    assert mixed.sorted().ls.tolist() == [1, 4, 5]
    np.testing.assert_array_equal(mixed.sorted().counts, given.counts[[0, 3, 4]])


def test_batches_are_joined_where_they_are_alike() -> None:
    first, second = batch(n=2), replace(batch(n=2, seed=1), squares=np.full((2, 12), 0.5))
    both = HistogramBatch.joined([first, second])
    assert len(both) == 4
    assert both.squares is not None
    np.testing.assert_array_equal(both.squares, np.concatenate([first.counts, np.full((2, 12), 0.5)]))
    for other in (batch(element="other"), batch((FIVE,))):
        with pytest.raises(ValueError, match="two elements or two binnings in one batch"):
            HistogramBatch.joined([first, other])
    with pytest.raises(ValueError, match="a profile in one batch and none in another"):
        HistogramBatch.joined([first, replace(second, sums=second.squares)])


@pytest.mark.parametrize("axes", [(TEN,), (TEN, FIVE), (FIVE, TEN, FIVE)])
def test_flow_that_is_not_kept_is_known(axes: tuple[Axis, ...]) -> None:
    """Mutant: one NaN in the overflow of a source that keeps it makes the underflow vanish."""
    given = batch(axes)
    assert given.has_flow
    bare = given.without_flow()
    assert not bare.has_flow
    np.testing.assert_array_equal(bare.inner, given.inner)
    spoilt = given.counts.copy()
    spoilt.flat[0] = np.nan
    assert replace(given, counts=spoilt).has_flow


@pytest.mark.parametrize(
    ("fine", "coarse", "fits"),
    [
        (TEN, FIVE, True),
        (FIVE, TEN, False),
        (TEN, Axis(2, 2.0, 8.0), True),
        (TEN, Axis(3, 2.0, 8.0, (2.0, 3.0, 7.0, 8.0)), True),
        (TEN, Axis(2, 0.0, 12.0), False),
        (TEN, Axis(4, 0.0, 10.0), False),
        (Axis(3, 0.0, 0.3), Axis(1, 0.1, 0.30000000000000004), True),
        (replace(TEN, labels=tuple("abcdefghij")), FIVE, False),
    ],
)
def test_what_nests(fine: Axis, coarse: Axis, fits: bool) -> None:
    assert nests(fine, coarse) is fits


def naive(cells: np.ndarray, fine: Axis, coarse: Axis) -> np.ndarray:
    """Every fine bin goes where its centre lies."""
    edges, wanted = fine.all_edges, coarse.all_edges
    found = np.zeros(coarse.bins + 2)
    found[0], found[-1] = cells[0], cells[-1]
    for k in range(fine.bins):
        found[np.searchsorted(wanted, (edges[k] + edges[k + 1]) / 2)] += cells[k + 1]
    return found


@pytest.mark.parametrize(
    "coarse", [FIVE, Axis(2, 2.0, 8.0), Axis(3, 2.0, 8.0, (2.0, 3.0, 7.0, 8.0)), Axis(1, 9.0, 10.0)]
)
def test_counts_are_added_and_what_lies_outside_joins_the_flow(coarse: Axis) -> None:
    given = batch(n=4)
    given = replace(given, squares=given.counts * 3.0)
    found = rebinned(given, (coarse,))
    expected = np.array([naive(each, TEN, coarse) for each in given.counts])
    np.testing.assert_array_equal(found.counts, expected)
    assert found.squares is not None
    np.testing.assert_array_equal(found.squares, expected * 3)
    assert rebinned(given, given.axes) is given


def test_both_axes_of_a_map_are_rebinned() -> None:
    given = batch((TEN, FIVE), n=2)
    found = rebinned(given, (FIVE, Axis(1, 0.0, 10.0)))
    assert found.counts.shape == (2, 3, 7)
    rows = [[naive(each, TEN, FIVE) for each in one] for one in given.counts]
    expected = np.array([[one[0], np.sum(one[1:-1], axis=0), one[-1]] for one in rows])
    np.testing.assert_array_equal(found.counts, expected)


def test_no_bin_is_ever_split() -> None:
    with pytest.raises(ValueError, match="Pixel/charge: the bins of the x axis do not nest in the others"):
        rebinned(batch(), (Axis(4, 0.0, 10.0),))
    with pytest.raises(ValueError, match="2 axes for a histogram of 1"):
        rebinned(batch(), (TEN, TEN))
