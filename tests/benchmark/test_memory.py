"""Memory is that of the process measured, not of the one that started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.benchmarks.memory import high_water_mib, peak_mib, processor_seconds, tree_peak_mib

MIB = 1 << 20


def test_a_small_child_of_a_large_process_is_small(repository: Path) -> None:
    held = bytearray(200 * MIB)
    held[::4096] = b"\1" * len(held[::4096])
    program = "from pipelines.benchmarks.memory import peak_mib\nprint(peak_mib())"
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 150 < 200 < peak_mib()
    assert held[4096] == 1


def test_a_tree_counts_its_children() -> None:
    child = "import time; held = bytearray(80 << 20); held[::4096] = bytes(len(held[::4096])); time.sleep(.6)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert 80 < tree_peak_mib(subprocess.Popen([sys.executable, "-c", program], text=True)) < 200


def test_a_process_that_runs_is_asked_what_it_used() -> None:
    assert high_water_mib(os.getpid()) == pytest.approx(peak_mib(), rel=0.1)
    before = processor_seconds(os.getpid())
    sum(range(3_000_000))
    assert before < processor_seconds(os.getpid()) < before + 10
    assert (high_water_mib(2**30), processor_seconds(2**30)) == (0, 0)
