"""Many processes that look, decide and count: ``python -m tests.unit.services.crowd FOLDER PROCESSES TIMES``.

A program of its own that forks when everything is imported and before there is any thread.
"""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from dqm.model.errors import StaleError
from dqm.store.store import Store

from .shift import ROLES, Shift


def act(folder: Path, number: int, times: int) -> tuple[int, int]:
    """Decide ``times`` times on what was seen just before; how often that was accepted, and refused as stale."""
    name = list(ROLES)[number % len(ROLES)]
    accepted = refused = 0
    with Store.open(folder) as store:
        shift = Shift(store)
        for turn in range(times):
            ls, seen = (number + turn) % 10 + 1, shift.standing().last
            verdict = ("GOOD", "BAD")[(number + turn) % 2]
            try:
                shift.decide(name, [(ls, ls)], verdict, expected=seen, nonce=f"{number}-{turn}")
                accepted += 1
            except StaleError:
                refused += 1
    return accepted, refused


def main(folder: str, processes: int, times: int) -> None:
    """Print how many decisions were accepted, and how many refused."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        done = [pool.submit(act, Path(folder), number, times) for number in range(processes)]
        counts = [each.result() for each in done]
    print(*(sum(each) for each in zip(*counts, strict=True)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
