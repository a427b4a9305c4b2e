"""How many threads a kernel is worth."""

from __future__ import annotations

import numba

SMALL = 5_000
"""Numbers below which a second thread costs more than it saves."""


def threads_for(numbers: int) -> None:
    """Let the next kernels of this thread use one core for few numbers, else all that numba may use."""
    numba.set_num_threads(1 if numbers < SMALL else numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # set from the environment
