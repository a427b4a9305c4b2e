"""Whatever comes when, and wherever it is scored: with a fixed model the end is the same, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from dqm.store.store import Store
from pipelines.execution.schedulers import Scheduler
from pipelines.execution.workers import Workers
from pipelines.nightly.night import nightly
from pipelines.nightly.work import NightRequest
from pipelines.reliability.forked import answers
from pipelines.reliability.guarantee import Guarantee
from pipelines.reliability.season import Season
from pipelines.reliability.state import damage
from pipelines.run.score import score

KINDS = ("quantities", "scores", "explanations", "contributions", "verdicts")
EXECUTORS = ("processes:2", "dask:2")
AGAIN = NightRequest(again=True)
FASTER, PAIRS = 1.6, 3
"""What two Dask workers are to reach, and how often that is measured."""
End = dict[str, str]


def end_of(store: Store) -> End:
    """Digests of what stands at the end: partitions, and the bytes that are published."""
    found = {f"{kind} of run {each.run}": each.digest for kind in KINDS for each in store.partitions(kind)}
    return found | {each.name: each.sha256 for each in store.publications()}


def any_order(base: Season, folder: Path, orders: int, seed: int, workers: int) -> list[Guarantee]:
    """A night after every day, and ``orders`` other ways in which the days arrive with one backfill after them, each
    against one backfill of everything."""
    folder.mkdir()
    whole = partial(_arrives, [list(base.pieces)], backfill=True)
    ways: list[tuple[str, Callable[[Season], str]]] = [("one backfill", whole)]
    ways.append(("nights", partial(_arrives, [[each] for each in base.pieces])))
    dice = np.random.default_rng(seed)
    for number in range(orders):
        shuffled = dice.permutation(np.array(base.pieces)).tolist()
        cuts = sorted(dice.choice(np.arange(1, len(shuffled)), 4, replace=False).tolist())
        parts = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
        ways.append((f"order {number + 1}", partial(_arrives, parts, backfill=True)))
    begun = perf_counter()
    cases = [partial(_ended, base, folder / name.replace(" ", "-"), way) for name, way in ways]
    said = answers(cases, workers, "days arrive in any order")
    seconds = perf_counter() - begun
    expected = _read(base, folder / "one-backfill")
    found = [
        [f"{name}: {text}"] if text else _differing(name, expected, _read(base, folder / name.replace(" ", "-")))
        for (name, _), text in zip(ways, said, strict=True)
    ]
    days = f"{len(base.pieces)} days with runs, {len(expected)} digests"
    return [
        _compared("incremental nights equal one backfill", expected, found[0] + found[1], seconds, days),
        _compared(
            "any arrival order and a backfill are equal",
            expected,
            [each for one in found[2:] for each in one],
            seconds,
            f"{orders} orders, {days}",
            orders,
        ),
    ]


def executors(base: Season, folder: Path) -> Guarantee:
    """Serial, processes and Dask score everything again, each into a store of its own, with equal digests."""
    begun, found = perf_counter(), list[str]()
    folder.mkdir()
    base.arrive(base.pieces)
    ends = {}
    for name in ("serial", *EXECUTORS):
        config = base.copy(folder / name.replace(":", "-")).config()
        with Store.open(config.store_path) as store:
            nightly(config, store, NightRequest(again=True, scheduler=Scheduler.parse(name)))
            ends[name] = end_of(store)
    for name in EXECUTORS:
        found += _differing(name, ends["serial"], ends[name])
    tried = len(ends["serial"]) * len(EXECUTORS)
    return _compared(
        "three executors give equal digests",
        ends["serial"],
        found,
        perf_counter() - begun,
        "",
        tried // len(ends["serial"]),
    )


def dask_ratio(base: Season, folder: Path) -> Guarantee:
    """How many times as fast two single-threaded Dask workers score as one: the median of ``PAIRS`` pairs, as measured.

    One after the other of a pair scores the same, so that both meet the same moods of the machine.
    """
    folder.mkdir()
    begun = perf_counter()
    with ExitStack() as open_:
        scoring = [open_.enter_context(_with_dask(base.copy(folder / f"dask-{n}"), n)) for n in (1, 2)]
        spent = np.array([[_seconds(each) for each in scoring] for _ in range(PAIRS)])
    ratios = spent[:, 0] / spent[:, 1]
    one, two = (", ".join(f"{each:.1f}" for each in column) for column in spent.T)
    note = f"median of {', '.join(f'{each:.2f}' for each in ratios)}; {one} s with one worker, {two} s with two"
    return Guarantee(
        f"Dask: two workers at least {FASTER} times one",
        1,
        int(np.median(ratios) < FASTER),
        perf_counter() - begun,
        note,
    )


@contextmanager
def _with_dask(place: Season, workers: int) -> Iterator[Callable[[], object]]:
    """Something that scores all of a season with so many single-threaded Dask workers, which have loaded what they
    need."""
    config = place.config()
    with Store.open(config.store_path) as store, Workers(Scheduler("dask", workers)) as there:
        runs = frozenset(store.runs("scores"))
        score(config, store, frozenset(sorted(runs)[: 2 * workers]), there)
        yield partial(score, config, store, runs, there)


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def _arrives(parts: list[list[str]], place: Season, *, backfill: bool = False) -> str:
    """Let parts arrive one after the other, a night after each; then, where it is wanted, one backfill."""
    config = place.config()
    with Store.open(config.store_path) as store:
        for part in parts:
            place.arrive(part)
            done = nightly(config, store)
            if done.failed:
                return done.text()
        if backfill:
            nightly(config, store, AGAIN)
        return damage(store)


def _ended(base: Season, folder: Path, way: Callable[[Season], str]) -> str:
    return way(base.copy(folder))


def _read(base: Season, folder: Path) -> End:
    with Store.open(Season(folder, base.pieces).config().store_path) as store:
        return end_of(store)


def _differing(name: str, expected: End, found: End) -> list[str]:
    return [
        f"{name}: {each}" for each in sorted(expected.keys() | found.keys()) if expected.get(each) != found.get(each)
    ]


def _compared(name: str, expected: End, wrong: list[str], seconds: float, note: str, times: int = 1) -> Guarantee:
    return Guarantee(name, len(expected) * times, len(wrong), seconds, note, tuple(wrong))
