"""What a model said of labelled lumisections when they were still the future: what thresholds are chosen from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Past:
    """Out-of-fold evidence of ``n`` lumisections of labelled runs, as columns ``(n,)``.

    ``badness`` in [0, 1], NaN where no fold scored it; ``label`` −1, 0, 1; ``weight`` ≥ 0 in the unit of the
    experiment; ``held`` where a guard keeps the lumisection from the machine; a bad one only where
    it is a guard of the features, so that none is forgiven for being beyond the past.
    """

    index: pd.MultiIndex
    badness: NDArray[np.float32]
    label: NDArray[np.int8]
    weight: NDArray[np.float64]
    held: NDArray[np.bool_]

    def __post_init__(self) -> None:
        lengths = {len(each) for each in (self.index, self.badness, self.label, self.weight, self.held)}
        if len(lengths) > 1:
            raise ValueError(f"columns of {sorted(lengths)} rows in one past")

    def __len__(self) -> int:
        return len(self.index)

    @property
    def run(self) -> NDArray[np.int64]:
        """Run of every lumisection, ``(n,)``."""
        return np.asarray(self.index.get_level_values("run"), dtype=np.int64)
