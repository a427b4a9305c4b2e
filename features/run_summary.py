"""What the histograms of one run reduce to: numbers of its lumisections, and what it is to the past of later runs.

As a few arrays it can be kept, so that a new night reduces the new runs alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.model.histograms import Axis

Axes = tuple[Axis, ...]
Sums = tuple[int, Axes, NDArray[np.float64]]
"""A class of conditions, axes, and the counts ``(…)`` of the lumisections of a run that may serve as reference."""


@dataclass(frozen=True, eq=False)
class Cells:
    """One column of one element: ``name``, ``unit``, sorted codes of lumisections and values, both ``(n,)``."""

    name: str
    unit: str
    code: NDArray[np.int64]
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RunSummary:
    """One run: ``cells`` in the order in which they were made; ``sums`` by the name under which a past is kept."""

    cells: list[Cells] = field(default_factory=list)
    sums: dict[str, list[Sums]] = field(default_factory=dict)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The same as arrays: columns of equal lumisections together, all counts in one, and a JSON text."""
        codes, columns, about = dict[bytes, int](), list[list[NDArray[np.float32]]](), []
        arrays: dict[str, NDArray[Any]] = {}
        for each in self.cells:
            key = each.code.tobytes()
            if key not in codes:
                codes[key] = len(codes)
                arrays[f"code{codes[key]}"] = each.code
                columns.append([])
            group = codes[key]
            about.append((each.name, each.unit, group, len(columns[group])))
            columns[group].append(each.values)
        arrays |= {f"values{k}": np.stack(each) for k, each in enumerate(columns)}
        counts, sums, axes = [], [], dict[Axes, int]()
        for name, parts in self.sums.items():
            for kind, own, values in parts:
                sums.append((name, kind, axes.setdefault(own, len(axes)), values.shape))
                counts.append(values.reshape(-1))
        arrays["counts"] = np.concatenate(counts) if counts else np.zeros(0)
        text: dict[str, Any] = {"cells": about, "sums": sums, "names": list(self.sums)}
        text |= {"axes": [[axis.document() for axis in own] for own in axes]}
        arrays["about"] = np.frombuffer(json.dumps(text).encode(), dtype=np.uint8)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> RunSummary:
        """As it was; raises ``KeyError``, ``ValueError`` or ``TypeError`` for other arrays."""
        text = _about(bytes(arrays["about"]))
        groups = sum(each.startswith("code") for each in arrays)
        code = [arrays[f"code{k}"] for k in range(groups)]
        values = [arrays[f"values{k}"] for k in range(groups)]
        cells = [Cells(name, unit, code[k], values[k][j]) for name, unit, k, j in text["cells"]]
        axes = [tuple(_axis(each) for each in own) for own in text["axes"]]
        sums: dict[str, list[Sums]] = {name: [] for name in text["names"]}
        for name, kind, own, counts in _cut(text["sums"], arrays["counts"]):
            sums[name].append((kind, axes[own], counts))
        return cls(cells, sums)


@lru_cache(maxsize=4)
def _about(text: bytes) -> dict[str, Any]:
    """What the arrays are; mostly the same for all runs, and long."""
    found: dict[str, Any] = json.loads(text)
    return found


def _axis(given: dict[str, Any]) -> Axis:
    return Axis(**(given | {name: tuple(given[name]) for name in ("edges", "labels")}))


def _cut(
    parts: list[tuple[str, int, int, list[int]]], counts: NDArray[np.float64]
) -> Iterator[tuple[str, int, int, NDArray[np.float64]]]:
    at = 0
    for name, kind, own, shape in parts:
        size = int(np.prod(shape))
        yield name, kind, own, counts[at : at + size].reshape(shape)
        at += size
