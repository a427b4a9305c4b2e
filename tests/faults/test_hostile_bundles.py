"""Forty bundles that somebody made to harm: each is refused with a reason, and none runs or imports anything."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detectors.artifacts import Bundle, save
from detectors.boosted import Boosted
from detectors.calibrate import Calibrator
from detectors.checks import simulated_table, with_fault
from detectors.folder import MANIFEST, json_bytes
from detectors.fusion import Fusion
from detectors.model import Companion
from detectors.robust_z import RobustZ

Harm = Callable[[Path], None]

WATCHED = """
import sys, pathlib, json
from detectors.artifacts import load
from dqm.model.errors import ArtifactError
load(pathlib.Path(sys.argv[1], "sound"))  # whatever an honest bundle needs is imported now
seen = []
def watch(event, arguments):
    if event in ("import", "exec", "compile", "os.system", "subprocess.Popen", "pickle.find_class", "socket.connect", "os.exec"):
        seen.append(f"{event} {arguments[0]!r:.80}")
sys.addaudithook(watch)
answers = {}
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    if folder.name == "sound":
        continue
    seen.clear()
    try:
        load(folder)
        told = "LOADED"
    except ArtifactError as error:
        told = str(error)
    except BaseException as error:
        told = f"{type(error).__name__} ESCAPED: {error}"
    answers[folder.name] = [told, list(seen)]
print(json.dumps(answers))
"""


class Evil:
    """Unpickled, it would leave a file."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch executed",)


def resealed(folder: Path, names: dict[str, str] | None = None) -> None:
    """A manifest with the right digests, as whoever forges a bundle would write, and further entries."""
    files = {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in folder.iterdir()
        if each.is_file() and each.name != MANIFEST
    }
    (folder / MANIFEST).write_bytes(json_bytes({"format": 1, "files": files | (names or {})}))


def put(name: str, data: bytes) -> Harm:
    def harm(folder: Path) -> None:
        (folder / name).write_bytes(data)
        resealed(folder)

    return harm


def unsealed(name: str, data: bytes) -> Harm:
    def harm(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return harm


def a_folder(folder: Path) -> None:
    (folder / "extra.d").mkdir()
    resealed(folder, {"extra.d": "0" * 64})


def listed(name: str) -> Harm:
    return lambda folder: resealed(folder, {name: "0" * 64})


def edited(**changes: object) -> Harm:
    def harm(folder: Path) -> None:
        about = json.loads((folder / "bundle.json").read_text())
        (folder / "bundle.json").write_bytes(json.dumps(about | changes).encode())
        resealed(folder)

    return harm


def linked(name: str, target: str) -> Harm:
    def harm(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return harm


def npz(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def npy(header: bytes, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def object_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Evil()], dtype=object), allow_pickle=True)
    return buffer.getvalue()


HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }\n"
CODE = b"__import__('os').system('touch executed')"
HARMS: dict[str, Harm] = {
    "a pickle beside it": unsealed("model.pkl", pickle.dumps(Evil())),
    "a pickle in the manifest": put("model.pkl", pickle.dumps(Evil())),
    "a pickle as arrays": put("detector.npz", pickle.dumps(Evil())),
    "a pickle as description": put("bundle.json", pickle.dumps(Evil())),
    "a pickle as manifest": unsealed(MANIFEST, pickle.dumps(Evil())),
    "a pickle as the trees": put("detector.model_1.txt", pickle.dumps(Evil(), protocol=0)),
    "an array of objects": put("detector.npz", npz({"prior.npy": object_array()})),
    "an array of objects in the fusion": put("fusion.npz", npz({"weights.npy": object_array()})),
    "excursions that nobody announced": put("excursions.npz", npz({"times.npy": npy(HEADER % b"1", b"\0" * 8)})),
    "excursions that are none": edited(excursions=True),
    "an array of objects in the calibrator": put("calibrator.npz", npz({"curve.npy": object_array()})),
    "code as an array header": put("detector.npz", npz({"prior.npy": npy(CODE)})),
    "code as a shape": put("detector.npz", npz({"prior.npy": npy(HEADER % CODE)})),
    "a header that announces a petabyte": put("detector.npz", npz({"prior.npy": npy(HEADER % b"99999999999999")})),
    "a negative shape": put("detector.npz", npz({"prior.npy": npy(HEADER % b"-1", b"\0" * 8)})),
    "a header longer than the file": put("detector.npz", npz({"prior.npy": b"\x93NUMPY\x01\x00\xff\xff{"})),
    "another version of arrays": put("detector.npz", npz({"prior.npy": b"\x93NUMPY\x03\x00" + b"\0" * 20})),
    "a compressed bomb": put("detector.npz", npz({"prior.npy": b"\0" * 10**7}, zipfile.ZIP_DEFLATED)),
    "a member that climbs out": put("detector.npz", npz({"../../prior.npy": object_array()})),
    "a truncated archive": put("detector.npz", npz({"prior.npy": object_array()})[:40]),
    "no archive": put("detector.npz", b""),
    "a name that climbs out": listed("../sound/bundle.json"),
    "an absolute name": listed("/etc/passwd"),
    "a name with a zero": listed("detector\0.npz"),
    "the manifest in itself": listed(MANIFEST),
    "a file that is not there": listed("detector3.npz"),
    "a link to another bundle": linked("bundle.json", "../sound/bundle.json"),
    "a link to a device": linked("detector.npz", "/dev/zero"),
    "a link to itself": linked("detector.npz", "detector.npz"),
    "the manifest as a link": linked(MANIFEST, "../sound/manifest.json"),
    "a folder as a file": a_folder,
    "a changed byte": unsealed("calibrator.npz", b"x"),
    "an extra module": unsealed("detectors.py", b"raise SystemExit('imported')"),
    "a module in the manifest": put("detectors.py", b"raise SystemExit('imported')"),
    "a kind that is a module": edited(kind="os:system"),
    "a kind with a path": edited(kind="../../evil"),
    "a parameter that is code": edited(params={"trees": "__import__('os').system('touch executed')"}),
    "a parameter of the class": edited(params={"__class__": "os", "schema": 1}),
    "a companion of no kind": edited(others=[{"kind": "subprocess", "params": {}}]),
    "deep JSON": put("bundle.json", b"[" * 100_000),
    "a newer format": unsealed(MANIFEST, json_bytes({"format": 99, "files": {}})),
    "no number": edited(runs=["NaN"], versions=[]),
    "a schema of another type": put("detector.schema.txt", b'{"columns": [{"__reduce__": 1}], "extractor": ""}'),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> dict[str, tuple[str, list[str]]]:
    """What loading each said, and what it did besides, from one watched process."""
    place = tmp_path_factory.mktemp("bundles")
    table, truth = with_fault(simulated_table(200, seed=1), column=2, seed=1)
    trees, robust = Boosted(trees=3).fit(table, truth, seed=1), RobustZ().fit(table, truth, seed=1)
    scores = np.stack([trees.score(table), robust.score(table)], axis=1)
    fusion = Fusion.fit(scores, truth, probability=(False, False))
    calibrator = Calibrator().fit(fusion.score(scores), truth)
    save(Bundle("boosted", trees, calibrator, (Companion("robust-z", robust),), fusion), place / "sound")
    for name, harm in HARMS.items():
        shutil.copytree(place / "sound", place / name)
        harm(place / name)
    command = [sys.executable, "-c", WATCHED, str(place)]
    environment = os.environ | {"PYTHONPATH": str(repository)}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert not (place / "executed").exists()
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_there_are_forty() -> None:
    assert len(HARMS) >= 40


@pytest.mark.parametrize("name", HARMS)
def test_it_is_refused_with_a_reason(name: str, answers: dict[str, tuple[str, list[str]]]) -> None:
    told, _ = answers[name]
    assert told != "LOADED"
    assert "ESCAPED" not in told
    assert name in told, "the reason says which bundle"


@pytest.mark.parametrize("name", HARMS)
def test_nothing_is_imported_or_executed(name: str, answers: dict[str, tuple[str, list[str]]]) -> None:
    """An array header is parsed by ``ast.literal_eval``, which compiles to a tree and executes nothing."""
    _, seen = answers[name]
    assert [each for each in seen if not each.startswith("compile")] == []
