"""What ROOT says that the fixtures hold, and a small writer of damaged copies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "dqmio"
PLAIN = [f"plain_{each}" for each in ("none", "zlib", "lzma", "lz4", "zstd")]
ALL = [*PLAIN, "changing", "nasty"]


@dataclass(frozen=True)
class Entry:
    """One entry: what ROOT's accessors return for it."""

    record: dict[str, Any]
    counts: np.ndarray
    squares: np.ndarray
    sums: np.ndarray

    @property
    def key(self) -> tuple[str, int, int]:
        return self.record["element"], self.record["run"], self.record["ls"]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis["bins"] + 2 for axis in reversed(self.record["axes"]))


def truth(name: str) -> tuple[list[Entry], list[dict[str, Any]]]:
    """The histograms and the scalars of a fixture, in the order in which they were written."""
    with np.load(FIXTURES / f"{name}.npz") as saved:
        cells = {part: saved[part] for part in ("counts", "squares", "sums")}
        records = json.loads(str(saved["records"]))
    at = dict.fromkeys(cells, 0)
    entries = []

    def next_cells(part: str, count: int) -> np.ndarray:
        at[part] += count
        return cells[part][at[part] - count : at[part]]

    for record in records:
        if "axes" in record:
            n = record["cells"]
            sums = next_cells("sums", n if record["profile"] else 0)
            entries.append(Entry(record, next_cells("counts", n), next_cells("squares", record["squares"]), sums))
    return entries, [each for each in records if "value" in each]
