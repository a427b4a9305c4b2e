"""Histograms from files to the store, by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dqm.store.histograms import read_histograms
from dqm.store.store import Store

from .conftest import Dqm

CONFIG = """\
[[inputs]]
kind = "dials"
files = ["pages*.json"]
[[inputs]]
kind = "canonical"
files = ["lumi.csv"]
required = false
[inputs.columns.lumi]
role = "weight"
"""


def page(ls: list[int], level: int = 5) -> str:
    one = {"me": "JetMET/vertices", "run_number": 7, "x_min": 0, "x_max": 4, "x_bin": 4, "entries": 4 * level}
    return json.dumps({"results": [one | {"ls_number": each, "data": [level] * 4} for each in ls], "next": None})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dqm.toml").write_text(CONFIG)
    (tmp_path / "lumi.csv").write_text("run,ls,lumi\n7,1,0.5\n7,2,0.5\n7,9,0.5\n")
    (tmp_path / "pages1.json").write_text(page([1, 2]))
    return tmp_path


def test_they_reach_the_store_with_everything_else(dqm: Dqm, folder: Path) -> None:
    code, text = dqm("ingest", "--config", folder / "dqm.toml")
    assert (code, "3 lumisections of 1 runs, 2 histograms, 0 labelled, from 2 files" in text) == (0, True), text
    with Store.open(folder / "certification") as store:
        (batch,) = read_histograms(store)
        assert batch.ls.tolist() == [1, 2]
        np.testing.assert_array_equal(batch.inner, np.full((2, 4), 5))
        status = store.read("quantities")["status"].to_pylist()
        assert status == ["", "", "missing:dials"], "a lumisection without histograms is UNKNOWN"
        snapshot = store.snapshot
        dqm("ingest", "--config", folder / "dqm.toml")
        assert store.snapshot == snapshot


def test_conflicts_and_broken_files_stop_nobody(dqm: Dqm, folder: Path) -> None:
    (folder / "pages2.json").write_text(page([2, 3], level=6))
    (folder / "pages3.json").write_text(page([4])[:-30])
    code, text = dqm("ingest", "--config", folder / "dqm.toml")
    assert code == 3
    assert "Traceback" not in text
    assert "[conflict] run 7, LS 2: JetMET/vertices: two files give 1 lumisections different contents" in text
    assert "pages3.json: not valid JSON" in text
    with Store.open(folder / "certification") as store:
        held = {int(ls) for batch in read_histograms(store) for ls in batch.ls}
    assert held == {1, 3}
