"""Fault points: every place where a process touches the disk, the database or the network.

A process *crosses* a point just before it makes a folder, opens a file to write, syncs, renames, executes a statement
that is no query, commits, sends or receives. Whoever dies at point k has done everything up to it and nothing from it.
"""

from __future__ import annotations

import builtins
import io
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

WRITING = frozenset("wxa+")
QUERIES = ("SELECT", "PRAGMA", "WITH")
COMMIT = "commit"


@dataclass
class Crossings:
    """Counts crossings; ``act`` is called with the number of each, from 1, and its name, before it is done."""

    act: Callable[[int, str], None] = field(default=lambda number, name: None)
    names: list[str] = field(default_factory=list)
    resting: bool = False

    def cross(self, name: str) -> None:
        """Count one."""
        if not self.resting:
            self.names.append(name)
            self.act(len(self.names), name)

    @contextmanager
    def installed(self) -> Iterator[Crossings]:
        """Watch this process while the block runs."""
        with ExitStack() as stack:
            for module, name in ((os, "replace"), (os, "rename"), (os, "fsync"), (os, "mkdir")):
                stack.enter_context(patch.object(module, name, self._wrapped(getattr(module, name), name)))
            for module in (io, builtins):
                stack.enter_context(patch.object(module, "open", self._opening(module.open)))
            for name in ("sendall", "recv_into"):
                stack.enter_context(
                    patch.object(socket.socket, name, self._wrapped(getattr(socket.socket, name), name))
                )
            for event, listener in (("before_cursor_execute", self._statement), ("commit", self._commit)):
                sa.event.listen(sa.Engine, event, listener)
                stack.callback(sa.event.remove, sa.Engine, event, listener)
            yield self

    def _wrapped(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def crossing(*given: Any, **named: Any) -> Any:
            self.cross(name)
            return function(*given, **named)

        return crossing

    def _opening(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def crossing(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
            if WRITING & set(mode):
                self.cross("open")
            return function(file, mode, *given, **named)

        return crossing

    def _statement(self, connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        word = statement.lstrip().partition(" ")[0].upper()
        if word not in QUERIES and statement != "BEGIN":
            self.cross(f"sql {word}")

    def _commit(self, connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            self.cross(COMMIT)


def killed_at(point: int) -> Callable[[int, str], None]:
    """Die without any clearing up when the point is crossed."""

    def act(number: int, name: str) -> None:
        if number == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def refused_from(point: int, code: int, *, lasting: bool) -> Callable[[int, str], None]:
    """Let the disk refuse with ``code`` at the point, and for ever after where it is ``lasting``."""
    told = os.strerror(code)

    def act(number: int, name: str) -> None:
        if not (number == point or (lasting and number > point)) or name in ("sendall", "recv_into"):
            return
        if name == COMMIT or name.startswith("sql "):
            raise sa.exc.OperationalError(name, {}, OSError(code, f"disk I/O error: {told}"))
        raise OSError(code, told)

    return act
