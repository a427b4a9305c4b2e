"""Workers are opened once for all that a command does, others come where one died, and none outlives the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dqm.model.errors import ConfigError
from pipelines.execution.partitions import run_partitions
from pipelines.execution.schedulers import Scheduler, SerialExecutor
from pipelines.execution.workers import ALONE, Workers


class Dying(SerialExecutor):
    """A pool that breaks when it is given 3, and takes nothing any more."""

    def __init__(self) -> None:
        self.broken = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.broken:
            raise BrokenExecutor("a worker died")
        self.broken = args == (3,)
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("a worker died")) if self.broken else future.set_result(fn(*args))
        return future


@dataclass(frozen=True)
class Counted(Scheduler):
    """Notes what is opened and closed."""

    noted: list[str] = field(default_factory=list)
    pool: type[Executor] = SerialExecutor

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        self.noted.append("opened")
        try:
            yield self.pool()
        finally:
            self.noted.append("closed")


def itself(n: int) -> int:
    return n


def test_workers_are_opened_once_and_closed_at_the_end() -> None:
    """Mutant: each round opens its own, and two processes load everything twice in a night."""
    scheduler = Counted("processes", 2)
    with Workers(scheduler) as workers:
        assert scheduler.noted == []
        for _ in range(2):
            assert [each.answer for each in run_partitions(itself, [1, 2], workers)] == [1, 2]
        assert scheduler.noted == ["opened"]
    assert scheduler.noted == ["opened", "closed"]


def test_they_are_closed_when_the_command_fails() -> None:
    scheduler = Counted("processes", 2)

    def fails() -> None:
        with Workers(scheduler) as workers:
            run_partitions(itself, [1], workers)
            raise RuntimeError("the night ended")

    with pytest.raises(RuntimeError, match="the night ended"):
        fails()
    assert scheduler.noted == ["opened", "closed"]


def test_a_pool_that_broke_is_replaced_and_the_next_round_works() -> None:
    """Mutant: the broken pool is kept, and everything that comes after it in the night is lost."""
    scheduler = Counted("processes", 2, pool=Dying)
    with Workers(scheduler) as workers:
        found = run_partitions(itself, [1, 2, 3, 4], workers)
        assert [each.answer for each in found] == [1, 2, None, 4]
        assert str(found[2].error) == "a worker died"
        assert [each.answer for each in run_partitions(itself, [5, 6], workers)] == [5, 6]
    assert scheduler.noted.count("opened") == scheduler.noted.count("closed") == 3


def test_every_worker_of_this_machine_is_told_to_get_ready() -> None:
    ready: list[int] = []
    for kind, told in (("processes", 2), ("dask", 2), ("htcondor", 0), ("serial", 0)):
        ready.clear()
        with Workers(Counted(kind, 2)) as workers:
            workers.warm(lambda: ready.append(1))
        assert len(ready) == told, kind
    with Workers(Counted("dask", 0, "tcp://head:8786")) as workers:
        workers.warm(lambda: ready.append(1))
    assert not ready


def test_what_keeps_workers_from_opening_is_told_by_the_work_and_not_by_getting_ready() -> None:
    class Absent(Scheduler):
        @contextmanager
        def executor(self) -> Iterator[Executor]:
            raise ConfigError("Dask is not installed")
            yield

    with Workers(Absent("dask", 2)) as workers:
        workers.warm(lambda: None)
        with pytest.raises(ConfigError, match="Dask is not installed"):
            run_partitions(itself, [1], workers)


def test_alone_nothing_is_open() -> None:
    assert run_partitions(itself, [7], ALONE)[0].answer == 7
    assert isinstance(ALONE.executor(), SerialExecutor)


KILLED = """
import os, signal
from partition_work import its_process
from pipelines.execution.schedulers import Scheduler
from pipelines.execution.workers import Workers

if __name__ == "__main__":
    with Workers(Scheduler("processes", 1)) as workers:
        print(workers.executor().submit(its_process, 0).result(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_worker_ends_with_the_process_that_opened_it(tmp_path: Path) -> None:
    """Standard output ends where the last process that holds it has ended. Mutant: the worker waits for ever."""
    (tmp_path / "killed.py").write_text(KILLED)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "killed.py")], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert int(done.stdout) > 0


INTERRUPTED = """
import os, signal, sys
from partition_work import its_process, without_end
from pipelines.execution.schedulers import Scheduler
from pipelines.execution.workers import Workers

if __name__ == "__main__":
    with Workers(Scheduler(sys.argv[1], 1)) as workers:
        print(workers.executor().submit(its_process, 0).result(), flush=True)
        for _ in range(3):
            workers.executor().submit(without_end, 0)
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["processes", "dask"])
def test_ctrl_c_drops_what_is_at_work(kind: str, tmp_path: Path) -> None:
    """Mutant: the command waits for work that nobody wants any more."""
    if kind == "dask":
        pytest.importorskip("distributed")
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, str(tmp_path / "interrupted.py"), kind]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=30, env=environment, start_new_session=True, check=False
    )
    assert int(done.stdout) > 0
    assert done.returncode == -signal.SIGINT, done.stderr
