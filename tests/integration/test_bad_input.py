"""Bad input through the command line: one line or a quarantine entry that says where, and nothing published changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dqm.model.config import load
from dqm.model.errors import ConfigError
from dqm.store.store import Store
from dqm.store.tables import quantities_from_arrow, verdicts_from_arrow
from pipelines.run.certify import certify
from pipelines.run.ingest import ingest
from pipelines.run.score import score
from pipelines.run.train import train

from .conftest import Dqm

CONFIG = """\
[[inputs]]
kind = "canonical"
files = ["bins*.csv"]
[inputs.columns.charge]
role = "weight"
unit = "nC"
[inputs.columns.hits]
kind = "count"
[model]
kind = "robust-z"
min_good = 5
[working_point]
data_loss = 0.2
pollution = 0.2
"""
GOLDEN = '[[inputs]]\nkind = "golden"\nfiles = ["people.json"]\n'
HEADER = "run,ls,charge,hits,label"
GOOD_RUNS, NEW = 16, 40
"""The good runs are 1 to 16, the newest two without labels; ``NEW`` is the run of the broken file."""


def good_table(runs: int = GOOD_RUNS) -> str:
    """Ten lumisections per run, two bad ones in every run; the newest two runs carry no label."""
    rng = np.random.default_rng(5)
    lines = [HEADER]
    for run in range(1, runs + 1):
        for ls in range(1, 11):
            bad = ls in (4, 5)
            hits, label = rng.poisson(200 if bad else 1000), ("BAD" if bad else "GOOD") if run < runs - 1 else ""
            lines.append(f"{run},{ls},10.5,{hits},{label}")
    return "\n".join(lines) + "\n"


def rows(*changed: str) -> str:
    """A table of the new run: ten lumisections as they should be, but for those that the given rows speak of."""
    replaced = {each.split(",")[1] for each in changed}
    kept = [f"{NEW},{ls},10.5,{1000 + ls}," for ls in range(1, 11) if str(ls) not in replaced]
    return "\n".join([HEADER, *kept, *changed]) + "\n"


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose good runs were certified once; no test changes it."""
    folder = tmp_path_factory.mktemp("good")
    (folder / "bins.csv").write_text(good_table())
    (folder / "dqm.toml").write_text(CONFIG)
    config = load(folder / "dqm.toml")
    with Store.create(config.store_path) as store:
        ingest(config, store)
        train(config, store)
        score(config, store)
        certify(config, store)
    return folder


@pytest.fixture
def folder(certified: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(certified, tmp_path / "copy"))


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with Store.open(load(folder / "dqm.toml").store_path) as opened:
        yield opened


def published(store: Store) -> tuple[object, ...]:
    """All that people rely on: the files, byte for byte, and the verdicts."""
    files = [(each.name, each.version, each.read()) for each in store.publications()]
    return files, [(each.run, each.digest) for each in store.partitions("verdicts")]


def refused(dqm: Dqm, folder: Path, store: Store, verb: str = "ingest", code: int = 1) -> str:
    """The one line with which a command ends that changes nothing."""
    before, snapshot = published(store), store.snapshot
    given, text = dqm(verb, "--config", folder / "dqm.toml")
    assert given == code, text
    assert "Traceback" not in text
    assert [each[:4] for each in text.splitlines()] == ["dqm:"], text
    assert (published(store), store.snapshot) == (before, snapshot)
    return text


def ingested(dqm: Dqm, folder: Path, store: Store, code: int) -> str:
    """What ingesting says; it publishes nothing."""
    before = published(store)
    given, text = dqm("ingest", "--config", folder / "dqm.toml")
    assert given == code, text
    assert "Traceback" not in text
    assert published(store) == before
    return text


def decisions(dqm: Dqm, folder: Path, store: Store) -> dict[tuple[int, int], str]:
    """Score and certify; the good runs keep the verdicts that they had."""
    good = {each.run: each.digest for each in store.partitions("verdicts")}
    for verb in ("score", "certify"):
        code, text = dqm(verb, "--config", folder / "dqm.toml")
        assert (code, "Traceback" in text) == (0, False), text
    now = {each.run: each.digest for each in store.partitions("verdicts")}
    assert {run: now[run] for run in good} == good
    made = verdicts_from_arrow(store.read("verdicts"))
    decided = {(int(run), int(ls)): str(each) for (run, ls), each in zip(made.index, made.decision, strict=True)}
    assert [decided[15, ls] for ls in (1, 2, 3)] == ["ACCEPT"] * 3, "good runs are still certified"
    return decided


def unknown(decided: dict[tuple[int, int], str]) -> set[int]:
    """The lumisections of the new run that are UNKNOWN."""
    return {ls for (run, ls), each in decided.items() if run == NEW and each == "UNKNOWN"}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (f"{NEW},3,,1003,", "invalid:charge"),
        (f"{NEW},3,NaN,1003,", "invalid:charge"),
        (f"{NEW},3,-2.5,1003,", "invalid:charge"),
        (f"{NEW},3,much,1003,", "invalid:charge"),
        (f"{NEW},3,10.5,many,", "invalid:hits"),
        (f"{NEW},3,10.5,1003,\n{NEW},3,10.5,7,", "conflict"),
    ],
)
def test_a_broken_row_is_quarantined_and_unknown(dqm: Dqm, folder: Path, store: Store, row: str, code: str) -> None:
    (folder / "bins_new.csv").write_text(rows(row))
    text = ingested(dqm, folder, store, 3)
    line = next(each for each in text.splitlines() if f"[{code}]" in each)
    assert line.startswith("quarantined")
    for part in ("bins_new.csv", f"run {NEW}", "LS 3"):
        assert part in line
    assert unknown(decisions(dqm, folder, store)) == {3}


def test_a_key_that_is_none_is_quarantined(dqm: Dqm, folder: Path, store: Store) -> None:
    (folder / "bins_new.csv").write_text(rows(f"{NEW},-3,10.5,1003,"))
    text = ingested(dqm, folder, store, 3)
    assert f"bins_new.csv, run {NEW}" in text
    assert "'-3'" in text


def test_lumisection_zero_and_runs_of_ten_digits_are_keys(dqm: Dqm, folder: Path, store: Store) -> None:
    """Time bins often begin at 0, and run numbers may be dates."""
    begins_at_zero = rows().replace(f"{NEW},1,", f"{NEW},0,")
    long_run = rows().replace(f"\n{NEW},", "\n2026112400,").removeprefix(HEADER + "\n")
    (folder / "bins_new.csv").write_text(begins_at_zero + long_run + f"99999999999,1,10.5,1000,\n{NEW},-1,10.5,9,\n")
    text = ingested(dqm, folder, store, 3)
    assert sum("run and LS must be whole numbers from 0 to 2^31" in each for each in text.splitlines()) == 2
    decided = decisions(dqm, folder, store)
    assert decided[NEW, 0] == decided[2026112400, 1] == "ACCEPT"


def test_identical_duplicates_are_one(dqm: Dqm, folder: Path, store: Store) -> None:
    (folder / "bins_new.csv").write_text(rows(*[f"{NEW},3,10.5,1003,"] * 3))
    text = ingested(dqm, folder, store, 0)
    line = next(each for each in text.splitlines() if each.startswith("repaired"))
    assert all(part in line for part in ("bins_new.csv", f"run {NEW}", "LS 3"))
    assert store.read("quantities", [NEW]).num_rows == 10
    assert decisions(dqm, folder, store)[NEW, 3] == "ACCEPT"


def test_no_charge_is_a_weight_but_gives_no_rate(dqm: Dqm, folder: Path, store: Store) -> None:
    (folder / "bins_new.csv").write_text(rows(f"{NEW},3,0,1003,"))
    ingested(dqm, folder, store, 0)
    table = quantities_from_arrow(store.read("quantities", [NEW]))
    assert (table.weight == 0).sum() == 1
    assert table.usable.all()
    assert unknown(decisions(dqm, folder, store)) == {3}, "a count per no charge is no feature"
    assert "no-past-or-no-features" in store.publication("anti.json").read().decode()


def test_a_run_without_charge_stops_nobody(dqm: Dqm, folder: Path, store: Store) -> None:
    (folder / "bins_new.csv").write_text(rows(*[f"{NEW},{ls},0,{1000 + ls}," for ls in range(1, 11)]))
    ingested(dqm, folder, store, 0)
    assert unknown(decisions(dqm, folder, store)) == set(range(1, 11))


def test_another_unit_of_the_weight_is_said(dqm: Dqm, folder: Path, store: Store) -> None:
    """Mutant: the unit of the configuration over that of the column, and nobody is told."""
    config = folder / "dqm.toml"
    as_it_was = config.read_text()
    config.write_text('[experiment]\nweight_unit = "nC"\n' + as_it_was)
    assert not [each for each in ingest(load(config), store).findings if each.code == "weight-unit"]
    config.write_text('[experiment]\nweight_unit = "mC"\n' + as_it_was)
    text = ingested(dqm, folder, store, 0)
    assert "note [weight-unit] the input gives the weight charge in nC" in text
    assert "weight_unit = 'mC' is what pages and reports write" in text


def test_an_unknown_column_is_noted(dqm: Dqm, folder: Path, store: Store) -> None:
    lines = rows().splitlines()
    (folder / "bins_new.csv").write_text("\n".join([lines[0] + ",hitz", *(f"{each},1" for each in lines[1:])]) + "\n")
    text = ingested(dqm, folder, store, 0)
    line = next(each for each in text.splitlines() if "unknown-column" in each)
    assert "bins_new.csv" in line
    assert "nearest valid names: 'hits'" in line
    assert decisions(dqm, folder, store)[NEW, 3] == "ACCEPT"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file is empty"),
        (HEADER + "\n", "the table has no rows"),
        (
            rows().replace("hits", "hist"),
            "required column 'hits' is missing; nearest valid names: 'hist'; describe in [inputs.columns] only",
        ),
        (rows().replace("label", "hits"), "column 'hits' occurs 2 times"),
        (rows() + f"{NEW},11,1,1,GOOD,1,1,1\n", "not a readable CSV table"),
        ("PAR1 and nothing else", "not a readable Parquet file"),
    ],
    ids=["empty", "no-rows", "missing-column", "twice-a-column", "ragged", "no-parquet"],
)
def test_an_unreadable_table(dqm: Dqm, folder: Path, store: Store, content: str, reason: str) -> None:
    """Beside a good file it is quarantined; alone it is one line of error."""
    (folder / "bins_new.csv").write_text(content)
    text = ingested(dqm, folder, store, 3)
    line = next(each for each in text.splitlines() if "[unreadable]" in each)
    assert "bins_new.csv" in line
    assert reason in line
    decisions(dqm, folder, store)
    (folder / "bins.csv").unlink()
    assert reason in refused(dqm, folder, store)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"15": [[1, 10]', "people.json: not valid JSON"),
        ('"golden"', "people.json"),
        ("[1, 2]", "people.json: not a certification JSON"),
        ('{"run": [[1, 10]]}', "people.json: 'run' is not a run number"),
        ('{"15": [[1, 5], [4, 9]]}', "people.json: run 15, LS 4: ranges overlap"),
        ('{"15": [[9, 3]]}', "people.json: run 15, LS 9: the range [9, 3] runs backwards"),
        ('{"15": [[1, 3]], "15": [[5, 9]]}', "people.json: run 15 is listed twice"),
        ('{"15": [[1, 2.5]]}', "people.json: run 15: [1, 2.5] is not a range"),
        ("", "people.json: the file is empty"),
    ],
    ids=["truncated", "text", "list", "no-run", "overlap", "backwards", "twice", "fraction", "empty"],
)
def test_a_golden_json_that_cannot_be_trusted(dqm: Dqm, folder: Path, store: Store, content: str, reason: str) -> None:
    labels = [(each.run, each.digest) for each in store.partitions("labels")]
    (folder / "people.json").write_text(content)
    (folder / "dqm.toml").write_text(GOLDEN + CONFIG)
    text = ingested(dqm, folder, store, 3)
    assert [reason in each for each in text.splitlines() if each.startswith("quarantined")] == [True], text
    assert [(each.run, each.digest) for each in store.partitions("labels")] == labels, "it labels nothing"
    decisions(dqm, folder, store)
    (folder / "dqm.toml").write_text(GOLDEN)
    assert reason in refused(dqm, folder, store)


def test_a_run_without_labels_is_told_and_certified(dqm: Dqm, folder: Path, store: Store) -> None:
    with_label = rows().replace(f"{NEW},", "41,").replace("1003,", "1003,GOOD").removeprefix(HEADER + "\n")
    (folder / "bins_new.csv").write_text(rows() + with_label)
    text = ingested(dqm, folder, store, 0)
    [line] = [each for each in text.splitlines() if "[unlabelled]" in each]
    assert line.endswith("from 15 to 40: all or some of it has no label; it is scored, not learned from")
    assert decisions(dqm, folder, store)[NEW, 3] == "ACCEPT"


def test_an_empty_run(dqm: Dqm, folder: Path, store: Store) -> None:
    (folder / "people.json").write_text('{"14": []}')
    (folder / "dqm.toml").write_text(GOLDEN + CONFIG)
    assert "people.json, run 14: the run is listed without ranges" in ingested(dqm, folder, store, 0)
    decisions(dqm, folder, store)


def test_an_empty_run_of_the_database(dqm: Dqm, folder: Path, store: Store) -> None:
    counts = {str(sector): 100 for sector in range(1, 7)}
    charge = {"fcChargeMin": 1.0, "fcChargeMax": 3.0, "ufcChargeMin": 1.0, "ufcChargeMax": 3.0, "nElec": counts}
    qa = {"evnumMin": 1, "evnumMax": 9, "defect": 0, "comment": "", "sectorDefects": {}}
    (folder / "charge.json").write_text(json.dumps({"50": {"0": charge}, "51": {}}))
    (folder / "qa.json").write_text(json.dumps({"50": {"0": qa}}))
    (folder / "dqm.toml").write_text('[[inputs]]\nkind = "clas12-qadb"\nqa = "qa.json"\ncharge = "charge.json"\n')
    assert "charge.json, run 51: the run has no bins" in ingested(dqm, folder, store, 3)
    (folder / "charge.json").write_text(json.dumps({"50": {"0": charge}})[:-9])
    assert "charge.json" in refused(dqm, folder, store)


def test_training_where_nothing_is_bad_says_what_that_means(dqm: Dqm, tmp_path: Path) -> None:
    (tmp_path / "bins.csv").write_text(good_table().replace("BAD", "UNKNOWN"))
    (tmp_path / "dqm.toml").write_text(CONFIG)
    dqm("ingest", "--config", tmp_path / "dqm.toml")
    code, text = dqm("train", "--config", tmp_path / "dqm.toml")
    assert code == 0
    assert "note: no labelled lumisection is bad: the model cannot know what bad looks like" in text


def test_training_on_few_runs_says_what_that_means(dqm: Dqm, tmp_path: Path) -> None:
    (tmp_path / "bins.csv").write_text(good_table(6))
    (tmp_path / "dqm.toml").write_text(CONFIG)
    dqm("ingest", "--config", tmp_path / "dqm.toml")
    code, text = dqm("train", "--config", tmp_path / "dqm.toml")
    assert code == 0
    assert "runs could be judged by runs before them; under 20 expect most to be asked" in text


def test_training_without_labels(dqm: Dqm, tmp_path: Path) -> None:
    (tmp_path / "bins.csv").write_text(rows())
    (tmp_path / "dqm.toml").write_text(CONFIG)
    assert dqm("ingest", "--config", tmp_path / "dqm.toml")[0] == 0
    with Store.open(load(tmp_path / "dqm.toml").store_path) as store:
        text = refused(dqm, tmp_path, store, "train")
        assert "no lumisection is labelled; add an input that gives labels" in text
        assert "no model" in refused(dqm, tmp_path, store, "score")
        assert "no model" in refused(dqm, tmp_path, store, "certify")


@pytest.mark.parametrize(
    ("written", "misspelt", "hint"),
    [
        ("data_loss = 0.2", "dataloss = 0.2", "unknown key 'working_point.dataloss'; nearest valid names: 'data_loss'"),
        ("[working_point]", "[working_pont]", "unknown key 'working_pont'; nearest valid names: 'working_point'"),
        ('kind = "canonical"', 'kind = "canonicle"', "nearest valid names: 'canonical'"),
        ('files = ["bins*.csv"]', 'files = ["bin.csv"]', "no file matches 'bin.csv'"),
        ("data_loss = 0.2", "data_loss = 2", "working_point.data_loss"),
        ("[model]", "[model", "not valid TOML"),
    ],
)
def test_a_misspelt_configuration(dqm: Dqm, folder: Path, store: Store, written: str, misspelt: str, hint: str) -> None:
    assert written in CONFIG
    (folder / "dqm.toml").write_text(CONFIG.replace(written, misspelt))
    assert hint in refused(dqm, folder, store, code=78)


def test_one_table_where_a_list_is_meant_is_told_in_our_words(tmp_path: Path) -> None:
    for key, text in ("fuse", '[fuse]\nkind = "pca"\n'), ("features.course", '[features.course]\nquantity = "a"\n'):
        (tmp_path / "dqm.toml").write_text(text)
        with pytest.raises(ConfigError, match=rf"{key!r} is a list of tables; write \[\[{key}\]\], with two brackets"):
            load(tmp_path / "dqm.toml")


def test_a_list_where_one_table_is_meant_is_told_in_our_words(tmp_path: Path) -> None:
    for key, text in ("guard", "[[guard]]\nexcursion = 2\n"), ("features.shapes", "[[features.shapes]]\nbins = 2\n"):
        (tmp_path / "dqm.toml").write_text(text)
        with pytest.raises(ConfigError, match=rf"{key!r} is one table; write \[{key}\], with one bracket on"):
            load(tmp_path / "dqm.toml")
