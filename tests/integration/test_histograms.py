"""Histograms from files to the store, by the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dqm.model.config import load
from dqm.store.histograms import read_histograms
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from features.words import in_words
from pipelines.run.ingest import ingest
from pipelines.run.train import train

from .conftest import Dqm

CONFIG = """\
[[inputs]]
kind = "dials"
files = ["pages*.json"]
[[inputs]]
kind = "canonical"
files = ["lumi.csv"]
required = false
[inputs.columns.lumi]
role = "weight"
"""


def page(ls: list[int], level: int = 5) -> str:
    one = {"me": "JetMET/vertices", "run_number": 7, "x_min": 0, "x_max": 4, "x_bin": 4, "entries": 4 * level}
    return json.dumps({"results": [one | {"ls_number": each, "data": [level] * 4} for each in ls], "next": None})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dqm.toml").write_text(CONFIG)
    (tmp_path / "lumi.csv").write_text("run,ls,lumi\n7,1,0.5\n7,2,0.5\n7,9,0.5\n")
    (tmp_path / "pages1.json").write_text(page([1, 2]))
    return tmp_path


def test_they_reach_the_store_with_everything_else(dqm: Dqm, folder: Path) -> None:
    code, text = dqm("ingest", "--config", folder / "dqm.toml")
    assert (code, "3 lumisections of 1 run, 2 histograms, 0 labelled, from 2 files" in text) == (0, True), text
    with Store.open(folder / "certification") as store:
        (batch,) = read_histograms(store)
        assert batch.ls.tolist() == [1, 2]
        np.testing.assert_array_equal(batch.inner, np.full((2, 4), 5))
        status = store.read("quantities")["status"].to_pylist()
        assert status == ["", "", "missing:dials"], "a lumisection without histograms is UNKNOWN"
        snapshot = store.snapshot
        dqm("ingest", "--config", folder / "dqm.toml")
        assert store.snapshot == snapshot


def test_conflicts_and_broken_files_stop_nobody(dqm: Dqm, folder: Path) -> None:
    (folder / "pages2.json").write_text(page([2, 3], level=6))
    (folder / "pages3.json").write_text(page([4])[:-30])
    code, text = dqm("ingest", "--config", folder / "dqm.toml")
    assert code == 3
    assert "Traceback" not in text
    assert "[conflict] run 7, LS 2: JetMET/vertices: two files give 1 lumisection different contents" in text
    assert "pages3.json: not valid JSON" in text
    with Store.open(folder / "certification") as store:
        held = {int(ls) for batch in read_histograms(store) for ls in batch.ls}
    assert held == {1, 3}


ELEMENTS = ("Pixel/charge", "Pixel/phi", "Ecal/time", "Muon/phi")
NIGHTS = """\
[[inputs]]
kind = "ml4dqm"
files = ["histograms.parquet"]
[[inputs]]
kind = "golden"
files = ["golden.json"]
coverage = "span"
[working_point]
data_loss = 0.02
pollution = 0.02
"""


def campaign(folder: Path, runs: int = 40, lumisections: int = 25) -> dict[int, set[int]]:
    """Four elements whose shapes are Gaussian or flat; in a third of the runs a fifth of ``Pixel/phi`` goes dead.

    The newest four runs carry no label; returned are their bad lumisections.
    """
    rng = np.random.default_rng(11)
    bins = np.arange(40)
    peak = np.exp(-0.5 * ((bins - 20) / 4) ** 2)
    shapes = {"charge": peak / peak.sum(), "time": peak / peak.sum(), "phi": np.full(40, 1 / 40)}
    rows, good, hidden = [], {}, {}
    for run in range(1, runs + 1):
        first = int(rng.integers(2, lumisections - 6)) if run % 3 == 0 or run > runs - 4 else 99
        bad = set(range(first, first + 5)) if first < 99 else set()
        for ls in range(1, lumisections + 1):
            for element in ELEMENTS:
                counts = rng.poisson(3000 * shapes[element.rpartition("/")[2]])
                if ls in bad and element == "Pixel/phi":
                    counts[10:18] = 0
                rows.append(
                    (run, ls, element, 3, [0, *counts.tolist(), 0], int(counts.sum()), 40.0, 0.0, 40, 1.0, 0.0, 1)
                )
        if run > runs - 4:
            hidden[run] = bad
        else:
            kept = [ls for ls in range(1, lumisections + 1) if ls not in bad]
            good[str(run)] = [[ls, ls] for ls in kept]
    names = [
        "fromrun",
        "fromlumi",
        "hname",
        "metype",
        "histo",
        "entries",
        "Xmax",
        "Xmin",
        "Xbins",
        "Ymax",
        "Ymin",
        "Ybins",
    ]
    pd.DataFrame(rows, columns=names).to_parquet(folder / "histograms.parquet")
    (folder / "golden.json").write_text(json.dumps(good))
    (folder / "dqm.toml").write_text(NIGHTS)
    return hidden


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, set[int]]]:
    """The folder of a campaign that was learned from, not to be changed, and what is hidden in its newest runs."""
    folder = tmp_path_factory.mktemp("histograms")
    hidden = campaign(folder)
    config = load(folder / "dqm.toml")
    with Store.create(config.store_path) as store:
        ingest(config, store)
        train(config, store)
    return folder, hidden


@pytest.fixture
def copied(trained: tuple[Path, dict[int, set[int]]], tmp_path: Path) -> Path:
    """A copy of that folder to go on with."""
    return Path(shutil.copytree(trained[0], tmp_path, dirs_exist_ok=True))


def test_a_dead_region_is_found_named_and_never_golden(
    dqm: Dqm, copied: Path, trained: tuple[Path, dict[int, set[int]]]
) -> None:
    """From histograms to a golden JSON with nothing else at hand."""
    _, hidden = trained
    for verb in ("score", "certify"):
        code, text = dqm(verb, "--config", copied / "dqm.toml")
        assert (code, "Traceback" in text) == (0, False), text
    with Store.open(copied / "certification") as store:
        made = verdicts_from_arrow(store.read("verdicts"))
    run, ls = (np.asarray(made.index.get_level_values(name)) for name in ("run", "ls"))
    bad = np.array([s in hidden[r] for r, s in zip(run.tolist(), ls.tolist(), strict=True)])
    decision = made.decision.astype(str)
    assert bad.sum() == 20
    assert not (decision[bad] == "ACCEPT").any()
    assert (decision[~bad] == "ACCEPT").mean() > 0.8
    assert set(made.subsystem[bad]) == {"Pixel"}
    told = {in_words(made.reasons[k][0], measured=False) for k in np.flatnonzero(bad)}
    assert all("Pixel/phi" in each for each in told), told


def test_missing_elements_are_unknown_and_one_missing_is_asked(dqm: Dqm, copied: Path) -> None:
    frame = pd.read_parquet(copied / "histograms.parquet")
    thin = (frame["fromrun"] == 40) & (frame["fromlumi"] == 3) & (frame["hname"] != "Ecal/time")
    one = (frame["fromrun"] == 40) & (frame["fromlumi"] == 4) & (frame["hname"] == "Ecal/time")
    frame[~thin & ~one].to_parquet(copied / "histograms.parquet")
    for verb in ("ingest", "score", "certify"):
        assert dqm(verb, "--config", copied / "dqm.toml")[0] == 0
    with Store.open(copied / "certification") as store:
        made = verdicts_from_arrow(store.read("verdicts", [40]))
    told = dict(
        zip(
            made.index.get_level_values("ls").tolist(),
            zip(made.decision.astype(str), made.status, strict=True),
            strict=True,
        )
    )
    assert told[3] == ("UNKNOWN", "coverage")
    assert told[4][0] in ("ASK", "REJECT")


def test_a_renamed_element_holds_its_run_and_stops_no_other(dqm: Dqm, copied: Path) -> None:
    """Mutant: an element that the model does not know is a column too many, and nothing is scored any more."""
    frame = pd.read_parquet(copied / "histograms.parquet")
    renamed = (frame["fromrun"] == 38) & (frame["hname"] == "Ecal/time")
    frame.loc[renamed, "hname"] = "Ecal/time_v2"
    frame.to_parquet(copied / "histograms.parquet")
    for verb in ("ingest", "score", "certify"):
        code, text = dqm(verb, "--config", copied / "dqm.toml")
        assert code == 0, text
        if verb == "ingest":
            assert text.count("[schema.drift]") == 2, "there and back again"
        elif verb == "score":
            assert "quantities are new to the model and not used: 'Ecal/time_v2:entries'" in text
    with Store.open(copied / "certification") as store:
        made = verdicts_from_arrow(store.read("verdicts"))
    run, decision = np.asarray(made.index.get_level_values("run")), made.decision.astype(str)
    assert np.isin(decision[run == 38], ["ASK", "REJECT"]).all()
    for other in (37, 39, 40):
        assert (decision[run == other] == "ACCEPT").mean() > 0.5, other


@pytest.mark.slow
def test_a_detector_of_shapes_stands_beside_trees(dqm: Dqm, tmp_path: Path) -> None:
    """From files to verdicts with bins that one detector alone sees; reasons name the element."""
    dqm("simulate", tmp_path, "--weeks", "1", "--histograms", "1", "--seed", "3")
    config = tmp_path / "dqm.toml"
    config.write_text(
        config.read_text().replace("[features]", '[features.shapes]\nelements = ["*/charge*"]\n[features]')
        + '[[fuse]]\nkind = "convolutional"\ncolumns = ["*:bin*", "*:entries"]\nepochs = 2\n'
    )
    for step in ("ingest", "train", "score", "certify"):
        code, text = dqm(step, "--config", config)
        assert code in (0, 3), text
    with Store.open(tmp_path / "certification") as store:
        made = verdicts_from_arrow(store.read("verdicts"))
        names = {reason.feature for each in made.reasons for reason in each}
        assert any(":bin" in name for name in names), names
        assert "detector.unusual: convolutional" in names
        assert store.pointed("champion") is not None
        assert {each.model_id.rpartition("-")[0] for each in store.models()} == {"boosted-convolutional"}
