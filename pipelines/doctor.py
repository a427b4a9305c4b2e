"""``dqm doctor``: is this installation whole, and is the store healthy?"""

from __future__ import annotations

import hashlib
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from detectors.folder import manifest, read_files
from dqm.model.config import load
from dqm.model.errors import ArtifactError, ConfigError, StoreError
from dqm.store.health import Check, health
from dqm.store.store import Store
from dqm.store.stored import StoredModel

PACKAGES = ("dqm", "features", "detectors", "dashboard", "pipelines")
PEERS = ("pandas", "numpy", "pyarrow", "scikit-learn", "lightgbm", "torch", "pyod", "streamlit", "mlflow", "SQLAlchemy")


def examine(config: Path) -> list[Check]:
    """Check the interpreter, the packages, the configuration and, where there is one, the store."""
    checks = [Check("Python", sys.version_info >= (3, 11), sys.version.split()[0]), *_packages(), *_versions()]
    if not config.exists():
        why = f"none found at {config}, so neither a configuration nor a store was checked; name one with --config"
        return [*checks, Check("configuration", True, why, looked=False)]
    try:
        settings = load(config)
    except ConfigError as error:
        return [*checks, Check("configuration", False, str(error))]
    checks.append(Check("configuration", True, str(config)))
    if not settings.store_path.exists():
        why = f"none yet at {settings.store_path}, so none was checked; dqm ingest makes it"
        return [*checks, Check("store", True, why, looked=False)]
    return [*checks, *health(settings.store_path), *_models(settings.store_path)]


def _models(path: Path) -> list[Check]:
    """Every model of the store is there byte for byte; nothing of it is loaded."""
    try:
        with Store.open(path) as store:
            models = store.models()
    except StoreError:
        return []  # told already
    faults = [each for each in (_fault(path, model) for model in models) if each]
    told = f"{len(faults)} of {len(models)} not as trained: {'; '.join(faults[:3])}"
    return [Check("store models", not faults, told if faults else f"{len(models)} as trained")]


def _fault(path: Path, model: StoredModel) -> str:
    try:
        files = read_files(path / model.folder)
    except ArtifactError as error:
        return f"{model.model_id}: {error}; restore it from a copy, or train anew"
    if hashlib.sha256(manifest(files)).hexdigest() != model.provenance.get("manifest"):
        return f"{model.model_id}: not the bundle that was trained; restore it from a copy, or train anew"
    return ""


def _packages() -> list[Check]:
    """Each of our packages must be the one of this distribution, not a stranger of the same name."""
    home = Path(import_module("dqm").__file__ or "").resolve().parent.parent
    found = []
    for name in PACKAGES:
        place = Path(import_module(name).__file__ or "").resolve().parent.parent
        detail = (
            str(place) if place == home else f"{place} is not the folder of dqm, {home}: another package hides ours"
        )
        found.append(Check(f"package {name}", place == home, detail))
    return found


def _versions() -> list[Check]:
    try:
        found = [Check("lumicert", True, distribution("lumicert").version)]
    except PackageNotFoundError:
        return [Check("lumicert", False, "not installed as a distribution; pip install lumicert, or make demo")]
    for name in PEERS:
        try:
            found.append(Check(name, True, version(name)))
        except PackageNotFoundError:
            found.append(Check(name, False, "not installed; reinstall lumicert"))
    return found
