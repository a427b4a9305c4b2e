"""A trained model as a folder that holds numbers and text, never code.

::

    manifest.json         format, SHA-256 of every other file
    bundle.json           kind and hyper-parameters, training runs, versions, fingerprint of the features
    detector.npz          arrays of the detector's state
    detector.<key>.txt    texts of its state: the schema, a booster's native text
    calibrator.npz, calibrator.method.txt    the same of the calibrator, where there is one

``folder`` writes and reads the files, ``arrays`` the numbers; what a bundle means is here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from detectors import registry
from detectors.arrays import arrays_from_bytes, bytes_from_arrays
from detectors.calibrate import Calibrator
from detectors.folder import json_bytes, json_object, manifest, read_files, write_files
from detectors.inputs import NotFittedError, Schema
from detectors.protocol import Detector, State, hyperparameters
from dqm.model.errors import ArtifactError, UnknownNameError

ABOUT = "bundle.json"
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_TEXT = re.compile(r"(detector|calibrator)\.([a-z][a-z0-9_]*)\.txt")


def installed_versions() -> dict[str, str]:
    """Versions of what a model's figures depend on, where installed."""
    found = {}
    for name in ("lumicert", "numpy", "lightgbm", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Bundle:
    """A trained model and what must be known to use it.

    ``kind`` is the registered name of the detector, ``runs`` those it was trained on, ``versions`` the packages that
    trained it (information: other versions are not refused).
    """

    kind: str
    detector: Detector
    calibrator: Calibrator | None = None
    runs: tuple[int, ...] = ()
    versions: Mapping[str, str] = field(default_factory=installed_versions)

    @property
    def schema(self) -> Schema:
        """Columns and extractor that the model expects; raises ``NotFittedError`` before it has learned any."""
        if self.detector.schema is None:
            raise NotFittedError(self.detector)
        return self.detector.schema


def save(bundle: Bundle, folder: Path) -> str:
    """Write the bundle and return its fingerprint; the same bundle twice is written once.

    Raises ``ArtifactError`` where the folder holds anything else or the detector is not of the kind it is said to be.
    """
    files = _files(bundle)
    write_files(folder, files)
    return hashlib.sha256(manifest(files)).hexdigest()


def load(folder: Path) -> Bundle:
    """Read a bundle; raises ``ArtifactError``, naming the file and the reason, for one that is not whole and ours."""
    files = read_files(folder)
    try:
        about = json_object(folder / ABOUT, files.pop(ABOUT))
        bundle, expected = _bundle(about, files), about["features"]
    except UnknownNameError as error:
        raise ArtifactError(f"{folder / ABOUT}: {error}; is the plug-in that trained it installed?") from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ArtifactError(f"{folder}: not a bundle of ours: {type(error).__name__}: {error}") from error
    if bundle.schema.fingerprint != expected:
        raise ArtifactError(f"{folder}: announces other features than those that the detector was trained on")
    return bundle


def fingerprint(bundle: Bundle) -> str:
    """SHA-256 of the manifest that ``save`` writes, 64 hex digits: equal for the same model, saved or not."""
    return hashlib.sha256(manifest(_files(bundle))).hexdigest()


def _bundle(about: Mapping[str, object], files: Mapping[str, bytes]) -> Bundle:
    """The bundle of parsed files; raises what a wrong type, name or value raises."""
    kind, params, calibration = about["kind"], about["params"], about["calibrator"]
    runs, versions = about["runs"], about["versions"]
    if not isinstance(kind, str) or not isinstance(params, dict) or not isinstance(calibration, dict | None):
        raise TypeError(f"kind, params or calibrator of {ABOUT} are of another type")
    if not isinstance(runs, list) or not isinstance(versions, dict):
        raise TypeError(f"runs or versions of {ABOUT} are of another type")
    owners = ("detector",) if calibration is None else ("detector", "calibrator")
    states = {owner: _state(files, owner) for owner in owners}
    unused = set(files).difference(*(_state_names(owner, states[owner]) for owner in owners))
    if unused:
        raise ValueError(f"{min(unused)!r} belongs to no part of a bundle")
    return Bundle(
        kind,
        type(registry.make(kind, params)).restore(params, states["detector"]),
        None if calibration is None else Calibrator.restore(calibration, states["calibrator"]),
        tuple(int(run) for run in runs),
        {str(name): str(number) for name, number in versions.items()},
    )


def _files(bundle: Bundle) -> dict[str, bytes]:
    """Every file of the bundle but the manifest, in canonical bytes."""
    expected = registry.find(bundle.kind)
    if type(bundle.detector) is not expected:
        found = type(bundle.detector).__name__
        raise ArtifactError(f"a {found} was given as {bundle.kind!r}, which is {expected.__name__}")
    calibrator = bundle.calibrator
    about = {
        "kind": bundle.kind,
        "params": hyperparameters(bundle.detector),
        "calibrator": None if calibrator is None else hyperparameters(calibrator),
        "features": bundle.schema.fingerprint,
        "runs": [int(run) for run in bundle.runs],
        "versions": dict(bundle.versions),
    }
    files = {ABOUT: json_bytes(about)} | _state_files("detector", bundle.detector.state())
    return files if calibrator is None else files | _state_files("calibrator", calibrator.state())


def _state_files(owner: str, state: State) -> dict[str, bytes]:
    for key in state:
        if not _KEY.fullmatch(key):
            raise ArtifactError(f"state key {key!r} of the {owner}: use lower-case letters, digits and _")
    arrays = {key: value for key, value in state.items() if not isinstance(value, str)}
    texts = {key: value for key, value in state.items() if isinstance(value, str)}
    files = {f"{owner}.{key}.txt": text.encode() for key, text in texts.items()}
    return files | {f"{owner}.npz": bytes_from_arrays(arrays)}


def _state_names(owner: str, state: State) -> set[str]:
    return {f"{owner}.npz"} | {f"{owner}.{key}.txt" for key, value in state.items() if isinstance(value, str)}


def _state(files: Mapping[str, bytes], owner: str) -> State:
    state: State = dict(arrays_from_bytes(files[f"{owner}.npz"]))
    for name, data in files.items():
        match = _TEXT.fullmatch(name)
        if match and match[1] == owner:
            state[match[2]] = data.decode()
    return state
