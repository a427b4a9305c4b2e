"""The highest memory that processes held. Standard library only: an interpreter that has ROOT alone loads it too."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROC = Path("/proc")
INTERVAL = 0.1
"""Seconds between two looks at a tree of processes."""


def peak_mib() -> float:
    """Highest resident memory of this process, MiB.

    Linux keeps ``ru_maxrss`` across ``exec``: a child of a large process would report its parent. The kernel's own
    figure of the address space is read instead, where there is one.
    """
    try:
        return _kib(PROC / "self" / "status", "VmHWM:") / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def high_water_mib(pid: int) -> float:
    """Highest resident memory of a process that still runs, MiB; zero where the system has no ``/proc``."""
    try:
        return _kib(PROC / str(pid) / "status", "VmHWM:") / 1024
    except OSError:
        return 0.0


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used so far; zero where the system has no ``/proc``."""
    try:
        spent = (PROC / str(pid) / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
    except OSError:
        return 0.0
    return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


def tree_peak_mib(process: subprocess.Popen[Any]) -> float:
    """Wait for a process and give the highest memory of it and its descendants together, MiB, looked at ten times a
    second; pages that several share count once. Zero where the system has no ``/proc``."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_held(pid) for pid in _tree(process.pid)))
        time.sleep(INTERVAL)
    return peak / 1024


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in PROC.glob(f"{pid}/task/*/children"):
        try:
            found = children.read_text(encoding="ascii").split()
        except OSError:
            continue
        for child in found:
            yield from _tree(int(child))


def _held(pid: int) -> int:
    try:
        return _kib(PROC / str(pid) / "smaps_rollup", "Pss:")
    except (OSError, StopIteration):
        return 0


def _kib(file: Path, field: str) -> int:
    lines = file.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))
