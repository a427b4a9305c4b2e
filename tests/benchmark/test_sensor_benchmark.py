"""The sensor benchmark: its form, its published column, and that no label is read before a judgement is made."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dqm.model.errors import ConfigError, InputError
from pipelines.benchmarks import sensors
from pipelines.benchmarks.nab_files import Stream, windowed_gaussian
from pipelines.benchmarks.nab_recipe import NabRecipe
from pipelines.benchmarks.sensors import Request, run
from pipelines.benchmarks.skab_files import labelled, recordings
from pipelines.benchmarks.skab_recipe import Recipe, judgements, weighted_quantile, without_pauses


def record(seed: int, rows: int = 700) -> pd.DataFrame:
    """Three sensors at 1 Hz; between rows 500 and 600 two of them are elsewhere."""
    rng = np.random.default_rng(seed)
    values = rng.normal([5, 100, 0.3], [0.1, 3, 0.01], size=(rows, 3))
    bad = (np.arange(rows) >= 500) & (np.arange(rows) < 600)
    values[bad] += [0.5, -20, 0]
    frame = pd.DataFrame(values, columns=["flow", "pressure", "current"])
    frame.insert(0, "datetime", pd.Timestamp("2026-03-09") + pd.to_timedelta(np.arange(rows) + 1000 * seed, unit="s"))
    return frame.assign(anomaly=bad * 1.0, changepoint=np.isin(np.arange(rows), [500, 600]) * 1.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders in the form of both sets."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "skab" / "data" / "valve1"
    folder.mkdir(parents=True)
    for i in range(5):
        record(i).to_csv(folder / f"{i}.csv", sep=";", index=False)
    streams = root / "nab" / "data" / "made"
    streams.mkdir(parents=True)
    (root / "nab" / "labels").mkdir()
    values = np.random.default_rng(1).normal(size=800)
    values[500:540] += 12
    times = pd.Timestamp("2026-03-09") + pd.to_timedelta(np.arange(800) * 300, unit="s")
    pd.DataFrame({"timestamp": times, "value": values}).to_csv(streams / "one.csv", index=False)
    limits = [[str(times[480]), str(times[560])]]
    (root / "nab" / "labels" / "combined_windows.json").write_text(json.dumps({"made/one.csv": limits}))
    return root


def test_a_fault_is_found_and_the_rest_is_quiet(data: Path) -> None:
    found = run(Request(data=str(data), sets=("skab",), quick=True))
    rows = {row.method: row for row in found.rows}
    assert set(rows) == {"lumicert", "t2-q", "control-charts", "everything"}
    assert rows["lumicert"].metrics["f1"] > 0.9
    assert rows["lumicert"].metrics["far"] < 13
    assert rows["lumicert"].metrics["nab_standard"] > 80
    assert rows["everything"].metrics["far"] == 100


@pytest.mark.slow
def test_document_has_figures_published_ones_digests_and_looks(data: Path) -> None:
    found = run(Request(data=str(data), sets=("nab",), quick=True))
    document = found.document()
    assert [(row["set"], row["method"]) for row in document["rows"]] == [("nab", "lumicert"), ("nab", "lumicert-fixed")]
    assert all(set(row["metrics"]) == {"nab_standard"} for row in document["rows"])
    assert document["digests"] == {"nab": NabRecipe().digest}
    assert document["looks"] == {"nab": sensors.LOOKS["nab"]}
    assert {"set": "nab", "method": "knncad", "metrics": {"nab_standard": 57.99}}.items() <= next(
        each for each in document["published"] if each["method"] == "knncad"
    ).items()
    assert document["rows"][0]["metrics"]["nab_standard"] > 90
    text = found.text()
    assert "published for nab:" in text
    assert f"recipe {NabRecipe().digest[:12]}, test labels looked at with {sensors.LOOKS['nab']} recipes" in text


def test_labels_are_not_needed_to_judge(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: a recipe that looks at the labels of the recording it judges."""
    given = recordings(data)
    before = judgements(given, Recipe())
    unlabelled = [replace(each, file=Path("gone.csv")) for each in given]
    after = judgements(unlabelled, Recipe())
    assert all((a.anomalous == b.anomalous).all() for a, b in zip(before, after, strict=True))


def test_every_choice_is_in_the_digest() -> None:
    assert Recipe().digest != replace(Recipe(), penalty=61.0).digest
    assert NabRecipe().digest != replace(NabRecipe(), threshold=7.0).digest


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_table_of_ones_own(tmp_path: Path, separator: str) -> None:
    record(1).drop(columns="changepoint").to_csv(tmp_path / "own.csv", index=False, sep=separator)
    found = run(Request(tables=(f"own={tmp_path / 'own.csv'}",), quick=True))
    assert {row.set for row in found.rows} == {"own"}
    (ours,) = [row for row in found.rows if row.method == "lumicert"]
    assert set(ours.metrics) == {"f1", "far", "mar"}
    assert ours.metrics["f1"] > 0.9
    assert "published" not in found.text()


def test_tables_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--table 'x': write NAME=FILE"):
        run(Request(tables=("x",)))
    with pytest.raises(InputError, match=r"no\.csv: no such table"):
        labelled(tmp_path / "no.csv")
    file = tmp_path / "some.csv"
    record(1).drop(columns="anomaly").to_csv(file, index=False)
    with pytest.raises(InputError, match=r"no column 'anomaly' \(1 = bad, 0 = good\) among datetime, flow"):
        labelled(file)
    record(1, rows=300).to_csv(file, index=False)
    with pytest.raises(InputError, match=r"300 rows; the first 400 are for training, none is left to test"):
        labelled(file)
    record(1).assign(flow="high").to_csv(file, index=False)
    with pytest.raises(InputError, match=r"column 'flow' has cells that are no numbers"):
        labelled(file)


def test_sets_that_are_not_there_are_refused(tmp_path: Path, data: Path) -> None:
    with pytest.raises(ConfigError, match=r"--set 'skap' is none of them; nearest valid names: 'skab'"):
        Request(sets=("skap",))
    with pytest.raises(InputError, match=r"no SKAB recordings in .*; set DQM_DATA or give --data"):
        run(Request(data=str(tmp_path), sets=("skab",)))
    with pytest.raises(InputError, match=r"no NAB streams in .*; set DQM_DATA or give --data"):
        run(Request(data=str(tmp_path), sets=("nab",)))
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"one": [["2026-03-09 00:00:01", "2026-03-09 00:05:00"]]}))
    with pytest.raises(InputError, match=r"one has no record at 2026-03-09 00:00:01; the labels are of other data"):
        _ = Stream("one", np.array([1.0]), np.ones(1), labels).windows


def test_load_rows_stand_in_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    row = SimpleNamespace(text=lambda: "load line", document=lambda: {"set": "load", "method": "lumicert"})
    asked: list[tuple[int, ...]] = []
    fake = SimpleNamespace(load=lambda *size: asked.append(size) or [row])
    monkeypatch.setitem(sys.modules, "pipelines.benchmarks.sensor_load", fake)
    found = run(Request(sets=("load",), quick=True))
    assert found.document()["rows"] == [{"set": "load", "method": "lumicert"}]
    assert found.text() == "load line"
    run(Request(sets=("load",)))
    assert asked == [(300, 21_600), ()]


def test_weighted_quantile_and_pauses() -> None:
    values, weight = np.array([3.0, 1.0, 2.0]), np.array([1.0, 8.0, 1.0])
    assert [weighted_quantile(values, weight, q) for q in (0.5, 0.85, 1.0)] == [1, 2, 3]
    on = np.array([1, 0, 0, 1, 0, 0, 0, 1], dtype=bool)
    assert without_pauses(on, 2).tolist() == [True] * 4 + [False] * 3 + [True]


def test_windowed_gaussian_knows_only_the_past() -> None:
    x = np.random.default_rng(2).normal(size=50)
    found = windowed_gaussian(x, size=20, every=5)
    assert found[0] == 0
    assert found[:30].tolist() == windowed_gaussian(x[:30], size=20, every=5).tolist()
    x[49] = 20
    assert windowed_gaussian(x, size=20, every=5)[49] == 1
