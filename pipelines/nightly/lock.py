"""One night at a time: a lock that the system frees when its holder dies, and that says who holds it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dqm.model.errors import LockedError, StoreError

NAME = "nightly.lock"


WATCH = "watch"
"""Who holds the lock for seconds only; others wait for it."""
PATIENCE = 120.0
"""Seconds for which a pass of a watch is waited for."""
GRACE, PAUSE = 0.2, 0.02
"""Seconds in which a holder who has just begun says who he is, and from one look to the next."""


@contextmanager
def locked(folder: Path, what: str = "night") -> Iterator[None]:
    """Hold the lock of a store; raises ``LockedError``, saying who holds it, where somebody does.

    A pass of a watch is waited for, so that nights and a watch alternate; ``what`` says which of them this is.
    It is a lock on an open file: the system frees it with the process, SIGKILL included. What the file says is for
    people only. The store must lie on a file system of this machine, or one that locks for all who mount it.
    """
    path = folder / NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(f"{path}: the lock cannot be taken: {error.strerror}; make the store writable") from error
    try:
        _take(handle, folder)
        _say(handle, what)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _take(handle: int, folder: Path) -> None:
    begun = time.monotonic()
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            about = _about(handle)
            if time.monotonic() - begun > (PATIENCE if about.get("what") == WATCH else GRACE):
                raise LockedError(f"{folder}: {_holder(about)} is at work; it ends by itself, or try later") from None
            time.sleep(PAUSE)
        else:
            return


def _say(handle: int, what: str) -> None:
    since = datetime.now(UTC).isoformat("T", "seconds")
    about = {"what": what, "pid": os.getpid(), "host": socket.gethostname(), "since": since}
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(about).encode(), 0)


def _about(handle: int) -> dict[str, Any]:
    """What the holder says of himself; nothing where it is not readable yet."""
    try:
        return dict(json.loads(os.pread(handle, 4096, 0)))
    except (ValueError, TypeError):
        return {}


def _holder(about: dict[str, Any]) -> str:
    """Who says that he holds it; a file that says nothing readable is held all the same."""
    try:
        return f"process {int(about['pid'])} on {about['host']}, since {about['since']},"
    except (ValueError, KeyError, TypeError):
        return "another process"
