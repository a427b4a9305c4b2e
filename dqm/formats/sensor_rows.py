"""Files of readings as Arrow tables: CSV with its changing headers, JSON lines, Parquet; every row accounted for.

A CSV may begin anew half-way with another header, as happens where a logger was started again with other channels: it
is read as several *segments*. A row that has more or fewer fields than its header is not used, and told.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dqm.formats.sources import Source, first_line
from dqm.model.amounts import agreeing, counted
from dqm.model.errors import InputError
from dqm.model.findings import Finding

BLOCK = 8 << 20
HEAD = 1 << 20
"""Bytes in which a header ends."""
DELIMITERS = (",", ";", "\t")
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
WORDY = pa.dictionary(pa.int32(), pa.string())


@dataclass(eq=False)
class Rows:
    """Rows under one header: a column per name, text or numbers; ``lost`` rows had another number of fields."""

    table: pa.Table
    lost: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def read(self) -> int:
        """Rows that stood there."""
        return int(self.table.num_rows) + self.lost


@dataclass(frozen=True, eq=False)
class Cells:
    """``value`` float64 ``(n,)``, NaN where there is no number; ``filled`` ``(n,)`` whether anything stands there;
    ``text`` whether the column holds text."""

    value: NDArray[np.float64]
    filled: NDArray[np.bool_]
    text: bool

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Cells:
        return Cells(self.value[rows], self.filled[rows], self.text)


def whole_lines(source: Source) -> tuple[bytes, list[Finding]]:
    """The text up to the last line break, as UTF-8; what stands behind it may be half a number and is not used."""
    data, findings = _decodable(source)
    end = data.rfind(b"\n") + 1
    if end == len(data) or not data[end:].strip():
        return data, findings
    cut = data[end:].decode("utf-8")[:60]
    reason = f"the last line {cut!r} lacks a line break, so it may be cut; it is not used until the file goes on"
    return data[:end], [*findings, Finding("truncated", "quarantined", reason, str(source.path))]


def _decodable(source: Source) -> tuple[bytes, list[Finding]]:
    """The bytes without a byte-order mark, lines ended by ``\\n``; what is no UTF-8 becomes a replacement character."""
    data = source.data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data.isascii():
        return data, []
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is no UTF-8; such bytes stand as '\ufffd', and cells with them are no numbers"
        found = Finding("encoding", "quarantined", reason, str(source.path))
        return data.decode("utf-8", errors="replace").encode(), [found]
    return data, []


def tables(source: Source, texts: Sequence[str] = ()) -> Iterator[Rows]:
    """The segments of a file, whatever its form; columns called as in ``texts`` stay text.

    Raises ``InputError`` where it is no table.
    """
    if source.is_parquet:
        yield Rows(_flat(_parquet(source)))
    elif source.data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        yield _json_lines(source)
    else:
        yield from _csv(source, texts)


def _parquet(source: Source) -> pa.Table:
    try:
        table = pq.read_table(pa.BufferReader(source.data))
        table.validate(full=True)  # text that is none would be found out in the midst of the work
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{source.path}: not a readable Parquet file: {first_line(error)}") from None
    return table


def _json_lines(source: Source) -> Rows:
    data, findings = whole_lines(source)
    try:
        first = dict(json.loads(data[: data.index(b"\n")]))
        words = pa.schema([(name, pa.string()) for name, cell in first.items() if isinstance(cell, str)])
        table = pajson.read_json(pa.BufferReader(data), parse_options=pajson.ParseOptions(explicit_schema=words))
    except (pa.ArrowException, ValueError, TypeError):
        return _slow_json_lines(source, data, findings)
    if any(pa.types.is_timestamp(each.type) for each in table.schema):  # Arrow takes text for times and loses the zone
        return _slow_json_lines(source, data, findings)
    return Rows(_flat(table), findings=findings)


def _slow_json_lines(source: Source, data: bytes, findings: list[Finding]) -> Rows:
    """Line by line, where one of them is no JSON object or a field is now a number, now a word."""
    kept: list[dict[str, Any]] = []
    lost: list[int] = []
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            kept.append(dict(json.loads(line)))
        except (ValueError, TypeError):
            lost.append(number)
    if not kept:
        raise InputError(f"{source.path}: no line is a JSON object; write one object per reading and line")
    if lost:
        what = agreeing(len(lost), "[is|are] no JSON object, the first of them line {at}; [it is|they are] not used")
        reason = f"{counted(len(lost), 'line')} {what.format(at=lost[0])}"
        findings = [*findings, Finding("line", "quarantined", reason, str(source.path))]
    names = dict.fromkeys(name for each in kept for name in each)
    columns = {name: _column([each.get(name) for each in kept]) for name in names}
    return Rows(pa.table(columns), len(lost), findings)


def _column(cells: list[Any]) -> pa.Array:
    try:
        return pa.array(cells)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if each is None else str(each) for each in cells])


def _flat(table: pa.Table) -> pa.Table:
    """Flags as numbers; columns of lists, records and bytes are no readings and go."""
    for i, each in reversed(list(enumerate(table.schema))):
        if pa.types.is_nested(each.type) or pa.types.is_binary(each.type) or pa.types.is_large_binary(each.type):
            table = table.remove_column(i)
        elif pa.types.is_boolean(each.type):
            table = table.set_column(i, each.name, table[i].cast(pa.int8()).cast(pa.float64()))
    return table


def _csv(source: Source, texts: Sequence[str]) -> Iterator[Rows]:
    data, findings = whole_lines(source)
    begin = _first_line(data)
    line = data[begin : data.find(b"\n", begin)].decode("utf-8")
    delimiter = max(DELIMITERS, key=line.count)
    first = _fields(source, line, delimiter)[0]
    if NUMBER.fullmatch(first) or re.match(r"\d{4}-\d\d-\d\d", first):
        raise InputError(f"{source.path}: begins with a row, not with the names of the columns; put a header first")
    token = line.split(delimiter, 1)[0].encode() + delimiter.encode()
    for number, piece in enumerate(_pieces(data, begin, token)):
        rows = _segment(source, piece, delimiter, texts)
        rows.findings += findings if number == 0 else []
        if rows.read:
            yield rows


def _first_line(data: bytes) -> int:
    """Where the first line begins that is neither empty nor a comment."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        if data[at:end].strip() and not data[at:end].lstrip().startswith(b"#"):
            return at
        at = end
    return 0


def _pieces(data: bytes, begin: int, token: bytes) -> Iterator[memoryview]:
    """Segments: each begins with a line whose first cell is that of the first header."""
    view = memoryview(data)
    while begin < len(data):
        end = data.find(b"\n" + token, begin)
        end = len(data) if end < 0 else end + 1
        yield view[begin:end]
        begin = end


def _segment(source: Source, piece: memoryview, delimiter: str, texts: Sequence[str]) -> Rows:
    head, _, _ = bytes(piece[:HEAD]).partition(b"\n")
    header = _fields(source, head.decode("utf-8", errors="replace"), delimiter)
    names = [name.strip() or f"\0{i}" for i, name in enumerate(header)]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{source.path}: column {name!r} occurs {names.count(name)} times; rename the others")
    rows = read_body(source, piece[len(head) + 1 :], names, delimiter, texts)
    nameless = [name for name in names if name.startswith("\0")]
    filled = [name for name in nameless if rows.table[name].null_count < rows.table.num_rows]
    if filled:
        raise InputError(f"{source.path}: column {names.index(filled[0]) + 1} has readings and no name; name it")
    return Rows(rows.table.drop_columns(nameless), rows.lost, rows.findings)


def _fields(source: Source, line: str, delimiter: str) -> list[str]:
    """The cells of a header."""
    try:
        return next(csv.reader(io.StringIO(line), delimiter=delimiter), [""])
    except csv.Error as error:
        raise InputError(f"{source.path}: the header is no CSV: {error}; put the names of the columns there") from None


def read_body(source: Source, body: memoryview, names: list[str], delimiter: str, texts: Sequence[str]) -> Rows:
    """Rows without a header as columns of the given names.

    A column is what all of its cells are; ``texts`` are text of few kinds. What begins with decimals is tried as such
    first, which is twice as fast.
    """
    if not bytes(body[: 1 << 12]).strip() and not bytes(body).strip():
        return Rows(pa.table({name: pa.array([], pa.string()) for name in names}))
    wrong: list[Any] = []
    kinds = {name: WORDY for name in texts if name in names}
    for attempt in ({**_decimals(body, names, delimiter), **kinds}, kinds, dict.fromkeys(names, pa.string())):
        wrong.clear()
        try:
            table = _parsed(body, names, delimiter, attempt, wrong)
            break
        except pa.ArrowInvalid as error:
            refused = error
    else:
        raise InputError(f"{source.path}: not a readable CSV table: {first_line(refused)}")
    findings = []
    if wrong:
        one = wrong[0]
        rows, not_used = (agreeing(len(wrong), each) for each in ("[row has|rows have]", "[it is|they are] not used"))
        reason = (
            f"{len(wrong)} {rows} another number of fields than the header ({one.actual_columns} instead of "
            f"{one.expected_columns}), the first of them {one.text[:60]!r}; {not_used}"
        )
        findings.append(Finding("columns", "quarantined", reason, str(source.path)))
    return Rows(table, len(wrong), findings)


def _decimals(body: memoryview, names: list[str], delimiter: str) -> dict[str, Any]:
    """Columns whose first cell is a decimal number; a whole number may be nanoseconds, which must stay exact."""
    line = bytes(body[: 1 << 16]).lstrip().partition(b"\n")[0].decode("utf-8", errors="replace")
    cells = zip(names, line.split(delimiter), strict=False)
    return {name: pa.float64() for name, cell in cells if "." in cell and NUMBER.fullmatch(cell)}


def _parsed(body: memoryview, names: list[str], delimiter: str, kinds: Any, wrong: list[Any]) -> pa.Table:
    def skipped(row: Any) -> str:
        wrong.append(row)
        return "skip"

    return pacsv.read_csv(
        pa.BufferReader(pa.py_buffer(body)),
        pacsv.ReadOptions(column_names=names, block_size=BLOCK),
        pacsv.ParseOptions(delimiter=delimiter, invalid_row_handler=skipped),
        pacsv.ConvertOptions(
            column_types=kinds, null_values=[""], strings_can_be_null=True, timestamp_parsers=[pacsv.ISO8601]
        ),
    )


def numbers(column: pa.ChunkedArray) -> Cells:
    """The cells of a column as numbers."""
    filled = column.is_valid().to_numpy()
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_null(column.type):
        value = column.cast(pa.float64())
        return Cells((pc.fill_null(value, float("nan")) if value.null_count else value).to_numpy(), filled, text=False)
    text = column.cast(pa.string()).to_pandas()
    return Cells(pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64), filled, text=True)
