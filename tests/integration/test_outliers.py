"""``dqm outliers`` from tables to lists, and one line for what cannot be used."""

import json
import sys
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.simulate.events import simulate_events

FEATURES = "log:jet_mass,logit:tau21"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    for name, (background, signal, seed) in {"b": (300, 0, 1), "d": (300, 0, 2), "s": (0, 40, 3)}.items():
        simulate_events(background, signal, seed=seed).to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def called(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["dqm", "outliers", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


@pytest.mark.slow
def test_from_tables_to_lists(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = ["--background", events / "b.csv", "--data", events / "d.csv", "--features", FEATURES]
    signal = ["--signal", events / "s.csv", "--fraction", 0.1, "--methods", "nade", "--output", events / "found"]
    assert called(monkeypatch, *inputs, *signal, "--json", "-") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["events"], document["injected"]) == (333, 33)
    assert document["methods"][0]["metrics"]["auc"] > 0.8
    assert {each.name for each in (events / "found").iterdir()} == {
        "outliers-nade.parquet",
        "outliers-nade.csv",
        "densities.html",
    }


def test_a_wrong_column_is_one_line(
    events: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = ["--background", events / "b.csv", "--data", events / "d.csv", "--features", "jet_mas"]
    assert called(monkeypatch, *inputs, "--output", events / "found") == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no column 'jet_mas'; nearest valid names: 'jet_mass'" in error
    assert not (events / "found").exists()
