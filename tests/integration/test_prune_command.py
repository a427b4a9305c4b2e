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
    with Store.open(place) as store:
        (entry,) = [each for each in store.audit() if each.action == "prune"]
    assert entry.fields["files"] == sum(len(gone[name]) for name in ("reports", "superseded", "leftovers", "cache"))
    assert f"pruned the store: {entry.fields['files']} files, 0 deliveries" in dqm("audit")[1]


def test_nothing_is_entered_where_nothing_goes_and_strangers_prune_nothing(place: Path, dqm: Dqm) -> None:
    assert dqm("prune")[0] == 0
    with Store.open(place) as store:
        assert "prune" not in [each.action for each in store.audit()]
    (place / "cache").mkdir(exist_ok=True)
    (place / "cache" / "one.arrow").touch()
    code, text = dqm("prune", "--cache", "--as", "nobody")
    assert (code != 0, "'nobody' may not act here" in text) == (True, True)
    assert (place / "cache" / "one.arrow").exists()


def test_what_cannot_be_asked_for_is_told(place: Path, dqm: Dqm) -> None:
    assert "--keep-nights 0: keep 1 at least" in dqm("prune", "--keep-nights", "0")[1]
    assert "--older-than 0.5: somebody may be reading it; name 1 day at least" in dqm("prune", "--older-than", "0.5")[1]
    with locked(place):
        assert dqm("prune")[0] == 75
