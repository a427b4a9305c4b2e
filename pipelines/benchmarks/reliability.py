"""``dqm benchmark reliability``: what was promised of a product that runs by itself, each tried many times."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from dqm.model.errors import UnknownNameError
from dqm.store.store import Store
from pipelines.reliability.crowd import crowd
from pipelines.reliability.disk import refusing
from pipelines.reliability.equipped import equip
from pipelines.reliability.forked import beside, done
from pipelines.reliability.guarantee import Guarantee
from pipelines.reliability.interrupted import Bench, Course
from pipelines.reliability.kills import every_point, mutant_is_caught, random_times
from pipelines.reliability.names import hostile_names
from pipelines.reliability.order import any_order, dask_ratio, executors
from pipelines.reliability.receiver import KEY, KEY_NAME, Receiver
from pipelines.reliability.season import SMALL, Season, season
from pipelines.reliability.tell import failing_receiver, grouped
from pipelines.reliability.texts import hostile_texts
from pipelines.reliability.work import DECISIONS, NIGHT, WORKS
from pipelines.simulate.campaign import SimulationSettings

PARTS = ("kills", "disk", "alerts", "crowd", "names", "texts", "order", "executors")
"""What can be asked for alone."""
THREE_RUNS = SimulationSettings(weeks=1.5, fill_hours=0.5, runs_per_fill=1, unlabelled_share=0.23, seed=4)
SIXTY_DAYS = SimulationSettings(
    weeks=14, fills_per_day=1, fill_hours=0.5, runs_per_fill=1, unlabelled_share=0.68, seed=8
)
"""Fourteen weeks of about one short run a day; the newest sixty days with runs are not labelled."""
LONGER_RUNS = SimulationSettings(weeks=6, fills_per_day=1, fill_hours=10, runs_per_fill=1, unlabelled_share=0.6, seed=9)
"""For the executors: runs long enough that scoring one is more work than sending it, and the model of the defaults."""


@dataclass(frozen=True)
class Amounts:
    """How often each guarantee is tried: fault points (0: all), random kills for each work, and so on."""

    points: int = 0
    random: int = 67
    disk: int = 100
    alerts: int = 500
    processes: int = 20
    times: int = 25
    names: int = 1000
    texts: int = 500
    orders: int = 5

    @classmethod
    def sampled(cls, sample: int) -> Amounts:
        """About so many fault points, and the rest in proportion."""
        each = max(1, sample // 4)
        return cls(each, each, each, 5 * sample, 4, sample // 2, 5 * sample, 5 * sample, 0)


@dataclass(frozen=True)
class ReliabilityResult:
    """One row per guarantee."""

    rows: tuple[Guarantee, ...]
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether any did not hold."""
        return any(each.failed for each in self.rows)

    def text(self) -> str:
        """For people."""
        failed = sum(each.failed > 0 for each in self.rows)
        return f"{len(self.rows)} guarantees, {failed} of them failed, in {self.seconds:.0f} s; all data is simulated"

    def markdown(self) -> str:
        """The table of ``docs/reliability.md``."""
        head = "| guarantee | tried | failed | seconds | |\n|---|---:|---:|---:|---|\n"
        return head + "\n".join(each.markdown() for each in self.rows) + "\n"

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        rows = [each.document() for each in self.rows]
        return {"benchmark": "reliability", "rows": rows, "seconds": self.seconds}


def run(
    *,
    sample: int = 0,
    parts: tuple[str, ...] = (),
    workers: int = 2,
    found: Callable[[Guarantee], None] = lambda row: None,
) -> ReliabilityResult:
    """Try every guarantee, or those of some ``parts``; ``sample`` fault points instead of all.

    ``found`` is called with every row as it is there. Raises ``UnknownNameError`` for an unknown part.
    """
    for each in parts:
        if each not in PARTS:
            raise UnknownNameError("part", each, PARTS)
    begun = perf_counter()
    amounts = Amounts.sampled(sample) if sample else Amounts()
    wanted = parts or (PARTS[:6] if sample else PARTS)
    rows: list[Guarantee] = []
    with tempfile.TemporaryDirectory() as folder, _key():
        steps = _Steps(Path(folder), amounts, workers)
        for part in (each for each in PARTS if each in wanted):
            for row in getattr(steps, part)():
                rows.append(row)
                found(row)
    return ReliabilityResult(tuple(rows), perf_counter() - begun)


class _Steps:
    """The parts; what several of them need is made once."""

    def __init__(self, folder: Path, amounts: Amounts, workers: int) -> None:
        self.folder, self.amounts, self.workers = folder, amounts, workers
        self.trained = _made(folder / "trained", THREE_RUNS)

    def kills(self) -> Iterator[Guarantee]:
        """SIGKILL at fault points and at random times, and a mutant."""
        with self._benches() as benches:
            for number, (bench, course) in enumerate(benches):
                yield every_point(bench, course, self.amounts.points, self.workers)
                yield random_times(bench, course, self.amounts.random, number, self.workers)
                if bench.work is NIGHT:
                    yield mutant_is_caught(bench, course, self.workers)

    def disk(self) -> Iterator[Guarantee]:
        """A disk that refuses."""
        with self._benches() as benches:
            yield refusing(benches, self.amounts.disk, self.workers)

    def alerts(self) -> Iterator[Guarantee]:
        """A receiver that fails, and many flagged lumisections."""
        yield failing_receiver(self.folder / "alerts", self.amounts.alerts)
        yield grouped()

    def crowd(self) -> Iterator[Guarantee]:
        """Many people at the same time."""
        yield from crowd(self._decided("crowd"), self.amounts.processes, self.amounts.times)

    def names(self) -> Iterator[Guarantee]:
        """Hostile names."""
        with Store.open(self._decided("names")) as store:
            yield hostile_names(store, self.folder / "hostile-names", self.amounts.names)

    def texts(self) -> Iterator[Guarantee]:
        """Hostile texts."""
        with Store.open(self._decided("texts")) as store:
            yield hostile_texts(store, self.folder / "hostile-texts", self.amounts.texts)

    def order(self) -> Iterator[Guarantee]:
        """Sixty days in any order."""
        base = _made(self.folder / "days", SIXTY_DAYS, by_day=True)
        yield from any_order(base, self.folder / "orders", self.amounts.orders, 1, self.workers)

    def executors(self) -> Iterator[Guarantee]:
        """Serial, processes, Dask."""
        base = _made(self.folder / "longer", LONGER_RUNS, model="")
        yield executors(base, self.folder / "executors")
        yield dask_ratio(Season(self.folder / "executors" / "serial", base.pieces), self.folder / "dask")

    def _decided(self, name: str) -> Path:
        """A store of its own in which three runs were certified."""
        place = self.trained.copy(self.folder / name)
        _did(partial(DECISIONS.prepare, place), self.folder)
        return place.config().store_path

    @contextmanager
    def _benches(self) -> Iterator[list[tuple[Bench, Course]]]:
        """The three works, each with its uninterrupted course, and a sound receiver while the block runs."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        server = Receiver(folder / "taken.jsonl")
        with beside(server.serve_forever, folder / "raised"):
            server.socket.close()
            benches = []
            for work in WORKS:
                place = self.trained.copy(folder / work.name)
                _did(partial(work.prepare, place), folder)
                bench = Bench(work, place, server.url, server.log)
                course = bench.course()
                with Store.open(place.config().store_path) as store:
                    equip(store, course.modules)
                benches.append((bench, course))
            yield benches


def _made(folder: Path, settings: SimulationSettings, *, by_day: bool = False, model: str = SMALL) -> Season:
    """A season that was trained in a child, so that this process starts no thread and keeps no memory."""
    names = folder.with_suffix(".pieces")

    def work() -> None:
        made = season(folder, settings, by_day=by_day, model=model)
        names.write_text("\n".join(made.pieces), encoding="utf-8")

    _did(work, folder.parent)
    return Season(folder, tuple(names.read_text(encoding="utf-8").split("\n")))


def _did(work: Callable[[], None], folder: Path) -> None:
    raised = done(work, folder / "raised")
    if raised:
        raise RuntimeError(f"the benchmark could not be prepared:\n{raised}")


@contextmanager
def _key() -> Iterator[None]:
    """The secret of the receivers in the environment while the block runs."""
    os.environ[KEY_NAME] = KEY
    try:
        yield
    finally:
        del os.environ[KEY_NAME]
