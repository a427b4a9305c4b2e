"""``dqm explain``: every step from the data to the golden JSON is there, and what is not is said."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from dqm.formats.golden import read_mask
from dqm.store.store import Store
from dqm.store.tables import quantities_from_arrow, store_quantities

from .conftest import Dqm


def test_the_chain_of_one_lumisection(dqm: Dqm, certified_campaign: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(certified_campaign, tmp_path / "campaign"))
    config = next(folder.glob("*.toml"))
    with Store.open(folder / "certification") as store:
        run = store.runs("verdicts")[0]
        digests = [store.partitions(kind, run=run)[0].digest[:16] for kind in ("quantities", "scores", "verdicts")]
        model = store.models()[0].model_id
        golden = read_mask(store.publication("golden.json").path)
    code, _ = dqm("decide", run, "3", "bad", "--reason", "calibration", "--comment", "looked at it", "--config", config)
    assert code in (0, 1)
    code, text = dqm("explain", run, 3, "--config", config)
    assert code == 0, text
    for each in (*digests, model, "of the data as they are", "the run is OPEN"):
        assert each in text
    assert "OTHER FEATURES OR LIMITS" not in text
    assert ("does not hold it" in text) == (not golden.contains([run], [3])[0])
    with config.open("a") as written:
        written.write('\n[[limits]]\nquantity = "pileup"\nmost = 1\nbecause = "the manual"\n')
    _, text = dqm("explain", run, 3, "--config", config)
    assert "for OTHER FEATURES OR LIMITS than the configuration has; next: dqm train, dqm score" in text


def test_what_is_not_there_is_named(dqm: Dqm, certified_campaign: Path) -> None:
    config = next(certified_campaign.glob("*.toml"))
    code, text = dqm("explain", 1, 3, "--config", config)
    assert (code, "unknown run" in text) == (1, True), text
    with Store.open(certified_campaign / "certification") as store:
        run = store.runs("verdicts")[0]
    code, text = dqm("explain", run, 99999, "--config", config)
    assert (code, f"unknown lumisection of run {run} '99999'; valid names begin: '1 to " in text) == (1, True), text


def test_a_run_that_was_not_certified_says_so(dqm: Dqm, certified_campaign: Path) -> None:
    config = next(certified_campaign.glob("*.toml"))
    with Store.open(certified_campaign / "certification") as store:
        run = min(set(store.runs("quantities")) - set(store.runs("verdicts")))
    code, text = dqm("explain", run, 1, "--config", config)
    assert (code, "UNKNOWN: not certified yet" in text) == (0, True), text


def test_it_ends_with_what_a_person_decided(dqm: Dqm, certified_campaign: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(certified_campaign, tmp_path / "campaign"))
    config = next(folder.glob("*.toml"))
    with Store.open(folder / "certification") as store:
        run = store.runs("verdicts")[0]
    for ls, verdict, reason in (("3", "BAD", "calibration"), ("5", "GOOD", "harmless")):
        assert dqm("decide", run, ls, verdict, "--reason", reason, "--config", config)[0] == 0
    last = dqm("explain", run, 3, "--config", config)[1].splitlines()[-1]
    assert last.startswith("decision ")
    assert last.endswith("BAD, by operator (leader): calibration (entry 1); people stand over the machine")
    text = dqm("explain", run, 3, "--config", config)[1]
    assert "decided BAD for LS 3" in text
    assert "decided GOOD for LS 5" not in text, "that is about another lumisection"
    assert "decision " not in dqm("explain", run, 4, "--config", config)[1]


def test_only_the_files_of_the_run_are_named(dqm: Dqm, tmp_path: Path) -> None:
    """Mutant: every run is said to be made of every file that was read with it."""
    (tmp_path / "dqm.toml").write_text('[[inputs]]\nkind = "canonical"\nfiles = ["*.csv"]\n')
    (tmp_path / "first.csv").write_text("run,ls,rate,label\n1,1,1.5,GOOD\n")
    (tmp_path / "second.csv").write_text("run,ls,rate,label\n2,1,1.5,GOOD\n3,1,2.5,GOOD\n")
    assert dqm("ingest", "--config", tmp_path / "dqm.toml")[0] == 0
    with Store.open(tmp_path / "certification") as store:
        named = {run: store.provenance(kind, run)["files"] for kind in ("quantities", "labels") for run in (1, 2, 3)}
    assert [each.partition(":")[0] for each in named.values()] == ["first.csv", "second.csv", "second.csv"]
    assert all("," not in each for each in named.values())


def test_verdicts_of_earlier_data_are_told_to_be_so(dqm: Dqm, certified_campaign: Path, tmp_path: Path) -> None:
    """Mutants: the digests of new data stand above a signed verdict as if it were made of them; an UNKNOWN has the
    reasons of the model.
    """
    folder = Path(shutil.copytree(certified_campaign, tmp_path / "campaign"))
    config = next(folder.glob("*.toml"))
    with Store.open(folder / "certification") as store:
        signed, open_ = store.runs("verdicts")[:2]
        assert dqm("decide", signed, "open", "BAD", "--reason", "calibration", "--config", config)[0] in (0, 1)
        assert dqm("sign", signed, "--config", config)[0] == 0
        assert "EARLIER DATA" not in dqm("explain", signed, 3, "--config", config)[1]
        assert "  because" in dqm("explain", open_, 3, "--config", config)[1]
        for run in (signed, open_):
            held = store.partitions("quantities", run=run)[0]
            table = quantities_from_arrow(store.read("quantities", [run]))
            with store.transaction() as change:
                store_quantities(change, replace(table, values=table.values + 1), held.provenance)
    text = dqm("explain", signed, 3, "--config", config)[1]
    assert f"as it was signed, of EARLIER DATA than those above; to decide anew: dqm reopen {signed}" in text
    text = dqm("explain", open_, 3, "--config", config)[1]
    assert "UNKNOWN (data-changed)" in text
    assert "  because" not in text
