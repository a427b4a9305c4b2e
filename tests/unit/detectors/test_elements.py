"""Which columns belong together, by their names alone."""

import numpy as np

from detectors.elements import Histogram, element_of, group_numbers, histograms
from dqm.model.tables import Column


def columns(*names: str) -> list[Column]:
    return [Column(name) for name in names]


def test_the_element_stands_before_the_measure() -> None:
    given = columns("Pixel/charge:p12.5", "counts.near", "course.a/b.slope", "rate_3", ".odd", "a.b:mean")
    assert [element_of(each) for each in given] == ["Pixel/charge", "counts", "course.a/b", "rate_3", ".odd", "a.b"]


def test_numbers_follow_the_order_of_appearance() -> None:
    given = columns("b:p5", "a:p5", "b:p50", "c", "a:mean")
    assert group_numbers(given).tolist() == [0, 1, 0, 2, 1]
    assert group_numbers(()).dtype == np.int64


def test_bins_in_any_order_make_histograms() -> None:
    given = columns("a:bin1", "x", "m:bin0,1", "a:bin0", "m:bin1,0", "m:bin0,0", "m:bin1,1", "a:bin2")
    assert histograms(given) == (Histogram("a", (3, 0, 7), (3,)), Histogram("m", (5, 4, 2, 6), (2, 2)))


def test_a_histogram_with_a_hole_or_of_two_minds_is_none() -> None:
    assert histograms(columns("a:bin0", "a:bin2", "b:bin0", "b:bin0,1", "c:bins", "d:binary")) == ()
