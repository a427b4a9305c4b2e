"""A shift through the command line: from a claim to a golden JSON, and what a certification leaves alone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dqm.formats.golden import read_mask
from dqm.model.config import Config, load
from dqm.model.errors import InputError, StoreError
from dqm.model.verdicts import Decision
from dqm.services.decide import decide
from dqm.services.people import ConfiguredPeople
from dqm.services.queue import QueueRow, queue
from dqm.services.runs import sign
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from features.asked import asked_of
from pipelines.run import certify as certifying
from pipelines.run.certify import certify
from pipelines.run.train import labelled_evidence
from pipelines.simulate.write import Paths

Dqm = Callable[..., tuple[int, str]]
PEOPLE = """
[people]
operator = "ada"
[[people.person]]
name = "ada"
[[people.person]]
name = "eve"
role = "expert"
[[people.person]]
name = "lea"
role = "leader"
[[people.person]]
name = "leo"
role = "leader"
"""


@pytest.fixture
def config(certified_campaign: Path, tmp_path: Path) -> Path:
    """A copy of the certified campaign, with people."""
    path = Paths.within(Path(shutil.copytree(certified_campaign, tmp_path / "campaign"))).config
    with path.open("a", encoding="utf-8") as written:
        written.write(PEOPLE)
    return path


@pytest.fixture
def settings(config: Path) -> Config:
    return load(config)


def rows(store: Store) -> list[QueueRow]:
    """The certified runs, those with most at stake first."""
    return [each for each in queue(store, datetime.now(UTC)) if each.counts]


def signed(settings: Config, store: Store, run: int, verdict: str = "GOOD") -> None:
    """Decide everything of a run and sign it."""
    people = ConfiguredPeople(settings.people)
    ls = verdicts_from_arrow(store.read("verdicts", [run])).index.get_level_values("ls")
    ranges = [(int(each), int(each)) for each in ls]
    decide(store, people, "eve", run, ranges, verdict, "noise", nonce=f"decide {run} {verdict}")
    asked = asked_of(settings.features, settings.limits)
    sign(store, people, "eve", run, asked=asked, nonce=f"sign {run} {verdict}")


def test_a_shift(config: Path, settings: Config, dqm: Dqm) -> None:
    def said(*words: str, code: int = 0) -> str:
        found, text = dqm(*words, "--config", config)
        assert found == code, text
        return text

    with Store.open(settings.store_path) as store:
        first = rows(store)[0]
        before = read_mask(store.publication("golden.json").read().decode())
    run = str(first.run)
    assert said("runs").splitlines()[1].split()[:2] == [run, "OPEN"]
    listed = config.parent / "runs.json"
    said("runs", "--json", str(listed))
    assert json.loads(listed.read_text())[0]["open"] == first.open
    assert "its last entry is 0" in said("runs", run)
    assert "is claimed by ada until" in said("claim", run, "--hours", "2")
    assert "ada until" in said("runs", "--most", "1")
    assert "an expert is asked about LS" in said("escalate", run, "open", "--comment", "what is this?")
    assert "1 for an expert" in said("runs")
    assert "a decision needs its reason, --reason with one of: nothing-wrong" in said(
        "decide", run, "open", "BAD", code=1
    )
    assert "'5-' is no lumisection and no range" in said("decide", run, "5-", "BAD", "--reason", "noise", code=1)
    text = said("decide", run, "open", "GOOD", "--reason", "harmless", "--as", "eve", "--expected", "2")
    assert f"decided {first.open} (entry 3)" in text
    assert "eve (expert) decided GOOD" in said("release", run, "--expected", "2", code=1)
    assert "needs an expert or a leader; ada is shifter" in said("sign", run, code=1)
    assert "is signed:" in said("sign", run, "--as", "eve", "--nonce", "once")
    assert "was sent already; it counts once" in said("sign", run, "--as", "eve", "--nonce", "once", code=1)
    text = said("publish", "--as", "eve")
    assert "golden JSON version 2 holds" in text
    assert text.rstrip().endswith("published/golden.json")
    assert "unbroken" in said("audit", run)
    with Store.open(settings.store_path) as store:
        published = store.publication("golden.json")
        after = read_mask(published.read().decode())
        assert published.provenance["audit"] == store.audit()[-2].hash
    assert len(after - before) == first.open
    assert (after - before).runs == [first.run]
    text = said("certify", "--report", str(config.parent / "report.html"))
    assert f"note: signed, so not decided again: {run}" in text
    assert "golden JSON version 2 holds" in text, "the certification and the publication give the same bytes"
    assert "run " + run + " is open again" in said("reopen", run, "--reason", "a second look", "--as", "eve")
    assert said("audit").splitlines()[-1] == "6 entries in the store, their chain is unbroken"


def test_runs_in_which_nothing_asks_are_signed_at_once(config: Path, settings: Config, dqm: Dqm) -> None:
    with Store.open(settings.store_path) as store:
        asking = rows(store)[0].run
    code, text = dqm("sign-many", "quiet", "--as", "eve", "--config", config)
    if code:
        assert "no run to sign in which nothing asks and nobody is at work; see: dqm runs" in text
    code, text = dqm("decide", str(asking), "open", "BAD", "--reason", "noise", "--config", config)
    assert code == 0, text
    code, text = dqm("publish", "--preview", "--as", "eve", "--config", config)
    assert "as published in version 1: nothing would change" in text, "what was open is not golden either way"
    code, text = dqm(
        "sign-many", "quiet", "--as", "eve", "--json", str(config.parent / "batch.json"), "--config", config
    )
    assert (code, text.startswith("1 run is signed")) == (0, True), text
    assert json.loads((config.parent / "batch.json").read_text())["signed"][0]["run"] == asking
    code, text = dqm("sign-many", str(asking), "x1", "--as", "eve", "--config", config)
    assert (code, "'x1' is no run; name runs by their numbers" in text) == (1, True)
    code, text = dqm("sign-many", str(asking), "--as", "eve", "--config", config)
    assert (code, f"run {asking} was signed by eve" in text) == (1, True)


def test_a_certification_keeps_people_over_the_machine(settings: Config, config: Path) -> None:
    with Store.open(settings.store_path) as store:
        (run, *_) = (each.run for each in rows(store) if each.counts.get(Decision.ACCEPT))
        ls = verdicts_from_arrow(store.read("verdicts", [run])).index.get_level_values("ls")
        spoken = [(int(ls[0]), int(ls[-1]))]
        decide(store, ConfiguredPeople(settings.people), "ada", run, spoken, "BAD", "noise", nonce="1")
        done = certify(settings, store, report=config.parent / "report.html", output=config.parent / "out")
        assert done.decisions["BAD"] == len(ls)
        assert run not in read_mask(store.publication("golden.json").read().decode()).runs
    assert "<td>BAD</td>" in (config.parent / "report.html").read_text()
    assert f"{run},{ls[0]},BAD" in (config.parent / "out" / "verdicts.csv").read_text()


def test_signed_runs_are_not_decided_again(settings: Config) -> None:
    """Mutants: a certification that decides them, one that is refused because nothing is left to decide."""
    with Store.open(settings.store_path) as store:
        runs = [each.run for each in rows(store)]
        signed(settings, store, runs[0])
        before = {each.run: each.digest for each in store.partitions("verdicts")}
        done = certify(settings, store)
        assert (done.signed, done.review, done.runs) == ((runs[0],), (), len(runs) - 1)
        assert {each.run: each.digest for each in store.partitions("verdicts")} == before
        with pytest.raises(InputError, match=rf"run {runs[0]} is signed and not decided again; first: dqm reopen"):
            certify(settings, store, frozenset([runs[0]]))
        assert certify(settings, store, frozenset(runs[:2])).runs == 1
        for run in runs[1:]:
            signed(settings, store, run)
        done = certify(settings, store)
        assert (done.runs, set(done.decisions.values())) == (0, {0})
        assert "certified 0 lumisections of 0 runs: all signed" in done.text()
        assert " and " in done.text().splitlines()[-1]


def test_a_run_that_is_signed_meanwhile_refuses_the_certification(
    settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: signed runs that are looked up before the transaction only."""
    with Store.open(settings.store_path) as store:
        run = rows(store)[0].run
        snapshot, kept = store.snapshot, certifying.joined

        def meanwhile(*given: object) -> object:
            signed(settings, store, run)
            return kept(*given)

        monkeypatch.setattr(certifying, "joined", meanwhile)
        with pytest.raises(StoreError, match=f"run {run} was signed while it was certified; do it again"):
            certify(settings, store)
        assert store.snapshot == snapshot


def test_signed_decisions_teach(settings: Config) -> None:
    """A person's label stands over the one of an input, and a run of people alone is learned from."""
    with Store.open(settings.store_path) as store:
        before, _ = labelled_evidence(settings, store)
        run = rows(store)[0].run
        assert run not in before.run
        signed(settings, store, run, "BAD")
        after, _ = labelled_evidence(settings, store)
    assert set(after.run) - set(before.run) == {run}
    assert (after.label[after.run == run] == 1).all()


def test_a_working_point_is_proposed_and_approved(config: Path, settings: Config, dqm: Dqm) -> None:
    def said(*words: str, code: int = 0) -> str:
        found, text = dqm("working-point", *words, "--config", config)
        assert found == code, text
        return text

    assert "chosen by the last training, approved by nobody" in said("show")
    assert "budgets lie between 0 and 1, not 0.01 and 2" in said("propose", "--pollution", "2", code=1)
    assert "name both, the first not above the second" in said("propose", "--accept-below", ".5", code=1)
    why = ("--comment", "fewer questions")
    assert "accept below 0.03, reject from 0.9" in said(
        "propose", "--accept-below", "0.03", "--reject-above", "0.9", *why, "--as", "lea"
    )
    assert "proposed: accept below" in said("propose", "--data-loss", "0.02", *why, "--as", "eve")
    assert "another leader has to approve it" in said("approve", "1", "--as", "lea", code=1)
    assert "it decides at the next: dqm certify" in said("approve", "1", "--as", "leo")
    text = said("show")
    assert "decides: accept below 0.03, reject from 0.9; on" in text
    assert "leo (leader) approved working point" in text
    assert "proposal 2: accept below" in text
    config.write_text(re.sub(r"data_loss = \S+", "data_loss = 0.05", config.read_text()))
    assert load(config).working_point.data_loss == 0.05 != settings.working_point.data_loss
    with Store.open(settings.store_path) as store:
        assert certify(load(config), store).working_point.accept_below == 0.03


def test_a_store_where_nothing_happened_yet(tmp_path: Path, dqm: Dqm) -> None:
    config = tmp_path / "dqm.toml"
    config.write_text("")
    code, text = dqm("runs", "--config", config)
    assert code == 1
    assert "there is no store here (no store.sqlite); make one with: dqm ingest" in text
    Store.create(load(config).store_path).close()
    assert "no run yet; read some with: dqm ingest" in dqm("runs", "--config", config)[1]
    assert "0 entries in the store, their chain is unbroken" in dqm("audit", "--config", config)[1]
    for command, message in (
        (("runs", "5"), "holds no run yet; next: dqm ingest"),
        (("decide", "5", "all", "GOOD", "--reason", "noise"), "holds no run yet; next: dqm ingest"),
        (("publish",), "holds no verdicts to publish; make them with: dqm certify"),
        (("working-point", "show"), "holds no working point; choose one with: dqm train"),
    ):
        code, text = dqm(*command, "--config", config)
        assert code == 1
        assert message in text
