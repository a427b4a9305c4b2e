"""What people have said about lumisections: GOOD, BAD or UNKNOWN, with the source and its precedence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Label(IntEnum):
    """The truth of one lumisection as somebody gave it."""

    UNKNOWN = -1
    GOOD = 0
    BAD = 1


SOURCES = ("golden", "dcs", "oms", "qadb", "run-registry", "simulation", "shifter", "expert", "leader")
"""Sources of labels from the weakest to the strongest; a stronger one overrules a weaker one."""


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of ``n`` lumisections: ``values`` int8 ``(n,)`` of ``Label``, ``source`` ``(n,)`` where each came from,
    ``comment`` ``(n,)`` what the person wrote."""

    index: pd.MultiIndex
    values: NDArray[np.int8]
    source: NDArray[np.object_]
    comment: NDArray[np.object_]

    @classmethod
    def of(cls, index: pd.MultiIndex, values: Any, source: str, comment: Any = None) -> Labels:
        """Labels of one source."""
        n = len(index)
        text = np.full(n, "", dtype=object) if comment is None else np.asarray(comment, dtype=object)
        return cls(index, np.asarray(values, dtype=np.int8), np.full(n, source, dtype=object), text)

    def __post_init__(self) -> None:
        if not len(self.index) == len(self.values) == len(self.source) == len(self.comment):
            raise ValueError(f"{len(self.values)} labels for {len(self.index)} lumisections")
        if not self.index.is_unique:
            twice = tuple(self.index[self.index.duplicated()][0])
            raise ValueError(f"lumisection {twice} is labelled twice by one source")

    def __len__(self) -> int:
        return len(self.index)

    @property
    def run(self) -> NDArray[np.int64]:
        """Run of every label, shape ``(n,)``."""
        return np.asarray(self.index.get_level_values("run"), dtype=np.int64)

    def take(self, rows: Any) -> Labels:
        """The given rows, by boolean mask ``(n,)`` or positions."""
        return replace(
            self, index=self.index[rows], values=self.values[rows], source=self.source[rows], comment=self.comment[rows]
        )

    def aligned(self, index: pd.Index) -> NDArray[np.int8]:
        """The label of every key of ``index``, shape ``(len(index),)``; UNKNOWN where nobody said anything."""
        if not len(self):
            return np.full(len(index), Label.UNKNOWN, dtype=np.int8)
        at = self.index.get_indexer(index)
        return np.where(at >= 0, self.values[at], np.int8(Label.UNKNOWN))


def merged(parts: Sequence[Labels]) -> Labels:
    """One label per lumisection: the strongest source wins; equal sources that disagree leave it UNKNOWN.

    UNKNOWN from a stronger source overrules too: a person who withdrew a judgement withdrew it.
    """
    table = pd.DataFrame(
        {
            "run": np.concatenate([p.run for p in parts]),
            "ls": np.concatenate([np.asarray(p.index.get_level_values("ls")) for p in parts]),
            "value": np.concatenate([p.values for p in parts]),
            "source": np.concatenate([p.source for p in parts]),
            "comment": np.concatenate([p.comment for p in parts]),
        }
    )
    table["rank"] = table["source"].map({name: i for i, name in enumerate(SOURCES)}).fillna(-1)
    key = ["run", "ls"]
    table = table[table["rank"] == table.groupby(key)["rank"].transform("max")]
    disputed = (table.groupby(key)["value"].transform("nunique") > 1).to_numpy()
    table["value"] = np.where(disputed, int(Label.UNKNOWN), table["value"])
    table["comment"] = np.where(disputed, "sources of equal rank disagree", table["comment"])
    table = table.drop_duplicates(key).sort_values(key)
    index = pd.MultiIndex.from_frame(table[key])
    source, comment = table["source"].to_numpy(dtype=object), table["comment"].to_numpy(dtype=object)
    return Labels(index, table["value"].to_numpy(dtype=np.int8), source, comment)
