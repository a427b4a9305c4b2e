"""Which columns belong together: those of one monitor element, and those that are the bins of one histogram.

A column is named ``<element>:<measure>`` (``PixelPhase1/charge:p50``) or ``<family>.<view>`` (``counts.near``). Bins of
histograms are the measures ``bin7``, along x, and ``bin7,12``, along x and y, counted from 0; ``features.shapes``
writes them. The last readings of a sensor, ``lag0`` the newest (``features.lags``), are a line as well. That is all
that is known of an element here: names alone, so that a table needs no side tables.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqm.model.tables import Column

_BIN = re.compile(r"(.+):(?:bin|lag)(\d+)(?:,(\d+))?")


@dataclass(frozen=True)
class Histogram:
    """Columns that are the bins of one element: ``at`` their positions, x running fastest, ``shape`` (x,) or (y, x)."""

    element: str
    at: tuple[int, ...]
    shape: tuple[int, ...]


def element_of(column: Column) -> str:
    """What stands before the last ``:`` of the name, else before the last ``.``, else the whole name.

    >>> [element_of(Column(name)) for name in ("Pixel/charge:p12.5", "counts.near", "rate_3")]
    ['Pixel/charge', 'counts', 'rate_3']
    """
    for separator in (":", "."):
        element, found, _ = column.name.rpartition(separator)
        if found and element:
            return element
    return column.name


def group_numbers(columns: Sequence[Column]) -> NDArray[np.int64]:
    """Number of the element of every column, ``(k,)``, from 0 in the order in which the elements appear."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(element_of(each), len(numbers)) for each in columns], dtype=np.int64)


def histograms(columns: Sequence[Column]) -> tuple[Histogram, ...]:
    """The histograms among the columns, in the order of their first bins; positions are among ``columns``.

    An element of which a bin is missing or that mixes one and two dimensions is no histogram: its columns stand alone.
    """
    bins: dict[str, dict[tuple[int, ...], int]] = {}
    for position, column in enumerate(columns):
        match = _BIN.fullmatch(column.name)
        if match:
            place = (int(match[2]),) if match[3] is None else (int(match[3]), int(match[2]))
            bins.setdefault(match[1], {})[place] = position
    found = []
    for element, places in bins.items():
        if len({len(place) for place in places}) == 1:
            shape = tuple(int(most) + 1 for most in np.max(list(places), axis=0))
            if int(np.prod(shape)) == len(places):
                found.append(Histogram(element, tuple(places[each] for each in sorted(places)), shape))
    return tuple(found)
