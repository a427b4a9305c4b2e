"""The public data sets through the readers: every row is accounted for and nothing of the labels is looked at."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dqm.formats.brilcalc import read_brilcalc
from dqm.formats.clas12 import read_qadb, read_table
from dqm.formats.dials import read_dials
from dqm.formats.golden import golden_bytes, read_mask
from dqm.formats.legacy_dqm import read_dqm_root
from dqm.formats.ml4dqm import read_ml4dqm
from dqm.formats.oms import read_oms
from dqm.formats.results import ReadResult
from dqm.model.config import (
    BrilcalcInput,
    Clas12QadbInput,
    Clas12TableInput,
    Config,
    DialsInput,
    DqmRootInput,
    Ml4dqmInput,
    OmsInput,
)
from dqm.model.tables import QuantityTable

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("DQM_DATA" not in os.environ, reason="set DQM_DATA to the folder of the public data sets"),
]
ROWS = {
    "rga_fa18_inbending_pass1": 24931,
    "rga_fa18_inbending_pass2": 17297,
    "rga_sp18_outbending": 10029,
    "rgk_fa18_6.5GeV": 17609,
    "rgk_fa18_7.5GeV": 17154,
}


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(folder=Path(os.environ["DQM_DATA"]))


def table_of(result: ReadResult) -> QuantityTable:
    assert result.quantities is not None
    return result.quantities


@pytest.mark.parametrize("task", ["cut", "expert"])
@pytest.mark.parametrize("group", ["rga_sp18_outbending", "rgk_fa18_7.5GeV"])
def test_clas12_trees_equal_the_table(config: Config, group: str, task: str) -> None:
    raw = f"clas12_qadb/raw/pass1/{group}"
    trees = read_qadb(
        Clas12QadbInput.model_validate(
            {"kind": "clas12-qadb", "qa": f"{raw}/qaTree.json", "charge": f"{raw}/chargeTree.json", "task": task}
        ),
        config,
    )
    flat = read_flat(config, group, task)
    a, b = table_of(trees), table_of(flat)
    assert a.columns == b.columns
    assert a.index.equals(b.index)
    np.testing.assert_array_equal(a.values, b.values)
    assert a.status.tolist() == b.status.tolist()
    assert trees.labels is not None
    assert flat.labels is not None
    assert np.array_equal(trees.labels.values, flat.labels.values)
    assert trees.labels.comment.tolist() == flat.labels.comment.tolist()
    assert {each.code for each in trees.findings} <= {"invalid:charge", "invalid:charge_ungated"}


def read_flat(config: Config, group: str, task: str = "expert") -> ReadResult:
    files = ["clas12_qadb/clas12_bins.parquet"]
    described = {"kind": "clas12-table", "files": files, "dataset": group, "task": task}
    return read_table(Clas12TableInput.model_validate(described), config)


@pytest.mark.parametrize("group", ROWS)
def test_clas12_table_is_read_whole(config: Config, group: str) -> None:
    result = read_flat(config, group)
    assert [(each.rows_read, each.rows_kept) for each in result.files] == [(ROWS[group], ROWS[group])]
    assert result.labels is not None
    assert len(result.labels) == ROWS[group]


def test_oms_table_is_read_whole(config: Config) -> None:
    result = read_oms(OmsInput(kind="oms", files=("cms_lumisections/cms_ls_oms_2023_2024.parquet",)), config)
    assert [(each.rows_read, each.rows_kept) for each in result.files] == [(383420, 383420)]
    assert {each.code for each in result.findings} <= {"invalid:recorded", "invalid:delivered"}


def test_oms_json_of_one_era(config: Config) -> None:
    result = read_oms(OmsInput(kind="oms", files=("cms_lumisections/omsdata_Run2024E-v1.json",)), config)
    assert len(table_of(result)) == 33796
    assert result.labels is None
    assert result.findings == ()


def test_brilcalc_samples(config: Config) -> None:
    result = read_brilcalc(BrilcalcInput(kind="brilcalc", files=("certification_json/*.csv",)), config)
    assert [(each.rows_read, each.rows_kept) for each in result.files] == [(2998, 2998), (998, 998)]
    assert [each.code for each in result.findings] == ["summary", "check-json"], (
        "one sample is the head of a longer file"
    )
    table = table_of(result)
    assert table.usable.all()
    assert table["brilcalc_recorded"].max() < 1, "per picobarn in both generations"
    assert not np.isnat(table.start).any()


def test_certification_json_round_trips(config: Config) -> None:
    folder = config.folder / "certification_json"
    files = sorted(each for each in folder.iterdir() if each.suffix in (".json", ".txt"))
    assert len(files) == 6
    for each in files:
        mask = read_mask(each)
        data = golden_bytes(mask)
        assert len(mask.runs) > 50
        assert golden_bytes(read_mask(data.decode())) == data


def pages(name: str) -> list[dict[str, Any]]:
    files = sorted(Path(os.environ["DQM_DATA"], "cms_dials_mock_histograms").glob(name))
    return [result for file in files for result in json.loads(file.read_text())["results"]]


def test_dials_pages_are_read_number_by_number(config: Config) -> None:
    result = read_dials(DialsInput(kind="dials", files=("cms_dials_mock_histograms/*.json",)), config)
    expected = pages("histograms*")
    assert len(expected) == sum(len(each) for each in result.histograms) == 60
    held = {each.element: each for each in result.histograms}
    for one in expected:
        batch = held[one["title"]]
        np.testing.assert_array_equal(batch.inner[0], one["data"])
        ends = [(one[f"{n}_bin"], one[f"{n}_min"], one[f"{n}_max"]) for n in ("x", "y") if f"{n}_bin" in one]
        assert [(axis.bins, axis.low, axis.high) for axis in batch.axes] == ends
        assert batch.entries[0] == one["entries"]
    (known,) = (each for each in pages("lumisections*") if each["id"] == 1)
    assert {(int(b.run[0]), int(b.ls[0])) for b in result.histograms} == {(known["run"], known["ls_number"])}


def test_keyed_root_files_equal_the_tables_beside_them(config: Config) -> None:
    """Mutant: maps without flow read y by y."""
    for path in sorted(config.folder.glob("cms_dqmio_examples_2023C/*.root")):
        tree = read_dqm_root(DqmRootInput(kind="dqm-root", files=(str(path),)), config)
        flat = read_ml4dqm(Ml4dqmInput(kind="ml4dqm", files=(str(path.with_suffix(".parquet")),)), config)
        (root,), (table,) = tree.histograms, flat.histograms
        assert tree.findings == ()
        assert root.element == table.element
        assert [(a.bins, a.low, a.high) for a in root.axes] == [(a.bins, a.low, a.high) for a in table.axes]
        order, other = np.lexsort((root.ls, root.run)), np.lexsort((table.ls, table.run))
        np.testing.assert_array_equal(root.ls[order], table.ls[other])
        np.testing.assert_array_equal(root.inner[order], table.inner[other])
        np.testing.assert_array_equal(root.entries[order], table.entries[other])


@pytest.mark.parametrize("pattern", ["cms_dqmio_examples_2023C/*.parquet", "ml4dqm_samples/*1D*.csv"])
def test_ml4dqm_tables_are_read_number_by_number(config: Config, pattern: str) -> None:
    for path in sorted(config.folder.glob(pattern)):
        result = read_ml4dqm(Ml4dqmInput(kind="ml4dqm", files=(str(path),)), config)
        assert result.findings == ()
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        held = {
            (b.element, int(r), int(s)): (b, k)
            for b in result.histograms
            for k, (r, s) in enumerate(zip(b.run, b.ls, strict=True))
        }
        assert len(held) == len(frame) == result.files[0].rows_kept
        for row in frame.itertuples():
            batch, k = held[row.hname, row.fromrun, row.fromlumi]
            cells = np.array(json.loads(row.histo) if isinstance(row.histo, str) else row.histo)
            given = batch.counts[k] if batch.has_flow else batch.inner[k].T
            np.testing.assert_array_equal(given.reshape(-1), cells)
            assert (batch.axes[0].bins, batch.axes[0].low, batch.axes[0].high) == (row.Xbins, row.Xmin, row.Xmax)
            assert batch.entries[k] == row.entries
