"""Twenty operators at one store, as the pages call the services: no update is lost, the chain is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dqm.formats.golden import read_mask
from dqm.services.difference import difference
from dqm.services.publish import GOLDEN
from dqm.store.store import Store

from .shift import AT, LENGTH, MACHINE, put_data, put_verdicts


@pytest.mark.parametrize(("operators", "runs"), [(3, 4), pytest.param(20, 30, marks=pytest.mark.slow)])
def test_no_update_is_lost(operators: int, runs: int, tmp_path: Path, repository: Path) -> None:
    """Mutants: claims judged before the lock is taken; ``expected`` not compared; a sign-off that overlooks a claim."""
    numbers = range(100, 100 + runs)
    with Store.create(tmp_path / "store") as store:
        put_data(store, *numbers)
        for run in numbers:
            put_verdicts(store, run, MACHINE)
        program = Path(__file__).with_name("operators.py")
        command = [sys.executable, str(program), str(store.path), str(operators)]
        environment = {"PYTHONPATH": str(repository), "PATH": "", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert [each for each in said if not each.startswith("{")] == [], "what an operator raised"
        told = [json.loads(each) for each in said]
        entries = store.audit()
        assert store.verify_audit() == len(entries)
        signed = Counter(each.run for each in entries if each.action == "sign")
        assert signed == dict.fromkeys(numbers, 1), "every run is signed once"
        assert sum(each.get("signed", 0) for each in told) == runs, "what was told as signed is what was entered"
        assert_one_at_a_time([(each.run, each.action, each.actor) for each in entries if each.run is not None])
        golden = read_mask(store.publication(GOLDEN).read().decode())
        assert len(golden) == runs * (LENGTH - MACHINE.count("R")), "every decision is in what was published"
        assert difference(store, AT).moved == ()


def assert_one_at_a_time(entries: list[tuple[int | None, str, str]]) -> None:
    """Whoever decides or signs in a run holds it, and nobody claims what somebody else holds."""
    holder: dict[int | None, str] = {}
    for run, action, name in entries:
        if action == "claim":
            assert holder.setdefault(run, name) == name, f"run {run} was claimed twice"
        else:
            assert holder[run] == name, f"{action} of run {run} by {name}, which {holder[run]} held"
        if action in ("release", "sign"):
            del holder[run]
