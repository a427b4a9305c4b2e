"""What is known of lumisections, as arrays that stay together: features, label, weight, run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dqm.model.config import Config
from dqm.model.labels import Labels
from dqm.model.tables import FeatureTable, QuantityTable
from features.assemble import assemble


@dataclass(frozen=True)
class Evidence:
    """``n`` lumisections: ``table`` of features, ``label`` −1/0/1, ``weight`` ≥ 0, ``run``.

    ``usable`` ``(n,)`` is False where the data are missing or in conflict: it teaches nothing and nothing judges it.
    ``chance`` ``(n,)`` is the probability with which a person was going to look at the lumisection: 1 where everything
    was labelled, less for a random audit, so that a sum over what was looked at stands for all.
    """

    table: FeatureTable
    label: NDArray[np.int8]
    weight: NDArray[np.float64]
    run: NDArray[np.int64]
    chance: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    usable: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        if not len(self.chance):
            object.__setattr__(self, "chance", np.ones(len(self.run)))
        if not len(self.usable):
            object.__setattr__(self, "usable", np.ones(len(self.run), dtype=bool))

    @classmethod
    def of(cls, quantities: QuantityTable, labels: Labels | None, config: Config) -> Self:
        """Features and labels of every lumisection of ``quantities``."""
        table = assemble(quantities, config.features, config.limits)
        unknown = np.full(len(table), -1, dtype=np.int8)
        label = unknown if labels is None else labels.aligned(quantities.index)
        return cls(table, label, quantities.weight, quantities.run, usable=quantities.usable)

    def __len__(self) -> int:
        return len(self.run)

    def take(self, rows: NDArray[np.bool_]) -> Self:
        """The given rows, by boolean mask ``(n,)``."""
        arrays = {name: getattr(self, name)[rows] for name in ("label", "weight", "run", "chance", "usable")}
        return replace(self, table=self.table.take(rows), **arrays)

    @property
    def beyond(self) -> NDArray[np.bool_]:
        """Lumisections that break a documented limit, ``(n,)``."""
        return np.asarray((self.table.values[:, self.table.where(role="limit")] == 1).any(axis=1))

    @property
    def held(self) -> NDArray[np.bool_]:
        """Lumisections that a guard keeps from the machine, ``(n,)``; a broken limit needs no guard."""
        guarded = (self.table.values[:, self.table.where(role="guard")] == 1).any(axis=1)
        return np.asarray(guarded & ~self.beyond)
