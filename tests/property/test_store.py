"""Whatever goes through the store comes out bit by bit as it went in, through Parquet and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from dqm.model.labels import Labels
from dqm.model.past import Past
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.model.verdicts import Decision, Reason, Verdicts
from dqm.store.partitions import content_digest, write
from dqm.store.store import Store
from dqm.store.tables import (
    RESERVED,
    Scores,
    labels_from_arrow,
    labels_to_arrow,
    past_from_arrow,
    past_to_arrow,
    quantities_from_arrow,
    quantities_to_arrow,
    scores_from_arrow,
    scores_to_arrow,
    store_verdicts,
    verdicts_from_arrow,
    verdicts_to_arrow,
)

KEYS = st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)), max_size=8, unique=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def index(keys: list[tuple[int, int]]) -> pd.MultiIndex:
    return lumisection_index([run for run, _ in keys], [ls for _, ls in keys])


def texts(draw: st.DrawFn, n: int, of: st.SearchStrategy[Any] = TEXT) -> NDArray[np.object_]:
    return np.array([*draw(st.lists(of, min_size=n, max_size=n)), None], dtype=object)[:n]


def floats(draw: st.DrawFn, kind: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    return draw(hnp.arrays(kind, shape, elements=hnp.from_dtype(np.dtype(kind))))


@st.composite
def quantity_tables(draw: st.DrawFn) -> QuantityTable:
    keys = draw(KEYS)
    names = draw(st.lists(TEXT.filter(lambda name: name not in RESERVED), max_size=4, unique=True))
    roles, kinds = st.sampled_from(["feature", "condition"]), st.sampled_from(["value", "count", "flag"])
    columns = tuple(Column(name, draw(TEXT), draw(TEXT), draw(roles), draw(TEXT), draw(kinds)) for name in names)
    start = draw(hnp.arrays("datetime64[ns]", len(keys), elements=hnp.from_dtype(np.dtype("datetime64[ns]"))))
    values = floats(draw, np.float64, (len(keys), len(names)))
    return QuantityTable(index(keys), columns, values, status=texts(draw, len(keys)), start=start)


@st.composite
def label_sets(draw: st.DrawFn) -> Labels:
    keys = draw(KEYS)
    values = draw(hnp.arrays(np.int8, len(keys), elements=st.integers(-1, 1)))
    return Labels(index(keys), values, texts(draw, len(keys)), texts(draw, len(keys)))


@st.composite
def score_sets(draw: st.DrawFn) -> Scores:
    verdicts = draw(verdict_sets())
    held = draw(hnp.arrays(np.bool_, len(verdicts)))
    return Scores(
        index=verdicts.index,
        badness=verdicts.badness,
        held=held,
        status=verdicts.status,
        weight=verdicts.weight,
        subsystem=verdicts.subsystem,
        reasons=verdicts.reasons,
        model=draw(TEXT),
    )


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    keys = draw(KEYS)
    n = len(keys)
    label = draw(hnp.arrays(np.int8, n, elements=st.integers(-1, 1)))
    badness, weight = floats(draw, np.float32, (n,)), floats(draw, np.float64, (n,))
    return Past(index(keys), badness, label, weight, draw(hnp.arrays(np.bool_, n)))


@st.composite
def verdict_sets(draw: st.DrawFn) -> Verdicts:
    keys = draw(KEYS)
    n = len(keys)
    reason = st.builds(Reason, TEXT, TEXT, st.floats(), st.floats())
    return Verdicts(
        index=index(keys),
        decision=texts(draw, n, st.sampled_from(Decision)),
        badness=floats(draw, np.float32, (n,)),
        weight=floats(draw, np.float64, (n,)),
        status=texts(draw, n),
        subsystem=texts(draw, n),
        reasons=tuple(draw(st.lists(st.lists(reason, max_size=3).map(tuple), min_size=n, max_size=n))),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples."""
    return tmp_path_factory.mktemp("round-trips")


def through_parquet(table: pa.Table, folder: Path) -> pa.Table:
    """The table as it comes back from a file, which must carry the same digest."""
    file = folder / "table.parquet"
    file.unlink(missing_ok=True)
    write(table, file)
    back = pq.read_table(file, use_threads=False)
    assert content_digest(back) == content_digest(table)
    return back


def same(a: Any, b: Any) -> None:
    """Equal to the last bit, so that NaN equals NaN and −0 differs from 0; NaN has one face, as Python's has."""
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert a.tolist() == b.tolist() if a.dtype == object else a.tobytes() == b.tobytes()


@given(table=quantity_tables())
def test_quantities(table: QuantityTable, folder: Path) -> None:
    back = quantities_from_arrow(through_parquet(quantities_to_arrow(table), folder))
    assert back.columns == table.columns
    assert back.index.equals(table.index)
    same(back.values, table.values)
    same(back.status, table.status)
    same(back.start, table.start)


@given(labels=label_sets())
def test_labels(labels: Labels, folder: Path) -> None:
    back = labels_from_arrow(through_parquet(labels_to_arrow(labels), folder))
    assert back.index.equals(labels.index)
    same(back.values, labels.values)
    same(back.source, labels.source)
    same(back.comment, labels.comment)


@given(scores=score_sets())
def test_scores(scores: Scores, folder: Path) -> None:
    back = scores_from_arrow(through_parquet(scores_to_arrow(scores), folder))
    assert back.index.equals(scores.index)
    assert back.model == scores.model
    same(back.badness, scores.badness)
    same(back.weight, scores.weight)
    for name in ("held", "status", "subsystem"):
        assert getattr(back, name).tolist() == getattr(scores, name).tolist()
    assert repr(back.reasons) == repr(scores.reasons)


@given(past=pasts())
@settings(max_examples=30)
def test_past(past: Past, folder: Path) -> None:
    back = past_from_arrow(through_parquet(past_to_arrow(past), folder))
    assert back.index.equals(past.index)
    for name in ("badness", "weight"):
        same(getattr(back, name), getattr(past, name))
    for name in ("label", "held"):
        assert getattr(back, name).tolist() == getattr(past, name).tolist()


def same_verdicts(back: Verdicts, verdicts: Verdicts) -> None:
    assert back.index.equals(verdicts.index)
    for name in ("decision", "badness", "weight", "status", "subsystem"):
        same(getattr(back, name), getattr(verdicts, name))
    assert repr(back.reasons) == repr(verdicts.reasons)


@given(verdicts=verdict_sets())
def test_verdicts(verdicts: Verdicts, folder: Path) -> None:
    same_verdicts(verdicts_from_arrow(through_parquet(verdicts_to_arrow(verdicts), folder)), verdicts)


@given(verdicts=verdict_sets())
@settings(max_examples=15)
def test_verdicts_through_a_store(verdicts: Verdicts, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Runs of nine digits at most, in one commit; again changes nothing."""
    keys = [(run % 10**9, ls) for run, ls in verdicts.index]
    if not keys or len(set(keys)) < len(keys):
        return
    order = sorted(range(len(keys)), key=keys.__getitem__)
    verdicts = Verdicts(index(keys), *(getattr(verdicts, name) for name in list(Verdicts.__annotations__)[1:]))
    with Store.create(tmp_path_factory.mktemp("store")) as store:
        for _ in range(2):
            with store.transaction() as change:
                store_verdicts(change, verdicts, {})
        assert store.snapshot == 1
        back = verdicts_from_arrow(store.read("verdicts"))
    columns = (getattr(verdicts, name)[order] for name in list(Verdicts.__annotations__)[1:-1])
    same_verdicts(back, Verdicts(verdicts.index[order], *columns, tuple(verdicts.reasons[i] for i in order)))
