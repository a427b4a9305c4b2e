"""The lumisections whose truth is known, with the runs they belong to: what every number of this package is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dqm.model.labels import Label


@dataclass(frozen=True, eq=False)
class Truth:
    """The ``k`` of ``n`` lumisections that somebody called good or bad, in ``R`` runs.

    ``known`` bool ``(n,)`` which rows they are; ``bad`` bool ``(k,)``; ``weight`` float64 ``(k,)`` in the unit of the
    experiment; ``runs`` int64 ``(R,)`` ascending; ``position`` ``(k,)`` of each lumisection's run within ``runs``.
    """

    known: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    weight: NDArray[np.float64]
    runs: NDArray[np.int64]
    position: NDArray[np.intp]

    @classmethod
    def of(cls, label: ArrayLike, weight: ArrayLike, run: ArrayLike) -> Truth:
        """Keep what has a truth, from three columns ``(n,)``.

        Raises ``ValueError`` for columns of different length, a label that is none, and a weight that is negative,
        infinite or missing.
        """
        label, run = np.asarray(label), np.asarray(run, dtype=np.int64)
        weight = np.asarray(weight, dtype=np.float64)
        if not label.shape == weight.shape == run.shape or label.ndim != 1:
            shapes = f"label {label.shape}, weight {weight.shape}, run {run.shape}"
            raise ValueError(f"label, weight and run must be columns of one length: {shapes}")
        _refuse(~np.isin(label, [int(each) for each in Label]), run, "label", label, "use 0 good, 1 bad, -1 unknown")
        _refuse(~(np.isfinite(weight) & (weight >= 0)), run, "weight", weight, "a lumisection without one weighs 0")
        known = label != Label.UNKNOWN
        runs, position = np.unique(run[known], return_inverse=True)
        return cls(known, label[known] == Label.BAD, weight[known], runs, position)

    def __len__(self) -> int:
        return len(self.bad)

    def rows(self, column: ArrayLike, name: str) -> NDArray[np.generic]:
        """The ``k`` rows of another column ``(n,)``; raises ``ValueError`` where its length differs."""
        values = np.asarray(column)
        if values.shape != self.known.shape:
            raise ValueError(f"{name} of shape {values.shape} for {len(self.known)} labels; give one per lumisection")
        return values[self.known]

    def per_run(self, which: NDArray[np.bool_], *, weighted: bool = True) -> NDArray[np.float64]:
        """Sum the weight of the lumisections ``which`` ``(k,)``, or count them, in every run: shape ``(R,)``."""
        value = self.weight[which] if weighted else None
        return np.bincount(self.position[which], value, minlength=len(self.runs)).astype(np.float64)


def _refuse(
    wrong: NDArray[np.bool_], run: NDArray[np.int64], name: str, values: NDArray[np.generic], way_out: str
) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"{name} {values[row]} in row {row} (run {run[row]}) is not one; {way_out}")
