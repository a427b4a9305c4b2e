"""A disk that is full, read-only or broken: what is published stays readable and right; the work can be done again."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from time import perf_counter

from dqm.model.config import Config
from dqm.model.errors import RefusedError
from dqm.store.store import Store
from pipelines.nightly.stages import FORESEEN
from pipelines.reliability.crossings import Crossings, refused_from
from pipelines.reliability.forked import answers, fork, wait
from pipelines.reliability.guarantee import Guarantee
from pipelines.reliability.interrupted import Bench, Course
from pipelines.reliability.kills import chosen
from pipelines.reliability.state import damage, golden_mask

FAULTS = ((errno.ENOSPC, True), (errno.EROFS, True), (errno.EIO, False))
"""What the disk says, and whether it goes on saying so."""
NETWORK = ("sendall", "recv_into")
READABLE = (*FORESEEN, RefusedError)
"""What a person is told in one line; anything else would be a mistake of ours."""


def refusing(benches: Sequence[tuple[Bench, Course]], points: int, workers: int) -> Guarantee:
    """Let the disk refuse at so many fault points of all works, in turn full, read-only and broken once."""
    begun = perf_counter()
    every = [(b, c, k) for b, c in benches for k, name in enumerate(c.points, start=1) if name not in NETWORK]
    cases = [
        partial(
            bench.tried,
            f"{errno.errorcode[code]}-{point}",
            course,
            partial(_refused, bench, point, code, lasting),
            partial(_right, course),
        )
        for (bench, course, point), (code, lasting) in zip(
            [every[k - 1] for k in chosen(len(every), points)], cycle(FAULTS), strict=False
        )
    ]
    found = answers(cases, workers, "disk full, read-only, broken")
    return Guarantee.of("disk full, read-only, I/O error", found, perf_counter() - begun, f"{len(every)} points")


def _refused(bench: Bench, point: int, code: int, lasting: bool, config: Config, said: Path) -> str:
    """Do the work on a disk that refuses; it may end in what people can read, and in nothing else."""
    happened = said.with_suffix(".happened")

    def victim() -> None:
        refuse = refused_from(point, code, lasting=lasting)

        def act(number: int, name: str) -> None:
            if number == point:
                crossings.resting = True
                happened.touch()
                crossings.resting = False
            refuse(number, name)

        crossings = Crossings(act)
        with crossings.installed():
            try:
                with Store.open(config.store_path) as store:
                    bench.work.do(config, store)
            except READABLE:
                return

    status = wait(fork(victim, said))
    if not happened.exists():
        return "the fault did not happen"
    return "" if status == 0 else f"ended with {status}: {said.read_text(encoding='utf-8') if said.exists() else ''}"


def _right(course: Course, store: Store) -> str:
    """What is wrong with what is published: damaged, not that of its verdicts, or golden that is never golden."""
    wrong = damage(store)
    if wrong:
        return wrong
    much = golden_mask(store) - course.golden
    return f"{len(much)} lumisections are golden that never are" if len(much) else ""
