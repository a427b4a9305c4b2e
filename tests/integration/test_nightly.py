"""A night on a small simulated campaign: once, twice, killed, locked, with bad input, and in pieces."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dqm.model.config import Config, load
from dqm.model.errors import InputError, LockedError
from dqm.store.nights import FAILED, FINISHED, INTERRUPTED
from dqm.store.store import Store
from pipelines.execution.schedulers import Scheduler
from pipelines.nightly import work
from pipelines.nightly.due import Due
from pipelines.nightly.lock import NAME, locked
from pipelines.nightly.night import nightly
from pipelines.nightly.status import status, watched
from pipelines.nightly.work import NightRequest

from .conftest import Dqm

AWAY = """
[alerts]
allow = ["127.0.0.1"]
attempts = 1

[[alerts.receiver]]
kind = "webhook"
url = "http://127.0.0.1:9/hook"
secret_env = "DQM_HOOK_KEY"
types = ["nightly.*"]
"""
"""A receiver that nobody answers for."""


@pytest.fixture
def place(certified_campaign: Path, tmp_path: Path) -> Path:
    """A copy of the campaign in which the newest runs were neither scored nor certified."""
    return Path(shutil.copytree(certified_campaign, tmp_path / "campaign"))


@pytest.fixture
def config(place: Path) -> Config:
    return load(next(place.glob("*.toml")))


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.store_path) as opened:
        yield opened


def published(store: Store) -> dict[str, tuple[int, str]]:
    return {each.name: (each.version, each.sha256) for each in store.publications()}


def held(store: Store) -> dict[tuple[str, int], str]:
    return {
        (kind, p.run): p.digest
        for kind in ("scores", "explanations", "contributions", "verdicts")
        for p in store.partitions(kind)
    }


def test_a_second_night_finds_nothing_to_do_and_publishes_the_same_bytes(config: Config, store: Store) -> None:
    first = nightly(config, store)
    assert not first.failed
    page = first.report.read_text(encoding="utf-8") if first.report else ""
    assert page.count("<div class='bar'><i style='flex:") == first.scored
    before, events, snapshot = (held(store), published(store)), len(store.events()), store.snapshot
    second = nightly(config, store)
    assert {each.name: each.state for each in second.stages}["score"] == "skipped"
    assert ((held(store), published(store)), store.snapshot) == (before, snapshot)
    assert len(store.events()) == events + 1, "that the second night finished is all there is to tell"
    assert [each.state for each in store.nights.all()] == [FINISHED, FINISHED]
    page = second.report.read_text(encoding="utf-8") if second.report else ""
    assert "<h1>Night 2 of" in page
    assert "everything was done" in page


@pytest.mark.slow
def test_scores_are_those_of_score_and_a_backfill_changes_nothing(config: Config, store: Store) -> None:
    before = held(store)
    done = nightly(config, store, NightRequest(again=True))
    assert done.scored == len(store.runs("scores")) == len(done.due.runs)
    page = done.report.read_text(encoding="utf-8") if done.report else ""
    assert page.count("<div class='bar'><i style='flex:") == done.scored, "the report shows what was scored again"
    assert held(store) == before


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", ["processes:2", "dask:2"])
def test_executors_give_equal_digests(config: Config, store: Store, scheduler: str) -> None:
    before = held(store)
    nightly(config, store, NightRequest(again=True, scheduler=Scheduler.parse(scheduler)))
    assert held(store) == before


@pytest.mark.slow
def test_the_night_is_told_and_so_is_every_scored_run(config: Config, store: Store) -> None:
    nightly(config, store)
    types = [each.event.type for each in store.events()]
    assert types.count("run.scored") == len(store.runs("scores"))
    assert types[-1] == "nightly.finished"
    anomalies = [(each.event.run, each.event.subsystem) for each in store.events() if "anomaly" in each.event.type]
    assert len(anomalies) == len(set(anomalies)) > 0


def test_a_broken_bundle_is_refused_and_what_is_published_stays(config: Config, store: Store) -> None:
    before = published(store)
    folder = store.path / (store.models()[-1].folder)
    (folder / "extra.txt").write_text("not of the bundle")
    done = nightly(config, store)
    assert done.failed
    assert {each.name: each.state for each in done.stages}["model"] == "failed"
    assert published(store) == before
    assert [e.event.type for e in store.events()][-2:] == ["model.refused", "nightly.failed"]
    assert store.nights.all()[-1].state == FAILED


def test_no_champion_is_a_readable_outcome(place: Path, dqm: Dqm) -> None:
    shutil.rmtree(place / "certification", ignore_errors=True)
    file = next(place.glob("*.toml"))
    assert dqm("ingest", "--config", file)[0] == 0
    code, text = dqm("nightly", "--config", file)
    assert code == 1
    assert "holds no model; make one with: dqm train" in text
    assert "Traceback" not in text


@pytest.mark.slow
def test_inputs_that_are_gone_stop_nothing_else(place: Path, config: Config, store: Store) -> None:
    (place / "simulated_oms.json").unlink()
    done = nightly(config, store)
    state = {each.name: each.state for each in done.stages}
    assert (state["ingest"], state["certify"]) == ("failed", "done")
    assert "no file matches 'simulated_oms.json'" in next(e.said for e in done.stages if e.name == "ingest")


@pytest.mark.slow
def test_a_half_written_file_is_read_again_when_it_is_whole(place: Path, config: Config, store: Store) -> None:
    first = nightly(config, store)
    whole = (place / "simulated_oms.json").read_bytes()
    golden = published(store)
    (place / "simulated_oms.json").write_bytes(whole[: len(whole) // 2])
    half = nightly(config, store)
    assert half.failed or half.quarantined
    assert half.decisions["ACCEPT"] <= first.decisions["ACCEPT"]
    (place / "simulated_oms.json").write_bytes(whole)
    done = nightly(config, store)
    assert (done.failed, done.decisions) == (False, first.decisions)
    assert published(store)["golden.json"][1] == golden["golden.json"][1]


@pytest.mark.slow
def test_what_a_cut_file_takes_from_the_golden_json_is_told(place: Path, config: Config, store: Store) -> None:
    golden = nightly(config, store).decisions["ACCEPT"]
    quantities = place / "simulated_quantities.parquet"
    quantities.write_bytes(quantities.read_bytes()[:-100])
    cut = nightly(config, store)
    assert cut.quarantined
    said = next(each.said for each in cut.stages if each.name == "certify")
    assert f"note: {golden} lumisections are golden no more: of runs " in said
    assert " and 7 more; dqm explain RUN LS tells why" in said


def test_a_second_start_says_who_is_at_work_and_leaves_with_75(place: Path, dqm: Dqm, store: Store) -> None:
    with locked(store.path):
        code, text = dqm("nightly", "--config", next(place.glob("*.toml")))
    assert code == 75
    assert f"process {os.getpid()} on " in text
    assert "is at work; it ends by itself, or try later" in text
    (store.path / NAME).write_text("no JSON")
    with locked(store.path), pytest.raises(LockedError):
        nightly(load(next(place.glob("*.toml"))), store)


HOLDER = """
import sys, time
from pathlib import Path
from pipelines.nightly.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_free_when_its_holder_was_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedError, match=f"process {holder.pid} on "), locked(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with locked(tmp_path):
        pass


def test_the_log_for_machines_takes_the_place_of_text(place: Path, dqm: Dqm, store: Store) -> None:
    shutil.rmtree(store.path / "models")
    code, text = dqm("nightly", "--log-json", "-", "--config", next(place.glob("*.toml")))
    told = [json.loads(each) for each in text.splitlines()]
    assert (code, told[0]["event"], told[-1]["event"]) == (1, "night.began", "night.ended")
    assert {each["stage"]: each["state"] for each in told if each["event"] == "stage.ended"}["model"] == "failed"
    assert (told[-1]["level"], told[-1]["state"], {each["night"] for each in told}) == ("error", "failed", {1})


def test_a_dry_run_writes_nothing(place: Path, dqm: Dqm, store: Store) -> None:
    snapshot = store.snapshot
    code, text = dqm("nightly", "--dry-run", "--config", next(place.glob("*.toml")))
    assert (code, store.snapshot, store.nights.all()) == (0, snapshot, [])
    assert "files that are new, changed or gone: 8\n" in text, "four of the campaign that was copied, four of the copy"


@pytest.mark.slow
def test_a_night_of_some_runs_scores_those(config: Config, store: Store) -> None:
    runs = store.runs("scores")
    done = nightly(config, store, NightRequest(frozenset(runs[:2]), again=True))
    assert done.scored == 2
    begin = store.read("quantities", [runs[-1]])["start"].to_pylist()[0].to_pydatetime()
    assert nightly(config, store, NightRequest(since=begin, again=True)).scored == 1


def test_since_needs_begins(tmp_path: Path, dqm: Dqm) -> None:
    from pipelines.nightly.due import runs_since

    (tmp_path / "dqm.toml").write_text('[[inputs]]\nkind = "canonical"\nfiles = ["t.csv"]\n')
    pd.DataFrame({"run": [1, 1], "ls": [1, 2], "rate": [1.0, 2.0]}).to_csv(tmp_path / "t.csv", index=False)
    assert dqm("ingest", "--config", tmp_path / "dqm.toml")[0] == 0
    with Store.open(tmp_path / "certification") as opened, pytest.raises(InputError, match="do not tell when"):
        runs_since(opened, datetime.now(UTC))


@pytest.mark.slow
def test_what_began_and_never_ended_is_called_interrupted(config: Config, store: Store) -> None:
    store.nights.begin()
    nightly(config, store)
    assert [each.state for each in store.nights.all()] == [INTERRUPTED, FINISHED]


@pytest.mark.slow
def test_a_night_that_is_missed_is_told_once_a_day(config: Config, store: Store) -> None:
    nightly(config, store)
    now = datetime.now(UTC)
    assert not watched(store, 26, now).overdue
    for hours in (30, 31, 54):
        assert watched(store, 26, now + timedelta(hours=hours)).overdue
    missed = [each.event for each in store.events() if each.event.type == "nightly.missed"]
    assert (
        len({each.data["day"] for each in missed}) == len(missed) == 2 + ((now.hour + 6) // 24 != (now.hour + 7) // 24)
    )
    assert status(store, 26, now - timedelta(hours=3)).overdue, (
        "a night that ends in the future: the clock was set back"
    )
    with pytest.raises(InputError, match="write a positive number of hours"):
        watched(store, -1)


def test_status_for_machines(place: Path, dqm: Dqm) -> None:
    file = next(place.glob("*.toml"))
    code, text = dqm("status", "--config", file, "--json", place / "status.json")
    found = json.loads((place / "status.json").read_text())
    assert f"golden JSON version 1: {found['golden_path']}" in text
    assert Path(found["golden_path"]) == place / "certification" / "published" / "golden.json"
    assert (code, found["overdue"], found["golden"], found["nights"]) == (0, False, 1, {})
    assert dqm("status", "--config", file, "--within", "26")[0] == 1


def test_dead_letters_are_the_exit_code_of_nights_and_status(
    place: Path, dqm: Dqm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: who was not told of yesterday's night reads that today's went well."""
    monkeypatch.setenv("DQM_HOOK_KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    file = next(place.glob("*.toml"))
    file.write_text(file.read_text() + AWAY)
    code, text = dqm("nightly", "--config", file)
    assert (code, ": somebody was not told; see dqm alerts dead" in text) == (4, True)
    code, text = dqm("status", "--config", file)
    assert (code, "somebody was NOT TOLD: dqm alerts dead" in text) == (4, True)
    assert dqm("alerts", "dead", "--dismiss", "--config", file)[0] == 0
    assert dqm("status", "--config", file)[0] == 0


def test_a_late_run_is_told_although_the_night_dies_before_it_certifies(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: told in the commit of the certification; the next night does not know any more that it came late."""
    late = store.runs("scores")[0]

    def interrupted(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(work, "due", lambda *given: Due((late,), (), (late,)))
    monkeypatch.setattr(work, "certify", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nightly(config, store)
    assert [each.event.run for each in store.events() if each.event.type == "data.late"] == [late]


@pytest.mark.slow
def test_a_run_that_comes_late_is_told_and_ends_where_one_backfill_ends(
    place: Path, config: Config, store: Store
) -> None:
    """What looked past the missing run is scored again when it is there."""
    file, expected = place / "simulated_quantities.parquet", held(store)
    whole, late = file.read_bytes(), store.runs("scores")[1]
    table = pq.read_table(file)
    pq.write_table(table.filter(pc.not_equal(table["run"], late)), file)
    nightly(config, store)
    assert held(store) != expected
    file.write_bytes(whole)
    nightly(config, store)
    assert held(store) == expected
