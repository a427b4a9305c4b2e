"""ML4DQM tables: CSV and Parquet, both conventions of overflow, both dimensions, and rows that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqm.formats.ml4dqm import read_ml4dqm
from dqm.formats.results import ReadResult
from dqm.model.config import Config, Ml4dqmInput
from dqm.model.errors import InputError


def row(ls: Any = 1, **changed: Any) -> dict[str, Any]:
    made = {"fromrun": 315488, "fromlumi": ls, "hname": "charge", "metype": 3, "histo": [9, 1, 2, 3, 8], "entries": 23}
    return made | {"Xmax": 3.0, "Xmin": 0.0, "Xbins": 3, "Ymax": 1.0, "Ymin": 0.0, "Ybins": 1} | changed


def plane(ls: int = 1, **changed: Any) -> dict[str, Any]:
    return row(ls, hname="plane", metype=6, Ybins=2, histo=list(range(20)), entries=190) | changed


def read(folder: Path, rows: list[dict[str, Any]], suffix: str = "csv", elements: tuple[str, ...] = ()) -> ReadResult:
    frame, path = pd.DataFrame(rows), folder / f"table.{suffix}"
    if suffix == "csv":
        frame.assign(histo=[str(each) for each in frame["histo"]]).to_csv(path, index=False)
    else:
        pq.write_table(pa.Table.from_pandas(frame), path)
    return read_ml4dqm(Ml4dqmInput(kind="ml4dqm", files=(path.name,), elements=elements), Config(folder=folder))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_both_conventions_and_both_dimensions(tmp_path: Path, suffix: str) -> None:
    bare = plane(2, histo=[1, 2, 3, 4, 5, 6], entries=21)
    result = read(tmp_path, [row(), plane(), row(2), bare, row(3, histo=[1, 2, 3], Ybins=0)], suffix)
    found = {(each.element, each.has_flow): each for each in result.histograms}
    assert set(found) == {("charge", True), ("charge", False), ("plane", True), ("plane", False)}
    np.testing.assert_array_equal(found["charge", True].counts, [[9, 1, 2, 3, 8]] * 2)
    np.testing.assert_array_equal(found["charge", False].inner, [[1, 2, 3]])
    np.testing.assert_array_equal(found["plane", True].counts, [np.arange(20).reshape(4, 5)])
    np.testing.assert_array_equal(found["plane", False].inner, [[[1, 3, 5], [2, 4, 6]]])
    assert found["charge", True].ls.tolist() == [1, 2]
    assert found["plane", True].axes[1].bins == 2
    assert result.findings == ()
    assert (result.files[0].rows_read, result.files[0].rows_kept) == (5, 5)


def test_repeated_columns_must_agree(tmp_path: Path) -> None:
    header = "fromrun,fromlumi,hname,fromrun,fromlumi,metype,hname,histo,entries,Xmax,Xmin,Xbins,Ymax,Ymin,Ybins\n"
    line = '7,{},a,7,{},3,a,"[1, 2, 3]",6,3,0,3,1,0,1\n'
    path = tmp_path / "twice.csv"
    path.write_text(header + line.format(4, 4))
    described = Ml4dqmInput(kind="ml4dqm", files=("twice.csv",))
    (found,) = read_ml4dqm(described, Config(folder=tmp_path)).histograms
    assert found.ls.tolist() == [4]
    path.write_text(header + line.format(4, 5))
    with pytest.raises(InputError, match="column 'fromlumi' occurs 2 times with different contents"):
        read_ml4dqm(described, Config(folder=tmp_path))


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    assert [each.element for each in read(tmp_path, [row(), plane()], elements=("pl*",)).histograms] == ["plane"]


@pytest.mark.parametrize(
    ("changed", "code", "reason"),
    [
        ({"histo": [1, 2]}, "histogram", "charge: 2 cells where the axes ask for 5 with under- and overflow or 3"),
        ({"histo": []}, "histogram", "charge: no list of numbers"),
        ({"histo": ["a", "b", "c"]}, "histogram", "charge: "),
        ({"Xbins": 0}, "histogram", "1 row without bins or with too many; the first is named"),
        ({"Xbins": 10**9}, "histogram", "1 row without bins or with too many"),
        ({"Xmax": 0.0}, "axis", "charge: an axis from 0.0 to 0.0; 1 row"),
        ({"Xmax": np.nan}, "axis", "charge: an axis from 0.0 to nan; 1 row"),
        ({"fromlumi": -1}, "key", "1 row lacks a run, an LS or a name; the first is row 2"),
        ({"fromlumi": 1.5}, "key", "1 row lacks a run, an LS or a name"),
        ({"fromrun": "x"}, "key", "1 row lacks a run, an LS or a name"),
        ({"hname": None}, "key", "1 row lacks a run, an LS or a name"),
    ],
)
def test_rows_that_cannot_be_are_quarantined(tmp_path: Path, changed: dict[str, Any], code: str, reason: str) -> None:
    result = read(tmp_path, [row(5), row(6, **changed)])
    assert [each.ls.tolist() for each in result.histograms] == [[5]]
    (found,) = result.findings
    assert (found.code, found.severity) == (code, "quarantined")
    assert found.reason.startswith(reason)
    assert found.file.endswith("table.csv")


def test_odd_numbers_are_delivered_and_noted(tmp_path: Path) -> None:
    rows = [row(1, histo="[9, NaN, 2, 3, 8]"), row(2, histo=[9, -1, 2, 3, 8]), row(3, entries=99), row(4)]
    result = read(tmp_path, rows)
    assert np.isnan(result.histograms[0].counts[0, 1])
    assert [(each.code, each.ls) for each in result.findings] == [
        ("invalid:counts", 1),
        ("negative-counts", 2),
        ("entries", 3),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "required column 'fromrun' is missing"),
        (b"PAR1 and nothing", "not a readable table"),
        (b'a,"b\n', "required column 'fromrun' is missing|not a readable table"),
    ],
)
def test_what_is_no_such_table_is_refused_in_one_line(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "bad.csv").write_bytes(data)
    with pytest.raises(InputError, match=reason) as caught:
        read_ml4dqm(Ml4dqmInput(kind="ml4dqm", files=("bad.csv",)), Config(folder=tmp_path))
    assert "bad.csv" in str(caught.value)
    assert "\n" not in str(caught.value)
