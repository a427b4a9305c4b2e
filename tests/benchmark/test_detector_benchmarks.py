"""The benchmarks of detectors run on small tables and say what they measured."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from detectors import registry
from dqm.model.errors import ConfigError, InputError
from pipelines.benchmarks import detector_sets, throughput, unsupervised
from pipelines.benchmarks.unsupervised import Row
from pipelines.benchmarks.unsupervised_peers import PEERS, SEEDED, SLOW, filled, quiet
from pipelines.terminal import line_writer

pytestmark = pytest.mark.slow  # fits networks and peers

METHODS = ("robust-z", "pca", "pyod-ecod", "pyod-iforest")


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A table of one's own in which one row in ten is far off."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.normal(size=(200, 3)), columns=["a", "b", "c"])
    frame["label"] = (np.arange(200) % 10 == 0).astype(int)
    frame.loc[frame["label"] == 1, "b"] += 9
    frame.loc[3, "a"] = np.nan
    frame.to_csv(tmp_path / "own.csv", index=False)
    return f"mine={tmp_path / 'own.csv'}"


def test_every_method_is_measured_and_the_means_stand_beside(own: str) -> None:
    found = unsupervised.run(tables=(own,), methods=METHODS)
    document = found.document()
    assert [(row["set"], row["method"]) for row in document["rows"][:4]] == [("mine", each) for each in METHODS]
    assert {row["method"] for row in document["rows"][4:]} == set(METHODS)
    assert all(set(row["metrics"]) == {"auc", "ap"} for row in document["rows"])
    assert min(row["metrics"]["auc"] for row in document["rows"]) > 0.75
    assert document["failed"] == []
    assert "mean over seeds 1, 2 and 3" in found.text()
    json.dumps(document)


def test_a_broken_off_run_keeps_the_rows_that_it_had(own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(each: object, method: str, *rest: object) -> Row:
        if method == "pca":
            raise KeyboardInterrupt
        return Row("mine", method, 0.75, math.nan, 0.5)

    monkeypatch.setattr(unsupervised, "_measured", broken)
    with pytest.raises(KeyboardInterrupt):
        unsupervised.run(tables=(own,), methods=("robust-z", "pca"), found=line_writer(tmp_path / "rows"))
    lines = (tmp_path / "rows").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"set": "mine", "method": "robust-z", "metrics": {"auc": 0.75, "ap": None}, "seconds": 0.5}
    ]


def test_labels_are_seen_by_the_ranking_alone(own: str, tmp_path: Path) -> None:
    """With every label turned round the AUC is the other side of the same ranking."""
    frame = pd.read_csv(own.partition("=")[2])
    frame["label"] = 1 - frame["label"]
    frame.to_parquet(tmp_path / "turned.parquet")
    runs = [unsupervised.run(tables=(each,), methods=("pca",)) for each in (own, f"turned={tmp_path}/turned.parquet")]
    assert runs[0].rows[0].auc == pytest.approx(1 - runs[1].rows[0].auc)


def test_many_rows_are_sampled_without_a_look_at_the_label(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(detector_sets, "MOST_ROWS", 50)
    (tmp_path / "adbench").mkdir()
    X = np.arange(200.0)[:, None]
    for name, y in (("7_toy", np.arange(200) % 2), ("8_toy", np.zeros(200))):
        np.savez(tmp_path / "adbench" / f"{name}.npz", X=X, y=y)
    first, second = detector_sets.labelled_tables(tmp_path, ())
    assert first.name == "toy"
    assert len(first.table) == 50
    assert np.array_equal(first.table.values, second.table.values)
    assert np.array_equal(first.bad, first.table.values[:, 0] % 2 == 1)


def test_what_a_method_cannot_do_is_told_and_the_others_go_on(own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, seed: int) -> object:
        raise ValueError("too few rows\nand more")

    monkeypatch.setattr(unsupervised, "make_peer", refuse)
    found = unsupervised.run(tables=(own,), methods=("pyod-ecod", "robust-z"))
    assert found.failed == ("pyod-ecod on mine: too few rows",)
    assert [row.method for row in found.rows] == ["robust-z"]
    assert "failed: pyod-ecod on mine" in found.text()


def test_quick_leaves_out_what_is_slow() -> None:
    chosen = unsupervised._chosen((), quick=True)
    assert not set(SLOW) & set(chosen)
    assert "pyod-iforest" in chosen
    assert set(unsupervised._chosen((), quick=False)) == {*unsupervised.ours(), *PEERS}
    assert set(SEEDED) <= set(PEERS)


def test_mistakes_are_told(tmp_path: Path, own: str) -> None:
    with pytest.raises(ConfigError, match="--method 'pcb' is none of"):
        unsupervised.run(tables=(own,), methods=("pcb",))
    with pytest.raises(ConfigError, match="--table 'mine': write NAME=FILE"):
        unsupervised.run(tables=("mine",))
    with pytest.raises(InputError, match="no ADBench sets in"):
        unsupervised.run(data=str(tmp_path))
    with pytest.raises(InputError, match=r"missing\.csv: no such table"):
        unsupervised.run(tables=(f"mine={tmp_path / 'missing.csv'}",))
    (tmp_path / "plain.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column 'label'"):
        unsupervised.run(tables=(f"mine={tmp_path / 'plain.csv'}",))
    (tmp_path / "odd.csv").write_text("a,label\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="0 or 1 in every row of 'label'"):
        unsupervised.run(tables=(f"mine={tmp_path / 'odd.csv'}",))


def test_peers_are_given_numbers_and_leave_numpys_generator_alone() -> None:
    X = np.array([[1.0, np.nan, np.nan], [3.0, np.inf, np.nan], [5.0, 2.0, np.nan]])
    assert filled(X).tolist() == [[1, 2, 0], [3, 2, 0], [5, 2, 0]]
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    with quiet():
        np.random.seed(5)
    assert np.random.random() == expected


def test_speed_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "REPEATS", 1)
    found = throughput.run(rows=300, columns=12, methods=("robust-z", "boosted", "pyod-pca"))
    document = found.document()
    assert [row["set"] for row in document["rows"]] == ["300x12"] * 3
    assert all(set(row["metrics"]) == {"fit_rows_per_s", "score_rows_per_s"} for row in document["rows"])
    assert all(value > 0 for row in document["rows"] for value in row["metrics"].values())
    assert "networks on cpu" in found.text()
    json.dumps(document)


def test_every_registered_detector_is_timed_and_a_mistake_told() -> None:
    assert set(registry.names()) < set(throughput._chosen((), quick=False))
    with pytest.raises(ConfigError, match="--method 'boost' is none of"):
        throughput.run(methods=("boost",))
    with pytest.raises(ConfigError, match="'warp' is none that torch knows"):
        throughput.run(device="warp")


def test_a_detector_that_cannot_be_fitted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(method: str, *_: object) -> object:
        raise ValueError("no\nway")

    monkeypatch.setattr(throughput, "_subject", refuse)
    found = throughput.run(rows=20, columns=2, methods=("pca",))
    assert found.failed == ("pca: no",)
    assert "failed: pca: no" in found.text()
