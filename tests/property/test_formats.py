"""Round trips at the border and the mask algebra, against brute force."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqm.formats.canonical import read_canonical, write_canonical
from dqm.formats.golden import golden_bytes, read_mask
from dqm.formats.screening import settled
from dqm.model.config import CanonicalInput, ColumnConfig, Config
from dqm.model.keys import LS_LAST, LumiMask
from dqm.model.labels import SOURCES, Label, Labels
from dqm.model.tables import Column, QuantityTable, lumisection_index

from ..naive import mask_of, ranges_of, settle_duplicates

run = st.integers(1, 4)
ls = st.integers(0, 25)
ranges = st.dictionaries(run, st.lists(st.tuples(ls, st.integers(0, 6)).map(lambda r: (r[0], r[0] + r[1])), max_size=5))


@given(ranges, ranges)
def test_mask_algebra_equals_sets(a: Any, b: Any) -> None:
    fast, other, slow, others = LumiMask(a), LumiMask(b), mask_of(a), mask_of(b)
    for mask, expected in (
        (fast, slow),
        (fast | other, slow | others),
        (fast & other, slow & others),
        (fast - other, slow - others),
    ):
        assert mask.ranges == ranges_of(expected)
        assert len(mask) == len(expected)
        assert set(mask) == expected
        assert bool(mask) == bool(expected)
    assert (fast == other) == (slow == others)
    keys = sorted(slow | others | {(1, 999)})
    assert fast.contains(*zip(*keys, strict=True)).tolist() == [key in slow for key in keys]
    assert LumiMask.of_lumisections(*zip(*keys, strict=True)).ranges == ranges_of(keys)
    assert fast.only_runs([1, 3]).ranges == ranges_of({key for key in slow if key[0] in (1, 3)})


open_ended = st.just([(0, LS_LAST)]) | st.tuples(st.integers(0, 9)).map(lambda first: [(first[0], LS_LAST)])


@given(ranges, st.dictionaries(st.integers(5, 2**31 - 1), open_ended, max_size=3))
def test_golden_bytes_round_trip(a: Any, b: Any) -> None:
    """Byte for byte, and one text per mask; mutant: runs sorted as text would write 10 before 9."""
    mask = LumiMask(a | b)
    data = golden_bytes(mask)
    assert read_mask(data.decode("ascii")) == mask
    assert golden_bytes(read_mask(data.decode("ascii"))) == data
    listed = [int(line.split('"')[1]) for line in data.decode().splitlines() if '"' in line]
    assert listed == sorted(listed) == mask.runs
    assert data.endswith(b"}\n")


cell = st.sampled_from([0.0, 1.0, math.nan])
row = st.tuples(st.tuples(st.integers(1, 2), st.integers(1, 3)), st.tuples(cell, cell))


@given(st.lists(row, max_size=12))
def test_duplicates_are_settled_as_by_hand(rows: Any) -> None:
    columns = ("run", "ls", "x", "y")
    frame = pd.DataFrame([(*key, *values) for key, values in rows], columns=columns).astype({"run": int, "ls": int})
    fast, findings = settled(frame.assign(status="", file="f"), (Column("x"), Column("y")))
    slow = settle_duplicates(rows)
    assert list(zip(fast["run"], fast["ls"], strict=True)) == sorted(slow)
    for r, n, x, y, status in fast[[*columns, "status"]].itertuples(index=False):
        expected = slow[r, n]
        assert status == ("" if expected is not None else "conflict")
        np.testing.assert_array_equal([x, y], expected if expected is not None else [math.nan, math.nan])
    assert bool(findings) == (len(slow) < len(rows))


number = st.floats(0, 1e300) | st.just(math.nan)
text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
instant = st.datetimes(pd.Timestamp("1970-01-02").to_pydatetime(), pd.Timestamp("2099-12-31").to_pydatetime())


@st.composite
def tables(draw: st.DrawFn) -> tuple[QuantityTable, Labels]:
    keys = draw(st.lists(st.tuples(run, ls), min_size=1, max_size=8, unique=True).map(sorted))
    n = len(keys)
    index = lumisection_index(*zip(*keys, strict=True))
    roles = draw(st.lists(st.sampled_from(["feature", "condition"]), min_size=1, max_size=4))
    kinds = st.sampled_from(["value", "count", "rate", "fraction", "flag"])
    columns = tuple(Column(f"q{i}", "canonical", f"s{i}", r, "/pb", draw(kinds)) for i, r in enumerate(roles))  # type: ignore[arg-type]
    values = np.array(draw(st.lists(number, min_size=n * len(columns), max_size=n * len(columns))))
    status = draw(st.lists(st.sampled_from(["", "conflict", "invalid:q0"]), min_size=n, max_size=n))
    start = np.array(draw(st.lists(instant | st.none(), min_size=n, max_size=n)), dtype="M8[ns]")
    table = QuantityTable(index, columns, values.reshape(n, -1), np.array(status, dtype=object), start)
    said = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    m = int(said.sum())
    source = np.array(draw(st.lists(st.sampled_from([*SOURCES, "canonical"]), min_size=m, max_size=m)), dtype=object)
    comment = np.array(draw(st.lists(text, min_size=m, max_size=m)), dtype=object)
    value = np.array(draw(st.lists(st.sampled_from(list(Label)), min_size=m, max_size=m)), dtype=np.int8)
    return table, Labels(index[said], value, source, comment)


@settings(max_examples=10)
@given(tables())
def test_the_canonical_form_round_trips(written: tuple[QuantityTable, Labels]) -> None:
    assert_round_trip(*written)


@pytest.mark.slow
@settings(max_examples=60)
@given(tables())
def test_the_canonical_form_round_trips_often(written: tuple[QuantityTable, Labels]) -> None:
    assert_round_trip(*written)


def assert_round_trip(table: QuantityTable, labels: Labels) -> None:
    """Written and read as CSV and as Parquet, everything is as it was."""
    meanings = {
        c.name: ColumnConfig(subsystem=c.subsystem, role=c.role, kind=c.kind, unit=c.unit) for c in table.columns
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, columns in (("t.csv", meanings), ("t.parquet", {})):
            write_canonical(Path(folder) / name, table, labels)
            described = CanonicalInput(kind="canonical", files=(name,), columns=columns)
            result = read_canonical(described, Config(folder=Path(folder)))
            read, said = result.quantities, result.labels
            assert read is not None
            assert said is not None
            assert read.index.equals(table.index)
            assert read.columns == table.columns
            np.testing.assert_array_equal(read.values, table.values)
            np.testing.assert_array_equal(read.start, table.start)
            assert read.status.tolist() == table.status.tolist()
            assert said.index.equals(labels.index)
            assert said.values.tolist() == labels.values.tolist()
            assert said.source.tolist() == labels.source.tolist()
            assert said.comment.tolist() == labels.comment.tolist()
            assert {each.code for each in result.findings} <= {"unlabelled"}
