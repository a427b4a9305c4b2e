"""Who learns from whom: blocks of runs in time order, warm-up, label delay, and folds that look only forward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Schedule:
    """Runs in time order cut into ``blocks`` equal parts (``numpy.array_split`` of the sorted runs).

    The first ``warm_up`` blocks are labelled by people; labels come ``label_delay`` blocks late. ``window`` blocks are
    learned from, 0 = all. Every ``refit_every``-th step fits afresh, the others start from the model before.
    """

    blocks: int = 10
    warm_up: int = 3
    label_delay: int = 1
    window: int = 0
    refit_every: int = 1

    def block(self, run: NDArray[np.int64]) -> NDArray[np.int64]:
        """Block of every lumisection, ``(n,)``, counted from 1."""
        parts = np.array_split(np.unique(run), self.blocks)
        first = np.array([part[0] if len(part) else np.iinfo(np.int64).max for part in parts])
        return np.asarray(np.searchsorted(first, run, side="right"), dtype=np.int64)

    def steps(self) -> Iterator[tuple[int, range]]:
        """Every block to be certified with the blocks whose labels are there by then, both counted from 1."""
        for block in range(self.warm_up + 1, self.blocks + 1):
            last = block - 1 - self.label_delay
            yield block, range(max(1, last - self.window + 1) if self.window else 1, last + 1)


def forward_folds(
    run: NDArray[np.int64], folds: int, skip: int
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Runs cut into ``folds`` parts in time order: (rows to learn from, rows to predict), each ``(n,)``.

    Every part is predicted by the parts before it, as the next block will be; the first ``skip`` are only learned from.
    """
    runs = np.unique(run)
    fold = (np.arange(len(runs)) * folds // max(len(runs), 1))[np.searchsorted(runs, run)]
    for k in range(skip, folds):
        if (fold == k).any() and (fold < k).any():
            yield fold < k, fold == k
