"""SKAB's recordings: 34 experiments with a water loop, the first 400 rows of each for training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

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
        labels = pd.read_csv(self.file, sep=";", usecols=list(LABELS))[self.train_rows :]
        return {name: labels[name].to_numpy() == 1 for name in LABELS}


def recordings(data: Path) -> list[Recording]:
    """All recordings with an anomaly in ``data/skab``; raises ``InputError`` where there are none."""
    folder = data / "skab" / "data"
    files = [file for each in FOLDERS for file in sorted((folder / each).glob("*.csv"))]
    if not files:
        raise InputError(f"no SKAB recordings in {str(folder)!r}; set DQM_DATA or give --data")
    return [recording(file) for file in files]


def recording(file: Path) -> Recording:
    """One file, without its labels."""
    frame = pd.read_csv(file, sep=";", usecols=lambda name: name not in LABELS, parse_dates=["datetime"])
    seconds = frame.pop("datetime").to_numpy().astype("datetime64[ns]").astype(np.int64) / 1e9
    return Recording(file, seconds, tuple(frame.columns), frame.to_numpy(float))
