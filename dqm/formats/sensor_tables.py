"""Tables of readings: one reading a row (*long*) or one column a sensor (*wide*), from CSV, JSON lines or Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dqm.formats.sensor_rows import Rows, numbers, tables
from dqm.formats.sensor_series import ParsedSensors, Series, moments, named, refuse_repeated, series_of
from dqm.formats.sensor_times import Converted
from dqm.formats.sources import Source
from dqm.model.amounts import agreeing
from dqm.model.errors import InputError, nearest
from dqm.model.findings import Finding
from dqm.model.sensors_config import StreamConfig

TIMES = ("time", "timestamp", "datetime", "date", "utc", "nxcals_timestamp")
NAMES = ("nxcals_variable_name", "variable", "variable_name", "sensor", "name", "metric")
VALUES = ("value", "nxcals_value")


def parse_table(source: Source, given: StreamConfig) -> ParsedSensors:
    """Series of a long or a wide table, in as many segments as it has; raises ``InputError`` where it is none."""
    found = ParsedSensors(source)
    texts = (*given.name, given.unit, *NAMES, "unit")
    columns: list[str] = []
    for rows in tables(source, texts):
        now = list(rows.table.column_names)
        if not now:
            raise InputError(f"{source.path}: no column of numbers or text; write one object or row per reading")
        if columns and now != columns:
            found.findings.append(_changed(columns, now, source))
        columns = now
        found.rows += rows.read
        found.lost += rows.lost
        found.findings += rows.findings
        if _is_long(now, given):
            _long(found, rows.table, given)
        else:
            _wide(found, rows, given)
    if not columns:
        raise InputError(f"{source.path}: the table has no rows")
    return found


def _is_long(columns: Sequence[str], given: StreamConfig) -> bool:
    if given.kind != "auto":
        return given.kind == "long"
    return bool(given.name) or (_one_of(NAMES, columns) != "" and _one_of((given.value, *VALUES), columns) != "")


def _one_of(wanted: Iterable[str], columns: Iterable[str]) -> str:
    """The first of the wanted columns that is there, in any case; empty where none is."""
    lower = {each.lower(): each for each in columns}
    return next((lower[each.lower()] for each in wanted if each and each.lower() in lower), "")


def _time_column(columns: Sequence[str], given: StreamConfig, source: Source) -> str:
    if given.time:
        return _required(given.time, columns, source)
    plain = {each: each.partition("(")[0].strip() for each in columns}
    found = _one_of(TIMES, plain.values())
    return next((each for each in columns if plain[each] == found), columns[0])


def _required(name: str, columns: Sequence[str], source: Source) -> str:
    if name not in columns:
        raise InputError(f"{source.path}: column {name!r} is missing; {nearest(name, columns)}")
    return name


def _wide(found: ParsedSensors, rows: Rows, given: StreamConfig) -> None:
    table, source = rows.table, found.source
    header = _time_column(table.column_names, given, source)
    when = moments(table[header], header, given, source)
    sensors = {each: named(each, given) for each in table.column_names if each != header}
    if not sensors:
        raise InputError(f"{source.path}: {header!r} is the only column; a wide table has one column a sensor")
    refuse_repeated((name for name, _ in sensors.values()), source)
    for column, (name, unit) in sensors.items():
        found.series.append(series_of(name, unit, when, numbers(table[column])))


def _long(found: ParsedSensors, table: pa.Table, given: StreamConfig) -> None:
    source, columns = found.source, table.column_names
    header = _time_column(columns, given, source)
    called = [_required(each, columns, source) for each in given.name] or [_one_of(NAMES, columns)]
    value_column = _required(given.value, columns, source) if given.value else _one_of(VALUES, columns)
    unit_column = _required(given.unit, columns, source) if given.unit else _one_of(("unit",), columns)
    if not called[0] or not value_column:
        wanted = f"{VALUES[0]!r}" if called[0] else f"one of {', '.join(map(repr, NAMES))}"
        raise InputError(
            f"{source.path}: a long table needs the column {wanted}; it has {', '.join(map(repr, columns))}"
        )
    when = moments(table[header], header, given, source)
    cells = numbers(table[value_column])
    names, code = _codes([table[each] for each in called])
    units, unit = _codes([table[unit_column]]) if unit_column else ([""], np.zeros(len(code), np.int64))
    _tell_nameless(found, code)
    order = np.argsort(code.astype(np.int16 if len(names) < 1 << 15 else np.int64), kind="stable")
    when = Converted(when.time[order], when.later[order], when.missing[order])
    cells, unit, code = cells[order], unit[order], code[order]
    edges = np.searchsorted(code, np.arange(len(names) + 1))
    for i, name in enumerate(names):
        rows = slice(edges[i], edges[i + 1])
        if edges[i + 1] > edges[i]:
            part = Converted(when.time[rows], when.later[rows], when.missing[rows])
            whole = series_of(given.prefix + given.names.get(name, name), "", part, cells[rows])
            found.series += _by_unit(whole, units, unit[rows][cells.filled[rows]])


def _by_unit(whole: Series, units: Sequence[str], unit: NDArray[np.int64]) -> list[Series]:
    """The readings of a sensor apart by the unit that stands beside them; -1: none stands there."""
    if not len(unit) or unit.min() == unit.max():
        return [replace(whole, unit=units[unit[0]] if len(unit) and unit[0] >= 0 else "")]
    kinds = np.unique(unit)
    parts = [
        Series(whole.name, units[k] if k >= 0 else "", whole.time[unit == k], whole.value[unit == k]) for k in kinds
    ]
    counted = replace(whole, unit=parts[0].unit, time=parts[0].time, value=parts[0].value)
    return [counted, *parts[1:]]


def _codes(columns: Sequence[pa.ChunkedArray]) -> tuple[list[str], NDArray[np.int64]]:
    """The different texts of the columns, joined by ``/``, and which of them every row has; -1: a cell is empty."""
    texts, code = _coded(columns[0])
    for column in columns[1:]:
        more, other = _coded(column)
        pair = np.where((code < 0) | (other < 0), -1, code * len(more) + other)
        kinds, pair = np.unique(pair, return_inverse=True)
        empty = int(len(kinds) > 0 and kinds[0] < 0)
        texts = [f"{texts[k // len(more)]}/{more[k % len(more)]}" for k in kinds[empty:].tolist()]
        code = pair - empty
    return texts, code


def _coded(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    whole = column.combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    code = pc.fill_null(whole.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return [str(each).strip() for each in whole.dictionary.to_pylist()], code


def _tell_nameless(found: ParsedSensors, code: NDArray[np.int64]) -> None:
    lost = int((code < 0).sum())
    if lost:
        reason = f"{lost} {agreeing(lost, '[row names|rows name] no sensor; [it is|they are] not used')}"
        found.findings.append(Finding("nameless", "quarantined", reason, str(found.source.path)))


def _changed(before: Sequence[str], now: Sequence[str], source: Source) -> Finding:
    """The file goes on with other columns."""
    gone = ", ".join(repr(each) for each in before if each not in now) or "none"
    come = ", ".join(repr(each) for each in now if each not in before) or "none"
    reason = f"another header half-way: gone {gone}, new {come}; readings after it are read by the new header"
    return Finding("columns", "note", reason, str(source.path))
