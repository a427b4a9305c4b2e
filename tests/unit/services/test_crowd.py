"""Many at once: every submission is either in the chain or was refused, and the chain is whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dqm.store.store import Store


@pytest.mark.parametrize(("processes", "times"), [(3, 6), pytest.param(20, 25, marks=pytest.mark.slow)])
def test_nothing_is_lost_and_nothing_counts_twice(store: Store, processes: int, times: int, repository: Path) -> None:
    """Mutant: ``expected`` compared before the lock is taken, so that two forms pass on the same sight."""
    command = [sys.executable, "-m", "tests.unit.services.crowd", str(store.path), str(processes), str(times)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    accepted, refused = map(int, done.stdout.split())
    assert accepted + refused == processes * times
    assert store.verify_audit() == len(store.audit()) == accepted
    assert accepted >= times, "whoever comes first is accepted"
