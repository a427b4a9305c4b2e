"""Luminosities and keys that cannot be, through the command line: told with file, run and lumisection, never golden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dqm.model.config import load
from dqm.store.store import Store
from dqm.store.tables import quantities_from_arrow

from .conftest import Dqm

OMS = {
    "run_number": [7, 7, 7, 8],
    "lumisection_number": [1, 2, 3, 1],
    "recorded_lumi_per_lumisection": [0.4, 0.4, 0.4, 0.4],
    "pileup": [50.0, 50.0, 50.0, 50.0],
}


def oms(folder: Path, content: str) -> None:
    (folder / "oms.json").write_text(content)
    (folder / "dqm.toml").write_text('[[inputs]]\nkind = "oms"\nfiles = ["oms*.json"]\n')


@pytest.mark.parametrize(
    ("value", "code", "status"),
    [
        (None, 3, "invalid:recorded"),
        (float("nan"), 3, "invalid:recorded"),
        (-0.1, 3, "invalid:recorded"),
        (float("inf"), 3, "invalid:recorded"),
        ("much", 3, "invalid:recorded"),
        (0, 0, ""),
    ],
)
def test_luminosity_that_cannot_be(dqm: Dqm, tmp_path: Path, value: object, code: int, status: str) -> None:
    """None at all is a valid luminosity, and costs workload only."""
    oms(tmp_path, json.dumps(OMS | {"recorded_lumi_per_lumisection": [0.4, value, 0.4, 0.4]}))
    given, text = dqm("ingest", "--config", tmp_path / "dqm.toml")
    assert (given, "Traceback" in text) == (code, False), text
    told = [each for each in text.splitlines() if each.startswith("quarantined")]
    assert [all(part in each for part in ("oms.json", "run 7", "LS 2", status)) for each in told] == [True] * bool(code)
    with Store.open(load(tmp_path / "dqm.toml").store_path) as store:
        table = quantities_from_arrow(store.read("quantities"))
    assert table.status.tolist() == ["", status, "", ""]
    assert table.weight[1] == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (json.dumps(OMS)[:-9], "oms.json: not valid JSON"),
        ("[1, 2]", "oms.json"),
        (json.dumps(OMS | {"pileup": [1.0]}), "oms.json"),
        (json.dumps({"run_number": [7]}), "required column 'lumisection_number' is missing"),
    ],
    ids=["truncated", "list", "short-column", "no-key"],
)
def test_a_table_of_luminosities_that_cannot_be_read(dqm: Dqm, tmp_path: Path, content: str, reason: str) -> None:
    """Alone it is one line of error; beside a good file it is quarantined and the good one is read."""
    oms(tmp_path, content)
    code, text = dqm("ingest", "--config", tmp_path / "dqm.toml")
    assert (code, [each[:4] for each in text.splitlines()]) == (1, ["dqm:"]), text
    assert reason in text
    (tmp_path / "oms_good.json").write_text(json.dumps(OMS))
    code, text = dqm("ingest", "--config", tmp_path / "dqm.toml")
    assert (code, "Traceback" in text) == (3, False), text
    assert [reason in each for each in text.splitlines() if each.startswith("quarantined")] == [True], text
    assert "4 lumisections of 2 runs" in text


@pytest.mark.parametrize("ls", [-1, 1.5, "first", None])
def test_a_lumisection_number_that_is_none(dqm: Dqm, tmp_path: Path, ls: object) -> None:
    oms(tmp_path, json.dumps(OMS | {"lumisection_number": [1, ls, 3, 1]}))
    code, text = dqm("ingest", "--config", tmp_path / "dqm.toml")
    line = next(each for each in text.splitlines() if each.startswith("quarantined [key]"))
    assert code == 3
    assert "oms.json, run 7" in line
    assert "3 lumisections of 2 runs" in text
