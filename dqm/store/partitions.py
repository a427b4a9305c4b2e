"""The bulk side of the store: one immutable Parquet file per kind, run and content.

A file is named by the SHA-256 of what it *holds*, not of its bytes: schema metadata, then column by column the name,
the type, which values are null, and the values. So the same data written by another version of Parquet, with another
compression or cut into other chunks is still the same data, and whoever ingests it again changes nothing.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dqm.model.errors import StoreError, UnknownNameError

STAGING = ".staging"
"""Folder of the files that are being written; what lies here is seen by nobody."""
DIFFERING = b"lumicert.differing"
"""Metadata entry of a table read from many runs: which entries were left out, and two runs that differ in each."""
GROUPS = b"lumicert.groups"
"""Metadata entry of a table whose rows are to be read in parts: how many rows each part has."""
ENCODINGS = b"lumicert.encodings"
"""Metadata entry of a table whose columns are to be encoded in their own way: the encoding of Parquet by column."""
SMALL, MOST_KNOWN, MOST_BYTES = 1 << 20, 16_384, 256 << 20
"""Bytes of a table up to which something of it is remembered; tables whose digests are, bytes of tables that are."""
_KNOWN: dict[bytes, str] = {}
Bytes = bytes | memoryview | NDArray[Any]
"""Something of which the bytes are taken."""


@dataclass(frozen=True)
class Partition:
    """One file: what it holds, of which run, how many rows, and the digests of what it was made from."""

    kind: str
    run: int
    digest: str
    rows: int
    provenance: Mapping[str, str]

    @property
    def path(self) -> Path:
        """Where it lies, relative to the store."""
        return Path(self.kind, f"run={self.run:09d}", f"{self.digest[:16]}.parquet")


def content_digest(table: pa.Table) -> str:
    """SHA-256 over the content of a table, 64 hex digits; raises ``TypeError`` for a column type it cannot keep.

    A small table that comes again byte for byte is known by its bytes, thirty times faster: a process that goes round
    puts the same runs again and again.
    """
    if table.nbytes > SMALL:
        return _content_digest(table)
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    key = hashlib.sha256(stream.getvalue()).digest()
    if key not in _KNOWN:
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[key] = _content_digest(table)
    return _KNOWN[key]


def _content_digest(table: pa.Table) -> str:
    digest = hashlib.sha256()
    for key, value in sorted((table.schema.metadata or {}).items()):
        _feed(digest, key, value)
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            _feed(digest, name.encode(), b"")
            for part in _parts(column):
                _feed_joined(digest, part)
        except TypeError as error:
            raise TypeError(f"column {name!r}: {error}") from None
    return digest.hexdigest()


def _feed(digest: Any, *parts: bytes) -> None:
    """Add byte strings so that no two lists of them look alike: each is preceded by its length."""
    for part in parts:
        _feed_joined(digest, [part])


def _feed_joined(digest: Any, pieces: Sequence[Bytes]) -> None:
    """Add one byte string that is given in pieces, without joining them."""
    sizes = [piece.nbytes if isinstance(piece, np.ndarray) else len(piece) for piece in pieces]
    digest.update(sum(sizes).to_bytes(8, "little"))
    for piece in pieces:
        digest.update(piece)


def _parts(column: pa.ChunkedArray) -> Iterator[Sequence[Bytes]]:
    """Type, validity and values of a column, whatever its chunks, buffers and what lies under its nulls."""
    kind = column.type
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _lists(column)
        return
    yield [str(kind).encode()]
    yield [np.packbits(column.is_valid().to_numpy())]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield from _text(column)
        return
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.int64())
    elif not (pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise TypeError(f"the store keeps numbers, flags, times, text and lists of them, not {kind}")
    nothing = False if pa.types.is_boolean(kind) else 0
    filled = (pc.fill_null(chunk, nothing) if chunk.null_count else chunk for chunk in column.chunks)
    yield [chunk.to_numpy(zero_copy_only=False) for chunk in filled]


def _lists(column: pa.ChunkedArray) -> Iterator[Sequence[Bytes]]:
    """Lengths and elements; the name that Arrow gives to the elements changes on the way through Parquet."""
    if column.null_count:
        raise TypeError(
            "a list cannot be null, as Parquet loses lists of fixed size that are; give an empty or NaN one"
        )
    yield [str(column.type.id).encode()]
    yield [pc.list_value_length(chunk).to_numpy(zero_copy_only=False).astype("<i8") for chunk in column.chunks]
    elements = pa.chunked_array([chunk.flatten() for chunk in column.chunks], column.type.value_type)
    yield from _parts(elements)


def _text(column: pa.ChunkedArray) -> Iterator[Sequence[Bytes]]:
    """Lengths in bytes and the UTF-8 of all texts in a row."""
    filled = pc.fill_null(column, "") if column.null_count else column
    array = filled.cast(pa.large_string()).combine_chunks()
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets or b"\0" * 8, dtype="<i8")[array.offset : array.offset + len(array) + 1]
    yield [np.diff(ends)]
    yield [memoryview(data)[ends[0] : ends[-1]] if data else b""]


def write(table: pa.Table, file: Path) -> None:
    """Write a new file and wait until it is on the disk.

    The metadata entry ``lumicert.groups``, a JSON list of numbers of rows, says where row groups begin anew, and
    ``lumicert.encodings``, a JSON object, how columns are encoded.
    """
    metadata = table.schema.metadata or {}
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    lists = [field.name for field in table.schema if pa.types.is_list(field.type)]
    groups = json.loads(metadata.get(GROUPS, b"null")) or [table.num_rows]
    alike = [(rows, len(list(some))) for rows, some in itertools.groupby(groups)]  # one call for groups of one size
    begins = np.cumsum([0, *(rows * times for rows, times in alike)]).tolist()
    split = {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in lists}  # counts of small numbers: most bytes are 0
    split |= json.loads(metadata.get(ENCODINGS, b"{}"))
    with file.open("xb") as stream:
        options = {"compression": "zstd", "use_dictionary": texts, "column_encoding": split or None}
        with pq.ParquetWriter(stream, table.schema, write_page_checksum=True, **options) as writer:
            for begin, (rows, times) in zip(begins, alike, strict=False):
                writer.write_table(table.slice(begin, rows * times), row_group_size=max(rows, 1))
        stream.flush()
        os.fsync(stream.fileno())


class Kept:
    """Small partitions that were read, up to ``MOST_BYTES``: a partition never changes, so a loop reads it once."""

    def __init__(self) -> None:
        self._tables: dict[tuple[Path, tuple[str, ...] | None], pa.Table] = {}
        self._size = 0

    def read(self, folder: Path, partition: Partition, columns: Sequence[str] | None) -> pa.Table:
        """As ``read_one``."""
        key = partition.path, None if columns is None else tuple(columns)
        if key not in self._tables:
            table = read_one(folder, partition, columns)
            if table.nbytes > SMALL:
                return table
            if self._size > MOST_BYTES:
                self._tables.clear()
                self._size = 0
            self._tables[key] = table
            self._size += table.nbytes
        return self._tables[key]


def read(
    folder: Path, partitions: Sequence[Partition], columns: Sequence[str] | None = None, kept: Kept | None = None
) -> pa.Table:
    """The rows of all partitions, in their order, of all columns or of the given ones and nothing else.

    A metadata entry in which they differ is left out and named under ``lumicert.differing``. Raises ``StoreError``
    where a file is missing or damaged or the columns of two runs differ, ``UnknownNameError`` for an unknown column.
    """
    one = read_one if kept is None else kept.read
    tables = [one(folder, each, columns) for each in partitions]
    first = tables[0].schema
    for partition, table in zip(partitions, tables, strict=True):
        if not table.schema.equals(first, check_metadata=False):
            pair = f"run {partitions[0].run} and run {partition.run}"
            why = _unlike(first, table.schema)
            raise StoreError(f"{partition.kind} of {pair} differ: {why}; read them apart or ingest both again")
    metadata = _shared_metadata(partitions, [table.schema.metadata or {} for table in tables])
    return pa.concat_tables(tables).combine_chunks().replace_schema_metadata(metadata)


def read_one(folder: Path, partition: Partition, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of one partition; raises as ``read`` does."""
    with opened(folder, partition) as file:
        names = file.schema_arrow.names if columns is not None else []
        for name in columns or ():
            if name not in names:
                raise UnknownNameError(f"column of {partition.kind}", name, names)
        table = explained(folder, partition, lambda: file.read(columns, use_threads=False))
    return table if columns is None else table.select(columns)


def opened(folder: Path, partition: Partition) -> pq.ParquetFile:
    """The file of a partition; raises ``StoreError`` where it is missing or damaged."""
    path = folder / partition.path
    return explained(folder, partition, lambda: pq.ParquetFile(path, page_checksum_verification=True))


def explained(folder: Path, partition: Partition, act: Callable[[], Any]) -> Any:
    """What ``act`` gives; a file that cannot be read is named, with the way out."""
    try:
        return act()
    except (OSError, pa.ArrowException) as error:
        why = "is missing" if isinstance(error, FileNotFoundError) else f"is damaged: {str(error).splitlines()[0]}"
        raise StoreError(f"{folder}: {partition.path} {why}; {healing(partition.kind)}") from error


MADE_BY = {
    **dict.fromkeys(("quantities", "histograms", "labels"), "dqm ingest"),
    **dict.fromkeys(("scores", "explanations", "contributions"), "dqm backfill"),
    "past": "dqm train",
    "verdicts": "dqm certify",
    "sensors": "dqm sensors ingest --again",
    "anomalies": "dqm sensors scan",
}
"""The command that puts each kind again."""


def healing(kind: str) -> str:
    """The way out of a damaged file: whatever is put again under the same content gets its file back."""
    return f"delete it if it is there and make it again with: {MADE_BY[kind]}"


def _unlike(a: pa.Schema, b: pa.Schema) -> str:
    """The first field that two schemas do not share, in words."""
    ours, theirs = {f.name: str(f.type) for f in a}, {f.name: str(f.type) for f in b}
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name) != theirs.get(name):
            return (
                f"column {name!r} is {ours.get(name, 'absent')} in the first, {theirs.get(name, 'absent')} in the other"
            )
    return "the order of the columns"


def _shared_metadata(partitions: Sequence[Partition], found: Sequence[dict[bytes, bytes]]) -> dict[bytes, bytes]:
    shared, differing = dict(found[0]), {}
    for partition, entries in zip(partitions, found, strict=True):
        for key in shared.keys() | entries.keys():
            if key not in differing and shared.get(key) != entries.get(key):
                differing[key] = [partitions[0].run, partition.run]
    for key in differing:
        shared.pop(key, None)
    if differing:
        shared[DIFFERING] = json.dumps({key.decode(): runs for key, runs in differing.items()}).encode()
    return shared
