"""What every test shares: one thread, a fixed sequence of examples, and the folder of the real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before NumPy and LightGBM are imported: equal results on every machine, and two workers on two cores.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

# A loaded machine is slow, not wrong: no deadline. The same examples every time: a failure can be repeated.
settings.register_profile(
    "lumicert",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("sweep", settings.get_profile("lumicert"), max_examples=100)
settings.load_profile("lumicert")


os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of the public data sets; the test is skipped with a reason where there is none."""
    named = os.environ.get("DQM_DATA", "")
    if not named:
        pytest.skip("DQM_DATA does not name the folder of the public data sets")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"DQM_DATA names {folder}, which is not a folder")
    return folder
