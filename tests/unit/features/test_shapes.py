"""Histograms as columns of their bins: what is said of a bin is where it stands, and nothing of a broken histogram."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.elements import histograms
from dqm.model.errors import InputError
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.reference_config import ShapesConfig
from dqm.model.tables import BINS
from features.shapes import Layout, coarser, shape_table


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


def layout(*elements: str, seen: tuple[tuple[str, tuple[Axis, ...]], ...], **settings: object) -> Layout:
    return Layout.of(seen, ShapesConfig.model_validate({"elements": elements} | settings))


def test_a_layout_takes_the_first_binning_and_brings_others_to_it() -> None:
    seen = (("A/pt", (Axis(3, 0, 1),)), ("A/pt", (Axis(6, 0, 1),)), ("B/map", (Axis(3, 0, 1), Axis(2, 0, 1))))
    chosen = layout("A/*", seen=seen, scale="share")
    assert [each.name for each in chosen.columns] == ["A/pt:bin0", "A/pt:bin1", "A/pt:bin2", "A/pt:entries"]
    assert {each.source for each in chosen.columns} == {BINS}
    finer = batch("A/pt", np.array([[1, 0, 1, 1, 0, 1]]), ls=[8])
    unlike = batch("A/pt", np.array([[1, 0, 1, 1]]), ls=[9])
    table = chosen.table([LINE, finer, unlike, MAP])
    assert table.columns == chosen.columns
    assert table.ls.tolist() == [1, 2, 3, 8], "a binning that does not fit is missing"
    assert np.allclose(table.values[[1, 3], :3], [[0.25, 0.25, 0.5], [0.25, 0.5, 0.25]])


def test_more_bins_than_asked_for_are_added_together() -> None:
    assert coarser(Axis(4, 0, 1), 4) == Axis(4, 0, 1)
    assert coarser(Axis(5, 0, 5), 2).edges == (0, 2, 5)
    labelled = Axis(3, 0, 1, labels=("a", "b", "c"))
    assert coarser(labelled, 2) is labelled
    seen = (("A/pt", (Axis(3, 0, 1),)), ("B/map", (Axis(3, 0, 1), Axis(2, 0, 1))))
    chosen = layout("*", seen=seen, bins=2, side=2, scale="share", entries=False)
    assert len(chosen.columns) == 2 + 4
    table = chosen.table([LINE, MAP])
    assert np.allclose(table.values[:2, :2].sum(axis=1), 1)
    at = table.ls.tolist().index(2)
    assert np.allclose(table.values[at, 2:], np.array([1 + 2, 3, 4 + 5, 6]) / 21)


def test_where_the_bins_lie_and_the_scale_are_part_of_the_fingerprint() -> None:
    one, two = (layout("*", seen=(("A/pt", (Axis(3, 0, high),)),)) for high in (1, 2))
    assert one.columns == two.columns
    assert (
        len({one.extractor, two.extractor, layout("*", seen=(("A/pt", (Axis(3, 0, 1),)),), scale="log").extractor}) == 3
    )


def test_elements_that_no_layout_can_have_are_refused() -> None:
    with pytest.raises(InputError, match=r"features.shapes.elements: no histogram that was ingested matches 'C/\*'"):
        layout("C/*", seen=(("A/pt", (Axis(3, 0, 1),)),))
    cube = (("C/cube", (Axis(2, 0, 1),) * 3),)
    with pytest.raises(InputError, match=r"C/cube has 3 dimensions; .* leave it out of features.shapes.elements"):
        layout("*", seen=cube)
