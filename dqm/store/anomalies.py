"""Anomalies of loops in the store: a partition of the kind ``anomalies`` is called by the UTC day in which they began.

A day that was scanned and had none is a partition without rows, so that it is not taken for one that nobody looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from dqm.model.errors import StoreError
from dqm.model.sensors import AnomalyInterval
from dqm.store.change import Change
from dqm.store.store import Store

KIND = "anomalies"
SCANNED = b"lumicert.scanned"
"""Metadata entry: from when to when it was scanned, what its past promises, what could not be judged, and the digest of
the readings, as JSON."""
YOUNGER = ("cause", "loops")
"""Columns that older partitions lack; they are empty or 0 then."""
SCHEMA = pa.schema(
    [
        ("loop", pa.string()), ("begin", pa.int64()), ("end", pa.int64()), ("severity", pa.float64()),
        ("kind", pa.string()), ("drivers", pa.string()), ("reason", pa.string()), ("suppressed", pa.string()),
        ("cause", pa.string()), ("loops", pa.int64()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class ScannedDay:
    """Anomalies that began on a UTC day, within ``[begin, end)`` that was scanned (ns of UTC), and the ``promise``;
    ``notes`` say what could not be judged, so that its silence is not taken for good; ``readings`` is the digest of the
    readings of that day that were scanned, empty where it is not known."""

    day: int
    begin: int
    end: int
    promise: str
    intervals: tuple[AnomalyInterval, ...]
    notes: tuple[str, ...] = ()
    readings: str = ""


def store_anomalies(change: Change, days: Sequence[ScannedDay], provenance: Mapping[str, str]) -> list[int]:
    """Put scanned days into the transaction; their numbers are returned."""
    for each in days:
        scanned: dict[str, Any] = {"begin": each.begin, "end": each.end, "promise": each.promise}
        scanned |= {"notes": list(each.notes), "readings": each.readings}
        table = pa.Table.from_pylist([_row(one) for one in each.intervals], schema=SCHEMA)
        change.put(KIND, each.day, table.replace_schema_metadata({SCANNED: json.dumps(scanned).encode()}), provenance)
    return [each.day for each in days]


def scanned_days(store: Store, snapshot: int | None = None) -> list[ScannedDay]:
    """All scanned days, the latest last; raises ``StoreError`` for a partition that no scan wrote."""
    return [_day(day, store.read(KIND, [day], snapshot=snapshot)) for day in store.runs(KIND, snapshot)]


def _row(interval: AnomalyInterval) -> dict[str, Any]:
    row = {each.name: getattr(interval, each.name) for each in fields(interval)}
    return row | {"drivers": json.dumps(interval.drivers)}


def _day(day: int, table: pa.Table) -> ScannedDay:
    metadata = table.schema.metadata or {}
    older = [name for name in SCHEMA.names if name not in YOUNGER]
    if SCANNED not in metadata or table.column_names not in (SCHEMA.names, older):
        raise StoreError(f"the columns {table.column_names} of {day} are no anomalies; scan again: dqm sensors scan")
    said = json.loads(metadata[SCANNED])
    rows = [AnomalyInterval(**{**row, "drivers": tuple(json.loads(row["drivers"]))}) for row in table.to_pylist()]
    return ScannedDay(
        day,
        said["begin"],
        said["end"],
        said["promise"],
        tuple(rows),
        tuple(said.get("notes", ())),
        said.get("readings", ""),
    )
