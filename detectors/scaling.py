"""Columns in units of their usual spread: what every detector that measures distances starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.inputs import Schema
from detectors.protocol import State
from dqm.model.tables import Column, FeatureTable

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation of a Gaussian to its standard deviation."""

MEAN_TO_SIGMA = 1.2533
"""Mean absolute deviation of a Gaussian to its standard deviation, √(π/2)."""


@dataclass(frozen=True, eq=False)
class Scaling:
    """The columns ``at`` ``(k,)`` of a table, their ``centre`` and ``spread`` ``(k,)``: z = (x − centre) / spread.

    Columns that were always missing in training are not among them: nothing is known of them.
    """

    at: NDArray[np.int64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def fit(cls, table: FeatureTable, rows: NDArray[np.bool_], role: str = "feature", floor: float = 1e-3) -> Self:
        """Median and robust spread of the columns of a role over ``rows`` ``(n,)``.

        s = 1.4826 · MAD; where more than half of the rows are equal and the MAD is 0, s = 1.2533 · mean |x − m|
        (Iglewicz and Hoaglin, "How to detect and handle outliers", 1993); at least ``floor`` · max(|m|, 1), so that a
        constant column answers to a change and not to rounding.
        """
        at, found = [], []
        for j in table.where(role=role):
            values = table.values[rows, j].astype(np.float64)
            finite = values[np.isfinite(values)]
            if finite.size:
                at.append(j)
                found.append(_centre_and_spread(finite, floor))
        pairs = np.array(found, dtype=np.float64).reshape(-1, 2)
        return cls(np.array(at, dtype=np.int64), pairs[:, 0].copy(), pairs[:, 1].copy())

    @classmethod
    def empty(cls) -> Self:
        """Of no column: what a detector knows before it is fitted."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))

    @property
    def width(self) -> int:
        """Number of columns, k."""
        return len(self.at)

    def same_columns(self, other: Scaling) -> bool:
        """Whether both know the same columns, so that weights learned behind one suit the other."""
        return np.array_equal(self.at, other.at)

    def take(self, kept: NDArray[np.bool_]) -> Self:
        """The scaling of some of its columns, by mask ``(k,)``."""
        return type(self)(self.at[kept], self.centre[kept], self.spread[kept])

    def z(self, table: FeatureTable, most: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Scaled values ``(n, k)`` cut at ±``most``, 0 where missing, and which are present ``(n, k)``.

        An infinity is present: it lies at the cut.
        """
        z = (table.values[:, self.at] - self.centre) / self.spread
        present = ~np.isnan(z)
        return np.where(present, np.clip(z, -most, most), 0).astype(np.float32), present

    def to_columns(self, part: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
        """What belongs to the k columns, ``(n, k)``, at their places among all, ``(n, columns)``; 0 elsewhere."""
        whole = np.zeros((len(part), columns), dtype=np.float32)
        whole[:, self.at] = part
        return whole

    def state(self, prefix: str = "") -> State:
        """``at``, ``centre`` and ``spread``, their names behind the prefix."""
        return {f"{prefix}at": self.at, f"{prefix}centre": self.centre, f"{prefix}spread": self.spread}

    @classmethod
    def restore(cls, state: State, columns: tuple[Column, ...], prefix: str = "") -> Self:
        """The scaling again; raises ``ValueError`` where it does not suit the columns."""
        at = np.asarray(state[f"{prefix}at"], dtype=np.int64)
        centre, spread = (np.asarray(state[f"{prefix}{name}"], dtype=np.float64) for name in ("centre", "spread"))
        sound = at.ndim == 1 and centre.shape == at.shape and spread.shape == at.shape
        if not sound or not (np.isfinite(centre).all() and (spread > 0).all()):
            raise ValueError(f"centres {centre.shape} and spreads {spread.shape} do not suit {at.shape} columns")
        if at.size and (at.min() < 0 or at.max() >= len(columns) or (np.diff(at) <= 0).any()):
            raise ValueError(f"columns {at.tolist()[:5]} … are not among the {len(columns)} of the schema")
        return cls(at, centre, spread)


def schema_and_scaling(state: State) -> tuple[Schema, Scaling]:
    """What a detector was trained on, and its scaling of these columns, again.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for a state that does not hold both.
    """
    schema = Schema.from_text(state["schema"])
    return schema, Scaling.restore(state, schema.columns)


def _centre_and_spread(values: NDArray[np.float64], floor: float) -> tuple[float, float]:
    """Median and robust spread of finite values ``(n,)``, at least one."""
    centre = float(np.median(values))
    distance = np.abs(values - centre)
    spread = MAD_TO_SIGMA * float(np.median(distance)) or MEAN_TO_SIGMA * float(distance.mean())
    return centre, max(spread, floor * max(abs(centre), 1.0))
