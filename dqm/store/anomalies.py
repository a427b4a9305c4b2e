"""Anomalies of loops in the store: a partition of the kind ``anomalies`` is called by the UTC day in which they began.

A day that was scanned and had none is a partition without rows, so that it is not taken for one that nobody looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from dqm.model.errors import StoreError
from dqm.model.sensors import AnomalyInterval
from dqm.store.change import Change
from dqm.store.sensors import DAY, day_number
from dqm.store.store import Store

KIND = "anomalies"
SCANNED = b"lumicert.scanned"
"""Metadata entry: from when to when it was scanned, what its past promises, and what could not be judged, as JSON."""
SCHEMA = pa.schema(
    [
        ("loop", pa.string()), ("begin", pa.int64()), ("end", pa.int64()), ("severity", pa.float64()),
        ("kind", pa.string()), ("drivers", pa.string()), ("reason", pa.string()), ("suppressed", pa.string()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class ScannedDay:
    """Anomalies that began on a UTC day, within ``[begin, end)`` that was scanned (ns of UTC), and the ``promise``;
    ``notes`` say what could not be judged, so that its silence is not taken for good."""

    day: int
    begin: int
    end: int
    promise: str
    intervals: tuple[AnomalyInterval, ...]
    notes: tuple[str, ...] = ()


def store_anomalies(
    change: Change,
    intervals: Sequence[AnomalyInterval],
    span: tuple[int, int],
    promise: str,
    provenance: Mapping[str, str],
    notes: Sequence[str] = (),
    earlier: Sequence[ScannedDay] = (),
) -> list[int]:
    """Put what a scan of ``span`` found, and its ``notes``, into the transaction, day by day; the days are returned.

    A scan replaces what an ``earlier`` one said of the same time, and of the day nothing else: anomalies that began
    before or after its span stay, and hours between the two that nobody looked at are noted.
    """
    days, before = [], {each.day: each for each in earlier}
    for begin in range(span[0] // DAY * DAY, span[1], DAY):
        mine = [each for each in intervals if begin <= each.begin < begin + DAY]
        first, last, told = max(begin, span[0]), min(begin + DAY, span[1]), list(notes)
        if (other := before.get(day_number(begin))) is not None:
            mine = [*mine, *(each for each in other.intervals if not first <= each.begin < last)]
            told = list(dict.fromkeys([*told, *other.notes, *_between((first, last), (other.begin, other.end))]))
            first, last = min(first, other.begin), max(last, other.end)
        mine.sort(key=lambda each: (each.begin, each.loop))
        scanned: dict[str, Any] = {"begin": first, "end": last, "promise": promise, "notes": told}
        table = pa.Table.from_pylist([_row(each) for each in mine], schema=SCHEMA)
        change.put(
            KIND, day_number(begin), table.replace_schema_metadata({SCANNED: json.dumps(scanned).encode()}), provenance
        )
        days.append(day_number(begin))
    return days


def _between(one: tuple[int, int], other: tuple[int, int]) -> list[str]:
    """The note on hours that lie between two scans of a day, none where they touch."""
    begin, end = min(one[1], other[1]), max(one[0], other[0])
    if end <= begin:
        return []
    hours = (np.datetime_as_string(np.datetime64(each, "ns"), unit="m") for each in (begin, end))
    return ["nobody looked from {}Z to {}Z".format(*hours)]


def scanned_days(store: Store, snapshot: int | None = None) -> list[ScannedDay]:
    """All scanned days, the latest last; raises ``StoreError`` for a partition that no scan wrote."""
    return [_day(day, store.read(KIND, [day], snapshot=snapshot)) for day in store.runs(KIND, snapshot)]


def _row(interval: AnomalyInterval) -> dict[str, Any]:
    row = {each.name: getattr(interval, each.name) for each in fields(interval)}
    return row | {"drivers": json.dumps(interval.drivers)}


def _day(day: int, table: pa.Table) -> ScannedDay:
    metadata = table.schema.metadata or {}
    if SCANNED not in metadata or table.column_names != SCHEMA.names:
        raise StoreError(f"the columns {table.column_names} of {day} are no anomalies; scan again: dqm sensors scan")
    said = json.loads(metadata[SCANNED])
    rows = [AnomalyInterval(**{**row, "drivers": tuple(json.loads(row["drivers"]))}) for row in table.to_pylist()]
    return ScannedDay(day, said["begin"], said["end"], said["promise"], tuple(rows), tuple(said.get("notes", ())))
