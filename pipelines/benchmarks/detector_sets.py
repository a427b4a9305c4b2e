"""The sets of ``dqm benchmark detectors``: tables with a label that only the ranking at the end sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.errors import ConfigError, InputError
from dqm.model.tables import Column, FeatureTable, lumisection_index

MOST_ROWS = 10_000
SAMPLE_SEED = 1
LABEL = "label"
FOLDER = "adbench"


@dataclass(frozen=True, eq=False)
class LabelledTable:
    """A set: its ``name``, the columns as a feature table of n rows, and which rows are ``bad``, ``(n,)``."""

    name: str
    table: FeatureTable
    bad: NDArray[np.bool_]


def labelled_tables(data: Path, tables: Sequence[str]) -> Iterator[LabelledTable]:
    """The given NAME=FILE tables alone, or else every ADBench set in ``data/adbench``, in the order of their names."""
    if tables:
        for each in tables:
            name, _, file = each.partition("=")
            if not file:
                raise ConfigError(f"--table {each!r}: write NAME=FILE")
            yield _own(name, Path(file))
        return
    folder = data / FOLDER
    files = sorted(folder.glob("*.npz"), key=lambda file: _name(file))
    if data == Path() or not files:
        raise InputError(f"no ADBench sets in {str(folder)!r}; set DQM_DATA or give --data or --table NAME=FILE")
    for found in files:
        with np.load(found, allow_pickle=False) as content:
            yield _sampled(_name(found), content["X"], content["y"] == 1)


def feature_table(values: NDArray[np.floating], names: Sequence[str] = ()) -> FeatureTable:
    """Plain features of the given values ``(n, d)``."""
    given = names or [f"column_{j}" for j in range(values.shape[1])]
    index = lumisection_index(np.ones(len(values)), 1 + np.arange(len(values)))
    return FeatureTable(index, tuple(Column(name) for name in given), values.astype(np.float32))


def _name(file: Path) -> str:
    return file.stem.partition("_")[2] or file.stem


def _own(name: str, file: Path) -> LabelledTable:
    if not file.is_file():
        raise InputError(f"{file}: no such table")
    frame = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    if LABEL not in frame:
        raise InputError(f"{file}: no column {LABEL!r} (1 = bad, 0 = good) among {', '.join(frame.columns[:8])}")
    numbers = frame.drop(columns=LABEL).select_dtypes("number")
    if not len(numbers.columns) or frame[LABEL].isna().any() or not set(frame[LABEL]) <= {0, 1}:
        raise InputError(f"{file}: needs columns of numbers, and 0 or 1 in every row of {LABEL!r}")
    return _sampled(name, numbers.to_numpy(float), frame[LABEL].to_numpy() == 1, list(numbers.columns))


def _sampled(name: str, X: NDArray[np.floating], bad: NDArray[np.bool_], names: Sequence[str] = ()) -> LabelledTable:
    """At most ``MOST_ROWS`` of the rows, drawn without a look at the label, in their order."""
    rows = np.arange(len(X))
    if len(X) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(SAMPLE_SEED).choice(len(X), MOST_ROWS, replace=False))
    return LabelledTable(name, feature_table(X[rows], names), np.asarray(bad[rows], dtype=bool))
