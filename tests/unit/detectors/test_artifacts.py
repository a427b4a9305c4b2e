from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detectors.arrays import arrays_from_bytes, bytes_from_arrays
from detectors.artifacts import Bundle, fingerprint, load, save
from detectors.boosted import Boosted
from detectors.calibrate import Calibrator
from detectors.checks import simulated_table, with_fault
from detectors.excursions import Excursions
from detectors.folder import MANIFEST, json_bytes
from detectors.fusion import Fusion
from detectors.inputs import NotFittedError
from detectors.model import Companion
from detectors.robust_z import RobustZ
from dqm.model.errors import ArtifactError

TABLE, TRUTH = with_fault(simulated_table(300, seed=1), column=2, seed=1)
DETECTOR = Boosted(trees=5).fit(TABLE, TRUTH, seed=1)
CALIBRATOR = Calibrator().fit(DETECTOR.score(TABLE), TRUTH)
BUNDLE = Bundle("boosted", DETECTOR, CALIBRATOR, runs=(1, 2, 3))

COMPANION = Companion("robust-z", RobustZ().fit(TABLE, TRUTH, seed=1))
SAID = np.stack([DETECTOR.score(TABLE), COMPANION.detector.score(TABLE)], axis=1)
FUSED = replace(BUNDLE, others=(COMPANION,), fusion=Fusion.fit(SAID, TRUTH, probability=(True, False)), calibrator=None)


class Tripwire:
    """Unpickled, it shows that something was executed."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return exec, ("raise SystemExit('a pickle was executed')",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(BUNDLE, tmp_path / "model")
    return tmp_path / "model"


def _resealed(folder: Path) -> None:
    """Give every file in the folder its right digest, as whoever forges a bundle would."""
    digests = {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir() if each.name != MANIFEST
    }
    (folder / MANIFEST).write_bytes(json_bytes({"format": 1, "files": digests}))


def _edited(folder: Path, name: str, **changes: object) -> None:
    """Change keys of a JSON file; None takes one away."""
    content = json.loads((folder / name).read_text()) | changes
    kept = {key: value for key, value in content.items() if value is not None or key == "calibrator"}
    (folder / name).write_bytes(json_bytes(kept))


@pytest.mark.parametrize(
    "bundle",
    [BUNDLE, Bundle("robust-z", RobustZ().fit(TABLE, TRUTH, seed=1), runs=(7,), versions={"numpy": "2"})],
    ids=["boosted", "robust-z"],
)
def test_what_is_saved_comes_back(bundle: Bundle, tmp_path: Path) -> None:
    assert save(bundle, tmp_path / "deep" / "model") == fingerprint(bundle)
    found = load(tmp_path / "deep" / "model")
    assert fingerprint(found) == fingerprint(bundle)
    assert (found.kind, found.runs, found.schema) == (bundle.kind, bundle.runs, bundle.schema)
    assert found.versions == bundle.versions
    assert found.detector == bundle.detector  # hyper-parameters
    assert found.detector.score(TABLE).tobytes() == bundle.detector.score(TABLE).tobytes()
    assert (found.calibrator is None) == (bundle.calibrator is None)
    if found.calibrator is not None:
        assert found.calibrator.apply([0.1, 0.9]).tobytes() == CALIBRATOR.apply([0.1, 0.9]).tobytes()


def test_a_model_of_several_detectors_comes_back(tmp_path: Path) -> None:
    scores = FUSED.scores(TABLE)
    save(FUSED, tmp_path / "model")
    found = load(tmp_path / "model")
    assert fingerprint(found) == fingerprint(FUSED)
    assert [each.kind for each in found.members] == ["boosted", "robust-z"]
    assert found.scores(TABLE).tobytes() == scores.tobytes()
    assert found.combined(scores).tobytes() == FUSED.combined(scores).tobytes()
    assert found.explain(TABLE, scores).tobytes() == FUSED.explain(TABLE, scores).tobytes()


def test_excursions_come_back_and_belong_to_the_model(tmp_path: Path) -> None:
    """Mutant: left out, with which a stored model accepts what it held when it was trained."""
    reach = Excursions(np.array([0, 2]), np.array([3.0, 4.0]), np.array([1.0, 0.0]), 2.5, 1.5)
    guarded = Bundle.of(replace(BUNDLE, excursions=reach), (1,))
    save(guarded, tmp_path / "model")
    found = load(tmp_path / "model").excursions
    assert found is not None
    assert {name: np.asarray(each).tolist() for name, each in found.state().items()} == {
        "at": [0, 2],
        "above": [3.0, 4.0],
        "below": [1.0, 0.0],
        "times": 2.5,
        "asked": 1.5,
    }
    assert fingerprint(guarded) != fingerprint(replace(guarded, excursions=None))
    (tmp_path / "model" / "excursions.npz").unlink()
    _resealed(tmp_path / "model")
    with pytest.raises(ArtifactError, match=r"KeyError: 'excursions\.npz'"):
        load(tmp_path / "model")


def test_detectors_of_other_features_are_no_model(tmp_path: Path) -> None:
    other = RobustZ().fit(replace(TABLE, extractor="another"), TRUTH, seed=1)
    mixed = replace(FUSED, others=(Companion("robust-z", other),))
    with pytest.raises(
        ArtifactError, match="'boosted' and 'robust-z' of one model know other features; fit them alike"
    ):
        save(mixed, tmp_path / "model")
    with pytest.raises(ValueError, match="2 detectors without a fusion"):
        replace(FUSED, fusion=None)


def test_the_fingerprint_covers_model_calibrator_and_runs() -> None:
    other = Boosted(trees=5).fit(TABLE, TRUTH, seed=2)
    variants = [BUNDLE, replace(BUNDLE, detector=other), replace(BUNDLE, calibrator=None), replace(BUNDLE, runs=(1, 2))]
    assert len({fingerprint(each) for each in variants}) == 4


def test_saving_twice_writes_once_and_another_model_is_refused(folder: Path) -> None:
    before = folder.stat().st_mtime_ns
    assert save(BUNDLE, folder) == fingerprint(BUNDLE)
    assert folder.stat().st_mtime_ns == before
    with pytest.raises(ArtifactError, match="holds another model; models are never overwritten, choose another name"):
        save(replace(BUNDLE, runs=(9,)), folder)


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        if self.name == MANIFEST:
            raise OSError(28, "No space left on device")
        return len(data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save(BUNDLE, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_detector_of_another_kind_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="a Boosted was given as 'robust-z', which is RobustZ"):
        save(replace(BUNDLE, kind="robust-z"), tmp_path / "model")


def test_an_unfitted_detector_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError, match="this Boosted is not fitted"):
        save(Bundle("boosted", Boosted()), tmp_path / "model")


def test_a_state_of_objects_or_odd_names_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = RobustZ().fit(TABLE, TRUTH, seed=1)
    state = detector.state()
    monkeypatch.setattr(RobustZ, "state", lambda _: state | {"centre": np.array([Tripwire()])})
    with pytest.raises(TypeError, match="array 'centre' of type object: only numbers"):
        save(Bundle("robust-z", detector), tmp_path / "model")
    monkeypatch.setattr(RobustZ, "state", lambda _: state | {"../up": "x"})
    with pytest.raises(ArtifactError, match=r"state key '\.\./up' of the detector: use lower-case letters"):
        save(Bundle("robust-z", detector), tmp_path / "model")


@pytest.mark.parametrize("name", ["bundle.json", "detector.npz", "detector.model_1.txt", "calibrator.method.txt"])
def test_a_changed_byte_is_refused(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(ArtifactError, match=f"{name}: was changed, its SHA-256 is not that of the manifest"):
        load(folder)


def test_a_missing_or_an_extra_file_is_refused(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    with pytest.raises(ArtifactError, match=r"notes\.txt: is not in the manifest"):
        load(folder)
    _resealed(folder)
    with pytest.raises(ArtifactError, match=r"'notes\.txt' belongs to no part of a bundle"):
        load(folder)
    (folder / "notes.txt").unlink()
    with pytest.raises(ArtifactError, match=r"notes\.txt: is in the manifest and missing"):
        load(folder)


def test_links_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes((folder / "detector.npz").read_bytes())
    (folder / "detector.npz").unlink()
    (folder / "detector.npz").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match=r"detector\.npz: is a link or no plain file"):
        load(folder)
    (tmp_path / "alias").symlink_to(folder)
    with pytest.raises(ArtifactError, match="alias: is a link or has no manifest"):
        load(tmp_path / "alias")
    (folder / "detector.npz").unlink()
    (folder / "detector.npz").mkdir()
    with pytest.raises(ArtifactError, match=r"detector\.npz: is a link or no plain file"):
        load(folder)


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/passwd", "a/b.txt", "..", "", "manifest.json", "detector.npz\n"]
)
def test_names_that_lead_elsewhere_are_refused(folder: Path, name: str) -> None:
    listed = json.loads((folder / MANIFEST).read_text())["files"] | {name: "0" * 64}
    _edited(folder, MANIFEST, files=listed)
    with pytest.raises(ArtifactError, match="which is no plain file name of a bundle"):
        load(folder)


def test_a_newer_or_odd_format_is_refused(folder: Path) -> None:
    _edited(folder, MANIFEST, format=2)
    with pytest.raises(ArtifactError, match="format 2 was written by a newer program, this one reads 1; upgrade"):
        load(folder)
    _edited(folder, MANIFEST, format="one")
    with pytest.raises(ArtifactError, match="format 'one' is not 1"):
        load(folder)


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"has no manifest\.json; this is no bundle"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not valid JSON"), ("[]", "holds a list"), ("[" * 99999, "not valid")]
)
def test_a_manifest_that_is_no_object(folder: Path, text: str, message: str) -> None:
    (folder / MANIFEST).write_text(text)
    with pytest.raises(ArtifactError, match=message):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"kind": "boostd"},
            r"unknown plug-in of dqm.detectors 'boostd'; nearest valid names: 'boosted'.*; is the plug-in",
        ),
        ({"kind": "os:system"}, "unknown plug-in"),
        ({"kind": 3}, "are of another type"),
        ({"runs": "all"}, "are of another type"),
        ({"params": {"tree": 3}}, "parameter of detector 'boosted': 'tree'; nearest valid names: 'trees'"),
        ({"params": {"trees": -1}}, "ValueError: trees = -1 must be at least 1"),
        ({"params": {"trees": "x"}}, "TypeError"),
        ({"kind": "robust-z", "params": {}}, "KeyError: 'at'"),
        ({"features": "0" * 64}, "announces other features than those that the detector was trained on"),
        ({"calibrator": None}, r"'calibrator\.method\.txt' belongs to no part of a bundle"),
        ({"calibrator": {"magic": 1}}, "TypeError"),
        ({"versions": None}, "KeyError: 'versions'"),
    ],
)
def test_a_forged_description_is_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    _edited(folder, "bundle.json", **changes)
    _resealed(folder)
    with pytest.raises(ArtifactError, match=message):
        load(folder)


def _npz(compression: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_npy", ".npy"), data)
    return buffer.getvalue()


def _npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(117)[:65_000] + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def _announcing(shape: str, data: bytes = b"") -> bytes:
    return _npz(prior_npy=_npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}", data))


def _objects() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Tripwire()]), allow_pickle=True)
    return buffer.getvalue()


HOSTILE = {
    "pickle": (pickle.dumps(Tripwire()), "not an npz archive"),
    "object array": (_npz(prior_npy=_objects()), "announces object"),
    "pickle as an array": (_npz(prior_npy=pickle.dumps(Tripwire())), "magic string"),
    "pickle beside": (_npz(prior=pickle.dumps(Tripwire())), "is compressed or no array"),
    "long header": (_npz(prior_npy=_npy("(" * 60_000)), "ValueError"),
    "giant header": (
        _npz(prior_npy=_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (10**15,)}")),
        "ValueError",
    ),
    "giant shape": (
        _npz(prior_npy=_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999,)}")),
        "announces",
    ),
    "negative shape": (
        _npz(prior_npy=_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}", b"x" * 8)),
        "Err",
    ),
    "code as a header": (_npz(prior_npy=_npy("__import__('os').abort()")), "ValueError"),
    "bomb": (_npz(zipfile.ZIP_DEFLATED, prior_npy=b"\0" * 10**6), "is compressed or no array"),
    "truncated": (bytes_from_arrays({"prior": np.zeros(3)})[:-30], "not an npz archive"),
    "empty": (b"", "not an npz archive"),
    "other arrays": (bytes_from_arrays({"posterior": np.zeros(3)}), "KeyError: 'prior'"),
    "other shape": (bytes_from_arrays({"prior": np.zeros(3), "one_class": np.array(0)}), "TypeError"),
}


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.replace(" ", "-"))
def test_hostile_arrays_are_refused_and_nothing_is_executed(folder: Path, case: str) -> None:
    data, message = HOSTILE[case]
    (folder / "detector.npz").write_bytes(data)
    _resealed(folder)
    with pytest.raises(ArtifactError, match=message):
        load(folder)


@given(
    hnp.arrays(st.sampled_from(["<f8", "<f4", "<i8", "|i1", "|b1", "<u2"]), hnp.array_shapes(min_dims=0, min_side=0))
)
def test_arrays_survive_in_equal_bits_and_equal_bytes(array: np.ndarray) -> None:
    data = bytes_from_arrays({"b": array, "a": array.T})
    found = arrays_from_bytes(data)
    assert found["b"].dtype == array.dtype
    assert found["b"].shape == array.shape
    assert found["b"].tobytes() == array.tobytes()
    assert bytes_from_arrays(found) == data


def test_a_bundle_whose_detector_is_said_to_see_other_columns_is_refused(folder: Path) -> None:
    _edited(folder, "bundle.json", columns=["*"])
    _resealed(folder)
    assert load(folder).columns == ("*",)
    for columns, told in (
        (["rate_0*"], "trained on other columns"),
        (["nothing"], "unknown column"),
        ([1], "no texts"),
    ):
        _edited(folder, "bundle.json", columns=columns)
        _resealed(folder)
        with pytest.raises(ArtifactError, match=told):
            load(folder)
