"""The speed benchmarks run, say what they measured, and their peers compute the same numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dqm.model.errors import ConfigError
from dqm.model.histograms import Axis
from features.percentiles import reduce_histograms
from pipelines.benchmarks import io, kernels

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "dqmio"


def test_numpy_computes_what_the_kernel_computes() -> None:
    """A peer that computed less would be no peer."""
    cells, axis = kernels.simulated(3000), Axis(kernels.BINS, 0.0, 100.0)
    ours, theirs = reduce_histograms(cells, axis), np.concatenate(kernels.with_numpy(cells, axis))
    names = ["sum", "underflow", "overflow", "empty", *ours.names[: len(kernels.PERCENTILES)]]
    names += ["mean", "std", "skewness", "kurtosis"]
    places = [ours.names.index(name) for name in names]
    np.testing.assert_allclose(ours.values[:, places], theirs, rtol=2e-4, atol=1e-3)


def test_polars_computes_what_the_kernel_computes() -> None:
    pytest.importorskip("polars", reason="a peer of the extra peers")
    cells, axis = kernels.simulated(200), Axis(kernels.BINS, 0.0, 100.0)
    *points, moments = kernels.with_polars(axis)(cells)  # type: ignore[misc]
    ours = reduce_histograms(cells, axis).values
    for k, found in enumerate(points):
        np.testing.assert_allclose(found[:, 1].to_numpy(), ours[:, k], atol=1e-4)
    np.testing.assert_allclose(moments["mean"].to_numpy(), ours[:, len(points) + 1], atol=1e-4)


@pytest.mark.slow
def test_kernels_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "SLICE", 0.05)
    monkeypatch.setattr(kernels, "REPEATS", 1)
    found = kernels.run(histograms=2000)
    document = found.document()
    assert {"set", "method", "metrics", "seconds"} == set(document["rows"][0])
    assert {(row["set"], row["method"]) for row in document["rows"]} >= {
        ("percentiles-100bins", "lumicert"),
        ("percentiles-100bins", "numpy"),
        ("reference-100bins", "lumicert"),
    }
    assert all(row["metrics"]["histograms_per_s"] > 0 for row in document["rows"])
    assert "of 100 bins" in found.text()
    json.dumps(document)


@pytest.mark.slow
def test_a_file_of_ones_own_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io, "REPEATS", 1)
    monkeypatch.delenv(io.ROOT_PYTHON, raising=False)
    monkeypatch.setitem(io.METHODS, "dqmio", ("lumicert", "lumicert-one-thread"))
    found = io.run(file=FIXTURES / "plain_zlib.root")
    (first, second) = found.document()["rows"]
    assert (first["set"], first["method"]) == ("dqmio:plain_zlib.root", "lumicert")
    assert second["metrics"]["peak_mib"] > 10
    assert "1.00×" in found.text()


@pytest.mark.slow
def test_without_root_the_fixtures_are_read_and_the_table_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(io, "REPEATS", 1)
    monkeypatch.setattr(io, "root_python", lambda: None)
    monkeypatch.setitem(io.METHODS, "dqmio", ("lumicert",))
    found = io.run()
    assert [row.set for row in found.rows] == ["dqmio-zlib", "dqmio-lz4"]
    assert "small fixtures are read instead of large files" in found.text()


def test_an_interpreter_without_root_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(io.ROOT_PYTHON, "/bin/false")
    with pytest.raises(ConfigError, match="/bin/false: ROOT could not write the files"):
        io.run(quick=True, cache=tmp_path)


@pytest.mark.slow  # a process that imports everything
def test_a_method_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(io.METHODS, "dqmio", ("lumicert",))
    (tmp_path / "bad.root").write_bytes(b"root")
    with pytest.raises(ConfigError, match=r"lumicert failed on bad\.root"):
        io.run(file=tmp_path / "bad.root")
