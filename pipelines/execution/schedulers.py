"""Where partitions run: ``serial``, ``processes``, ``dask`` (a cluster of this machine), ``htcondor`` or
``tcp://HOST:PORT``.

``processes:4``, ``dask:4`` and ``htcondor:4`` name the number of workers; else there is one for each core. Every worker
computes with one thread, as the serial way does, so that all of them give equal bits.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, TypeVar

from dqm.model.errors import ConfigError, nearest
from pipelines.execution import htcondor

KINDS = ("serial", "processes", "dask", "htcondor")
T = TypeVar("T")
MOST_WORKERS = 1000
ANSWERS_WITHIN = 10.0
"""Seconds in which a Dask scheduler that runs already must be reached."""
QUIET = {"distributed.worker.profile.enabled": False, "distributed.admin.tick.interval": "500ms"}
"""Dask looks a hundred times a second at what each worker does and fifty times at whether it is late: a twentieth of a
core for every process, for pages that we do not open."""


class SerialExecutor(Executor):
    """Runs a task at once, in this thread."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """The future of a task that is done already."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # it is the future's to raise
            future.set_exception(error)
        return future


def end_with_parent() -> None:
    """Let this worker end when the process that opened it is gone: for ever it would wait for more work of it.

    Ctrl-C at a terminal reaches it too; its end is up to that process, which drops what is at work.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def _dropped_on_failure(drop: Callable[[], None]) -> Iterator[None]:
    """Work is waited for on leaving; where the command breaks off nobody wants it any more, and it is dropped first."""
    try:
        yield
    except BaseException:
        drop()
        raise


def _drop(pool: Executor, before: set[BaseProcess]) -> None:
    """Let a pool take no more, and end the processes that came after those before."""
    pool.shutdown(wait=False, cancel_futures=True)
    for each in set(active_children()) - before:
        each.terminate()


@dataclass(frozen=True)
class Scheduler:
    """A ``kind`` of executor with so many ``workers``, or the ``address`` of a Dask scheduler that runs already."""

    kind: str = "serial"
    workers: int = 1
    address: str = ""

    @classmethod
    def parse(cls, text: str) -> Scheduler:
        """A scheduler as ``--scheduler`` names it; raises ``ConfigError`` with the names that there are."""
        if text.startswith(("tcp://", "tls://")):
            return cls("dask", 0, text)
        kind, _, number = text.partition(":")
        if kind not in KINDS:
            raise ConfigError(
                f"unknown scheduler {text!r}; {nearest(kind, KINDS)}, or tcp://HOST:PORT of a running one"
            )
        if kind == "serial":
            if number:
                raise ConfigError(f"scheduler {text!r}: serial has one worker; write serial")
            return cls()
        if number and not (number.isascii() and number.isdecimal() and 1 <= int(number) <= MOST_WORKERS):
            raise ConfigError(f"scheduler {text!r}: {number!r} is no number of workers; write e.g. {kind}:4")
        return cls(kind, int(number) if number else os.cpu_count() or 1)

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """An executor, closed on leaving; raises ``ConfigError`` where Dask is wanted and not there."""
        if self.kind == "serial":
            yield SerialExecutor()
        elif self.kind == "processes":
            spawned = get_context("spawn")
            before = set[BaseProcess](active_children())
            with (
                ProcessPoolExecutor(self.workers, mp_context=spawned, initializer=end_with_parent) as pool,
                _dropped_on_failure(lambda: _drop(pool, before)),
            ):
                yield pool
        else:
            yield from self._dask()

    def _dask(self) -> Iterator[Executor]:
        try:
            import distributed
            from dask import config as config_of
        except ImportError:
            raise ConfigError("Dask is not installed; install it with: pip install 'lumicert[dask]'") from None
        client_of: Any = distributed.Client  # the package is not annotated
        cluster_of: Any = distributed.LocalCluster
        if self.address:
            try:
                asyncio.run(_answers(self.address))
                client = client_of(self.address, timeout=f"{ANSWERS_WITHIN:g}s")
            except OSError as error:
                why = error if str(error) else f"nothing came back within {ANSWERS_WITHIN:g} s"
                raise ConfigError(
                    f"no Dask scheduler answers at {self.address}: {why}; start one with: dask scheduler"
                ) from None
            with client:
                yield from _work_of(client)
        elif self.kind == "htcondor":
            with htcondor.cluster() as cluster, client_of(cluster) as client:
                cluster.scale(self.workers)
                yield from _work_of(client)
        else:
            local = {"n_workers": self.workers, "threads_per_worker": 1, "host": "127.0.0.1"}
            with (
                config_of.set(QUIET),
                cluster_of(**local, scheduler_kwargs=htcondor.STATUS_PAGE) as cluster,
                client_of(cluster) as client,
            ):
                yield from _work_of(client)


async def _answers(address: str) -> None:
    """Raise ``OSError`` where no Dask scheduler speaks there: a client waits for ever for the first word of one."""
    from distributed.comm import core
    from distributed.security import Security

    connect: Any = core.connect  # the package is not annotated
    security: Any = Security
    asked = connect(address, timeout=ANSWERS_WITHIN, **security().get_connection_args("client"))
    comm = await asyncio.wait_for(asked, 1.5 * ANSWERS_WITHIN)
    await comm.close()


def _work_of(client: Any) -> Iterator[Executor]:
    """The executor of a Dask client."""
    with client.get_executor() as executor, _dropped_on_failure(lambda: executor.shutdown(wait=False)):
        yield executor


SERIAL = Scheduler()
"""One partition after the other, in this process."""
