"""The density benchmark reads folds as published, gives every method the same, and says what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from dqm.model.errors import InputError, UnknownNameError
from pipelines.benchmarks import density, density_methods
from pipelines.benchmarks.density_sets import Fold, density_set

pytestmark = pytest.mark.slow  # fits networks and peers


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with ten folds of a small wine of three columns in steps of 0.1, a third of the rows copies; and bits."""
    rng = np.random.default_rng(1)
    rows = np.round(rng.multivariate_normal([5, 7, 2], np.diag([1, 4, 0.2]) + 0.3, size=200), 1).astype(np.float32)
    rows = rng.permutation(np.concatenate([rows, rows[:100]]))
    (tmp_path / "rnade_uci").mkdir()
    with h5py.File(tmp_path / "rnade_uci" / "red_wine.hdf5", "w") as file:
        parts = np.array_split(rows, 10)
        for fold in range(10):
            others = parts[fold + 1 :] + parts[:fold]
            for at, part in enumerate(others, 1):
                file[f"folds/{fold + 1}/training/{at}/data"] = part
            file[f"folds/{fold + 1}/tests/1/data"] = parts[fold]
    (tmp_path / "nade_binary").mkdir()
    bits = (rng.random((300, 8)) < 0.3).astype(np.float32)
    np.savez(
        tmp_path / "nade_binary" / "mushrooms.npz",
        train_data=bits[:150],
        valid_data=bits[150:200],
        test_data=bits[200:],
    )
    return tmp_path


def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density_methods, "REAL", density_methods.REAL | {"epochs": 2, "hidden": 8})
    monkeypatch.setattr(density_methods, "BINARY", density_methods.BINARY | {"epochs": 2, "hidden": 8})


def test_every_row_says_what_was_measured(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few_epochs(monkeypatch)
    monkeypatch.setattr(density_methods, "COMPONENTS", (1,))
    monkeypatch.setattr(density, "QUICK_METHODS", ("nade", "gaussian", "gmm", "spikes"))
    found = density.run(density.Request(data=str(data), quick=True))
    document = found.document()
    assert document["benchmark"] == "density"
    assert {(row["set"], row["method"]) for row in document["rows"]} == {
        *((each, method) for each in ("red-wine", "red-wine-dedup") for method in density.QUICK_METHODS),
        ("mushrooms", "nade"),
    }
    assert all({"test_loglik", "stderr"} == set(row["metrics"]) for row in document["rows"])
    assert all(np.isfinite(list(row["metrics"].values())).all() for row in document["rows"])
    json.dumps(document)
    assert "-13.18" in found.text()
    assert "Uria et al. 2013" in found.text()


def test_the_gaussian_is_the_maximum_likelihood_one_per_spread(data: Path) -> None:
    fold = density_set("red-wine", data).folds[0]
    z, asked = fold.z(fold.training), fold.z(fold.test)
    covariance = np.cov(z.T, bias=True)
    expected = -0.5 * np.einsum("ij,jk,ik->i", asked, np.linalg.inv(covariance), asked)
    expected -= 0.5 * np.log(np.linalg.det(2 * np.pi * covariance))
    np.testing.assert_allclose(density_methods.gaussian(density_set("red-wine", data), fold, 1), expected, rtol=1e-4)


def test_spikes_win_by_copies_and_not_without(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the official figure is worth: a memory of the training rows wins where a quarter of the test is copies."""
    monkeypatch.setattr(density_methods, "COMPONENTS", (1,))
    gain = {}
    for name in ("red-wine", "red-wine-dedup"):
        each = density_set(name, data)
        spiky, smooth = (
            method(each, each.folds[0], 1).mean() for method in (density_methods.spikes, density_methods.gmm)
        )
        gain[name] = spiky - smooth
    assert gain["red-wine"] > 0.5 > gain["red-wine-dedup"]


def test_without_copies_no_row_is_there_twice(data: Path) -> None:
    for fold in density_set("red-wine-dedup", data).folds:
        rows = [each.tobytes() for part in (fold.learn, fold.choose, fold.test) for each in part]
        assert len(rows) == len(set(rows))


def test_the_floor_is_half_the_recorded_step() -> None:
    rows = np.array([[0.1, 3], [0.4, 5], [0.9, 4], [0.2, 9]], dtype=np.float32)
    fold = Fold(rows, rows, rows)
    np.testing.assert_allclose(density_methods._floor(fold) * fold.spread, [0.05, 0.5])


@pytest.mark.slow
def test_flows_are_fitted_and_leave_torchs_generator_in_no_role(data: Path) -> None:
    """Two runs with equal seeds have equal figures, whatever was drawn in between."""
    each = density_set("red-wine", data)
    first, second = (density_methods.nsf(each, each.folds[0], 1) for _ in range(2))
    assert np.array_equal(first, second)


def test_unknown_names_and_missing_files_are_told(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown density set 'red-vine'; nearest valid names: 'red-wine'"):
        density.run(density.Request(str(data), sets=("red-vine",)))
    with pytest.raises(UnknownNameError, match="unknown density method 'gnm'; nearest valid names: 'gmm'"):
        density.run(density.Request(str(data), methods=("gnm",)))
    with pytest.raises(UnknownNameError, match="unknown density set 'rose'"):
        density_set("rose", data)
    for name, file in (("white-wine", "winequality-white.csv"), ("boston", "boston_housing.data"), ("dna", "dna.npz")):
        with pytest.raises(InputError, match=rf"{file}: not there; set DQM_DATA or give --data.*leave '{name}' out"):
            density_set(name, data)
    with pytest.raises(InputError, match=r"red_wine\.hdf5: not there"):
        density_set("red-wine", tmp_path / "nowhere")
