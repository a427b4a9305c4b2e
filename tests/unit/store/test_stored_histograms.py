"""Histograms through the store: equal bits, only what is asked for, one row group for every element."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.histograms import Axis, HistogramBatch
from dqm.store.histograms import catalogs, histograms_to_arrow, read_histograms, store_histograms
from dqm.store.partitions import content_digest
from dqm.store.store import Store

X, Y = Axis(4, 0.0, 1.0, title="charge (e)"), Axis(2, 0.0, 3.0, (0.0, 1.0, 3.0), ("low", "high"))


def batch(
    element: str, counts: np.ndarray, axes: tuple[Axis, ...] = (X,), run: int = 7, first: int = 1
) -> HistogramBatch:
    n = len(counts)
    return HistogramBatch(element, axes, np.full(n, run), first + np.arange(n), counts, np.arange(n) + 0.5)


def kinds() -> dict[str, HistogramBatch]:
    rng = np.random.default_rng(3)
    whole = rng.poisson(5, (3, 6))
    weighted = batch("weighted", rng.normal(size=(3, 6)))
    profile = batch("profile", rng.poisson(5, (3, 6)).astype(float))
    return {
        "int16": batch("int16", whole.astype(np.int16)),
        "float32": batch("float32", whole.astype(np.float32)),
        "float64, large": batch("large", whole * 1e12),
        "int64, large": batch("int64", whole.astype(np.int64) * 2**33),
        "negative": batch("negative", -whole),
        "half": batch("half", whole / 2),
        "negative zero": batch("minus", np.zeros((3, 6)) * -1.0),
        "NaN inside": batch("nan", np.where(np.arange(6) == 3, np.nan, whole)),
        "infinite": batch("inf", np.where(np.arange(6) == 5, np.inf, whole)),
        "no flow": batch("bare", whole.astype(np.float64)).without_flow(),
        "half its flow": batch("one", np.where(np.arange(6) == 0, np.nan, whole)),
        "no flow and NaN inside": batch("both", np.where(np.isin(np.arange(6), [0, 2, 5]), np.nan, whole)),
        "weighted": replace(weighted, squares=weighted.counts**2),
        "profile": replace(profile, squares=profile.counts * 2, sums=profile.counts * 1.5),
        "map": batch("map", rng.poisson(1, (3, 4, 6)).astype(np.float32), (X, Y)),
        "cube": batch("cube", rng.poisson(1, (3, 4, 4, 6)), (X, Y, Y)),
        "whole run": batch("whole run", whole[:1], first=0),
    }


def same(a: HistogramBatch, b: HistogramBatch) -> None:
    """Equal in every number; the number type may be another."""
    assert (a.element, a.axes) == (b.element, b.axes)
    for name in ("run", "ls", "entries"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(a.counts.astype(float), b.counts.astype(float))
    np.testing.assert_array_equal(np.signbit(a.counts), np.signbit(b.counts))
    for name in ("squares", "sums"):
        given, back = getattr(a, name), getattr(b, name)
        assert (given is None) is (back is None)
        if given is not None:
            np.testing.assert_array_equal(given, back)


def put(store: Store, *batches: HistogramBatch) -> None:
    with store.transaction() as change:
        store_histograms(change, batches, {"files": "a.root"})


@pytest.mark.parametrize("name", kinds())
def test_every_kind_comes_back_equal(store: Store, name: str) -> None:
    """Mutants: counts rounded to int32; NaN of a flow that is not kept written as 0; Σw² lost."""
    given = kinds()[name]
    put(store, given)
    (back,) = read_histograms(store)
    same(given, back)


def test_whole_counts_are_kept_as_such(store: Store) -> None:
    put(store, kinds()["float32"], kinds()["half"])
    kept = {each.element: each.counts.dtype for each in read_histograms(store)}
    assert kept == {"float32": np.int32, "half": np.float64}


def test_all_together_and_only_what_is_asked_for(store: Store) -> None:
    given = {each.element: each for each in kinds().values()}
    put(store, *given.values())
    found = {each.element: each for each in read_histograms(store)}
    assert sorted(found) == sorted(given)
    for element, each in found.items():
        same(given[element], each)
    assert [each.element for each in read_histograms(store, "m*")] == ["map", "minus"]
    assert [each.element for each in read_histograms(store, ["map", "nothing"])] == ["map"]
    assert list(read_histograms(store, "nothing")) == []


def test_what_was_not_asked_for_is_not_read(store: Store) -> None:
    """The bytes of every other row group are overwritten: a reader that touched them would fail."""
    counts = np.random.default_rng(1).poisson(100, (200, 6))
    put(store, *(batch(name, counts + k) for k, name in enumerate("abc")))
    (partition,) = store.partitions("histograms")
    path = store.path / partition.path
    import pyarrow.parquet as pq

    groups = pq.ParquetFile(path).metadata
    data = bytearray(path.read_bytes())
    for group in (0, 2):
        for k in range(groups.num_columns):
            column = groups.row_group(group).column(k)
            start = column.dictionary_page_offset or column.data_page_offset
            data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(bytes(data))
    (middle,) = read_histograms(store, "b")
    np.testing.assert_array_equal(middle.counts, counts + 1)
    with pytest.raises(StoreError, match=r"is damaged: .*; delete it if it is there"):
        list(read_histograms(store, "c"))


def test_runs_apart_and_binnings_apart(store: Store) -> None:
    one, two = batch("a", np.ones((2, 6))), batch("a", np.ones((2, 6)), run=9)
    other = replace(batch("a", np.ones((2, 6)), (Axis(4, 0.0, 2.0),), first=3))
    put(store, one, two, other)
    assert store.runs("histograms") == [7, 9]
    found = [(each.run[0], each.axes[0].high, each.ls.tolist()) for each in read_histograms(store)]
    assert sorted(found) == [(7, 1.0, [1, 2]), (7, 2.0, [3, 4]), (9, 1.0, [1, 2])]
    assert [each.run[0] for each in read_histograms(store, runs=[9])] == [9]
    held = catalogs(store)
    assert {run: [(group.element, group.rows) for group in each.groups] for run, each in held.items()} == {
        7: [("a", 2), ("a", 2)],
        9: [("a", 2)],
    }
    with pytest.raises(UnknownNameError, match="unknown run of histograms '8'; valid names begin: '7', '9'"):
        list(read_histograms(store, runs=[8]))


def test_the_same_again_changes_nothing_in_whatever_order(store: Store) -> None:
    parts = [batch("a", np.ones((2, 6)), first=3), batch("a", np.zeros((2, 6))), batch("b", np.ones((2, 6)))]
    put(store, *parts)
    snapshot = store.snapshot
    put(store, *reversed(parts))
    assert store.snapshot == snapshot
    assert [each.ls.tolist() for each in read_histograms(store, "a")] == [[1, 2, 3, 4]]


def test_two_histograms_of_one_lumisection_are_refused() -> None:
    for axes in ((X,), (Axis(4, 0.0, 2.0),)):
        with pytest.raises(ValueError, match="a has 2 histograms of LS 2; resolve them before"):
            histograms_to_arrow([batch("a", np.ones((2, 6))), batch("a", np.ones((2, 6)), axes, first=2)])
    with pytest.raises(ValueError, match=r"histograms of the runs \[7, 8\] in one partition; split them by run first"):
        histograms_to_arrow([batch("a", np.ones((2, 6))), batch("a", np.ones((2, 6)), run=8)])


def test_the_digest_is_of_the_content() -> None:
    one = batch("a", np.ones((2, 6)))
    assert content_digest(histograms_to_arrow([one])) == content_digest(
        histograms_to_arrow([replace(one, counts=one.counts.astype(np.int16))])
    )
    changed = one.counts.copy()
    changed[1, 5] = 2
    moved = replace(one, axes=(Axis(4, 0.0, 1.5),))
    for other in (replace(one, counts=changed), moved, replace(one, element="b"), replace(one, ls=one.ls + 1)):
        assert content_digest(histograms_to_arrow([one])) != content_digest(histograms_to_arrow([other]))


def test_nothing_is_a_table_too() -> None:
    assert histograms_to_arrow([]).num_rows == 0
    assert histograms_to_arrow([batch("a", np.zeros((0, 6)))]).num_rows == 0
