"""NAB's streams and their windows; the windowed Gaussian, by which the scorer is held to a published figure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.errors import InputError
from pipelines.benchmarks.nab_scorer import probation

DIGITS = 12
"""Published scores were written with so many digits, and a threshold of 1 hangs on them."""


@dataclass(frozen=True, eq=False)
class Stream:
    """One file: ``name`` as NAB's labels call it, ``seconds`` and ``values`` ``(n,)``; windows are asked for apart."""

    name: str
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]
    labels: Path

    @property
    def settle(self) -> int:
        """Records in the probationary period."""
        return probation(len(self.values))

    @cached_property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """First and last record of every window: reading them is a look at the labels."""
        limits = json.loads(self.labels.read_text(encoding="utf-8"))[self.name]
        return tuple((self._record(first), self._record(last)) for first, last in limits)

    def _record(self, time: str) -> int:
        moment = pd.Timestamp(time).value / 1e9
        at = int(np.searchsorted(self.seconds, moment))
        if at >= len(self.seconds) or self.seconds[at] != moment:
            raise InputError(f"{self.labels}: {self.name} has no record at {time}; the labels are of other data")
        return at


def streams(data: Path) -> list[Stream]:
    """Every stream of ``data/nab`` that has an entry in its labels; raises ``InputError`` where there is none."""
    folder = data / "nab"
    labels = folder / "labels" / "combined_windows.json"
    names = json.loads(labels.read_text(encoding="utf-8")) if labels.is_file() else {}
    found = [_stream(folder / "data" / name, name, labels) for name in names if (folder / "data" / name).is_file()]
    if not found:
        raise InputError(f"no NAB streams in {str(folder)!r}; set DQM_DATA or give --data")
    return found


def windowed_gaussian(values: NDArray[np.float64], size: int = 6400, every: int = 100) -> NDArray[np.float64]:
    """1 − Q(|x − m| / s) by mean and deviation of the last ``size`` values, moved on every ``every`` records, ``(n,)``.

    NAB's baseline of that name; a window that is not full yet moves on with every record.
    """
    found = np.zeros(len(values))
    for i in range(1, len(values)):
        first = 0 if i <= size else (i - size) // every * every
        window = values[first : min(i, first + size)]
        away = abs(values[i] - window.mean()) / (window.std() or 1e-6)
        found[i] = 1 - 0.5 * math.erfc(away / math.sqrt(2))
    return np.round(found, DIGITS)


def _stream(file: Path, name: str, labels: Path) -> Stream:
    frame = pd.read_csv(file, parse_dates=["timestamp"])
    seconds = frame["timestamp"].to_numpy().astype("datetime64[ns]").astype(np.int64) / 1e9
    return Stream(name, seconds, frame["value"].to_numpy(float), labels)
