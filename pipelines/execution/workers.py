"""The workers of one command: opened once, used by everything that it does in partitions, replaced where one died."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Self

from dqm.model.errors import ConfigError
from pipelines.execution.schedulers import SERIAL, Scheduler, SerialExecutor


class Workers:
    """Who works for a command: nobody until work or warming asks for them, the same until ``close`` or the end of the
    ``with`` block, and others after that.

    A process that loads what scoring needs is ready after some seconds, so that a night has it done once.
    """

    def __init__(self, scheduler: Scheduler = SERIAL) -> None:
        self.scheduler = scheduler
        self._opened: tuple[AbstractContextManager[Executor], Executor] | None = None

    def executor(self) -> Executor:
        """Who takes work; raises ``ConfigError`` where Dask or HTCondor is wanted and not there."""
        if self.scheduler.kind == SERIAL.kind:
            return SerialExecutor()
        if self._opened is None:
            opening = self.scheduler.executor()
            self._opened = opening, opening.__enter__()
        return self._opened[1]

    def warm(self, load: Callable[[], None]) -> None:
        """Let workers of this machine ``load`` what they will need, while this process does something else.

        Nothing is waited for, and what fails is told by the work itself. Workers elsewhere are asked for when there is
        work: each may be a job that somebody else waits for.
        """
        if self.scheduler.kind in ("processes", "dask") and not self.scheduler.address:
            with suppress(ConfigError, OSError):
                executor = self.executor()
                for _ in range(self.scheduler.workers):
                    executor.submit(load)

    def close(self) -> None:
        """Let the workers go; the next work opens others."""
        self.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened[0].__exit__(kind, error, trace)


ALONE = Workers()
"""One partition after the other, in this process: nothing that could be open."""
