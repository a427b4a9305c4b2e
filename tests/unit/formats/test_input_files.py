"""Files that are no input at all are refused in one line that names them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dqm.formats.canonical import read_canonical
from dqm.formats.golden import read_mask
from dqm.formats.screening import numbers
from dqm.formats.sources import Source
from dqm.model.config import CanonicalInput, Config
from dqm.model.errors import InputError

GOOD_CSV = "run,ls,x\n1,1,0.5\n1,2,0.25\n"


def read(folder: Path, *files: str) -> list[str]:
    result = read_canonical(CanonicalInput(kind="canonical", files=files), Config(folder=folder))
    return [str(each) for each in result.findings]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b" \n \n", "the file is empty"),
        (b"run,ls,x\n", "the table has no rows"),
        (b"run,ls,\xff\n1,1,2\n", "not UTF-8 text: byte 7 cannot be decoded"),
        (b"run,ls,x,x\n1,1,2,3\n", "column 'x' occurs 2 times; rename or remove the others"),
        (b"run,ls,x\n1,1,2\n1,2,3,4\n", "not a readable CSV table: Error tokenizing data"),
        (b"run,ls,x\n1,1,2,3\n1,2,3,4\n", "rows have more fields than the header"),
        (b"PAR1 and then nothing", "not a readable Parquet file"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "bad.csv").write_bytes(data)
    with pytest.raises(InputError) as refused:
        read(tmp_path, "bad.csv")
    assert message in str(refused.value)
    assert str(tmp_path / "bad.csv") in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_and_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder, not a file; to read what it holds write .*/\*"):
        read_mask(tmp_path)
    with pytest.raises(InputError, match=r"gone\.json: no such file"):
        read_mask(tmp_path / "gone.json")


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    with pytest.raises(InputError, match=r"cannot be read: Not a directory"):
        Source.open(tmp_path / "plain" / "inside")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"355100": [[1, 10]', "not valid JSON: it ends too early at line 1, column 20"),
        ('{"355100": [[1, 10}', "not valid JSON: Expecting ',' delimiter at line 1, column 19"),
        ("[" * 100_000, "not valid JSON"),
        ('{"1": [[1, ' + "9" * 5000 + "]]}", "not valid JSON: Exceeds the limit"),
    ],
)
def test_json_that_is_none(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_mask(text)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_one_bad_file_among_good_ones_is_quarantined(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD_CSV)
    (tmp_path / "b.csv").write_text("")
    path = tmp_path / "b.csv"
    assert read(tmp_path, "*.csv") == [f"quarantined [unreadable] {path}: the file is empty"]


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD_CSV, encoding="utf-8-sig")
    assert read(tmp_path, "a.csv") == []


def test_a_file_that_two_patterns_match_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD_CSV)
    assert read(tmp_path, "a.csv", "*.csv") == []


@pytest.mark.parametrize("cell", ["abc", "1_000", "0x10", "1,5", [1, 2], {"a": 1}])
def test_what_is_no_number(cell: object) -> None:
    value, bad = numbers(pd.Series([cell, 1], dtype=object))
    assert np.isnan(value[0])
    assert bad.tolist() == [True, False]


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (True, 1.0),
        ("false", 0.0),
        (" 2.5 ", 2.5),
        ("1e400", np.inf),
        (10**400, np.inf),
        (None, np.nan),
        ("N/A", np.nan),
    ],
)
def test_what_is_a_number_or_empty(cell: object, number: float) -> None:
    value, bad = numbers(pd.Series([cell, "7"], dtype=object))
    np.testing.assert_array_equal(value, [number, 7.0])
    assert not bad.any()
