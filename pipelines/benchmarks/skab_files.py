"""SKAB's recordings: 34 experiments with a water loop, the first 400 rows of each for training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.errors import InputError

TRAINING_ROWS = 400
LABELS = ("anomaly", "changepoint")
FOLDERS = ("valve1", "valve2", "other")


@dataclass(frozen=True, eq=False)
class Recording:
    """One experiment: ``seconds`` since 1970 ``(n,)`` and readings ``rows`` ``(n, d)``; labels are asked for apart."""

    file: Path
    seconds: NDArray[np.float64]
    sensors: tuple[str, ...]
    rows: NDArray[np.float64]
    separator: str = ";"
    train_rows: int = TRAINING_ROWS

    @property
    def name(self) -> str:
        """Folder and file, e.g. ``valve1/3``."""
        return f"{self.file.parent.name}/{self.file.stem}"

    @property
    def train(self) -> NDArray[np.float64]:
        """Rows to learn from."""
        return self.rows[: self.train_rows]

    @property
    def day(self) -> str:
        """Date of the first row: the loop was set up anew for every day of experiments."""
        return str(np.datetime64(int(self.seconds[0]), "s").astype("datetime64[D]"))

    @cached_property
    def truth(self) -> dict[str, NDArray[np.bool_]]:
        """``anomaly`` and ``changepoint`` of the test rows, ``(m,)`` each: reading them is a look at test labels."""
        labels = pd.read_csv(self.file, sep=self.separator, usecols=lambda name: name in LABELS)[self.train_rows :]
        nothing = np.zeros(len(labels), dtype=bool)
        return {name: labels[name].to_numpy() == 1 if name in labels else nothing for name in LABELS}


def recordings(data: Path) -> list[Recording]:
    """All recordings with an anomaly in ``data/skab``; raises ``InputError`` where there are none."""
    folder = data / "skab" / "data"
    files = [file for each in FOLDERS for file in sorted((folder / each).glob("*.csv"))]
    if not files:
        raise InputError(f"no SKAB recordings in {str(folder)!r}; set DQM_DATA or give --data")
    return [recording(file) for file in files]


def recording(file: Path) -> Recording:
    """One file, without its labels."""
    frame = pd.read_csv(file, sep=";", usecols=lambda name: name not in LABELS)
    return Recording(file, _seconds(frame.pop("datetime")), tuple(frame.columns), frame.to_numpy(float))


def labelled(file: Path) -> Recording:
    """Any table of one record: a first column of times, sensors, ``anomaly`` and perhaps ``changepoint`` of 0 and 1.

    Between the columns stands a comma or, as in SKAB, a semicolon; the first 400 rows are for training. Raises
    ``InputError`` for a table without that column, without rows to test, or with a cell that is no number.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such table")
    with file.open(encoding="utf-8") as text:
        head = text.readline()
    separator = ";" if head.count(";") > head.count(",") else ","
    names = [each.strip().strip('"') for each in head.split(separator)]
    if LABELS[0] not in names:
        raise InputError(f"{file}: no column 'anomaly' (1 = bad, 0 = good) among {', '.join(names[:8])}")
    frame = pd.read_csv(file, sep=separator, usecols=lambda name: name not in LABELS)
    if len(frame) <= TRAINING_ROWS:
        raise InputError(f"{file}: {len(frame)} rows; the first {TRAINING_ROWS} are for training, none is left to test")
    seconds = _seconds(frame.pop(frame.columns[0]))
    numbers = frame.apply(pd.to_numeric, errors="coerce")
    if numbers.isna().any(axis=None) or not len(numbers.columns):
        bad = next((name for name in numbers if numbers[name].isna().any()), "")
        raise InputError(f"{file}: column {bad!r} has cells that are no numbers; fill or leave out such rows first")
    return Recording(file, seconds, tuple(map(str, numbers.columns)), numbers.to_numpy(float), separator)


def _seconds(times: pd.Series[Any]) -> NDArray[np.float64]:
    """Seconds since 1970 of times as text, or the numbers themselves."""
    if pd.api.types.is_numeric_dtype(times):
        return times.to_numpy(float)
    moments = pd.to_datetime(times).to_numpy().astype("datetime64[ns]")
    return np.asarray(moments.astype(np.int64) / 1e9)
