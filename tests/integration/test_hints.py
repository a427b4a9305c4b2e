"""What commands say to somebody who took the wrong turn, and what they leave out for those who did not."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dqm.model.config import load
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.reason_codes import REASON_CODES
from dqm.store.schema import CHALLENGER, CHAMPION
from dqm.store.store import Store
from pipelines.nightly.health import HealthServer
from pipelines.run.certify import certify
from pipelines.run.ingest import IngestSummary
from pipelines.run.train import train

from .conftest import Dqm


@pytest.fixture
def place(certified_campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the campaign, where commands find its configuration and its paths."""
    folder = Path(shutil.copytree(certified_campaign, tmp_path / "campaign"))
    next(folder.glob("*.toml")).rename(folder / "dqm.toml")
    monkeypatch.chdir(folder)
    return folder / "certification"


@pytest.mark.parametrize("command", ["nightly", "backfill"])
def test_runs_that_nobody_knows_are_told(command: str, place: Path, dqm: Dqm) -> None:
    """Mutant: a night of a mistyped run finds nothing due and ends with 0."""
    code, text = dqm(command, "--runs", "99")
    assert (code, "unknown run '99'; " in text) == (1, True)


def test_a_dry_run_tells_unknown_runs_too(place: Path, dqm: Dqm) -> None:
    code, text = dqm("nightly", "--dry-run", "--runs", "99")
    assert (code, "unknown run '99'; " in text) == (1, True)


def test_a_silence_of_what_nobody_knows_says_so(place: Path, dqm: Dqm) -> None:
    with Store.open(place) as store:
        run = store.runs("verdicts")[0]
        known = sorted(set(store.read("verdicts", [run], ["subsystem"])["subsystem"].to_pylist()) - {""})
    said = dqm("alerts", "silence", "--run", str(run), "--subsystem", known[0], "--reason", "known")[1]
    assert "note:" not in said
    said = dqm("alerts", "silence", "--run", "99", "--subsystem", known[0] + "x", "--reason", "known")[1]
    assert "; note: run 99 is not in the store, " in said
    assert f"; note: nothing is known of subsystem {known[0]}x, nearest valid names: '{known[0]}'" in said


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
        with pytest.raises(
            InputError, match=f"127.0.0.1:{address[1]}: cannot listen here: .*; name another with --port"
        ):
            HealthServer(address, tmp_path)


def test_a_challenger_that_is_the_champion_is_none(place: Path) -> None:
    config = load(place.parent / "dqm.toml")
    with Store.open(place) as store:
        done = train(config, store, challenger=True)
        assert (done.same, store.pointed(CHALLENGER)) == (True, None)
    assert (
        "it is the champion itself: nothing that it learns from has changed, so there is no challenger" in done.text()
    )


def test_certify_after_a_promotion_names_the_way(place: Path) -> None:
    config = load(place.parent / "dqm.toml")
    with Store.open(place) as store:
        champion, run = store.pointed(CHAMPION), store.runs("scores")[0]
        assert champion is not None
        scored = store.read("scores", [run])
        made = store.partitions("scores", run=run)[0].provenance
        with store.transaction() as change:
            change.put("scores", run, scored.slice(0, len(scored) - 1), {**made, "model": "0" * 64})
        done = certify(config, store)
        assert done.earlier == (run,)
        assert (
            f"by the scores of another model, so as before: {run}; to score them by this one: dqm backfill"
            in done.text()
        )


def test_the_help_of_decide_names_every_reason(dqm: Dqm) -> None:
    text = " ".join(dqm("decide", "--help")[1].split())
    assert all(each in text for each in REASON_CODES)


def test_a_run_is_shown_whole(place: Path, dqm: Dqm) -> None:
    with Store.open(place) as store:
        counts = {r: store.read("verdicts", [r], ["decision"])["decision"].to_pylist() for r in store.runs("verdicts")}
    run = max(counts, key=lambda each: counts[each].count("ACCEPT"))
    code, text = dqm("runs", str(run), "--json", "shown.json")
    shown = json.loads(Path("shown.json").read_text())
    assert (code, "      ACCEPT  LS " in text) == (0, True)
    assert sum(each["last"] - each["first"] + 1 for each in shown) == len(counts[run])
    accepted = [each["last"] - each["first"] + 1 for each in shown if each["decision"] == "ACCEPT"]
    assert sum(accepted) == counts[run].count("ACCEPT")


def test_runs_without_a_label_are_one_line() -> None:
    silent = [Finding("unlabelled", "note", "the run has no label", "a.csv", run, 1) for run in range(100, 150)]
    held = Finding("conflict", "quarantined", "two values", "a.csv", 100, 7)
    nowhere = Finding("unlabelled", "note", "of no run")
    made: Callable[..., IngestSummary] = lambda *found: IngestSummary(50, 500, 0, 1, 0, 1, found)  # noqa: E731
    assert made(*silent, held).said(20) == [
        str(held),
        "note [unlabelled] 50 runs, from 100 to 149: all or some of it has no label; it is scored, not learned from",
    ]
    assert made(silent[0]).said(20)[0].startswith("note [unlabelled] run 100: ")
    assert made(held, held, nowhere).said(1) == [str(held), "… and 2 more findings"]


def test_init_makes_the_folder(dqm: Dqm, tmp_path: Path) -> None:
    assert dqm("init", "--path", tmp_path / "new" / "folder" / "dqm.toml")[0] == 0
    assert (tmp_path / "new" / "folder" / "dqm.toml").is_file()


def test_doctor_looks_at_models(place: Path, dqm: Dqm) -> None:
    code, text = dqm("doctor")
    assert (code, "ok   store models: 1 as trained" in text) == (0, True)
    file = next((place / "models").glob("*/bundle.json"))
    file.write_bytes(file.read_bytes() + b" ")
    code, text = dqm("doctor")
    assert (code, "BAD  store models: 1 of 1 not as trained: " in text) == (1, True)
    assert "was changed, its SHA-256 is not that of the manifest; restore it from a copy, or train anew" in text
