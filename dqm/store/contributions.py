"""What each group of columns added to the badness of every lumisection: the map in which a person sees where to look.

A group is a subsystem with one of its quantities or monitor elements. Its level is the largest contribution of a
feature that it stands out in, in steps of ``STEP`` log-odds: a byte a group and lumisection, nearly all of them zero.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from dqm.model.errors import StoreError
from dqm.model.tables import KEY, lumisection_index

KIND = "contributions"
STEP = 0.05
"""Log-odds of one level."""
MOST = 254
"""The level of 12.7 log-odds and more."""
LIMIT = 255
"""The level of a broken limit, which decides alone."""
NAMES = b"lumicert.groups_of_columns"
"""Metadata entry: subsystem and element of every group, as JSON."""


@dataclass(frozen=True, eq=False)
class Contributions:
    """``level`` uint8 ``(n, g)`` of n lumisections in g groups, each (subsystem, quantity or monitor element)."""

    index: pd.MultiIndex
    groups: tuple[tuple[str, str], ...]
    level: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.level.shape != (len(self.index), len(self.groups)):
            expected = (len(self.index), len(self.groups))
            raise ValueError(f"levels of shape {self.level.shape} where index and groups ask for {expected}")

    def __len__(self) -> int:
        return len(self.index)


def levels_of(contribution: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Contributions in log-odds as levels, of the same shape: rounded, infinite ones as a broken limit, NaN as none.

    >>> levels_of(np.array([0.0, 0.06, 40.0, np.inf, np.nan])).tolist()
    [0, 1, 254, 255, 0]
    """
    scaled = np.rint(np.clip(np.nan_to_num(contribution, nan=0.0), 0, MOST * STEP) / STEP)
    return np.where(np.isposinf(contribution), LIMIT, scaled).astype(np.uint8)


def contributions_to_arrow(given: Contributions) -> pa.Table:
    """One row a lumisection, with a list of g levels."""
    columns = {name: pa.array(np.asarray(given.index.get_level_values(name)), pa.int64()) for name in KEY}
    flat = pa.array(np.ascontiguousarray(given.level).reshape(-1))
    columns["level"] = pa.FixedSizeListArray.from_arrays(flat, len(given.groups))
    return pa.table(columns, metadata={NAMES: json.dumps(given.groups).encode()})


def contributions_from_arrow(table: pa.Table) -> Contributions:
    """Contributions as they were; raises ``StoreError`` for a table that holds none."""
    metadata = table.schema.metadata or {}
    if NAMES not in metadata or any(name not in table.column_names for name in (*KEY, "level")):
        raise StoreError(f"columns {table.column_names} are no contributions; score again with: dqm score")
    groups = tuple((str(subsystem), str(element)) for subsystem, element in json.loads(metadata[NAMES]))
    index = lumisection_index(*(table[name].to_numpy() for name in KEY))
    flat = table["level"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return Contributions(index, groups, flat.astype(np.uint8).reshape(len(index), len(groups)))
