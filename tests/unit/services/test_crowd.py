"""Many at once: every submission is either in the chain or was refused, and the chain is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dqm.store.store import Store

CROWD = """
import json, sys
from pathlib import Path
from pipelines.reliability.crowd import crowd
found = crowd(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
print(json.dumps([each.document() for each in found]))
"""
"""A program of its own that forks when everything is imported and before there is any thread."""


@pytest.mark.parametrize(("processes", "times"), [(3, 3), pytest.param(20, 25, marks=pytest.mark.slow)])
def test_nothing_is_lost_and_nothing_counts_twice(store: Store, processes: int, times: int, repository: Path) -> None:
    """Mutant: ``expected`` compared before the lock is taken, so that two forms pass on the same sight."""
    command = [sys.executable, "-c", CROWD, str(store.path), str(processes), str(times)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    decided, altered = json.loads(done.stdout)
    assert decided["metrics"] == {"tried": processes * times, "failed": 0}, decided
    entries = len(store.audit())
    assert times <= store.verify_audit() == entries, "whoever comes first is accepted"
    assert altered["metrics"] == {"tried": 4 * entries, "failed": 0}, altered
