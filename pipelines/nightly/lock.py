"""One night at a time: a lock that the system frees when its holder dies, and that says who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from dqm.model.errors import LockedError, StoreError

NAME = "nightly.lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a store; raises ``LockedError`` at once, saying who holds it, where somebody does.

    It is a lock on an open file: the system frees it with the process, SIGKILL included. What the file says is for
    people only. The store must lie on a file system of this machine, or one that locks for all who mount it.
    """
    path = folder / NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(f"{path}: the lock cannot be taken: {error.strerror}; make the store writable") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(f"{folder}: {_holder(handle)} is at work; it ends by itself, or try later") from None
        _say(handle)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _say(handle: int) -> None:
    about = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(about).encode(), 0)


def _holder(handle: int) -> str:
    """Who says that he holds it; a file that says nothing readable is held all the same."""
    try:
        about = json.loads(os.pread(handle, 4096, 0))
        return f"process {int(about['pid'])} on {about['host']}, since {about['since']},"
    except (ValueError, KeyError, TypeError):
        return "another process"
