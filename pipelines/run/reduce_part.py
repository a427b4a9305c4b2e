"""Histograms of new runs reduced by blocks of monitor elements, each wherever that is done.

An element is compared with its own past alone, so that blocks know nothing of each other, while the runs of a block
follow one another. A block reads its row groups from the store and writes a file for every run; joined in the order of
the elements they are, bit for bit, what one process makes of all of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dqm.model.config import FeaturesConfig
from dqm.store.histograms import Catalog, catalogs, read_partitions
from dqm.store.partitions import STAGING, Partition
from dqm.store.store import Store
from features.pasts import Around
from features.run_summary import RunSummary
from features.summaries import Summaries
from features.threads import one_thread
from pipelines.execution.partitions import run_partitions
from pipelines.execution.schedulers import SERIAL
from pipelines.execution.workers import Workers
from pipelines.run.summary_cache import read_run, write_run

WORTH = 100_000
"""Histograms below which one process is done before others have begun."""
UNKNOWN_WORKERS = 8
"""Blocks for a cluster that does not say how many workers it has."""


@dataclass(frozen=True)
class ReduceTask:
    """One block: its ``elements``, and every run in order, as the file of its summary or as what is to be reduced.

    ``folder`` is that of the store, ``around`` the file of what is known beside the histograms, ``into`` the folder of
    the results.
    """

    elements: tuple[str, ...]
    runs: tuple[Path | Partition, ...]
    folder: Path
    settings: FeaturesConfig
    around: Path
    into: Path


def reduce_part(task: ReduceTask) -> int:
    """Reduce the runs of a block, each into a file of its own; how many they are."""
    with np.load(task.around, allow_pickle=False) as kept:
        around = Around(kept["code"], kept["condition"], kept["label"])
    settings, made = task.settings, 0
    summaries = Summaries(settings.percentiles, settings.references, around, settings.label_delay)
    with one_thread():
        for run in task.runs:
            if isinstance(run, Path):
                found = _known(run)
            else:
                found = summaries.reduce(read_partitions(task.folder, [run], task.elements))
                write_run(_place(task, run), found)
                made += 1
            summaries.take(RunSummary([], found.sums))
    return made


def _place(task: ReduceTask, run: Partition) -> Path:
    """The file of one run of one block, alone in its folder, as ``write_run`` wants it."""
    return task.into / str(run.run) / "summary.npz"


def _known(path: Path) -> RunSummary:
    found = read_run(path)
    if found is None:
        raise FileNotFoundError(f"{path} went away while it was needed")
    return found


def reduced_by_blocks(
    store: Store,
    settings: FeaturesConfig,
    around: Around,
    kept: Mapping[int, Path | Partition],
    workers: Workers,
) -> dict[int, RunSummary]:
    """The summaries of the runs that are to be reduced, by run; none where it is not worth it or a block failed.

    ``kept`` holds all runs in order. Who asks makes the missing ones in his own process, so that what is wrong with the
    data is told there, and a cluster that is lost costs time and nothing else.
    """
    wanted = [each for each in kept.values() if isinstance(each, Partition)]
    if workers.scheduler.kind == SERIAL.kind or sum(each.rows for each in wanted) < WORTH:
        return {}
    elements = _elements(catalogs(store, [each.run for each in wanted]).values())
    parts = np.array_split(np.asarray(elements, dtype=object), workers.scheduler.workers or UNKNOWN_WORKERS)
    staging = store.path / STAGING
    staging.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=staging, prefix="reduce-") as name:
        folder = Path(name).absolute()
        np.savez(folder / "around.npz", code=around.code, condition=around.condition, label=around.label)
        tasks = []
        for k, part in enumerate(each for each in parts if len(each)):
            into = folder / str(k)
            into.mkdir()
            runs = tuple(each if isinstance(each, Partition) else each.absolute() for each in kept.values())
            block = tuple(part.tolist())
            tasks.append(ReduceTask(block, runs, store.path.absolute(), settings, folder / "around.npz", into))
        outcomes = run_partitions(reduce_part, tasks, workers, "reducing histograms")
        if any(each.error is not None for each in outcomes):
            return {}
        return {run: _joined(parts) for run, parts in _written(tasks, wanted)}


def _written(tasks: Sequence[ReduceTask], runs: Sequence[Partition]) -> Iterator[tuple[int, list[RunSummary]]]:
    """What all blocks made of a run; a run of which a file could not be written is left out."""
    for run in runs:
        parts = [read_run(_place(task, run)) for task in tasks]
        found = [each for each in parts if each is not None]
        if len(found) == len(parts):
            yield run.run, found


def _elements(found: Iterable[Catalog]) -> list[str]:
    return sorted({group.element for catalog in found for group in catalog.groups})


def _joined(parts: Sequence[RunSummary]) -> RunSummary:
    """Blocks as one run, in the order of their elements."""
    return RunSummary(
        [cells for each in parts for cells in each.cells],
        {name: sums for each in parts for name, sums in each.sums.items()},
    )
