"""The canonical form: meanings from the configuration or the file, times with a zone, labels as words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqm.formats.canonical import read_canonical, write_canonical
from dqm.formats.results import ReadResult
from dqm.model.config import CanonicalInput, ColumnConfig, Config
from dqm.model.errors import ConfigError, InputError
from dqm.model.labels import Label, Labels
from dqm.model.tables import Column, QuantityTable, lumisection_index


def read(folder: Path, text: str, **columns: ColumnConfig) -> ReadResult:
    (folder / "t.csv").write_text(text)
    return read_canonical(CanonicalInput(kind="canonical", files=("t.csv",), columns=columns), Config(folder=folder))


def test_meanings_from_the_configuration(tmp_path: Path) -> None:
    meanings = {"lumi": ColumnConfig(role="weight", unit="/nb"), "hits": ColumnConfig(subsystem="ecal", kind="count")}
    result = read(tmp_path, "run,ls,hits,lumi,hitz\n1,1,5,0,9\n1,2,-5,1,9\n1,3,5,,9\n", **meanings)
    table = result.quantities
    assert table is not None
    assert table.columns[0] == Column("lumi", "canonical", "", "weight", "/nb", "value")
    assert table.status.tolist() == ["", "invalid:hits", "invalid:lumi"]
    assert "column 'hitz' is not known and not used; nearest valid names: 'hits'" in str(result.findings[0])
    assert "run 1, LS 3: lumi is missing, negative or infinite" in str(result.findings[1])
    assert "run 1, LS 2: hits is negative or infinite" in str(result.findings[2])


def test_a_configured_column_that_the_file_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="required column 'lumi' is missing; nearest valid names: 'lumy'"):
        read(tmp_path, "run,ls,lumy\n1,1,5\n", lumi=ColumnConfig())
    with pytest.raises(InputError, match="required column 'run' is missing; nearest valid names: 'runs'"):
        read(tmp_path, "runs,ls,x\n1,1,5\n")
    with pytest.raises(ConfigError, match=r"columns\.label: 'label' has a fixed meaning"):
        read(tmp_path, "run,ls,label\n1,1,GOOD\n", label=ColumnConfig())


def test_without_meanings_every_number_is_a_quantity_and_text_is_noted(tmp_path: Path) -> None:
    result = read(tmp_path, "run,ls,x,era,empty\n1,1,5,A,\n1,2,?,B,\n")
    assert result.quantities is not None
    assert result.quantities.names == ["x", "empty"]
    assert result.quantities.status.tolist() == ["", "invalid:x"]
    assert "column 'era' is not known and not used" in str(result.findings[0])
    assert "run 1, LS 2: x is not a number: '?'" in str(result.findings[1])


def test_rows_without_a_key_belong_nowhere(tmp_path: Path) -> None:
    result = read(tmp_path, "run,ls,x\n1,1,5\n1,2.5,5\nx,1,5\n1,-3,5\n1,,5\n9999999999,1,5\n")
    assert result.quantities is not None
    assert list(result.quantities.index) == [(1, 1)]
    assert (result.files[0].rows_read, result.files[0].rows_kept) == (6, 1)
    assert [(each.code, each.run, each.ls) for each in result.findings] == [("key", None, 1), ("key", 1, None)]


def test_labels_are_words_and_a_blank_says_nothing(tmp_path: Path) -> None:
    text = "run,ls,x,label,comment\n1,1,5,GOOD,\n1,2,5,bad,noisy\n1,3,5,,\n1,4,5,gud,\n1,5,5,UNKNOWN,\n2,1,5,,\n"
    result = read(tmp_path, text)
    labels = result.labels
    assert labels is not None
    assert dict(zip(labels.index, labels.values, strict=True)) == {
        (1, 1): Label.GOOD, (1, 2): Label.BAD, (1, 4): Label.UNKNOWN, (1, 5): Label.UNKNOWN
    }  # fmt: skip
    assert labels.comment.tolist() == ["", "noisy", "", ""]
    assert set(labels.source) == {"canonical"}
    word, silent = (str(each) for each in result.findings)
    assert "run 1, LS 4: 'gud' is no label; nearest valid names: 'GOOD'" in word
    assert "run 2, LS 1: the run has no label" in silent


def test_an_unknown_label_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown label_source 'shiftr'; nearest valid names: 'shifter'"):
        read(tmp_path, "run,ls,x,label,label_source\n1,1,5,GOOD,shiftr\n")


def test_conflicting_labels_are_a_conflict(tmp_path: Path) -> None:
    result = read(tmp_path, "run,ls,x,label\n1,1,5,GOOD\n1,1,5,BAD\n1,2,,GOOD\n1,2,,GOOD\n")
    assert result.quantities is not None
    assert result.labels is not None
    assert result.quantities.status.tolist() == ["conflict", ""]
    assert result.labels.values.tolist() == [Label.UNKNOWN, Label.GOOD]


@pytest.mark.parametrize(
    ("start", "instant"),
    [
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00"),
        ("2024-05-01 12:00:00.5+02:00", "2024-05-01T10:00:00.5"),
        ("1714557600", "2024-05-01T10:00:00"),
        ("1714557600.25", "2024-05-01T10:00:00.25"),
        ("", "NaT"),
    ],
)
def test_begins(tmp_path: Path, start: str, instant: str) -> None:
    result = read(tmp_path, f"run,ls,start,x\n1,1,{start},5\n")
    assert result.quantities is not None
    np.testing.assert_array_equal(result.quantities.start, np.array([instant], "M8[ns]"))


@pytest.mark.parametrize(
    "start", ["2024-05-01T10:00:00", "2024-05-01", "noon", "1714557600000", "-5", "9999-01-01T00:00:00Z"]
)
def test_begins_without_a_zone_or_meaning_are_refused(tmp_path: Path, start: str) -> None:
    with pytest.raises(
        InputError, match=r"run 1, LS 2: start '.*' must be ISO 8601 with Z or an offset, or seconds since"
    ):
        read(tmp_path, f"run,ls,start,x\n1,1,,5\n1,2,{start},5\n")


@pytest.mark.parametrize("zone", ["Europe/Zurich", None])
def test_timestamps_of_a_parquet_file(tmp_path: Path, zone: str | None) -> None:
    noon_in_zurich = pa.array([1714557600], pa.timestamp("s", zone))
    pq.write_table(pa.table({"run": [1], "ls": [1], "start": noon_in_zurich}), tmp_path / "t.parquet")
    described = CanonicalInput(kind="canonical", files=("t.parquet",))
    if zone is None:
        with pytest.raises(InputError, match=r"run 1, LS 1: start '2024-05-01 10:00:00' must be ISO 8601 with Z or an"):
            read_canonical(described, Config(folder=tmp_path))
        return
    table = read_canonical(described, Config(folder=tmp_path)).quantities
    assert table is not None
    assert table.start[0] == np.datetime64("2024-05-01T10:00:00")


def written(folder: Path, metadata: dict[str, str]) -> None:
    schema = pa.schema([pa.field("run", "int64"), pa.field("ls", "int64"), pa.field("x", "float64", metadata=metadata)])
    pq.write_table(pa.table({"run": [1], "ls": [1], "x": [0.5]}, schema=schema), folder / "t.parquet")


def test_meanings_from_the_parquet_file(tmp_path: Path) -> None:
    written(tmp_path, {"role": "weight", "unit": "nC", "subsystem": "cup"})
    described = CanonicalInput(kind="canonical", files=("t.parquet",))
    table = read_canonical(described, Config(folder=tmp_path)).quantities
    assert table is not None
    assert table.columns == (Column("x", "canonical", "cup", "weight", "nC"),)
    written(tmp_path, {"role": "wait"})
    with pytest.raises(InputError, match="column 'x' has the unknown role 'wait'; nearest valid names: 'weight'"):
        read_canonical(described, Config(folder=tmp_path))


def test_files_that_disagree_about_a_column(tmp_path: Path) -> None:
    written(tmp_path, {"unit": "nC"})
    (tmp_path / "t.parquet").rename(tmp_path / "a.parquet")
    written(tmp_path, {"unit": "uC"})
    with pytest.raises(InputError, match=r"column 'x' means one thing in .*a\.parquet and another in .*t\.parquet"):
        read_canonical(CanonicalInput(kind="canonical", files=("*.parquet",)), Config(folder=tmp_path))


def table(name: str = "x") -> QuantityTable:
    return QuantityTable(lumisection_index([1], [1]), (Column(name),), np.ones((1, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("t.csv", table("label")), "column 'label' has a fixed meaning in the canonical form; rename it"),
        (("t.txt", table()), r"canonical tables end in \.parquet or \.csv, not in '\.txt'"),
        (
            ("t.csv", table(), Labels.of(lumisection_index([1], [2]), [1], "expert")),
            r"lumisection \(1, 2\) is labelled but not in the table",
        ),
    ],
)
def test_what_the_writer_refuses(tmp_path: Path, arguments: tuple[Any, ...], message: str) -> None:
    name, *rest = arguments
    with pytest.raises(ValueError, match=message):
        write_canonical(tmp_path / name, *rest)
