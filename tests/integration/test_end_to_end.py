"""The way from files to a golden JSON through the command line, on a small simulated campaign."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from dqm.decide.publish import masks
from dqm.formats.canonical import write_canonical
from dqm.formats.golden import golden_bytes, read_mask
from dqm.model.config import load
from dqm.model.keys import LumiMask
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import REJECTED, Decision, Verdicts
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from pipelines.cli import KNOWN, app
from pipelines.simulate.campaign import SimulationSettings, simulate
from pipelines.simulate.write import Paths, write_campaign

RUNNER = CliRunner()


def dqm(*arguments: str) -> str:
    """What a command that ends well prints."""
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code in (0, 3), f"{arguments}: {result.output} {result.exception!r}"
    return result.output


@pytest.fixture(scope="module")
def config(certified_campaign: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the certified campaign."""
    folder = Path(shutil.copytree(certified_campaign, tmp_path_factory.mktemp("end") / "campaign"))
    return Paths.within(folder).config


def verdicts(config: Path) -> Verdicts:
    with Store.open(load(config).store_path) as store:
        return verdicts_from_arrow(store.read("verdicts"))


def test_golden_holds_accepted_lumisections_only(config: Path) -> None:
    with Store.open(load(config).store_path) as store:
        golden = read_mask(store.publication("golden.json").read().decode())
    found = verdicts(config)
    run, ls = (np.asarray(found.index.get_level_values(name)) for name in ("run", "ls"))
    assert (golden.contains(run, ls) == (found.decision.astype(str) == "ACCEPT")).all()
    assert len(golden) > len(found) / 2


def test_the_same_again_changes_nothing(config: Path) -> None:
    with Store.open(load(config).store_path) as store:
        before, snapshot = store.publication("golden.json"), store.snapshot
    for verb in ("ingest", "score", "certify"):
        dqm(verb, "--config", str(config))
    with Store.open(load(config).store_path) as store:
        assert store.publication("golden.json") == before
        assert store.snapshot == snapshot


def test_output_and_report_need_nothing_else(config: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "out", tmp_path / "report.html"
    dqm("certify", "--config", str(config), "--output", str(output), "--report", str(report))
    assert sorted(each.name for each in output.iterdir()) == ["anti.json", "golden.json", "verdicts.csv"]
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=.?http", report.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_changed_data_are_unknown_until_scored_again(tmp_path: Path) -> None:
    """A stale score never stays golden, and what was published before is still there."""
    campaign = simulate(SimulationSettings(weeks=2, seed=2))
    paths = write_campaign(campaign, tmp_path)
    for verb in ("ingest", "train", "score", "certify"):
        dqm(verb, "--config", str(paths.config))
    table = campaign.quantities
    changed = int(table.run.max())
    values = table.values.copy()
    values[table.run == changed, 0] *= 1.001
    write_canonical(paths.quantities, replace(table, values=values))
    dqm("ingest", "--config", str(paths.config))
    with Store.open(load(paths.config).store_path) as store:
        first = store.publication("golden.json").read()
    dqm("certify", "--config", str(paths.config))
    found = verdicts(paths.config)
    these = np.asarray(found.index.get_level_values("run")) == changed
    assert set(found.decision[these].astype(str)) == {"UNKNOWN"}
    assert "stale-scores" in set(found.status[these])
    with Store.open(load(paths.config).store_path) as store:
        assert changed not in read_mask(store.publication("golden.json").read().decode()).runs
        assert store.publication("golden.json", 1).read() == first


def check(found: Verdicts, golden: LumiMask, anti: LumiMask) -> None:
    """Golden and anti are disjoint, and golden holds nothing undecided."""
    assert not golden & anti
    run, ls = (np.asarray(found.index.get_level_values(name)) for name in ("run", "ls"))
    inside = golden.contains(run, ls)
    assert not set(found.decision[inside].astype(str)) & {"UNKNOWN", "ASK", "DISPUTED", "NEEDS_REVIEW", "REJECT"}


def generated(seed: int) -> Verdicts:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    cells = rng.choice(4 * 100, n, replace=False)
    decision = rng.choice(np.array([Decision.ACCEPT, Decision.ASK, Decision.REJECT, Decision.UNKNOWN], dtype=object), n)
    text = np.full(n, "", dtype=object)
    unknown = decision == Decision.UNKNOWN
    badness = np.where(unknown, np.nan, rng.random(n)).astype(np.float32)
    status = np.where(unknown, "missing:oms", text).astype(object)
    index = lumisection_index(cells // 100 + 1, cells % 100 + 1)
    return Verdicts(index, decision, badness, rng.random(n), status, text, ((),) * n)


@pytest.mark.slow
def test_a_hundred_verdict_sets_through_a_real_store(tmp_path: Path) -> None:
    """The mutant ``golden = all − rejected`` (complement logic) must fail the same check."""
    from dqm.store.tables import store_verdicts

    caught = 0
    for seed in range(100):
        with Store.create(tmp_path / str(seed)) as store:
            given = generated(seed)
            with store.transaction() as change:
                store_verdicts(change, given, {})
                change.publish("golden.json", golden_bytes(masks(given)[0]), {})
            found = verdicts_from_arrow(store.read("verdicts"))
            golden, anti = read_mask(store.publication("golden.json").read().decode()), masks(found)[1]
        check(found, golden, anti)
        everything = LumiMask.of_lumisections(*(found.index.get_level_values(name) for name in ("run", "ls")))
        rejected = found.having(REJECTED)
        kept = found.index[rejected]
        mutant = everything - LumiMask.of_lumisections(kept.get_level_values("run"), kept.get_level_values("ls"))
        try:
            check(found, mutant, anti)
        except AssertionError:
            caught += 1
    assert caught > 90


CLAS12 = ["run", "bin", "evnumMin", "evnumMax", "fcCharge", "ufcCharge", "livetime", *(f"nElec_{i}" for i in range(1, 7)),
          "defect", "comment", *(f"sectorDefect_{i}" for i in range(1, 7))]  # fmt: skip


def bins(runs: int = 30, each: int = 40) -> pd.DataFrame:
    """A simulated flat table in which every fifth run has a dead sector for a while."""
    rng = np.random.default_rng(3)
    n = runs * each
    run, number = np.repeat(np.arange(5000, 5000 + runs), each), np.tile(np.arange(each), runs)
    charge = rng.uniform(1400, 1700, n)
    bad = (run % 5 == 0) & (number >= 10) & (number < 20)
    electrons = rng.poisson(charge[:, None] * 2.5 * np.where(bad[:, None] & (np.arange(6) == 2), 0.5, 1.0))
    columns = [run, number, number * 1000, number * 1000 + 999, charge, charge / 0.95, np.full(n, 0.95), *electrons.T]
    return pd.DataFrame(dict(zip(CLAS12, [*columns, bad * 8, [""] * n, *[bad * 8] * 6], strict=True)))


LEARNED = 5024
"""First run that is not learned from."""


def certified(folder: Path, table: pd.DataFrame) -> tuple[str, Verdicts]:
    """Learn from the runs before ``LEARNED`` and certify the others; everything that was printed, and the verdicts."""
    table[table["run"] < LEARNED].to_csv(folder / "bins.csv", index=False)
    config = folder / "dqm.toml"
    config.write_text('[features]\nlevels = ["count"]\n[[inputs]]\nkind = "clas12-table"\nfiles = ["bins.csv"]\n')
    printed = [dqm(verb, "--config", str(config)) for verb in ("ingest", "train")]
    table.to_csv(folder / "bins.csv", index=False)
    printed += [dqm(verb, "--config", str(config)) for verb in ("ingest", "score")]
    printed.append(dqm("certify", "--config", str(config)))
    return "\n".join(printed), verdicts(config)


def decision_of(found: Verdicts, run: int, ls: int) -> str:
    return str(found.decision[found.index.get_loc((run, ls))])


@pytest.mark.slow
def test_broken_rows_are_unknown_and_good_runs_are_certified(tmp_path: Path) -> None:
    table = bins()
    table.loc[table.index[1005], "fcCharge"] = np.nan
    table.loc[table.index[1010], "fcCharge"] = -5.0
    twin, other = table.iloc[[1050]], table.iloc[[1100]].assign(nElec_1=1)
    printed, found = certified(tmp_path, pd.concat([table, twin, other]))
    broken = [tuple(table.loc[table.index[i], ["run", "bin"]].astype(int)) for i in (1005, 1010, 1100)]
    assert [decision_of(found, *key) for key in broken] == ["UNKNOWN"] * 3
    assert decision_of(found, *table.loc[table.index[1050], ["run", "bin"]].astype(int)) != "UNKNOWN"
    assert (found.decision.astype(str) == "ACCEPT").sum() > 100
    for run, ls in (broken[2],):
        assert re.search(rf"conflict.*run {run}, LS {ls}", printed)
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[inputs]]\nkind = "oms"\nfile = ["a"]\n', "nearest valid names: 'files'"),
        ('[[inputs]]\nkind = "oms"\nfiles = ["nothing*.json"]\n', "no file matches 'nothing\\*.json'"),
        ('[[inputs]]\nkind = "oms"\nfiles = ["cut.json"]\n', "cut.json"),
        ('[[inputs]]\nkind = "golden"\nfiles = ["back.json"]\nrequired = true\n', "run 7.*backwards"),
        ('[[inputs]]\nkind = "golden"\nfiles = ["over.json"]\nrequired = true\n', "run 7.*overlap"),
        ("", r"names no \[\[inputs\]\]"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "cut.json").write_text('{"run_number": [1, 2')
    (tmp_path / "back.json").write_text('{"7": [[9, 3]]}')
    (tmp_path / "over.json").write_text('{"7": [[1, 5], [4, 9]]}')
    config = tmp_path / "dqm.toml"
    config.write_text(text)
    result = RUNNER.invoke(app, ["ingest", "--config", str(config)])
    assert result.exit_code != 0
    assert isinstance(result.exception, KNOWN)
    assert re.search(message, str(result.exception), re.DOTALL)
    assert "\n" not in str(result.exception)


def test_without_labels_there_is_a_way_out(tmp_path: Path) -> None:
    write_canonical(tmp_path / "q.csv", simulate(SimulationSettings(weeks=0.3, seed=1)).quantities)
    config = tmp_path / "dqm.toml"
    config.write_text('[[inputs]]\nkind = "canonical"\nfiles = ["q.csv"]\n')
    dqm("ingest", "--config", str(config))
    result = RUNNER.invoke(app, ["train", "--config", str(config)])
    assert "no lumisection is labelled; add an input that gives labels" in str(result.exception)
