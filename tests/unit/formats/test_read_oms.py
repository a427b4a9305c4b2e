"""CMS OMS: columnar JSON and tables of the same names give the same quantities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dqm.formats.oms import read_oms, write_oms
from dqm.formats.results import ReadResult
from dqm.model.config import Config, OmsInput
from dqm.model.errors import InputError
from dqm.model.labels import Label

RECORDED = "recorded_lumi_per_lumisection"


def rows(n: int = 3, **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"run_number": 7, "lumisection_number": np.arange(1, n + 1), RECORDED: 0.5})
    return frame.assign(**columns)


def read(folder: Path, frame: pd.DataFrame, suffix: str = "parquet") -> ReadResult:
    write_oms(folder / f"oms.{suffix}", frame)
    return read_oms(OmsInput(kind="oms", files=(f"oms.{suffix}",)), Config(folder=folder))


@pytest.mark.parametrize("suffix", ["json", "csv", "parquet"])
def test_columns_and_labels(tmp_path: Path, suffix: str) -> None:
    frame = rows(
        delivered_lumi_per_lumisection=0.6,
        bpix_ready=pd.Series([True, None, False], dtype=object),
        rate_HLT_Physics=[1.5, np.nan, 0.0],
        golden=[True, False, True],
        era="Sim-v1",
    )
    result = read(tmp_path, frame, suffix)
    table, labels = result.quantities, result.labels
    assert table is not None
    assert labels is not None
    assert table.names == ["recorded", "delivered", "bpix_ready", "rate_HLT_Physics"]
    np.testing.assert_array_equal(table["bpix_ready"], [1.0, np.nan, 0.0])
    np.testing.assert_array_equal(table["rate_HLT_Physics"], [1.5, np.nan, 0.0])
    assert [(c.subsystem, c.role, c.kind, c.unit) for c in table.columns] == [
        ("luminosity", "weight", "value", "/pb"),
        ("luminosity", "condition", "value", "/pb"),
        ("bpix", "feature", "flag", ""),
        ("hlt", "feature", "rate", "Hz"),
    ]
    assert labels.values.tolist() == [Label.GOOD, Label.BAD, Label.GOOD]
    assert result.findings == ()


def test_luminosities_that_cannot_be(tmp_path: Path) -> None:
    recorded = [0.0, -0.1, np.nan, np.inf, 0.5]
    frame = rows(5, delivered_lumi_per_lumisection=[0, 0, 0, 0, -1.0]).assign(**{RECORDED: recorded})
    result = read(tmp_path, frame)
    assert result.quantities is not None
    bad = "invalid:recorded"
    assert result.quantities.status.tolist() == ["", bad, bad, bad, "invalid:delivered"]
    assert "run 7, LS 2: recorded is missing, negative or infinite; 3 rows of 3 lumisections" in str(result.findings[0])


def test_a_negative_rate_and_a_word_for_a_number(tmp_path: Path) -> None:
    frame = rows(rate_X=[1.0, 2.0, -1.0], pileup=pd.Series([30, "many", 31], dtype=object))
    result = read(tmp_path, frame, "csv")
    assert result.quantities is not None
    assert result.quantities.status.tolist() == ["", "invalid:pileup", "invalid:rate_X"]
    assert any("LS 2: pileup is not a number: 'many'" in str(each) for each in result.findings)


def test_a_misspelt_column_is_noted_and_not_used(tmp_path: Path) -> None:
    result = read(tmp_path, rows(cms_activ=True))
    assert result.quantities is not None
    assert result.quantities.names == ["recorded"]
    assert "column 'cms_activ' is not known and not used; nearest valid names: 'cms_active'" in str(result.findings[0])


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    frame = rows().rename(columns={RECORDED: "recorded_lumi_per_lumi_section"})
    with pytest.raises(
        InputError, match=f"required column '{RECORDED}' is missing; .*'recorded_lumi_per_lumi_section'"
    ):
        read(tmp_path, frame)


def test_a_begin_needs_a_zone(tmp_path: Path) -> None:
    result = read(tmp_path, rows(start_time="2024-05-01T12:00:00+02:00"), "csv")
    assert result.quantities is not None
    assert result.quantities.start[0] == np.datetime64("2024-05-01T10:00:00")
    with pytest.raises(
        InputError, match="run 7, LS 1: start '2024-05-01T12:00:00' must be ISO 8601 with Z or an offset"
    ):
        read(tmp_path, rows(start_time="2024-05-01T12:00:00"), "csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "not columnar OMS JSON"),
        ({"run_number": 5}, "not columnar OMS JSON"),
        ({"run_number": [1], "lumisection_number": [1], RECORDED: [1, 2]}, f"'{RECORDED}' has 2 values where .* 1"),
        ({}, "the table has no rows"),
        ({"run_number": [], "lumisection_number": [], RECORDED: []}, "the table has no rows"),
    ],
)
def test_json_of_another_kind(tmp_path: Path, content: Any, message: str) -> None:
    (tmp_path / "oms.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_oms(OmsInput(kind="oms", files=("oms.json",)), Config(folder=tmp_path))


def test_a_column_that_stands_twice_in_the_json(tmp_path: Path) -> None:
    (tmp_path / "oms.json").write_text('{"pileup": [1], "pileup": [2]}')
    with pytest.raises(InputError, match="each once"):
        read_oms(OmsInput(kind="oms", files=("oms.json",)), Config(folder=tmp_path))


def test_duplicates_across_files(tmp_path: Path) -> None:
    """Thousands of rows that agree make one finding; one that disagrees is named with both files."""
    n = 3000
    write_oms(tmp_path / "a.csv", rows(n))
    write_oms(tmp_path / "b.csv", rows(n).assign(**{RECORDED: [0.5] * (n - 1) + [0.7]}))
    result = read_oms(OmsInput(kind="oms", files=("*.csv",)), Config(folder=tmp_path))
    conflict, duplicate = (str(each) for each in result.findings)
    assert f"{tmp_path / 'a.csv'} and {tmp_path / 'b.csv'}, run 7, LS {n}: rows of one lumisection disagree" in conflict
    assert "run 7, LS 1: the lumisection occurs again with the same values; one row is kept; 2999 rows" in duplicate
    assert [(each.rows_read, each.rows_kept) for each in result.files] == [(n, n), (n, 0)]
    assert result.quantities is not None
    assert result.quantities.status[-1] == "conflict"


def test_files_of_different_columns_are_stacked(tmp_path: Path) -> None:
    write_oms(tmp_path / "a.parquet", rows(1))
    write_oms(tmp_path / "b.parquet", rows(1, cms_active=True).assign(run_number=8))
    result = read_oms(OmsInput(kind="oms", files=("*.parquet",)), Config(folder=tmp_path))
    assert result.quantities is not None
    np.testing.assert_array_equal(result.quantities["cms_active"], [np.nan, 1.0])


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"OMS files end in \.json, \.parquet or \.csv, not in '\.xml'"):
        write_oms(tmp_path / "oms.xml", rows())
