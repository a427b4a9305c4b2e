"""CLAS12 trees and table: charges are differences, labels are bits, spoilt bins stay as UNKNOWN."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dqm.formats.clas12 import defect_labels, read_qadb, read_table
from dqm.formats.results import ReadResult
from dqm.model.config import Clas12QadbInput, Clas12TableInput, Config
from dqm.model.errors import InputError
from dqm.model.labels import Label


def charge_bin(low: Any = 1.0, high: Any = 3.5, **more: Any) -> dict[str, Any]:
    counts = {str(s): 100 * s for s in range(1, 7)}
    return {"fcChargeMin": low, "fcChargeMax": high, "ufcChargeMin": 1.0, "ufcChargeMax": 4.0, "nElec": counts} | more


def qa_bin(defect: Any = 0, **more: Any) -> dict[str, Any]:
    return {"evnumMin": 10, "evnumMax": 60, "defect": defect, "comment": "", "sectorDefects": {}} | more


def read(folder: Path, charge: Any, qa: Any) -> ReadResult:
    for name, tree in (("charge.json", charge), ("qa.json", qa)):
        (folder / name).write_text(tree if isinstance(tree, str) else json.dumps(tree))
    return read_qadb(Clas12QadbInput(kind="clas12-qadb", qa="qa.json", charge="charge.json"), Config(folder=folder))


def status(result: ReadResult) -> dict[tuple[int, int], str]:
    assert result.quantities is not None
    return dict(zip(result.quantities.index, result.quantities.status, strict=True))


def found(result: ReadResult, code: str) -> list[str]:
    return [str(each) for each in result.findings if each.code == code]


def test_quantities_and_labels(tmp_path: Path) -> None:
    qa = {"11": {"0": qa_bin(), "5": qa_bin(0b100000, comment="odd beam")}}
    result = read(tmp_path, {"11": {"0": charge_bin(livetime=0.9), "5": charge_bin(2, 2)}}, qa)
    table, labels = result.quantities, result.labels
    assert table is not None
    assert labels is not None
    assert table["charge"].tolist() == [2.5, 0.0]
    assert table["charge_ungated"].tolist() == [3.0, 3.0]
    assert table["electrons_6"].tolist() == [600.0, 600.0]
    assert table["event_span"].tolist() == [50.0, 50.0]
    np.testing.assert_array_equal(table["livetime"], [0.9, np.nan])
    assert table.weight.tolist() == [2.5, 0.0]
    assert table.usable.all(), "a zero weight is valid"
    assert labels.values.tolist() == [Label.GOOD, Label.BAD]
    assert labels.comment.tolist() == ["", "odd beam"]
    assert set(labels.source) == {"qadb"}
    assert result.findings == ()


def test_the_two_tasks_differ_in_bit_5_alone() -> None:
    masks = pd.Series([0, 1 << 4, 1 << 5, 1 << 6, 1 << 10, (1 << 19) | (1 << 3), None, -1, "x"], dtype=object)
    G, B, U, none = 0.0, 1.0, -1.0, np.nan
    np.testing.assert_array_equal(defect_labels(masks, "cut"), [G, B, U, G, G, B, none, none, none])
    np.testing.assert_array_equal(defect_labels(masks, "expert"), [G, B, B, G, G, B, none, none, none])


@pytest.mark.parametrize("high", [0.5, None, "much", float("nan"), 10**400])
def test_a_charge_that_cannot_be(tmp_path: Path, high: Any) -> None:
    result = read(
        tmp_path, {"11": {"0": charge_bin(high=high), "1": charge_bin()}}, {"11": {"0": qa_bin(), "1": qa_bin()}}
    )
    assert status(result) == {(11, 0): "invalid:charge", (11, 1): ""}
    [text] = found(result, "invalid:charge")
    assert text.endswith("charge.json, run 11, LS 0: charge is missing, negative or infinite")


def test_bins_that_only_one_tree_has(tmp_path: Path) -> None:
    result = read(tmp_path, {"11": {"0": charge_bin(), "1": charge_bin()}}, {"11": {"1": qa_bin(), "2": qa_bin()}})
    assert status(result) == {(11, 0): "", (11, 1): "", (11, 2): "missing:charge"}
    assert "run 11, LS 2: the bin is in qaTree but not in chargeTree" in found(result, "missing:charge")[0]
    assert "run 11, LS 0: the bin is in chargeTree but not in qaTree" in found(result, "unlabelled")[0]
    assert result.labels is not None
    assert (11, 0) not in result.labels.index


def test_keys_that_occur_twice_in_the_json(tmp_path: Path) -> None:
    same, other = json.dumps(charge_bin()), json.dumps(charge_bin(high=9.0))
    charge = f'{{"11": {{"0": {same}, "0": {same}, "1": {same}}}, "11": {{"1": {other}, "2": {same}}}}}'
    result = read(tmp_path, charge, {"11": {str(i): qa_bin() for i in range(3)}})
    assert status(result) == {(11, 0): "", (11, 1): "conflict", (11, 2): ""}
    assert result.quantities is not None
    assert np.isnan(result.quantities["charge"][1])
    assert (
        "run 11, LS 1: rows of one lumisection disagree and none is used; 2 rows of 1" in found(result, "conflict")[0]
    )
    assert "run 11, LS 0: the lumisection occurs again with the same values" in found(result, "duplicate")[0]
    assert [(each.rows_read, each.rows_kept) for each in result.files] == [(5, 3), (3, 3)]


def test_empty_and_malformed_runs_are_quarantined(tmp_path: Path) -> None:
    charge = {"11": {"0": charge_bin()}, "12": {}, "13": 5}
    result = read(tmp_path, charge, {"11": {"0": qa_bin()}})
    assert "charge.json, run 12: the run has no bins" in found(result, "empty-run")[0]
    assert "charge.json, run 13: run '13' holds no bins but '5'" in found(result, "malformed")[0]
    assert status(result) == {(11, 0): ""}


def test_keys_that_are_no_numbers(tmp_path: Path) -> None:
    result = read(tmp_path, {"11": {"0": charge_bin(), "1.5": charge_bin()}}, {"11": {"0": qa_bin()}})
    assert "run 11: run '11', LS '1.5': run and LS must be whole numbers" in found(result, "key")[0]
    assert result.files[0].rows_read - result.files[0].rows_kept == 1


def test_a_spoilt_record_and_an_unknown_field(tmp_path: Path) -> None:
    qa = {"11": {"0": qa_bin(), "1": 7, "2": qa_bin("x")}}
    result = read(tmp_path, {"11": {"0": charge_bin(chargeLast=1), "1": None, "2": charge_bin()}}, qa)
    assert status(result) == {(11, 0): "", (11, 1): "invalid:charge", (11, 2): ""}
    assert (
        "column 'chargeLast' is not known and not used; nearest valid names: 'fcChargeMax'"
        in found(result, "unknown-column")[0]
    )
    assert "run 11, LS 1: the defect mask is missing or no whole number" in found(result, "label")[0]
    assert result.labels is not None
    assert list(result.labels.index) == [(11, 0)]


@pytest.mark.parametrize(
    ("tree", "message"), [("[1]", "not a QADB tree: expected an object"), ("{}", "no run holds a bin")]
)
def test_json_of_another_kind(tmp_path: Path, tree: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, tree, {"11": {"0": qa_bin()}})


def table(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"run": [11, 11], "bin": [0, 1], "evnumMin": 10, "evnumMax": 60, "fcCharge": 2.5, "ufcCharge": 3.0}
    )
    return frame.assign(**{f"nElec_{s}": 100 * s for s in range(1, 7)}, defect=[0, 1], **columns)


def read_frame(folder: Path, frame: pd.DataFrame, dataset: str = "") -> ReadResult:
    frame.to_parquet(folder / "t.parquet")
    return read_table(
        Clas12TableInput(kind="clas12-table", files=("t.parquet",), dataset=dataset), Config(folder=folder)
    )


def test_the_table_equals_the_trees(tmp_path: Path) -> None:
    trees = read(tmp_path, {"11": {"0": charge_bin(), "1": charge_bin()}}, {"11": {"0": qa_bin(), "1": qa_bin(1)}})
    flat = read_frame(tmp_path, table(comment=""))
    assert flat.quantities is not None
    assert trees.quantities is not None
    assert flat.quantities.columns == trees.quantities.columns
    np.testing.assert_array_equal(flat.quantities.values, trees.quantities.values)
    assert flat.labels is not None
    assert flat.labels.values.tolist() == [Label.GOOD, Label.BAD]


def test_a_table_without_labels(tmp_path: Path) -> None:
    assert read_frame(tmp_path, table().drop(columns="defect")).labels is None


def test_data_sets_of_a_table(tmp_path: Path) -> None:
    frame = table(dataset=["spring", "autumn"])
    result = read_frame(tmp_path, frame, "autumn")
    assert result.quantities is not None
    assert list(result.quantities.index) == [(11, 1)]
    assert "1 row of other data sets was not asked for" in found(result, "other-dataset")[0]
    with pytest.raises(InputError, match="holds 2 data sets; name one as dataset: autumn, spring"):
        read_frame(tmp_path, frame)
    with pytest.raises(InputError, match="no data set 'sprung'; nearest valid names: 'spring'"):
        read_frame(tmp_path, frame, "sprung")
    with pytest.raises(InputError, match="dataset 'spring' was asked for, but there is no column 'dataset'"):
        read_frame(tmp_path, table(), "spring")


def test_columns_of_a_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"required column 'fcCharge' is missing; nearest valid names: .*'fcCharg'"):
        read_frame(tmp_path, table().rename(columns={"fcCharge": "fcCharg"}))
    result = read_frame(tmp_path, table(livetme=0.5))
    assert "column 'livetme' is not known and not used; nearest valid names: 'livetime'" in str(result.findings[0])
    assert result.quantities is not None
    assert np.isnan(result.quantities["livetime"]).all()
