"""Work that other processes can import."""

from __future__ import annotations

import os
import signal
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


def setting_of_dask(name: str) -> object:
    from dask import config

    return config.get(name)


def without_end(_: int) -> None:
    while True:
        signal.pause()
