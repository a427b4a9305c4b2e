"""Event tables: Parquet or CSV, read in chunks, each feature on the scale that suits it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dqm.model.errors import ConfigError, InputError, nearest
from dqm.model.tables import Column, FeatureTable

CHUNK = 100_000
SCALES = ("", "log", "logit")


@dataclass(frozen=True)
class Feature:
    """A column, and the scale that it is learned on: as it is, ``log`` or ``logit``."""

    column: str
    scale: str = ""

    @classmethod
    def parse(cls, text: str) -> Feature:
        """``NAME``, ``log:NAME`` or ``logit:NAME``; raises ``ConfigError`` for another scale."""
        scale, colon, column = text.rpartition(":")
        if (colon and not scale) or scale not in SCALES or not column:
            raise ConfigError(f"feature {text!r}: write NAME, log:NAME or logit:NAME")
        return cls(column, scale)

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values on the scale; NaN where they are not finite or it does not reach."""
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.scale == "log":
                found = np.log(values)
            elif self.scale == "logit":
                found = np.log(values / (1 - values))
            else:
                found = values
        return np.where(np.isfinite(found), found, np.nan)


@dataclass(frozen=True, eq=False)
class Events:
    """``n`` events: features on their scales, NaN = missing; ``file`` and ``row`` say where each stands."""

    table: FeatureTable
    file: NDArray[np.object_]
    row: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.table)

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Which events have every feature, ``(n,)``; the others are not scored."""
        return np.asarray(~np.isnan(self.table.values).any(axis=1))

    def take(self, rows: NDArray[np.int64]) -> Events:
        """The events at these positions."""
        table = table_of(self.table.values[rows], self.table.names)
        return Events(table, self.file[rows], self.row[rows])

    @classmethod
    def joined(cls, several: Sequence[Events]) -> Events:
        """All of them, in order."""
        values = np.concatenate([each.table.values for each in several])
        table = table_of(values, several[0].table.names)
        return cls(table, np.concatenate([e.file for e in several]), np.concatenate([e.row for e in several]))


def table_of(values: NDArray[np.floating], names: Sequence[str]) -> FeatureTable:
    """Features of events, numbered from 0."""
    return FeatureTable(pd.RangeIndex(len(values)), tuple(Column(name) for name in names), values.astype(np.float32))


def read_events(files: Sequence[Path], features: Sequence[Feature]) -> Events:
    """All events of the files, in order. Raises ``InputError`` for a file or column that is not there, naming it."""
    parts = []
    for file in files:
        chunks = [_values(chunk, features, file) for chunk in _chunks(file, [each.column for each in features])]
        values = np.concatenate(chunks) if chunks else np.zeros((0, len(features)))
        table = table_of(values, [each.column for each in features])
        parts.append(Events(table, np.full(len(values), file.name, dtype=object), np.arange(len(values))))
    return Events.joined(parts)


def columns_of(file: Path) -> list[str]:
    """Names of the columns of a table; raises ``InputError`` where it cannot be read."""
    if not file.is_file():
        raise InputError(f"{file}: no such event table")
    try:
        if file.suffix == ".parquet":
            return list(pq.read_schema(file).names)
        if file.suffix == ".csv":
            return [str(each) for each in pd.read_csv(file, nrows=0).columns]
    except (ValueError, OSError) as error:
        raise InputError(f"{file}: cannot be read as a table: {error}") from None
    raise InputError(f"{file}: event tables end in .parquet or .csv")


def _chunks(file: Path, wanted: list[str]) -> Iterator[pd.DataFrame]:
    known = columns_of(file)
    for name in wanted:
        if name not in known:
            raise InputError(f"{file}: no column {name!r}; {nearest(name, known)}")
    if file.suffix == ".parquet":
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(batch_size=CHUNK, columns=wanted):
                yield batch.to_pandas()
    else:
        with pd.read_csv(file, usecols=wanted, chunksize=CHUNK) as opened:
            yield from opened


def _values(chunk: pd.DataFrame, features: Sequence[Feature], file: Path) -> NDArray[np.float64]:
    """``(n, d)`` in the order of the features; raises ``InputError`` for a column of words."""
    found = []
    for feature in features:
        try:
            values = chunk[feature.column].to_numpy(dtype=np.float64, na_value=np.nan)
        except (ValueError, TypeError):
            raise InputError(
                f"{file}: column {feature.column!r} does not hold numbers; leave it out with --features"
            ) from None
        found.append(feature.of(values))
    return np.column_stack(found)
