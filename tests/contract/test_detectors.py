"""Every registered detector, ours and plug-ins' alike, keeps the contract of ``detectors``."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from detectors import registry
from detectors.artifacts import Bundle, save
from detectors.calibrate import Calibrator
from detectors.checks import Check, simulated_table, with_fault, yield_checks
from detectors.protocol import Detector, Scalar

BUILT_IN = (
    "autoencoder",
    "boosted",
    "control-charts",
    "convolutional",
    "copod",
    "ecod",
    "flow",
    "forecaster",
    "forest",
    "nade",
    "nearest",
    "pca",
    "pyod",
    "reference",
    "robust-z",
    "t2-q",
)
QUICK: dict[str, dict[str, Scalar]] = {
    "flow": {"transforms": 1, "hidden": 8, "bins": 4, "epochs": 8},
    "forest": {"trees": 50},
    "nearest": {"samples": 3},
    "pyod": {"model": "gmm"},
}
"""Hyper-parameters with which the suite is quick; a kind without an entry runs with its defaults."""

NETWORKS = ("autoencoder", "convolutional", "flow", "forecaster", "nade")
ONE_FIT = ("restore_bit_equal", "nothing_present", "shapes", "unfitted_refused")
"""Checks of networks in the default run: those that share one fit. The others belong to the marker ``slow``."""

RESTORE = """
import hashlib, sys
from pathlib import Path
from detectors.artifacts import load
from detectors.checks import simulated_table

table = simulated_table(200, seed=31)
for folder in sorted(Path(sys.argv[1]).iterdir()):
    bundle = load(folder)
    score = bundle.detector.score(table)
    for bits in (score, bundle.detector.explain(table), bundle.calibrator.apply(score)):
        print(folder.name, hashlib.sha256(bits.tobytes()).hexdigest())
"""


def made(kind: str) -> Detector:
    return registry.make(kind, QUICK.get(kind))


def test_built_ins_are_registered_as_plug_ins_are() -> None:
    assert set(BUILT_IN) <= set(registry.names())


@pytest.mark.parametrize("kind", BUILT_IN)
def test_suite_has_a_check_for_every_promise(kind: str) -> None:
    names = [check.name for check in yield_checks(lambda: made(kind))]
    assert len(names) == len(set(names)) == 13


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(
            check,
            id=f"{kind}-{check.name}",
            marks=[pytest.mark.slow] if kind in NETWORKS and check.name not in ONE_FIT else [],
        )
        for kind in registry.names()
        for check in yield_checks(lambda kind=kind: made(kind))
    ],
)
def test_keeps_the_contract(check: Check) -> None:
    check.run()


def saved(kind: str, folder: Path) -> list[str]:
    """Fit a detector and save it; what a process that restores it must print."""
    table, labels = with_fault(simulated_table(600, seed=30), column=2, seed=1)
    detector = made(kind).fit(table, labels, seed=1)
    calibrator = Calibrator().fit(detector.score(table), labels)
    save(Bundle(kind, detector, calibrator), folder / kind)
    fresh = simulated_table(200, seed=31)
    score = detector.score(fresh)
    expected = (score, detector.explain(fresh), calibrator.apply(score))
    return [f"{kind} {hashlib.sha256(bits.tobytes()).hexdigest()}" for bits in expected]


@pytest.mark.parametrize("kinds", [("boosted", "pca", "robust-z"), pytest.param(BUILT_IN, marks=pytest.mark.slow)])
def test_restored_in_another_process_in_equal_bits(kinds: tuple[str, ...], tmp_path: Path, repository: Path) -> None:
    """One process restores them all: its imports cost more than they do."""
    expected = [line for kind in sorted(kinds) for line in saved(kind, tmp_path)]
    command = [sys.executable, "-c", RESTORE, str(tmp_path)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == expected, done.stderr
