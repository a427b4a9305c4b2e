"""The codecs: how they split, what they refuse, and what projection leaves. Round trips are in ``property/``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.model.verdicts import Decision, Reason, Verdicts
from dqm.store.partitions import content_digest
from dqm.store.store import Store
from dqm.store.tables import (
    Scores,
    quantities_from_arrow,
    quantities_to_arrow,
    scores_from_arrow,
    scores_to_arrow,
    store_quantities,
    store_verdicts,
    verdicts_from_arrow,
    verdicts_to_arrow,
)

CHARGE = Column("charge", "qadb", "", "weight", "nC")
RATE = Column("rate", "oms", "hlt", "feature", "Hz", "rate")


def quantities() -> QuantityTable:
    values = np.array([[3.0, np.nan], [1.0, 10.0], [2.0, 20.0]])
    return QuantityTable(lumisection_index([8, 4, 4], [1, 2, 1]), (CHARGE, RATE), values)


def test_quantities_are_split_by_run_and_sorted(store: Store) -> None:
    with store.transaction() as change:
        store_quantities(change, quantities(), {"files": "a"})
    assert store.runs("quantities") == [4, 8]
    back = quantities_from_arrow(store.read("quantities"))
    assert back.index.tolist() == [(4, 1), (4, 2), (8, 1)]
    assert back["charge"].tolist() == [2.0, 1.0, 3.0]
    assert back.columns == (CHARGE, RATE)


def test_the_order_of_the_input_is_no_content(store: Store) -> None:
    for order in ([0, 1, 2], [2, 1, 0]):
        with store.transaction() as change:
            store_quantities(change, quantities().take(order), {})
    assert store.snapshot == 1


def test_quantities_of_some_columns(store: Store) -> None:
    with store.transaction() as change:
        store_quantities(change, quantities(), {})
    table = store.read("quantities", columns=["run", "ls", "status", "start", "rate"])
    assert quantities_from_arrow(table).columns == (RATE,)
    with pytest.raises(UnknownNameError, match=r"unknown column 'status'; nearest valid names: "):
        quantities_from_arrow(table.drop_columns(["status"]))


@pytest.mark.parametrize("name", ["run", "ls", "status", "start"])
def test_a_quantity_cannot_be_called_like_a_key(name: str) -> None:
    table = QuantityTable(lumisection_index([4], [1]), (Column(name),), np.ones((1, 1)))
    with pytest.raises(ValueError, match=rf"a quantity cannot be called '{name}', .* rename it"):
        quantities_to_arrow(table)


def test_runs_whose_columns_mean_something_else_are_not_joined(store: Store) -> None:
    other = QuantityTable(lumisection_index([5], [1]), (CHARGE, Column("rate", unit="kHz")), np.ones((1, 2)))
    with store.transaction() as change:
        store_quantities(change, quantities(), {})
        store_quantities(change, other, {})
    with pytest.raises(StoreError, match=r"no entry 'lumicert.columns': run 4 and run 5 differ in it; read them apart"):
        quantities_from_arrow(store.read("quantities"))
    with pytest.raises(StoreError, match=r"this is a table of another kind"):
        quantities_from_arrow(pa.table({"run": [1], "ls": [1]}))


def test_another_meaning_is_another_content() -> None:
    renamed = QuantityTable(quantities().index, (CHARGE, Column("rate", unit="kHz")), quantities().values)
    assert content_digest(quantities_to_arrow(renamed)) != content_digest(quantities_to_arrow(quantities()))


def test_scores_of_two_models_are_read_apart(store: Store) -> None:
    with store.transaction() as change:
        for run in (4, 5):
            change.put("scores", run, scores_to_arrow(scores(run, f"m-{run}")), {})
    assert store.read("scores", columns=["badness"])["badness"].to_pylist() == [1.0, 1.0]
    assert scores_from_arrow(store.read("scores", runs=[5])).model == "m-5"
    with pytest.raises(StoreError, match=r"no entry 'lumicert.model': run 4 and run 5 differ in it"):
        scores_from_arrow(store.read("scores"))


def test_scores_need_a_number_for_every_lumisection() -> None:
    with pytest.raises(ValueError, match=r"columns of \[1, 2\] rows in one table of scores"):
        replace(scores(4, "m"), badness=np.ones(2, np.float32))


def scores(run: int, model: str) -> Scores:
    text = np.array([""], dtype=object)
    return Scores(
        index=lumisection_index([run], [1]),
        badness=np.ones(1, np.float32),
        held=np.zeros(1, dtype=bool),
        status=text,
        weight=np.ones(1),
        subsystem=text,
        reasons=((),),
        model=model,
    )


def test_verdicts_keep_reasons_as_plain_json(store: Store) -> None:
    reasons = (Reason("rate_z", "hlt", np.nan, 2.5), Reason("occupancy", "bpix", -np.inf, 0.5))
    verdicts = Verdicts(
        index=lumisection_index([4], [1]),
        decision=np.array([Decision.REJECT], dtype=object),
        badness=np.array([0.9], dtype=np.float32),
        weight=np.array([1.5]),
        status=np.array([""], dtype=object),
        subsystem=np.array(["hlt"], dtype=object),
        reasons=(reasons,),
    )
    with store.transaction() as change:
        store_verdicts(change, verdicts, {"model": "m-1"})
    table = store.read("verdicts")
    assert table["reasons"].to_pylist() == ['[["rate_z","hlt",null,2.5],["occupancy","bpix","-inf",0.5]]']
    assert verdicts_from_arrow(table).decision[0] is Decision.REJECT


def test_an_unknown_decision_is_refused() -> None:
    empty = Verdicts(lumisection_index([], []), *(np.zeros(0, dtype=object) for _ in range(5)), ())
    table = pa.Table.from_pylist(
        [dict.fromkeys(verdicts_to_arrow(empty).column_names, 0) | {"decision": "MAYBE", "reasons": "[]"}]
    )
    with pytest.raises(ValueError, match="'MAYBE' is not a valid Decision"):
        verdicts_from_arrow(table)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None, 3], pa.int32()),
        pa.array(["a", None, "é"], pa.string()),
        pa.array([True, None, False]),
        pa.array([0, None, 5], pa.timestamp("us", "UTC")),
        pa.array([[1, 2], [0, None], [3, 4]], pa.list_(pa.int32(), 2)),
        pa.array([["x"], [], ["y", None]], pa.list_(pa.string())),
        pa.array([1.5, None, float("nan")], pa.float32()),
    ],
    ids=lambda array: str(array.type),
)
def test_the_digest_is_of_the_content(tmp_path: Path, column: pa.Array) -> None:
    """Equal for any cut, offset, compression and hidden value; another for another value, type, name or null."""
    table = pa.table({"x": column})
    digest = content_digest(table)
    pq.write_table(table, tmp_path / "x.parquet", compression="none", row_group_size=2)
    assert content_digest(pq.read_table(tmp_path / "x.parquet", use_threads=False)) == digest
    assert content_digest(pa.concat_tables([table, table]).slice(3)) == digest
    assert content_digest(pa.concat_tables([table.slice(0, 1), table.slice(1)])) == digest
    others = [table.rename_columns(["y"]), table.slice(1), table.take([1, 0, 2]), table.take([0, 0, 2])]
    assert digest not in [content_digest(each) for each in others]
    assert digest != content_digest(table.replace_schema_metadata({"a": "b"}))


@pytest.mark.parametrize("kind", [pa.list_(pa.int32()), pa.list_(pa.int32(), 1)])
def test_null_lists_are_refused(kind: pa.DataType) -> None:
    with pytest.raises(TypeError, match="column 'x': a list cannot be null, as Parquet loses lists of fixed size"):
        content_digest(pa.table({"x": pa.array([[1], None], kind)}))


def test_values_do_not_run_into_each_other() -> None:
    """Mutant: hashing names and texts without their lengths."""
    assert content_digest(pa.table({"x": ["ab", "c"]})) != content_digest(pa.table({"x": ["a", "bc"]}))
    narrow, wide = pa.table({"x": pa.array([1], pa.uint8())}), pa.table({"xu": pa.array([1], pa.int8())})
    assert content_digest(narrow) != content_digest(wide)
