"""Our tables as Arrow tables and back, nothing lost: NaN stays NaN, NaT stays NaT, text stays text.

Each codec is a pair ``…_to_arrow`` and ``…_from_arrow``; ``store_…`` puts a table of many runs into a transaction, run
by run. Keys are the columns ``run`` and ``ls``, int64. What is true of a whole table stands in the schema metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.labels import Labels
from dqm.model.past import Past
from dqm.model.tables import KEY, Column, QuantityTable, lumisection_index, records
from dqm.model.verdicts import Decision, Reason, Verdicts
from dqm.store.change import Change
from dqm.store.partitions import DIFFERING
from dqm.store.reason_json import reasons_from_json, reasons_to_json

COLUMNS = b"lumicert.columns"
"""Metadata entry of quantities: the records of their columns, as JSON."""
MODEL = b"lumicert.model"
"""Metadata entry of scores: the model that gave them."""
PROVENANCE = b"lumicert.provenance"
"""Metadata entry of scores and verdicts: what they were made from, as JSON."""
FLOAT64 = pa.float64()
RESERVED = (*KEY, "status", "start")
"""Columns of a stored quantity table that are not quantities."""


@dataclass(frozen=True, eq=False)
class Scores:
    """What one model said of ``n`` lumisections, as columns ``(n,)``.

    ``badness`` float32 in [0, 1], NaN where nothing valid scored it; ``held`` where a guard keeps it from the machine;
    ``status`` why it could not be scored, else empty; ``weight``; ``subsystem`` the leading one; ``reasons`` the top
    contributions.
    """

    index: pd.MultiIndex
    badness: NDArray[np.float32]
    held: NDArray[np.bool_]
    status: NDArray[np.object_]
    weight: NDArray[np.float64]
    subsystem: NDArray[np.object_]
    reasons: tuple[tuple[Reason, ...], ...]
    model: str

    def __post_init__(self) -> None:
        columns = (self.badness, self.held, self.status, self.weight, self.subsystem, self.reasons)
        lengths = {len(each) for each in columns} | {len(self.index)}
        if len(lengths) > 1:
            raise ValueError(f"columns of {sorted(lengths)} rows in one table of scores")

    def __len__(self) -> int:
        return len(self.index)


def quantities_to_arrow(table: QuantityTable, kind: pa.DataType = FLOAT64) -> pa.Table:
    """Quantities as columns of ``kind`` with ``run``, ``ls``, ``status`` and ``start`` (UTC, ns; NaT is null).

    Raises ``ValueError`` for a quantity that is called like one of these.
    """
    for name in table.names:
        if name in RESERVED:
            raise ValueError(f"a quantity cannot be called {name!r}, as the store calls a column of its own; rename it")
    start = pa.array(table.start.astype("datetime64[ns]"), pa.timestamp("ns", "UTC"))
    values = {name: pa.array(table.values[:, i], kind) for i, name in enumerate(table.names)}
    columns = {**_keys(table.index), "status": _text(table.status), "start": start, **values}
    described = json.dumps(records(table.columns), separators=(",", ":"))
    return pa.table(columns, metadata={COLUMNS: described.encode()})


def quantities_from_arrow(table: pa.Table) -> QuantityTable:
    """Quantities of the columns that were read; raises as every codec where one of its own columns was not."""
    known = [Column(**each) for each in json.loads(_metadata(table, COLUMNS))]
    place = {name: at for at, name in enumerate(table.column_names)}  # asked once: every time it is another list
    present = tuple(each for each in known if each.name in place)
    values = np.empty((table.num_rows, len(present)))
    for i, column in enumerate(present):
        values[:, i] = table.column(place[column.name]).to_numpy()
    start = _column(table, "start").cast(pa.timestamp("ns")).to_numpy()
    return QuantityTable(_index(table), present, values, status=_objects(table, "status"), start=start)


def labels_to_arrow(labels: Labels) -> pa.Table:
    """Labels as ``run``, ``ls``, ``label`` (int8), ``source``, ``comment``."""
    label = pa.array(labels.values, pa.int8())
    columns = {**_keys(labels.index), "label": label, "source": _text(labels.source), "comment": _text(labels.comment)}
    return pa.table(columns)


def labels_from_arrow(table: pa.Table) -> Labels:
    """Labels as they were."""
    return Labels(_index(table), _numbers(table, "label"), _objects(table, "source"), _objects(table, "comment"))


def scores_to_arrow(scores: Scores) -> pa.Table:
    """Scores as columns; the model stands in the metadata, ``reasons`` are JSON as in the verdicts."""
    columns = {
        **_keys(scores.index),
        "badness": pa.array(scores.badness, pa.float32()),
        "held": pa.array(scores.held, pa.bool_()),
        "status": _text(scores.status),
        "weight": pa.array(scores.weight, pa.float64()),
        "subsystem": _text(scores.subsystem),
        "reasons": pa.array([reasons_to_json(each) for each in scores.reasons], pa.string()),
    }
    return pa.table(columns, metadata={MODEL: scores.model.encode()})


def scores_from_arrow(table: pa.Table) -> Scores:
    """Scores of one model; raises ``StoreError`` where runs of different models were read together."""
    return Scores(
        index=_index(table),
        badness=_numbers(table, "badness"),
        held=_numbers(table, "held"),
        status=_objects(table, "status"),
        weight=_numbers(table, "weight"),
        subsystem=_objects(table, "subsystem"),
        reasons=tuple(reasons_from_json(each) for each in _objects(table, "reasons")),
        model=_metadata(table, MODEL).decode(),
    )


def past_to_arrow(past: Past) -> pa.Table:
    """Out-of-fold evidence as columns."""
    columns = {
        **_keys(past.index),
        "badness": pa.array(past.badness, pa.float32()),
        "label": pa.array(past.label, pa.int8()),
        "weight": pa.array(past.weight, pa.float64()),
        "held": pa.array(past.held, pa.bool_()),
    }
    return pa.table(columns)


def past_from_arrow(table: pa.Table) -> Past:
    """Out-of-fold evidence as it was."""
    columns = {name: _numbers(table, name) for name in ("badness", "label", "weight", "held")}
    return Past(_index(table), **columns)


def verdicts_to_arrow(verdicts: Verdicts) -> pa.Table:
    """Verdicts as columns; ``reasons`` are texts, see ``reason_json``."""
    columns = {
        **_keys(verdicts.index),
        "decision": _text(verdicts.decision),
        "badness": pa.array(verdicts.badness, pa.float32()),
        "weight": pa.array(verdicts.weight, pa.float64()),
        "status": _text(verdicts.status),
        "subsystem": _text(verdicts.subsystem),
        "reasons": pa.array([reasons_to_json(each) for each in verdicts.reasons], pa.string()),
    }
    return pa.table(columns)


def verdicts_from_arrow(table: pa.Table) -> Verdicts:
    """Verdicts as they were; raises ``ValueError`` for a decision that this program does not know."""
    decision = np.array([Decision(each) for each in _objects(table, "decision")], dtype=object)
    return Verdicts(
        index=_index(table),
        decision=decision,
        badness=_numbers(table, "badness"),
        weight=_numbers(table, "weight"),
        status=_objects(table, "status"),
        subsystem=_objects(table, "subsystem"),
        reasons=tuple(reasons_from_json(each) for each in _objects(table, "reasons")),
    )


def with_provenance(table: pa.Table, provenance: Mapping[str, str]) -> pa.Table:
    """The table with its provenance in the metadata, so that equal rows made from something else are a new revision."""
    text = json.dumps(dict(provenance), sort_keys=True)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), PROVENANCE: text.encode()})


def store_quantities(change: Change, table: QuantityTable, provenance: Mapping[str, str]) -> None:
    """Put the quantities of every run into the transaction."""
    _put(change, "quantities", quantities_to_arrow(table), provenance)


def store_labels(change: Change, labels: Labels, provenance: Mapping[str, str]) -> None:
    """Put the labels of every run into the transaction."""
    _put(change, "labels", labels_to_arrow(labels), provenance)


def store_past(change: Change, past: Past, provenance: Mapping[str, str]) -> None:
    """Put the out-of-fold evidence of every run into the transaction."""
    _put(change, "past", with_provenance(past_to_arrow(past), provenance), provenance)


def store_verdicts(change: Change, verdicts: Verdicts, provenance: Mapping[str, str]) -> None:
    """Put the verdicts of every run into the transaction."""
    _put(change, "verdicts", with_provenance(verdicts_to_arrow(verdicts), provenance), provenance)


def _put(change: Change, kind: str, table: pa.Table, provenance: Mapping[str, str]) -> None:
    for run, rows in split_by_run(table):
        change.put(kind, run, rows, provenance)


def split_by_run(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """The rows of every run, ascending by run and lumisection: the order of the input is no content."""
    ordered = table.sort_by([(name, "ascending") for name in KEY])
    run = ordered["run"].to_numpy()
    edges = np.flatnonzero(np.diff(run)) + 1
    for first, last in zip([0, *edges], [*edges, len(run)], strict=True):
        if last > first:
            yield int(run[first]), ordered.slice(first, last - first)


def _keys(index: pd.Index) -> dict[str, pa.Array]:
    return {name: pa.array(np.asarray(index.get_level_values(name)), pa.int64()) for name in KEY}


def _text(values: NDArray[np.object_]) -> pa.Array:
    return pa.array([str(each) for each in values], pa.string())


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise UnknownNameError("column", name, table.column_names)
    return table[name]


def _numbers(table: pa.Table, name: str) -> NDArray[Any]:
    return np.array(_column(table, name).to_numpy())


def _objects(table: pa.Table, name: str) -> NDArray[np.object_]:
    found: NDArray[np.object_] = _column(table, name).to_numpy().astype(object)
    return found


def _index(table: pa.Table) -> pd.MultiIndex:
    return lumisection_index(*(_numbers(table, name) for name in KEY))


def _metadata(table: pa.Table, key: bytes) -> bytes:
    """A metadata entry; raises ``StoreError`` where it is missing, naming two runs that differ in it if that is why."""
    entries = table.schema.metadata or {}
    if key in entries:
        return bytes(entries[key])
    runs = json.loads(entries.get(DIFFERING, b"{}")).get(key.decode())
    why = (
        f"run {runs[0]} and run {runs[1]} differ in it; read them apart" if runs else "this is a table of another kind"
    )
    raise StoreError(f"the table has no entry {key.decode()!r}: {why}")
