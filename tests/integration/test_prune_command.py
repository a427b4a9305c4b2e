"""``dqm prune`` on a store that lived: what explain says is the same before and after."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from dqm.store.store import Store
from pipelines.nightly.lock import locked

from .conftest import Dqm


@pytest.fixture
def place(certified_campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(certified_campaign, tmp_path / "campaign"))
    monkeypatch.chdir(folder)
    return folder / "certification"


def test_nothing_that_is_needed_goes(place: Path, dqm: Dqm) -> None:
    (place / "nights").mkdir()
    for night in (1, 2, 3):
        (place / "nights" / f"night-{night:06d}.html").write_text("a page")
    with Store.open(place) as store:
        run = store.runs("verdicts")[0]
        held = store.read("scores", [run])
        with store.transaction() as change:
            change.put("scores", run, held.slice(0, 1), store.partitions("scores", run=run)[0].provenance)
        with store.transaction() as change:
            change.put("scores", run, held, store.partitions("scores", run=run)[0].provenance)
        assert isinstance(held, pa.Table)
    before = dqm("explain", str(run), "1")
    code, text = dqm("prune", "--keep-nights", "1", "--dry-run", "--cache", "--json", "listed.json")
    assert (code, (place / "nights" / "night-000001.html").is_file()) == (0, True)
    assert "nothing was changed; this would go:\n     2 reports of nights\n         nights/night-000001.html" in text
    listed = json.loads(Path("listed.json").read_text())
    code, text = dqm("prune", "--keep-nights", "1", "--cache", "--json", "gone.json")
    gone = json.loads(Path("gone.json").read_text())
    assert (code, gone) == (0, listed | {"dry": False})
    assert not any((place / each).exists() for name in ("reports", "superseded", "cache") for each in gone[name])
    assert [each.name for each in (place / "nights").iterdir()] == ["night-000003.html"]
    assert dqm("explain", str(run), "1") == before
    assert dqm("doctor")[0] == 0


def test_what_cannot_be_asked_for_is_told(place: Path, dqm: Dqm) -> None:
    assert "--keep-nights 0: keep 1 at least" in dqm("prune", "--keep-nights", "0")[1]
    assert "--older-than 0.5: somebody may be reading it; name 1 day at least" in dqm("prune", "--older-than", "0.5")[1]
    with locked(place):
        assert dqm("prune")[0] == 75
