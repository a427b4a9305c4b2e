"""A detector that tells what it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from dqm.model.tables import FeatureTable


@dataclass(frozen=True)
class Fit:
    """One call of ``fit``: runs, labels and weights that were given, and whether it was a warm start."""

    run: NDArray[np.int64]
    label: NDArray[np.int8]
    weight: NDArray[np.float64]
    warm: bool


@dataclass
class Telling:
    """Its score is the last run that it was fitted on, as a probability: run / 1000."""

    diary: list[Fit] = field(default_factory=list)
    probability: ClassVar[bool] = True
    last: float = 0.0

    def fit(
        self,
        table: FeatureTable,
        labels: NDArray[np.int8],
        *,
        weight: NDArray[np.float64] | None = None,
        seed: int,
        previous: Self | None = None,
    ) -> Self:
        assert weight is not None
        self.diary.append(Fit(table.run, labels.copy(), weight.copy(), previous is not None))
        self.last = float(table.run.max()) / 1000 if len(table) else 0.0
        return self

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        return np.full(len(table), self.last, dtype=np.float32)

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        return np.zeros(table.values.shape, dtype=np.float32)

    def state(self) -> Mapping[str, NDArray[np.float64] | str]:
        return {}


@pytest.fixture
def diary() -> list[Fit]:
    """What the detectors of ``telling`` were given, in order."""
    return []


@pytest.fixture
def telling(diary: list[Fit]) -> Callable[[], Telling]:
    return lambda: Telling(diary)
