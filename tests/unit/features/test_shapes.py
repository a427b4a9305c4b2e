"""Histograms as columns of their bins: what is said of a bin is where it stands, and nothing of a broken histogram."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.elements import histograms
from dqm.model.errors import InputError
from dqm.model.histograms import Axis, HistogramBatch
from features.shapes import shape_table


def batch(element: str, inner: NDArray[np.floating], ls: list[int] | None = None) -> HistogramBatch:
    """Counts ``(n, x)`` or ``(n, y, x)`` of run 7, with 99 in every flow cell."""
    n = len(inner)
    counts = np.pad(np.asarray(inner, dtype=float), [(0, 0), *[(1, 1)] * (inner.ndim - 1)], constant_values=99)
    axes = tuple(Axis(bins, 0, 1) for bins in reversed(inner.shape[1:]))
    return HistogramBatch(element, axes, np.full(n, 7), np.array(ls or range(1, n + 1)), counts, np.ones(n))


LINE = batch("A/pt", np.array([[1, 3, 0], [2, 2, 4], [0, 0, 0]]))
MAP = batch("B/map", np.arange(12).reshape(2, 2, 3) + 1.0, ls=[2, 9])


def test_bins_are_columns_with_their_place_and_what_is_not_there_is_missing() -> None:
    table = shape_table([LINE, MAP], "share")
    assert table.names == [
        *("A/pt:bin0", "A/pt:bin1", "A/pt:bin2", "A/pt:entries"),
        *("B/map:bin0,0", "B/map:bin1,0", "B/map:bin2,0", "B/map:bin0,1", "B/map:bin1,1", "B/map:bin2,1"),
        "B/map:entries",
    ]
    assert table.ls.tolist() == [1, 2, 3, 9]
    assert table.values[1, :3].tolist() == [0.25, 0.25, 0.5]
    assert np.allclose(table.values[1, 4:10], np.arange(1, 7) / 21)
    assert np.allclose(table.values[[0, 1], 3], np.log10([5, 9]))
    assert np.isnan(table.values[2:, :4]).all()
    assert np.isnan(table.values[[0, 2], 4:]).all()
    assert [each.role for each in table.columns].count("condition") == 2
    assert {each.subsystem for each in table.columns} == {"A", "B"}


def test_detectors_find_the_histograms_again() -> None:
    table = shape_table([LINE, MAP])
    assert [(each.element, each.shape) for each in histograms(table.columns)] == [("A/pt", (3,)), ("B/map", (2, 3))]


def test_scales_are_those_of_their_names_and_part_of_the_fingerprint() -> None:
    share, root, log = (shape_table([LINE], scale, entries=False) for scale in ("share", "root", "log"))
    assert np.allclose(root.values[:2], np.sqrt(share.values[:2]))
    assert np.allclose(log.values[:2], np.log(share.values[:2] + 1e-6))
    assert len({each.fingerprint for each in (share, root, log)}) == 3


def test_what_cannot_be_a_shape_is_missing() -> None:
    broken = batch("A/pt", np.array([[1, -1, 5], [1, np.nan, 2], [1, np.inf, 2], [1, 1, 2]]))
    assert np.isnan(shape_table([broken]).values).all(axis=1).tolist() == [True, True, True, False]


def test_nothing_gives_a_table_of_nothing() -> None:
    assert shape_table([]).values.shape == (0, 0)


def test_what_cannot_be_one_table_is_refused() -> None:
    with pytest.raises(InputError, match="A/pt comes twice; join its batches, or choose one of its binnings"):
        shape_table([LINE, LINE])
    with pytest.raises(InputError, match="C/cube has 3 dimensions; shapes are of one or two"):
        shape_table([batch("C/cube", np.ones((1, 2, 2, 2)))])
    with pytest.raises(ValueError, match="scale 'sqrt' is none of share, root, log"):
        shape_table([LINE], "sqrt")  # type: ignore[arg-type]
