"""Which columns of a table a detector sees, and what it says of them put back among all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dqm.model.errors import InputError, UnknownNameError
from dqm.model.patterns import asked_for
from dqm.model.tables import BINS, Column, FeatureTable


def seen_positions(columns: Sequence[Column], patterns: Sequence[str]) -> NDArray[np.int64]:
    """Positions of the columns whose names any of the patterns fits, rising; of none at all, all but bins.

    Raises ``UnknownNameError`` for a pattern that fits no column, and ``InputError`` where no feature is among them.
    """
    for pattern in patterns:
        if not any(asked_for(column.name, (pattern,)) for column in columns):
            raise UnknownNameError("column", pattern, (column.name for column in columns))
    if patterns:
        found = [j for j, column in enumerate(columns) if asked_for(column.name, patterns)]
    else:
        found = [j for j, column in enumerate(columns) if column.source != BINS]
    if len(found) < len(columns) and not any(columns[j].role == "feature" for j in found):
        asked = f"columns = {list(patterns)} are" if patterns else "without bins of histograms there is"
        raise InputError(f"{asked} nothing that a detector could judge: at least one column must be a feature")
    return np.array(found, dtype=np.int64)


def seen_part(table: FeatureTable, patterns: Sequence[str]) -> FeatureTable:
    """The table of the columns that a detector sees; the table itself where these are all."""
    at = seen_positions(table.columns, patterns)
    if len(at) == len(table.columns):
        return table
    columns = tuple(table.columns[j] for j in at)
    return FeatureTable(table.index, columns, table.values[:, at], table.extractor)


def among_all(part: NDArray[np.float32], at: NDArray[np.int64], columns: int, elsewhere: float) -> NDArray[np.float32]:
    """What belongs to the columns ``at``, ``(n, k)``, at their places among all, ``(n, columns)``."""
    if len(at) == columns:
        return part
    whole = np.full((len(part), columns), elsewhere, dtype=np.float32)
    whole[:, at] = part
    return whole
