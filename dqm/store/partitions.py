"""The bulk side of the store: one immutable Parquet file per kind, run and content.

A file is named by the SHA-256 of what it *holds*, not of its bytes: schema metadata, then column by column the name,
the type, which values are null, and the values. So the same data written by another version of Parquet, with another
compression or cut into other chunks is still the same data, and whoever ingests it again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqm.model.errors import StoreError, UnknownNameError

STAGING = ".staging"
"""Folder of the files that are being written; what lies here is seen by nobody."""
DIFFERING = b"lumicert.differing"
"""Metadata entry of a table read from many runs: which entries were left out, and two runs that differ in each."""


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
    """SHA-256 over the content of a table, 64 hex digits; raises ``TypeError`` for a column type it cannot keep."""
    digest = hashlib.sha256()
    for key, value in sorted((table.schema.metadata or {}).items()):
        _feed(digest, key, value)
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            array = column.combine_chunks()
            _feed(digest, name.encode(), b"", *_parts(array))
        except TypeError as error:
            raise TypeError(f"column {name!r}: {error}") from None
    return digest.hexdigest()


def _feed(digest: Any, *parts: bytes) -> None:
    """Add byte strings so that no two lists of them look alike: each is preceded by its length."""
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)


def _parts(array: pa.Array) -> list[bytes]:
    """Type, validity and values of an array, whatever its offset, its buffers and what lies under its nulls."""
    kind = array.type
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _lists(array)
    head = [str(kind).encode(), np.packbits(array.is_valid().to_numpy(zero_copy_only=False)).tobytes()]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return [*head, *_text(array)]
    if pa.types.is_timestamp(kind):
        array = array.cast(pa.int64())
    elif not (pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise TypeError(f"the store keeps numbers, flags, times, text and lists of them, not {kind}")
    return [
        *head,
        pc.fill_null(array, False if pa.types.is_boolean(kind) else 0).to_numpy(zero_copy_only=False).tobytes(),
    ]


def _lists(array: pa.Array) -> list[bytes]:
    """Lengths and elements; the name that Arrow gives to the elements changes on the way through Parquet."""
    if array.null_count:
        raise TypeError(
            "a list cannot be null, as Parquet loses lists of fixed size that are; give an empty or NaN one"
        )
    lengths = pc.list_value_length(array).to_numpy(zero_copy_only=False).astype("<i8")
    return [str(array.type.id).encode(), lengths.tobytes(), *_parts(array.flatten())]


def _text(array: pa.Array) -> list[bytes]:
    """Lengths in bytes and the UTF-8 of all texts in a row."""
    array = pc.fill_null(array, "").cast(pa.large_string())
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets or b"\0" * 8, dtype="<i8")[array.offset : array.offset + len(array) + 1]
    return [np.diff(ends).tobytes(), memoryview(data)[ends[0] : ends[-1]].tobytes() if data else b""]


def write(table: pa.Table, file: Path) -> None:
    """Write a new file and wait until it is on the disk."""
    texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
    with file.open("xb") as stream:
        pq.write_table(table, stream, compression="zstd", use_dictionary=texts, write_page_checksum=True)
        stream.flush()
        os.fsync(stream.fileno())


def read(folder: Path, partitions: Sequence[Partition], columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of all partitions, in their order, of all columns or of the given ones and nothing else.

    A metadata entry in which they differ is left out and named under ``lumicert.differing``. Raises ``StoreError``
    where a file is missing or damaged or the columns of two runs differ, ``UnknownNameError`` for an unknown column.
    """
    tables = [read_one(folder, each, columns) for each in partitions]
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
    try:
        with pq.ParquetFile(folder / partition.path, page_checksum_verification=True) as file:
            names = file.schema_arrow.names if columns is not None else []
            for name in columns or ():
                if name not in names:
                    raise UnknownNameError(f"column of {partition.kind}", name, names)
            table = file.read(columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        why = "is missing" if isinstance(error, FileNotFoundError) else f"is damaged: {str(error).splitlines()[0]}"
        raise StoreError(f"{folder}: {partition.path} {why}; {HEALING}") from error
    return table if columns is None else table.select(columns)


HEALING = "delete it if it is there and run again the command that made it"
"""The way out of a damaged file: whatever is put again under the same content gets its file back."""


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
