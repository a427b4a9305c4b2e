"""The command line as people call it without the second that a new process takes, and one campaign that was certified."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from dqm.model.config import load
from dqm.store.store import Store
from pipelines import cli
from pipelines.run.certify import certify
from pipelines.run.ingest import ingest
from pipelines.run.score import score
from pipelines.run.train import train
from pipelines.simulate.campaign import SimulationSettings, simulate
from pipelines.simulate.write import write_campaign

Dqm = Callable[..., tuple[int, str]]
SMALL_MODEL = "[model]\ntrees = 20\nlearning_rate = 0.3\nmembers = 1\n"
"""Enough for a few thousand lumisections, at a twelfth of the work."""


@pytest.fixture(scope="session")
def commands() -> Callable[..., object]:
    """The tree of commands, which ``app`` makes anew at every call."""
    return typer.main.get_command(cli.app)


@pytest.fixture
def dqm(commands: Callable[..., object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Dqm:
    """Run ``dqm`` with arguments; the exit code, and what it wrote to both streams."""

    monkeypatch.setattr(cli, "app", commands)

    def call(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["dqm", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        written = capsys.readouterr()
        return int(left.value.code or 0), written.err + written.out

    return call


@pytest.fixture(scope="session")
def certified_campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a campaign that was certified once; copy it to change it."""
    folder = tmp_path_factory.mktemp("campaign")
    paths = write_campaign(simulate(SimulationSettings(weeks=2, fill_hours=2, seed=2)), folder)
    with paths.config.open("a", encoding="utf-8") as written:
        written.write(SMALL_MODEL)
    config = load(paths.config)
    with Store.create(config.store_path) as store:
        ingest(config, store)
        train(config, store)
        score(config, store)
        certify(config, store, report=folder / "report.html", output=folder / "output")
    return folder
