"""How many threads a kernel is worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numba

SMALL = 100_000
"""Numbers below which a second thread costs more than it saves: one that waits for work keeps a core busy meanwhile,
and where others use that core its part of the work comes late."""
_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


def threads_for(numbers: int) -> None:
    """Let the next kernels of this thread use one core for few numbers, else all that numba may use."""
    few = numbers < SMALL or _ALONE.get()
    numba.set_num_threads(1 if few else numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # set from the environment


@contextmanager
def one_thread() -> Iterator[None]:
    """Let kernels use one core however much there is to do: the other cores have work of their own."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)
