"""Histograms in the store: Parquet by run, one row per (monitor element, lumisection), one row group per element.

A table has the columns ``element``, ``binning``, ``run``, ``ls``, ``entries`` and the cells: ``whole`` int32 where all
of them are whole numbers, ``real`` float64 elsewhere, ``squares`` and ``sums`` float64 where the histogram has them,
each an empty list where it has not. The axes of every binning stand in the metadata, so that a file explains itself.
Whole numbers are split into their bytes and compressed with zstd: of a dozen layouts measured the smallest and the
fastest to read.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dqm.model.errors import UnknownNameError
from dqm.model.histograms import Axis, HistogramBatch
from dqm.store.change import Change
from dqm.store.partitions import GROUPS, Partition, explained, opened
from dqm.store.store import Store

CATALOG = b"lumicert.histograms"
"""Metadata entry: the axes by binning, and element, binning and rows of every row group, as JSON."""
KEYS = ("run", "ls", "entries")
CELLS = ("whole", "real", "squares", "sums")
LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Group:
    """One row group: ``rows`` histograms of one element in one binning, and the columns that hold their cells."""

    element: str
    binning: str
    rows: int
    cells: tuple[str, ...]
    flow: bool


@dataclass(frozen=True)
class Catalog:
    """What one partition holds: its row groups in their order, and the axes of every binning."""

    groups: tuple[Group, ...]
    axes: Mapping[str, tuple[Axis, ...]]

    def to_bytes(self) -> bytes:
        """As JSON; ``from_bytes`` reads it."""
        axes = {name: [axis.document() for axis in each] for name, each in self.axes.items()}
        groups = [[each.element, each.binning, each.rows, each.cells, each.flow] for each in self.groups]
        return json.dumps({"axes": axes, "groups": groups}, separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Catalog:
        """The catalog again."""
        tree = json.loads(data)
        axes = {name: tuple(_axis(axis) for axis in each) for name, each in tree["axes"].items()}
        groups = (
            Group(element, binning, rows, tuple(cells), flow) for element, binning, rows, cells, flow in tree["groups"]
        )
        return cls(tuple(groups), axes)


def _axis(fields: dict[str, Any]) -> Axis:
    return Axis(**fields | {"edges": tuple(fields["edges"]), "labels": tuple(fields["labels"])})


def histograms_to_arrow(batches: Iterable[HistogramBatch]) -> pa.Table:
    """Batches of one run as one table, by element, binning and lumisection.

    Raises ``ValueError`` for batches of several runs, and where an element has two histograms of one lumisection.
    """
    ordered = sorted(_joined(batches), key=lambda each: (each.element, each.binning))
    found = sorted({int(run) for each in ordered for run in np.unique(each.run)})
    if len(found) > 1:
        raise ValueError(f"histograms of the runs {found[:3]} in one partition; split them by run first")
    _refuse_twice(ordered)
    made = [_Rows.of(each) for each in ordered]
    catalog = Catalog(tuple(each.group for each in made), {each.binning: each.axes for each in ordered})
    metadata = {CATALOG: catalog.to_bytes(), GROUPS: json.dumps([len(each) for each in ordered]).encode()}
    table = pa.concat_tables([*_tables(made)] or [SCHEMA.empty_table()])
    return table.replace_schema_metadata(metadata)


def histograms_from_arrow(table: pa.Table, catalog: Catalog, groups: Sequence[Group]) -> Iterator[HistogramBatch]:
    """The batches of the given row groups, which are the rows of ``table``."""
    begin = 0
    for group in groups:
        yield _batch(table.slice(begin, group.rows), group, catalog.axes[group.binning])
        begin += group.rows


def store_histograms(change: Change, batches: Iterable[HistogramBatch], provenance: Mapping[str, str]) -> None:
    """Put histograms of any runs into the transaction, run by run; one is written while the next becomes a table."""
    by_run: dict[int, list[HistogramBatch]] = {}
    for each in batches:
        for run in np.unique(each.run).tolist():
            rows = each.run == run
            by_run.setdefault(run, []).append(each if rows.all() else each.take(rows))
    with ThreadPoolExecutor(1) as writer:
        before: Future[None] | None = None
        for run, parts in sorted(by_run.items()):
            table = histograms_to_arrow(parts)
            if before is not None:
                before.result()  # memory holds two runs at most, and what could not be written is told
            before = writer.submit(change.put, "histograms", run, table, provenance)
        if before is not None:
            before.result()


def read_histograms(
    store: Store,
    elements: str | Sequence[str] = "*",
    runs: Iterable[int] | None = None,
    snapshot: int | None = None,
) -> Iterator[HistogramBatch]:
    """Batches of the elements that a pattern such as ``Pixel*/charge_*`` or a list of names asks for, run by run.

    Only their row groups are read. One batch is one element in one binning of one run. Raises ``UnknownNameError`` for
    a run that is not there, ``StoreError`` where a file is missing or damaged.
    """
    yield from read_partitions(store.path, _partitions(store, runs, snapshot), elements)


def read_partitions(
    folder: Path, partitions: Iterable[Partition], elements: str | Sequence[str] = "*"
) -> Iterator[HistogramBatch]:
    """The same from the files of a store in ``folder``, for who has no connection to its database."""
    for partition in partitions:
        with opened(folder, partition) as file:
            catalog = _catalog(file)
            wanted = [i for i, group in enumerate(catalog.groups) if _asked(group.element, elements)]
            if not wanted:
                continue
            groups = [catalog.groups[i] for i in wanted]
            columns = [*KEYS, *{name: None for group in groups for name in group.cells}]
            table = explained(
                folder, partition, partial(file.read_row_groups, wanted, columns=columns, use_threads=True)
            )
        yield from histograms_from_arrow(table, catalog, groups)


def catalogs(store: Store, runs: Iterable[int] | None = None, snapshot: int | None = None) -> dict[int, Catalog]:
    """What the store holds of every run, from the ends of the files alone."""
    found = {}
    for partition in _partitions(store, runs, snapshot):
        with opened(store.path, partition) as file:
            found[partition.run] = _catalog(file)
    return found


def _partitions(store: Store, runs: Iterable[int] | None, snapshot: int | None) -> list[Partition]:
    held = {each.run: each for each in store.partitions("histograms", snapshot)}
    wanted = sorted(held if runs is None else set(runs))
    for run in wanted:
        if run not in held:
            raise UnknownNameError("run of histograms", str(run), map(str, held))
    return [held[run] for run in wanted]


def _asked(element: str, elements: str | Sequence[str]) -> bool:
    return fnmatch.fnmatchcase(element, elements) if isinstance(elements, str) else element in elements


def _catalog(file: pq.ParquetFile) -> Catalog:
    return Catalog.from_bytes(file.schema_arrow.metadata[CATALOG])


def _joined(batches: Iterable[HistogramBatch]) -> list[HistogramBatch]:
    """One batch for every element and binning, rows by lumisection."""
    alike: dict[tuple[str, str], list[HistogramBatch]] = {}
    for each in batches:
        if len(each):
            alike.setdefault((each.element, each.binning), []).append(each)
    return [HistogramBatch.joined(each).sorted() for each in alike.values()]


def _refuse_twice(batches: Sequence[HistogramBatch]) -> None:
    seen: dict[str, list[NDArray[np.int64]]] = {}
    for each in batches:
        seen.setdefault(each.element, []).append(each.ls)
    for element, parts in seen.items():
        ls = np.sort(np.concatenate(parts))
        twice = ls[1:][ls[1:] == ls[:-1]]
        if len(twice):
            count = int((ls == twice[0]).sum())
            raise ValueError(f"{element} has {count} histograms of LS {twice[0]}; resolve them before")


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", kind, nullable=False))


SCHEMA = pa.schema(
    [
        pa.field("element", pa.string(), nullable=False),
        pa.field("binning", pa.string(), nullable=False),
        pa.field("run", pa.int64(), nullable=False),
        pa.field("ls", pa.int64(), nullable=False),
        pa.field("entries", pa.float64(), nullable=False),
        pa.field("whole", _list(pa.int32()), nullable=False),
        *(pa.field(name, _list(pa.float64()), nullable=False) for name in ("real", "squares", "sums")),
    ]
)


@dataclass(frozen=True)
class _Rows:
    """One batch as a row group: its keys, and its cells ``(n, width)`` by the column that holds them."""

    group: Group
    batch: HistogramBatch
    cells: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, batch: HistogramBatch) -> _Rows:
        n, flow = len(batch), batch.has_flow
        counts = batch.counts.reshape(n, -1) if flow else np.nan_to_num(batch.counts, nan=0.0).reshape(n, -1)
        if not flow and np.isnan(batch.inner).any():
            flow, counts = True, batch.counts.reshape(n, -1)  # a NaN inside stays one, and so do those of the flow
        whole = _whole(counts)
        given = {"whole": whole, "real": counts if whole is None else None}
        given |= {"squares": batch.squares, "sums": batch.sums}
        cells = {name: each.reshape(n, -1) for name, each in given.items() if each is not None}
        return cls(Group(batch.element, batch.binning, n, tuple(cells), flow), batch, cells)


def _tables(rows: Sequence[_Rows]) -> Iterator[pa.Table]:
    """Batches column by column, in tables of so many cells that their lists can be counted."""
    part: list[_Rows] = []
    size = 0
    for each in rows:
        cells = sum(values.size for values in each.cells.values())
        if part and size + cells > LARGEST:
            yield _table(part)
            part, size = [], 0
        part.append(each)
        size += cells
    if part:
        yield _table(part)


def _table(rows: Sequence[_Rows]) -> pa.Table:
    lengths = [each.group.rows for each in rows]
    which = np.repeat(np.arange(len(rows), dtype=np.int32), lengths)
    texts = [
        pa.array([getattr(each.group, name) for each in rows]).take(pa.array(which)) for name in ("element", "binning")
    ]
    keys = [np.concatenate([getattr(each.batch, name) for each in rows]) for name in KEYS]
    columns = [
        *texts,
        *(pa.array(values, SCHEMA.field(name).type) for name, values in zip(KEYS, keys, strict=True)),
        *(_lists(rows, name, lengths) for name in CELLS),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _lists(rows: Sequence[_Rows], name: str, lengths: Sequence[int]) -> pa.ListArray:
    """A column of cells, an empty list where a batch has none; a single batch of the right type is not copied."""
    kind = SCHEMA.field(name).type
    given = [each.cells[name].reshape(-1) for each in rows if name in each.cells]
    widths = [each.cells[name].shape[1] if name in each.cells else 0 for each in rows]
    ends = np.cumsum(np.repeat(widths, lengths), dtype=np.int64)
    offsets = pa.array(np.concatenate([[0], ends]).astype(np.int32))
    flat = np.concatenate(given) if len(given) > 1 else given[0] if given else np.zeros(0)
    values = pa.array(np.ascontiguousarray(flat, dtype=kind.value_type.to_pandas_dtype()))
    return pa.ListArray.from_arrays(offsets, values, type=kind)


def _whole(counts: NDArray[Any]) -> NDArray[np.int32] | None:
    """The counts as int32 where nothing is lost by it, else None."""
    if counts.dtype == np.int32:
        return counts
    if counts.dtype.kind == "f":
        if not np.isfinite(counts).all() or np.abs(counts).max(initial=0) > LARGEST:
            return None
        whole = counts.astype(np.int32)
        same = np.array_equal(whole, counts) and not (np.signbit(counts) & (counts == 0)).any()
        return whole if same else None
    if counts.size and (counts.min() < -LARGEST or counts.max() > LARGEST):
        return None
    return counts.astype(np.int32)


def _batch(rows: pa.Table, group: Group, axes: tuple[Axis, ...]) -> HistogramBatch:
    n = rows.num_rows
    shape = (n, *(axis.bins + 2 for axis in reversed(axes)))
    cells = {name: _values(rows[name], shape) for name in group.cells}
    batch = HistogramBatch(
        group.element,
        axes,
        rows["run"].to_numpy(),
        rows["ls"].to_numpy(),
        cells["whole"] if "whole" in cells else cells["real"],
        rows["entries"].to_numpy(),
        squares=cells.get("squares"),
        sums=cells.get("sums"),
    )
    return batch if group.flow else batch.without_flow()


def _values(column: pa.ChunkedArray, shape: tuple[int, ...]) -> NDArray[Any]:
    """The cells of a column in their shape; no copy of a single chunk."""
    parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)).reshape(shape)
