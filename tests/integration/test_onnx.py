"""A network leaves Python and says the same there; what cannot leave is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from typer.testing import CliRunner

from detectors import nade_network, registry
from detectors.artifacts import Bundle, save
from detectors.checks import simulated_table, with_fault
from detectors.nade import Nade
from dqm.model.errors import ArtifactError, UnknownNameError
from dqm.store.store import Store
from pipelines.cli import app
from pipelines.run import onnx as command

pytestmark = pytest.mark.slow  # an export takes seconds


def trained(kind: str, **params: str | int | float | bool) -> Bundle:
    table, labels = with_fault(simulated_table(300, seed=1), column=2, seed=1)
    return Bundle(kind, registry.make(kind, params).fit(table, labels, seed=1))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return trained("autoencoder", epochs=3)


@pytest.fixture(scope="module")
def told(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """The file that ``dqm onnx`` writes and its JSON; the export costs seconds, so there is one for all tests."""
    folder = tmp_path_factory.mktemp("onnx")
    save(bundle, folder / "model")
    path = folder / "model.onnx"
    done = CliRunner().invoke(app, ["onnx", str(folder / "model"), "--output", str(path), "--json", "-"])
    assert done.exit_code == 0, done.output
    assert "agrees with torch on 4096 simulated rows" in done.stderr
    return path, json.loads(done.stdout)


def test_the_file_scores_as_torch_does(bundle: Bundle, told: tuple[Path, dict[str, object]]) -> None:
    path, found = told
    assert max(found["difference"].values()) <= 1e-4  # type: ignore[attr-defined]
    assert found["onnx_rows_per_s"] > 0  # type: ignore[operator]
    table, _ = with_fault(simulated_table(50, seed=2), column=3, seed=2)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    score, contribution = session.run(["score", "contribution"], {"features": table.values})
    assert np.allclose(score, bundle.detector.score(table), rtol=1e-4)
    assert np.allclose(contribution, bundle.detector.explain(table), rtol=1e-4, atol=1e-4)
    nothing = np.full((1, 7), np.nan, dtype=np.float32)
    assert np.isnan(session.run(["score"], {"features": nothing})[0]).all()


def test_the_file_says_what_it_is(bundle: Bundle, told: tuple[Path, dict[str, object]]) -> None:
    model = onnx.load(told[0])
    props = {each.key: each.value for each in model.metadata_props}
    assert json.loads(props["columns"]) == [column.name for column in bundle.schema.columns]
    assert props["features"] == bundle.schema.fingerprint == told[1]["features"]
    assert json.loads(props["outputs"]) == [each.name for each in model.graph.output] == ["score", "contribution"]
    assert {each.domain: each.version for each in model.opset_import}[""] == command.OPSET
    assert [each.name for each in model.graph.input] == ["features"]


@pytest.mark.slow
def test_a_convolutional_network_leaves_too(tmp_path: Path) -> None:
    assert command.export(trained("convolutional", epochs=1), tmp_path / "model.onnx").equal


@pytest.mark.parametrize("masked_up_to", [nade_network.MASKED_UP_TO, pytest.param(0, marks=pytest.mark.slow)])
def test_a_density_leaves_with_its_log_probability(
    tmp_path: Path, masked_up_to: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways to sum what comes before a feature."""
    monkeypatch.setattr(nade_network, "MASKED_UP_TO", masked_up_to)
    monkeypatch.setattr(nade_network, "BLOCK", 4)
    bundle = trained("nade", epochs=2, hidden=16)
    done = command.export(bundle, tmp_path / "model.onnx")
    assert done.equal
    assert list(done.difference) == ["score", "log_probability"]
    table, _ = with_fault(simulated_table(50, seed=2), column=3, seed=2)
    table.values[::5, 1] = np.nan
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    score, log_probability = session.run(["score", "log_probability"], {"features": table.values})
    detector = bundle.detector
    assert isinstance(detector, Nade)
    assert np.allclose(score, detector.score(table), rtol=1e-4, atol=1e-4)
    assert np.allclose(log_probability, detector.log_density(table), rtol=1e-4, atol=1e-4)


def test_trees_are_refused_with_what_can_be_exported(tmp_path: Path) -> None:
    with pytest.raises(
        ArtifactError, match=r"'boosted' has no export to ONNX; these have: autoencoder, convolutional, nade"
    ):
        command.export(trained("boosted"), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_model_of_the_store_is_found_by_name(bundle: Bundle, tmp_path: Path) -> None:
    config = tmp_path / "dqm.toml"
    config.write_text('[store]\npath = "store"\n', encoding="utf-8")
    with Store.create(tmp_path / "store") as store:
        save(bundle, store.path / "models" / "mine")
        with store.transaction() as change:
            change.add_model("mine", "models/mine", bundle.schema.fingerprint, {})
            change.point("champion", "mine")
            change.point("challenger", "mine")
    for name in ("mine", "champion", "challenger"):
        assert command.found_bundle(name, config).schema == bundle.schema
    with pytest.raises(UnknownNameError, match="unknown model 'mime'; nearest valid names: 'mine'"):
        command.found_bundle("mime", config)


def test_a_difference_is_a_difference() -> None:
    one = np.array([1.0, np.nan, 1000.0], dtype=np.float32)
    assert command.difference(one, one) == 0
    assert command.difference(one, one + np.float32(0.5)) == pytest.approx(0.5)
    assert command.difference(one, np.array([1.0, 2.0, 1000.0], dtype=np.float32)) == np.inf
    assert command.difference(one, one[:2]) == np.inf
    exported = command.Exported(Path("m"), "x", "", 18, 1, 1, {"score": 1e-3}, 1.0, 1.0)
    assert not exported.equal
    assert "DIFFERS from torch" in exported.text()
