"""Cases in processes of their own, forked from one that has imported everything and started no thread."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipelines.progress import track

RAISED = 70
"""Exit status of a child whose work raised something."""


def fork(work: Callable[[], None], said: Path) -> int:
    """Start a child that does the work and leaves; the process id. What it raises goes, as text, into ``said``."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():  # libraries of numbers keep idle threads, which no child uses
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    status = RAISED
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        work()
        status = 0
    except BaseException:  # noqa: BLE001 (whatever it is, the parent is told)
        said.write_text(traceback.format_exc(), encoding="utf-8")
    finally:
        os._exit(status)


def wait(child: int) -> int:
    """The exit status of a child, negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def done(work: Callable[[], None], said: Path) -> str:
    """Do the work in a child; what it raised, empty where it raised nothing."""
    status = wait(fork(work, said))
    return "" if status == 0 else said.read_text(encoding="utf-8") if said.exists() else f"ended with {status}"


def killed_after(work: Callable[[Callable[[], None]], None], seconds: float, said: Path) -> bool:
    """Start work that calls what it is given when it has begun, and kill it so long afterwards; False: it was done."""
    read, write = os.pipe()

    def begun() -> None:
        os.write(write, b"!")

    child = fork(lambda: work(begun), said)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return wait(child) == -signal.SIGKILL


def answers(cases: Sequence[Callable[[], str]], workers: int, description: str) -> list[str]:
    """The answer of every case, each in a process of its own, so many at the same time; a case that dies says so."""
    with tempfile.TemporaryDirectory() as folder:
        waiting = iter(list(enumerate(cases)))
        running: dict[int, int] = {}
        found = [""] * len(cases)
        for _ in track(list(range(len(cases))), description):
            while len(running) < workers and (following := next(waiting, None)):
                running[_started(following, Path(folder))] = following[0]
            child, status = _ended(running)
            number = running.pop(child)
            found[number] = _answer(Path(folder), number, status)
        return found


def _started(case: tuple[int, Callable[[], str]], folder: Path) -> int:
    number, work = case

    def answered() -> None:
        (folder / f"{number}.json").write_text(json.dumps(work()), encoding="utf-8")

    return fork(answered, folder / f"{number}.txt")


def _ended(running: dict[int, int]) -> tuple[int, int]:
    """The first of the running children that ends; others' children are left alone."""
    while True:
        for child in running:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return child, os.waitstatus_to_exitcode(status)
        time.sleep(0.005)


def _answer(folder: Path, number: int, status: int) -> str:
    if status == 0:
        return str(json.loads((folder / f"{number}.json").read_text(encoding="utf-8")))
    said = folder / f"{number}.txt"
    return said.read_text(encoding="utf-8").strip() if said.exists() else f"the case itself ended with {status}"


@contextmanager
def beside(work: Callable[[], None], said: Path) -> Iterator[None]:
    """A child that works until the block is left."""
    child = fork(work, said)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        wait(child)
