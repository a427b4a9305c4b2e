"""From files to a golden JSON: ingest, train, score and certify on a small simulated campaign."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqm.decide.publish import AntiReasons
from dqm.formats.golden import golden_bytes, read_mask
from dqm.model.config import Config, load
from dqm.model.keys import LumiMask
from dqm.model.verdicts import Verdicts
from dqm.store.partitions import content_digest
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from pipelines.run.certify import certify
from pipelines.run.certify_summary import STALE, CertifySummary
from pipelines.run.ingest import ingest
from pipelines.run.score import score
from pipelines.run.train import train
from pipelines.simulate.write import Paths, truth_labels

from .conftest import Dqm


@pytest.fixture
def paths(certified_campaign: Path, tmp_path: Path) -> Paths:
    """A copy of that campaign to change."""
    return Paths.within(Path(shutil.copytree(certified_campaign, tmp_path / "campaign")))


@pytest.fixture
def config(paths: Paths) -> Config:
    return load(paths.config)


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.open(config.store_path) as opened:
        yield opened


def verdicts(store: Store, *runs: int) -> Verdicts:
    return verdicts_from_arrow(store.read("verdicts", runs or None))


def digests(store: Store) -> dict[int, str]:
    """The content of the verdicts of each run."""
    return {each.run: each.digest for each in store.partitions("verdicts")}


def rows(store: Store) -> dict[int, str]:
    """The verdicts of each run, whatever they are known to hold for."""
    bare = {run: store.read("verdicts", [run]).replace_schema_metadata() for run in store.runs("verdicts")}
    return {run: content_digest(table) for run, table in bare.items()}


def versions(store: Store) -> list[tuple[str, int, bytes]]:
    return [(each.name, each.version, each.read()) for each in store.publications()]


def golden(store: Store) -> LumiMask:
    return read_mask(store.publication("golden.json").path)


def again(config: Config, store: Store) -> CertifySummary:
    ingest(config, store)
    train(config, store)
    score(config, store)
    return certify(config, store)


def change_a_quantity(paths: Paths, run: int) -> None:
    """Double one quantity in one lumisection of the file; what the fields say about the columns stays."""
    table = pq.read_table(paths.quantities)
    at = int(np.flatnonzero(table["run"].to_numpy() == run)[0])
    place = next(i for i, field in enumerate(table.schema) if (field.metadata or {}).get(b"role") == b"feature")
    values = table.column(place).to_numpy().copy()
    values[at] = 2 * values[at] + 1
    table = table.set_column(place, table.schema.field(place), pa.array(values))
    pq.write_table(table, paths.quantities)


def test_the_newest_runs_are_certified(store: Store) -> None:
    made = verdicts(store)
    counts = {name: int((made.decision.astype(str) == name).sum()) for name in ("ACCEPT", "ASK", "REJECT", "UNKNOWN")}
    assert sum(counts.values()) == len(made)
    assert min(counts["ACCEPT"], counts["ASK"], counts["REJECT"]) > 0, counts
    assert set(store.runs("verdicts")).isdisjoint(store.runs("labels"))
    accepted = made.decision.astype(str) == "ACCEPT"
    run, ls = (made.index.get_level_values(name)[accepted] for name in ("run", "ls"))
    assert golden(store) == LumiMask.of_lumisections(run, ls)


def test_twice_is_the_same_bytes_and_no_new_version(config: Config, store: Store) -> None:
    before, decided, snapshot = versions(store), digests(store), store.snapshot
    assert [(name, version) for name, version, _ in before] == [("anti.json", 1), ("golden.json", 1)]
    again(config, store)
    assert versions(store) == before
    assert digests(store) == decided
    assert store.snapshot == snapshot, "the whole way twice changes nothing in the store"


def test_changed_data_make_verdicts_stale(paths: Paths, config: Config, store: Store) -> None:
    """Catches the mutant that trusts old scores: the changed run would stay golden."""
    decided, before = rows(store), golden(store)
    run = next(each for each in sorted(decided) if each in before.ranges)
    change_a_quantity(paths, run)
    ingest(config, store)
    assert golden(store) == before, "ingesting publishes nothing"
    certify(config, store)
    stale = verdicts(store, run)
    assert set(stale.decision.astype(str)) == {"UNKNOWN"}
    assert set(stale.status) == {STALE} == {"stale-scores"}
    assert np.isnan(stale.badness).all()
    assert golden(store).ranges == {each: ranges for each, ranges in before.ranges.items() if each != run}
    assert {each: digest for each, digest in rows(store).items() if digest != decided[each]}.keys() == {run}
    told = AntiReasons.from_bytes(store.publication("anti.json").read())
    assert {each.reason for each in told.undecided if each.run == run} == {"stale-scores"}
    score(config, store)
    certify(config, store)
    assert "UNKNOWN" not in set(verdicts(store, run).decision.astype(str)), "scored again it has verdicts again"


@pytest.mark.slow
def test_verdicts_of_earlier_models_stand(paths: Paths, config: Config, store: Store) -> None:
    """Catches the mutant that decides old scores at the new working point: runs learned from would judge themselves."""
    decided, point = digests(store), store.working_point()
    newest = sorted(decided)
    labelled, left = newest[: len(newest) // 2], newest[len(newest) // 2 :]
    truth = truth_labels(paths.truth_newest)
    run, ls = (np.asarray(truth.index.get_level_values(name)) for name in ("run", "ls"))
    good = (truth.values == 0) & np.isin(run, labelled)
    paths.golden.write_bytes(golden_bytes(read_mask(paths.golden) | LumiMask.of_lumisections(run[good], ls[good])))
    ingest(config, store)
    train(config, store)
    assert len(store.models()) == 2
    assert store.working_point() != point
    earlier = {each: golden(store).ranges.get(each) for each in labelled}
    summary = score(config, store)
    assert summary.runs == len(left)
    certify(config, store)
    assert {each: digests(store)[each] for each in labelled} == {each: decided[each] for each in labelled}
    assert {each: golden(store).ranges.get(each) for each in labelled} == earlier
    assert {store.provenance("verdicts", each)["model"] for each in left} == {store.models()[-1].provenance["manifest"]}


def test_changed_budgets_choose_another_working_point(paths: Paths, config: Config, store: Store) -> None:
    point, accepted, models = store.working_point(), len(golden(store)), len(store.models())
    text = paths.config.read_text(encoding="utf-8")
    paths.config.write_text(text.replace("pollution = 0.01 ", "pollution = 0.001 "), encoding="utf-8")
    done = certify(load(paths.config), store)
    assert done.working_point != point
    assert done.working_point.pollution_budget == 0.001
    assert done.working_point == store.working_point()
    assert done.golden < accepted, "a smaller budget for pollution accepts less"
    assert len(store.models()) == models, "the model is the same"
    certify(config, store)
    assert len(golden(store)) == accepted, "the old budgets bring the old verdicts back"


def test_the_output_folder_holds_what_was_published(certified_campaign: Path, store: Store) -> None:
    folder = certified_campaign / "output"
    assert sorted(each.name for each in folder.iterdir()) == ["anti.json", "golden.json", "verdicts.csv"]
    for name in ("golden.json", "anti.json"):
        assert (folder / name).read_bytes() == store.publication(name).read()
    lines = (folder / "verdicts.csv").read_text(encoding="utf-8").splitlines()
    assert len([each for each in lines if not each.startswith("#")]) == len(verdicts(store)) + 1


def test_reasons_are_words(store: Store) -> None:
    """Mutant: the names of features, which no shifter knows."""
    told = AntiReasons.from_bytes(store.publication("anti.json").read())
    reasons = {each.reason for each in (*told.anti, *told.undecided)}
    assert any("earlier runs" in each for each in reasons)
    assert not [each for each in reasons if each.startswith(("counts.", "rates.", "flags.", "limit.", "course."))]


def test_the_report_is_one_file(certified_campaign: Path) -> None:
    page = (certified_campaign / "report.html").read_text(encoding="utf-8")
    markup = re.sub(r"(<script\b[^>]*>).*?</script>", r"\1", page, flags=re.DOTALL)  # strings of a library are no links
    assert re.findall(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//[^"'>]*""", markup, re.IGNORECASE) == []
    assert "<script" in markup
    assert "</html>" in page
    assert "golden" in page.lower()


def test_commands_end_with_their_exit_codes(paths: Paths, dqm: Dqm, tmp_path: Path) -> None:
    answer = tmp_path / "certify.json"
    assert dqm("score", "--config", paths.config)[0] == 0
    code, text = dqm("certify", "--config", paths.config, "--json", answer)
    assert (code, "golden JSON version 1 holds" in text) == (0, True)
    assert json.loads(answer.read_text(encoding="utf-8"))["version"] == 1
    for code, hint, arguments in [
        (1, "unknown run '123'", ("score", "--runs", "123")),
        (1, "is no run and no range", ("certify", "--runs", "x-y")),
        (1, "unknown run '123'", ("certify", "--runs", "123")),
        (2, "No such option", ("certify", "--no-such-option")),
    ]:
        given, text = dqm(arguments[0], "--config", paths.config, *arguments[1:])
        assert (given, hint in text) == (code, True), text
        assert "Traceback" not in text
    assert dqm("ingest", "--config", tmp_path / "none.toml")[0] == 78


def test_the_module_runs_as_a_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "certify", "--config", str(tmp_path / "none.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (78, "")
    assert re.fullmatch(r"dqm: .*none\.toml: no such configuration; write one with: dqm init .*\n", done.stderr)
