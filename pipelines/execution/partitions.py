"""Run one function over many partitions with any executor; what is lost with a killed worker is run again.

``work`` is a module-level function of one task. It reads and writes files and returns something small: data never
travels through an executor. Its exceptions belong to the partition; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipelines.execution.workers import Workers
from pipelines.progress import track

Task = TypeVar("Task")
Answer = TypeVar("Answer")

LOST = (BrokenExecutor, CancelledError)
"""What the future of a partition raises when its worker died, or that of another one in the same pool."""


@dataclass(frozen=True)
class Outcome(Generic[Task, Answer]):
    """What became of one partition: its ``answer``, or the ``error`` in its stead."""

    task: Task
    answer: Answer | None
    error: Exception | None


def run_partitions(
    work: Callable[[Task], Answer], tasks: Sequence[Task], workers: Workers, description: str = "partitions"
) -> list[Outcome[Task, Answer]]:
    """The outcome of every task, in their order.

    A worker that is killed takes every pending partition of its pool with it. These are run once more by other workers,
    each alone, so that the one that kills its worker names itself and costs no other anything.
    """
    found = _once(work, tasks, workers, description)
    lost = [i for i, each in enumerate(found) if isinstance(each.error, LOST)]
    for i in lost:
        [found[i]] = _once(work, [tasks[i]], workers, description)
    return found


def _once(
    work: Callable[[Task], Answer], tasks: Sequence[Task], workers: Workers, description: str
) -> list[Outcome[Task, Answer]]:
    executor = workers.executor()
    futures = [_submitted(executor, work, each) for each in tasks]
    found = [_outcome(task, future) for task, future in track(list(zip(tasks, futures, strict=True)), description)]
    if any(isinstance(each.error, LOST) for each in found):
        workers.close()
    return found


def _submitted(executor: Executor, work: Callable[[Task], Answer], task: Task) -> Future[Answer]:
    """The future of a task; a pool that broke meanwhile takes no more, which is the fate of this one too."""
    try:
        return executor.submit(work, task)
    except BrokenExecutor as error:
        future: Future[Answer] = Future()
        future.set_exception(error)
        return future


def _outcome(task: Task, future: Future[Answer]) -> Outcome[Task, Answer]:
    try:
        return Outcome(task, future.result(), None)
    except Exception as error:  # noqa: BLE001  # whatever a partition raises is its own outcome
        return Outcome(task, None, error)
