"""One input file: read once, digested, and turned into text, JSON or a frame, or refused in one line."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dqm.model.errors import InputError, nearest
from dqm.model.findings import Finding

PARQUET = b"PAR1"
WORDS = dict.fromkeys(("comment", "status", "label", "label_source", "dataset"), "str")
"""Columns that hold words in every format: a comment "007" is no number."""


class Repeated(list[tuple[str, Any]]):
    """A JSON object in which a key occurs twice: its pairs, so that none of them is lost."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Repeated:
    kept = dict(pairs)
    return kept if len(kept) == len(pairs) else Repeated(pairs)


@dataclass(frozen=True)
class Source:
    """The bytes of one file and where they came from; every method raises ``InputError`` naming the file."""

    path: Path
    data: bytes

    @classmethod
    def open(cls, path: Path) -> Source:
        """Read a file; refuses what is absent, a folder, unreadable or empty."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except IsADirectoryError:
            raise InputError(f"{path}: is a folder, not a file; to read what it holds write {path}/*") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        if not data.strip():
            raise InputError(f"{path}: the file is empty")
        return cls(path, data)

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, 64 hex digits."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def is_parquet(self) -> bool:
        """Whether the bytes begin as Parquet does, whatever the file is called."""
        return self.data.startswith(PARQUET)

    def text(self) -> str:
        """The file as UTF-8 text, without the byte-order mark that spreadsheets put in front."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}: not UTF-8 text: byte {error.start} cannot be decoded") from None

    def json(self) -> Any:
        """The file as JSON; an object with a repeated key comes as ``Repeated``."""
        return parse_json(self.text(), str(self.path))

    def frame(self) -> pd.DataFrame:
        """The file as a table, Parquet or CSV with a header line; flags become 0, 1 and NaN."""
        frame = self._parquet() if self.is_parquet else self._csv()
        if not len(frame):
            raise InputError(f"{self.path}: the table has no rows")
        return frame

    def described(self) -> dict[str, dict[str, str]]:
        """What the field metadata of a Parquet file says about each column; nothing for CSV."""
        if not self.is_parquet:
            return {}
        schema = self._table().schema
        fields = {field.name: field.metadata or {} for field in schema}
        return {name: {_text(k): _text(v) for k, v in each.items()} for name, each in fields.items()}

    def _table(self) -> Any:
        try:
            table = pq.read_table(pa.BufferReader(self.data))
            table.validate(full=True)  # text that is none would be found out in the midst of the work
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(f"{self.path}: not a readable Parquet file: {first_line(error)}") from None
        return table

    def _parquet(self) -> pd.DataFrame:
        table = self._table()
        self._refuse_repeated(table.column_names)
        for i, field in enumerate(table.schema):
            if pa.types.is_boolean(field.type):
                table = table.set_column(i, field.name, table[i].cast(pa.int8()).cast(pa.float64()))
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
        return frame

    def _csv(self) -> pd.DataFrame:
        text = self.text()
        if not text.endswith(("\n", "\r")):
            raise InputError(
                f"{self.path}: ends in the midst of a line: it is not whole, or its last line lacks a line break; "
                "write a file under another name and rename it when it is done"
            )
        header = next(csv.reader([text.partition("\n")[0]]))
        self._refuse_repeated(header)
        try:
            frame = pd.read_csv(io.StringIO(text), dtype=WORDS, keep_default_na=False, na_values=[""], low_memory=False)
        except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
            raise InputError(f"{self.path}: not a readable CSV table: {first_line(error)}") from None
        if not isinstance(frame.index, pd.RangeIndex):
            raise InputError(f"{self.path}: not a readable CSV table: rows have more fields than the header")
        return frame.set_axis([str(name).strip() for name in frame.columns], axis=1)

    def _refuse_repeated(self, header: Iterable[str]) -> None:
        for name, times in Counter(each.strip() for each in header).items():
            if times > 1:
                raise InputError(f"{self.path}: column {name!r} occurs {times} times; rename or remove the others")

    def require(self, names: Iterable[str], found: Iterable[object], way_out: str = "") -> None:
        """Refuse a file that lacks a column, naming the nearest ones that it has, and the way out."""
        present = [str(each) for each in found]
        for name in names:
            if name not in present:
                raise InputError(f"{self.path}: required column {name!r} is missing; {nearest(name, present)}{way_out}")

    def unknown(self, name: object, valid: Collection[str]) -> Finding:
        """The note that a column is not used because nobody said what it means."""
        reason = f"column {name!r} is not known and not used; {nearest(str(name), valid)}"
        return Finding("unknown-column", "note", reason, str(self.path))


def parse_json(text: str, name: str) -> Any:
    """Parse JSON without losing repeated keys; raises ``InputError`` with line and column."""
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except json.JSONDecodeError as error:
        cut = "it ends too early" if error.pos >= len(text.rstrip()) else error.msg
        raise InputError(f"{name}: not valid JSON: {cut} at line {error.lineno}, column {error.colno}") from None
    except (RecursionError, ValueError) as error:
        raise InputError(f"{name}: not valid JSON: {first_line(error)}") from None


def first_line(error: BaseException) -> str:
    """The first line of what a library said, for a message of one line."""
    return str(error).strip().split("\n", 1)[0]


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
