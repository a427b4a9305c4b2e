"""Work that other processes can import."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path


def squared(n: int) -> int:
    if n < 0:
        raise ValueError(f"{n} is negative")
    return n * n


def killed_at_three(n: int) -> int:
    if n == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def killed_once(path: str) -> str:
    """Dies where the file is not there yet, and has left it behind for the next attempt."""
    if path and not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path


def threads(_: int) -> str:
    return os.environ.get("OMP_NUM_THREADS", "")


def its_process(_: int) -> int:
    return os.getpid()


def names_of_threads(_: int) -> list[str]:
    return [each.name for each in threading.enumerate()]
