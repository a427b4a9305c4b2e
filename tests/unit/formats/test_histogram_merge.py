"""The same histogram in two files is one; two different ones are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dqm.formats.histogram_merge import merge_histograms
from dqm.model.histograms import Axis, HistogramBatch


def batch(ls: list[int], level: float = 1.0, element: str = "a", run: int = 7, high: float = 1.0) -> HistogramBatch:
    n = len(ls)
    counts = np.full((n, 4), level) + np.array(ls)[:, None]
    return HistogramBatch(element, (Axis(2, 0.0, high),), np.full(n, run), np.array(ls), counts, counts.sum(axis=1))


def held(batches: list[HistogramBatch]) -> list[tuple[str, int, int]]:
    return sorted((each.element, int(r), int(s)) for each in batches for r, s in zip(each.run, each.ls, strict=True))


def test_nothing_twice_is_left_as_it_is() -> None:
    given = [batch([1, 2]), batch([3]), batch([1, 2], element="b"), batch([1], run=8)]
    kept, findings = merge_histograms(given)
    assert [id(each) for each in kept] == [id(given[k]) for k in (0, 1, 3, 2)]
    assert findings == []


def test_the_identical_is_kept_once() -> None:
    kept, findings = merge_histograms([batch([1, 2, 3]), batch([2, 3, 4]), batch([3])])
    assert held(kept) == [("a", 7, ls) for ls in (1, 2, 3, 4)]
    assert findings == []


def test_the_different_is_not_kept_at_all() -> None:
    """Mutants: the first of the two wins; the last of the two wins."""
    kept, findings = merge_histograms([batch([1, 2, 3]), batch([2, 3], level=9.0), batch([3]), batch([5], run=8)])
    assert held(kept) == [("a", 7, 1), ("a", 8, 5)]
    assert [str(each) for each in findings] == [
        "quarantined [conflict] run 7, LS 2: a: two files give 2 lumisections different contents; none of them is used"
    ]


def test_what_differs_may_be_anything() -> None:
    one = batch([1])
    for other in (
        batch([1], high=2.0),
        replace(one, entries=one.entries + 1),
        replace(one, squares=one.counts),
        replace(one, sums=one.counts),
    ):
        kept, findings = merge_histograms([one, other])
        assert kept == []
        assert len(findings) == 1


def test_nan_is_equal_to_nan() -> None:
    bare = batch([1]).without_flow()
    kept, findings = merge_histograms([bare, replace(bare)])
    assert (held(kept), findings) == ([("a", 7, 1)], [])


def test_nothing_at_all() -> None:
    assert merge_histograms([]) == ([], [])
