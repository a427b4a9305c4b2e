"""A trained model as a folder that holds numbers and text, never code.

::

    manifest.json         format, SHA-256 of every other file
    bundle.json           kind and hyper-parameters, training runs, versions, fingerprint of the features
    detector.npz          arrays of the detector's state
    detector.<key>.txt    texts of its state: the schema, a booster's native text
    detector2.npz …       the same of every further detector
    columns.json          all columns, where some detector sees only a part of them
    fusion.npz            what combines them
    calibrator.npz, calibrator.method.txt    the map to badness, where there is one
    excursions.npz        how far good lumisections of the past went, where that is asked for

``folder`` writes and reads the files, ``arrays`` the numbers; what a bundle means is here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

from detectors import registry
from detectors.arrays import arrays_from_bytes, bytes_from_arrays
from detectors.calibrate import Calibrator
from detectors.excursions import Excursions
from detectors.folder import json_bytes, json_object, manifest, read_files, write_files
from detectors.fusion import Fusion
from detectors.inputs import Schema
from detectors.model import Companion, Model
from detectors.protocol import State, hyperparameters
from detectors.selection import seen_positions
from dqm.model.errors import ArtifactError, UnknownNameError

ABOUT, COLUMNS = "bundle.json", "columns.json"
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_TEXT = re.compile(r"(detector\d*|fusion|calibrator)\.([a-z][a-z0-9_]*)\.txt")
DETECTOR, FUSION, CALIBRATOR, EXCURSIONS = "detector", "fusion", "calibrator", "excursions"
MOST_KNOWN = 4
_KNOWN: dict[str, Bundle] = {}
"""Bundles by fingerprint; nothing that scores changes one."""


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
class Bundle(Model):
    """A trained model and what must be known to use it.

    ``runs`` are those it was trained on, ``versions`` the packages that trained it (information: other versions are
    not refused).
    """

    runs: tuple[int, ...] = ()
    versions: Mapping[str, str] = field(default_factory=installed_versions)

    @classmethod
    def of(cls, model: Model, runs: tuple[int, ...]) -> Self:
        """A model that was trained on some runs, by what is installed here."""
        parts = model.calibrator, model.others, model.fusion, model.columns, model.whole, model.excursions
        return cls(model.kind, model.detector, *parts, runs)


def save(bundle: Bundle, folder: Path) -> str:
    """Write the bundle and return its fingerprint; the same bundle twice is written once.

    Raises ``ArtifactError`` where the folder holds anything else or the detector is not of the kind it is said to be.
    """
    files = _files(bundle)
    write_files(folder, files)
    return hashlib.sha256(manifest(files)).hexdigest()


def load(folder: Path) -> Bundle:
    """Read a bundle; raises ``ArtifactError``, naming the file and the reason, for one that is not whole and ours."""
    return _parsed(folder, read_files(folder))


def load_known(folder: Path, expected: str) -> Bundle:
    """The bundle of this fingerprint; raises ``ArtifactError`` where the files are not those of it, to the byte.

    The files are looked at every time; what they mean is remembered, for it hangs on them alone.
    """
    files = read_files(folder)
    if hashlib.sha256(manifest(files)).hexdigest() != expected:
        raise ArtifactError(f"{folder}: not the bundle that was trained")
    if expected not in _KNOWN:
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[expected] = _parsed(folder, files)
    return _KNOWN[expected]


def _parsed(folder: Path, files: dict[str, bytes]) -> Bundle:
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
    files = dict(files)
    columns = files.pop(COLUMNS, None)
    calibration, others = about["calibrator"], about.get("others", [])
    runs, versions = about["runs"], about["versions"]
    if not isinstance(calibration, dict | None) or not isinstance(others, list):
        raise TypeError(f"calibrator or others of {ABOUT} are of another type")
    if not isinstance(runs, list) or not isinstance(versions, dict):
        raise TypeError(f"runs or versions of {ABOUT} are of another type")
    members = [(DETECTOR, about), *((f"{DETECTOR}{k}", each) for k, each in enumerate(others, start=2))]
    owners = [owner for owner, _ in members]
    owners += [FUSION] if others else []
    owners += [] if calibration is None else [CALIBRATOR]
    owners += [EXCURSIONS] if about.get(EXCURSIONS, False) else []
    states = {owner: _state(files, owner) for owner in owners}
    unused = set(files).difference(*(_state_names(owner, states[owner]) for owner in owners))
    if unused:
        raise ValueError(f"{min(unused)!r} belongs to no part of a bundle")
    first, *rest = [_companion(given, states[owner]) for owner, given in members]
    whole = None if columns is None else Schema.from_text(columns.decode())
    given = whole or first.detector.schema
    for each in (first, *rest):
        _refuse_other_columns(each, given)
    return Bundle(
        first.kind,
        first.detector,
        None if calibration is None else Calibrator.restore(calibration, states[CALIBRATOR]),
        tuple(rest),
        Fusion.restore(states[FUSION]) if others else None,
        first.columns,
        whole,
        Excursions.restore(states[EXCURSIONS], len(given.columns)) if given and EXCURSIONS in states else None,
        tuple(int(run) for run in runs),
        {str(name): str(number) for name, number in versions.items()},
    )


def _companion(about: Mapping[str, object], state: State) -> Companion:
    """One detector of a bundle."""
    kind, params = about["kind"], about["params"]
    if not isinstance(kind, str) or not isinstance(params, dict):
        raise TypeError(f"kind or params of {ABOUT} are of another type")
    seen = about.get("columns", [])
    if not isinstance(seen, list) or not all(isinstance(each, str) for each in seen):
        raise TypeError(f"columns of {ABOUT} are no texts")
    return Companion(kind, type(registry.make(kind, params)).restore(params, state), tuple(seen))


def _refuse_other_columns(each: Companion, whole: Schema | None) -> None:
    """Raise ``ValueError`` where a detector was trained on other columns than it sees of all."""
    if each.detector.schema is None or whole is None:
        return
    try:
        part = tuple(whole.columns[j] for j in seen_positions(whole.columns, each.columns))
    except UnknownNameError as error:
        raise ValueError(f"{each.kind!r}: {error}") from None
    if each.detector.schema != Schema(part, whole.extractor):
        raise ValueError(f"{each.kind!r} was trained on other columns than those that it is said to see")


def _files(bundle: Bundle) -> dict[str, bytes]:
    """Every file of the bundle but the manifest, in canonical bytes."""
    for each in bundle.members:
        expected = registry.find(each.kind)
        if type(each.detector) is not expected:
            found = type(each.detector).__name__
            raise ArtifactError(f"a {found} was given as {each.kind!r}, which is {expected.__name__}")
        try:
            _refuse_other_columns(each, bundle.schema)
        except ValueError:
            raise ArtifactError(
                f"{bundle.kind!r} and {each.kind!r} of one model know other features; fit them alike"
            ) from None
    calibrator = bundle.calibrator
    described = [_described(each) for each in bundle.members]
    about: dict[str, Any] = {
        **described[0],
        "calibrator": None if calibrator is None else hyperparameters(calibrator),
        "features": bundle.schema.fingerprint,
        "runs": [int(run) for run in bundle.runs],
        "versions": dict(bundle.versions),
    }
    files: dict[str, bytes] = {}
    for k, each in enumerate(bundle.members, start=1):
        files |= _state_files(DETECTOR if k == 1 else f"{DETECTOR}{k}", each.detector.state())
    if bundle.fusion is not None:
        about["others"] = described[1:]
        files |= _state_files(FUSION, bundle.fusion.state())
    if calibrator is not None:
        files |= _state_files(CALIBRATOR, calibrator.state())
    if bundle.excursions is not None:
        about[EXCURSIONS] = True
        files |= _state_files(EXCURSIONS, bundle.excursions.state())
    if bundle.whole is not None:
        files[COLUMNS] = bundle.whole.to_text().encode()
    return {ABOUT: json_bytes(about)} | files


def _described(each: Companion) -> dict[str, Any]:
    """What ``bundle.json`` says of a detector."""
    found: dict[str, Any] = {"kind": each.kind, "params": hyperparameters(each.detector)}
    return found | ({"columns": list(each.columns)} if each.columns else {})


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
