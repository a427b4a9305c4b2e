"""SIGKILL at every fault point and at random times: afterwards the store is in a committed state, and done again the
work ends where it ends uninterrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np

from dqm.model.config import Config
from dqm.store.store import Store
from pipelines.reliability.crossings import COMMIT, Crossings, killed_at
from pipelines.reliability.forked import answers, fork, killed_after, wait
from pipelines.reliability.guarantee import Guarantee
from pipelines.reliability.interrupted import Bench, Course

TRIES = 8
"""How often a random kill is tried again that came too late."""


def chosen(n: int, sample: int) -> list[int]:
    """All of the points 1 to n, or so many of them, evenly spread."""
    if not sample or sample >= n:
        return list(range(1, n + 1))
    return sorted({int(each) for each in np.linspace(1, n, sample).round()})


def every_point(bench: Bench, course: Course, sample: int, workers: int) -> Guarantee:
    """Kill at every fault point of a work, or at ``sample`` of them."""
    begun, points = perf_counter(), chosen(len(course.points), sample)
    cases = [partial(bench.tried, str(k), course, partial(_killed, bench, k)) for k in points]
    found = answers(cases, workers, f"{bench.work.name}: killed at every point")
    note = f"{len(course.points)} points"
    return Guarantee.of(f"kill at a fault point: {bench.work.name}", found, perf_counter() - begun, note)


def random_times(bench: Bench, course: Course, tries: int, seed: int, workers: int) -> Guarantee:
    """Kill at random times after the work has begun."""
    begun, dice = perf_counter(), np.random.default_rng(seed)
    cases = [
        partial(bench.tried, f"r{k}", course, partial(_killed_in_time, bench, float(share) * course.seconds))
        for k, share in enumerate(dice.random(tries))
    ]
    found = answers(cases, workers, f"{bench.work.name}: killed at random times")
    return Guarantee.of(f"kill at a random time: {bench.work.name}", found, perf_counter() - begun)


def mutant_is_caught(bench: Bench, course: Course, workers: int) -> Guarantee:
    """Verdicts and publication in two transactions: killed right after a commit, a half night must be seen."""
    begun = perf_counter()
    with two_transactions():
        points = bench.course().points
        after = [k for k in range(3, len(points) + 1) if points[k - 2] == COMMIT and points[k - 3] != "sql UPDATE"]
        tried, caught = 0, False
        while tried < len(after) and not caught:
            few = after[tried : tried + workers]
            cases = [partial(bench.tried, f"mutant-{k}", course, partial(_killed, bench, k)) for k in few]
            caught = any("never committed" in each for each in answers(cases, workers, "a planted mutant"))
            tried += len(few)
    missed = "" if caught else "a night in two transactions was not noticed"
    note = f"after {tried} of {len(after)} commits"
    return Guarantee.of("planted two-transaction mutant is caught", [missed], perf_counter() - begun, note)


def _killed(bench: Bench, point: int, config: Config, said: Path) -> str:
    def victim() -> None:
        with Crossings(killed_at(point)).installed(), Store.open(config.store_path) as store:
            bench.work.do(config, store)

    status = wait(fork(victim, said))
    if status == -9:
        return ""
    return f"was not killed but ended with {status}: {said.read_text(encoding='utf-8') if said.exists() else ''}"


def _killed_in_time(bench: Bench, seconds: float, config: Config, said: Path) -> str:
    def victim(begun: Callable[[], None]) -> None:
        def act(number: int, name: str) -> None:
            if number == 1:
                begun()

        with Crossings(act).installed(), Store.open(config.store_path) as store:
            bench.work.do(config, store)

    for _ in range(TRIES):
        if killed_after(victim, seconds, said):
            return ""
        seconds /= 2
        # It was done before it was to be killed. Done again it has less to do, and that is killed as well.
    return "was always done before it was killed"


@contextmanager
def two_transactions() -> Iterator[None]:
    """A store of which every commit leaves publications and events to a second one: what the product must not do."""
    whole = Store.transaction

    @contextmanager
    def halved(self: Store, **given: Any) -> Iterator[Any]:
        left: dict[str, Any] = {}

        def set_aside(connection: object) -> None:
            left.update(publishing=change._publishing, events=change._events)
            change._publishing, change._events = {}, []

        with whole(self, **given) as change:
            yield change
            change.require(set_aside)
        if left["publishing"] or left["events"]:
            with whole(self, at=given.get("at")) as second:
                second._publishing, second._events = left["publishing"], left["events"]

    with patch.object(Store, "transaction", halved):
        yield
