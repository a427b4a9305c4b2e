"""Why, in full: what every column added to the anomaly of a lumisection, and what a detector had expected instead.

Kept for the lumisections that people will look at, and for a sample of the others to compare them with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from dqm.model.errors import StoreError
from dqm.model.tables import KEY, lumisection_index

NAMES = b"lumicert.names"
"""Metadata entry: the names of the columns, as JSON."""
UNITS = b"lumicert.units"
"""Metadata entry: their units, as JSON; tables of earlier versions have none."""
TERM = "term:"
"""Prefix of the columns that hold terms."""


@dataclass(frozen=True, eq=False)
class Explanations:
    """Terms of ``n`` lumisections over the ``names`` of d features.

    ``terms`` by name, each float32 ``(n, d)``: ``contribution`` ≥ 0 in log-odds of the whole model;
    ``reconstruction of KIND`` in the unit of the feature, ``surprise of KIND`` in nats; ``input`` what the features
    were, where a reconstruction stands beside it. ``units`` of the features, "" without one; empty: not known.
    """

    index: pd.MultiIndex
    names: tuple[str, ...]
    terms: Mapping[str, NDArray[np.float32]]
    units: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, values in self.terms.items():
            if values.shape != (len(self.index), len(self.names)):
                expected = (len(self.index), len(self.names))
                raise ValueError(f"term {name!r} of shape {values.shape} where index and names ask for {expected}")

    def __len__(self) -> int:
        return len(self.index)


def explanations_to_arrow(given: Explanations) -> pa.Table:
    """One row a lumisection; every term a list of d numbers."""
    columns = {name: pa.array(np.asarray(given.index.get_level_values(name)), pa.int64()) for name in KEY}
    for name, values in given.terms.items():
        flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).reshape(-1))
        columns[TERM + name] = pa.FixedSizeListArray.from_arrays(flat, len(given.names))
    told = {NAMES: given.names, UNITS: given.units}
    return pa.table(columns, metadata={name: json.dumps(each).encode() for name, each in told.items()})


def explanations_from_arrow(table: pa.Table) -> Explanations:
    """Explanations as they were; raises ``StoreError`` for a table that holds none."""
    metadata = table.schema.metadata or {}
    if NAMES not in metadata or any(name not in table.column_names for name in KEY):
        raise StoreError(f"columns {table.column_names} are no explanations; score again with: dqm score")
    names = tuple(json.loads(metadata[NAMES]))
    index = lumisection_index(*(table[name].to_numpy() for name in KEY))
    terms = {}
    for name in table.column_names:
        if name.startswith(TERM):
            flat = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            terms[name.removeprefix(TERM)] = flat.astype(np.float32).reshape(len(index), len(names))
    return Explanations(index, names, terms, tuple(json.loads(metadata.get(UNITS, b"[]"))))
