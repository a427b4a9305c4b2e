"""Blocks of elements reduced apart give the bits of one process, whoever makes them and whatever becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

import numba
import numpy as np
import pytest

import pipelines.run.reduce_part as blocks
from dqm.store.store import Store
from features.threads import SMALL, one_thread, threads_for
from pipelines.execution.schedulers import Scheduler, SerialExecutor
from pipelines.execution.workers import Workers
from pipelines.run.quantities import all_quantities

from .test_run_summaries import REFERENCES, add, settings


class Here(Scheduler):
    """Two workers that are this process."""

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        yield SerialExecutor()


HERE = Workers(Here("processes", 2))


@pytest.fixture(autouse=True)
def any_number_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WORTH", 1)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs each block reduced."""
    found: list[int] = []
    original = blocks.reduce_part

    def counted(task: blocks.ReduceTask) -> int:
        found.append(original(task))
        return found[-1]

    monkeypatch.setattr(blocks, "reduce_part", counted)
    return found


def compare(tmp_path: Path, kind: str, workers: Workers) -> None:
    """Four runs at once and then two more, by blocks and by one process."""
    config = settings(kind)
    with Store.create(tmp_path / "one") as one, Store.create(tmp_path / "other") as other:
        for runs in (range(1, 5), range(5, 7)):
            for store in (one, other):
                add(store, runs)
            found, expected = all_quantities(one, config, workers=workers), all_quantities(other, config)
            assert found.columns == expected.columns
            np.testing.assert_array_equal(found.values, expected.values)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k == "nearest" else pytest.mark.slow) for k in REFERENCES]
)
def test_blocks_give_the_bits_of_one_process(tmp_path: Path, kind: str, made: list[int]) -> None:
    """Mutant: what is known already is no past in a block; the runs of the second night are compared with nothing."""
    compare(tmp_path, kind, HERE)
    assert made == [4, 4, 2, 2]


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", ["processes:2", "dask:2"])
def test_so_do_other_processes(tmp_path: Path, scheduler: str) -> None:
    with Workers(Scheduler.parse(scheduler)) as workers:
        compare(tmp_path, "certified", workers)


def test_a_block_that_fails_is_made_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(task: blocks.ReduceTask) -> int:
        raise OSError("the worker cannot see the folder of the store")

    monkeypatch.setattr(blocks, "reduce_part", lost)
    compare(tmp_path, "nearest", HERE)


def test_a_summary_that_goes_away_is_missed_by_its_name(tmp_path: Path) -> None:
    around = tmp_path / "around.npz"
    np.savez(around, code=np.zeros(0, np.int64), condition=np.zeros(0), label=np.zeros(0, np.int8))
    task = blocks.ReduceTask((), (tmp_path / "gone.npz",), tmp_path, settings("nearest").features, around, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"gone\.npz went away while it was needed"):
        blocks.reduce_part(task)


def test_few_histograms_are_reduced_here(tmp_path: Path, made: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "WORTH", 10_000)
    compare(tmp_path, "nearest", HERE)
    assert not made


def test_kernels_of_a_worker_use_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(numba, "set_num_threads", asked.append)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    threads_for(SMALL)
    with one_thread():
        threads_for(SMALL)
    threads_for(SMALL)
    assert asked == [2, 1, 2]
