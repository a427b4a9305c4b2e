"""Who learns from whom: equal parts of the runs, labels that come late, folds that look only forward."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.run.schedule import Schedule, forward_folds


@pytest.mark.parametrize("blocks", [3, 7, 10])
@pytest.mark.parametrize("runs", [1, 2, 9, 10, 11, 60])
def test_blocks_are_array_split_of_the_sorted_runs(runs: int, blocks: int) -> None:
    """Whatever the order and number of the rows of a run; also with fewer runs than blocks."""
    rng = np.random.default_rng(runs)
    numbers = 355_000 + np.cumsum(rng.integers(1, 90, runs))
    run = rng.permutation(np.repeat(numbers, rng.integers(1, 5, runs)))
    expected = {int(r): k for k, part in enumerate(np.array_split(numbers, blocks), start=1) for r in part}
    assert Schedule(blocks=blocks).block(run).tolist() == [expected[int(r)] for r in run]


@pytest.mark.parametrize("delay", [0, 1, 3])
@pytest.mark.parametrize("window", [0, 1, 4])
@pytest.mark.parametrize("warm_up", [1, 3])
def test_labels_come_late_and_from_a_window(warm_up: int, window: int, delay: int) -> None:
    """Mutant: a window that begins one block too early."""
    steps = dict(Schedule(10, warm_up, delay, window).steps())
    assert list(steps) == list(range(warm_up + 1, 11))
    for block, known in steps.items():
        there = [b for b in range(1, 11) if b < block - delay]
        assert list(known) == (there[-window:] if window else there)


@pytest.mark.parametrize("skip", [1, 2])
@pytest.mark.parametrize("runs", [2, 3, 8, 17, 40])
def test_folds_never_look_back(runs: int, skip: int) -> None:
    """Every run of a later fold is predicted once, by all the folds before it and nothing else."""
    rng = np.random.default_rng(runs)
    numbers = np.cumsum(rng.integers(1, 9, runs))
    run = rng.permutation(np.repeat(numbers, rng.integers(1, 4, runs)))
    predicted = []
    for before, now in forward_folds(run, 8, skip):
        assert run[before].max() < run[now].min()
        assert set(run[before]) == {r for r in numbers if r < run[now].min()}
        predicted += np.unique(run[now]).tolist()
    first = [r for k, r in enumerate(numbers) if k * 8 // runs < skip]
    assert predicted == numbers[max(len(first), 1) :].tolist()


@pytest.mark.parametrize("run", [[], [7], [7, 7, 7]])
def test_no_fold_without_an_earlier_run(run: list[int]) -> None:
    assert list(forward_folds(np.array(run, dtype=np.int64), 8, 2)) == []
