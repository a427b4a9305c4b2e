"""The benchmark of outliers: its form, that nothing is learned from what is scored, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from dqm.model.errors import ConfigError, InputError, UnknownNameError
from pipelines.benchmarks import outlier_sets, outliers
from pipelines.benchmarks.outlier_sets import lhco_features, lhco_set, table_set
from pipelines.benchmarks.outliers import Request, run
from pipelines.simulate.events import simulate_events

pytestmark = pytest.mark.slow  # fits networks and peers


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("events") / "events.parquet"
    simulate_events(1500, 60, seed=4).drop(columns="process").to_parquet(target)
    return target


@pytest.fixture
def olympics(tmp_path: Path) -> Path:
    """Files in the form of the R&D set, of noise."""
    random = np.random.default_rng(1)
    for part, signal in {"train": 30, "test": 20, "extrasig": 900}.items():
        values = random.uniform(0, 1, size=(900, 6))
        values[:, 5] = np.arange(900) < signal
        np.save(tmp_path / f"innerdata_{part}.npy", values)
    return tmp_path


def test_rows_have_the_promised_form(table: Path) -> None:
    found = run(Request(tables=(f"own={table}",), methods=("iforest", "gmm"), quick=True))
    document = found.document()
    assert [(row["set"], row["method"]) for row in document["rows"]] == [("own", "iforest"), ("own", "gmm")]
    assert all(
        set(row["metrics"]) == {"auc", "max_sic", "max_sic_err", "efficiency_at_1pct"} for row in document["rows"]
    )
    assert all(row["metrics"]["auc"] > 0.8 for row in document["rows"])
    assert "idealised" in found.text()


def test_no_event_is_in_two_places(table: Path) -> None:
    """Background sample, data and test are disjoint, and no signal event is in the background sample."""
    found = table_set("own", table, quick=False)
    assert len(found.folds) == 2
    for fold in found.folds:
        parts = [fold.background, fold.data, found.background, found.signal]
        rows = np.concatenate([each.values for each in parts])
        assert len(np.unique(rows, axis=0)) == len(rows)
        assert fold.background.names == ["jet_mass", "scalar_sum", "missing_energy", "tau21", "rapidity_gap"]
        assert (fold.background["jet_mass"] < 400).all()
    assert found.folds[0].data.values.tolist() != found.folds[1].data.values.tolist()


def test_the_olympics_are_read_in_their_form(olympics: Path) -> None:
    found = lhco_set(olympics, quick=True)
    assert (len(found.folds), len(found.background), len(found.signal)) == (1, 880, 920)
    zeros = lhco_features(np.zeros((1, 6)))
    assert np.isfinite(zeros.values).all()
    assert zeros.names == ["mjj", "mj1", "dmj", "tau21_1", "tau21_2"]


def test_simulated_signal_is_half_a_per_cent() -> None:
    found = outlier_sets.simulated_set(quick=True)
    assert (len(found.folds[0].data), len(found.background), len(found.signal)) == (5000, 10_000, 2500)


def test_quick_leaves_the_slow_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outliers, "outlier_sets", lambda *_args, **_more: [])
    assert run(Request(quick=True)).rows == ()
    assert set(outliers.SLOW) < set(outliers.NAMES)


def test_what_is_refused(tmp_path: Path, olympics: Path, table: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown method 'gnn'"):
        run(Request(tables=(f"own={table}",), methods=("gnn",)))
    with pytest.raises(ConfigError, match="write NAME=FILE"):
        run(Request(tables=("own",)))
    with pytest.raises(InputError, match=r"no folder 'lhco_rd' in .*; set DQM_DATA or give --data or --table"):
        run(Request(data=str(tmp_path)))
    (olympics / "innerdata_test.npy").unlink()
    with pytest.raises(InputError, match=r"innerdata_test\.npy: no such file of the LHC Olympics"):
        lhco_set(olympics, quick=True)
    np.save(olympics / "innerdata_test.npy", np.zeros((3, 5)))
    with pytest.raises(InputError, match=r"shape \(3, 5\) where .* ask for six columns"):
        lhco_set(olympics, quick=True)


def test_tables_without_truth_are_refused(tmp_path: Path) -> None:
    for columns, message in {
        "label": "no column 'label'",
        "": "must hold 0 and 1, both of them",
    }.items():
        events = simulate_events(500, 0, seed=1).drop(columns=["process", *filter(None, [columns])])
        events.to_csv(tmp_path / "events.csv", index=False)
        with pytest.raises(InputError, match=message):
            table_set("own", tmp_path / "events.csv", quick=True)
    simulate_events(300, 30, seed=1).to_csv(tmp_path / "events.csv", index=False)
    with pytest.raises(InputError, match="background events to learn from, and 200 are needed"):
        table_set("own", tmp_path / "events.csv", quick=True)
