"""ML4DQM tables: one histogram per row, CSV with JSON lists or Parquet with lists.

Columns ``fromrun, fromlumi, hname, metype, histo, entries, Xmax, Xmin, Xbins, Ymax, Ymin, Ybins``. ``histo`` comes with
under- and overflow (Xbins + 2 numbers; in two dimensions (Ybins + 2)(Xbins + 2), y by y) or without (in two dimensions
Xbins·Ybins, x by x, as the public samples beside their ROOT files show); its length tells.
``metype`` 3 to 5 have one dimension and 6 to 8 two, whatever stands in ``Ybins``. CSV files often repeat some columns.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dqm.formats.histogram_rows import ParsedHistograms, Rows, read_histogram_files, with_flow
from dqm.formats.results import ReadResult
from dqm.formats.sources import Source, first_line
from dqm.model.amounts import agreeing, counted
from dqm.model.config import Config, Ml4dqmInput
from dqm.model.errors import InputError
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.keys import LS_LAST
from dqm.model.patterns import asked_for

KEY = ("fromrun", "fromlumi", "hname")
NUMBERS = ("metype", "entries", "Xmax", "Xmin", "Xbins", "Ymax", "Ymin", "Ybins")
TWO_DIMENSIONS = (6, 7, 8)
CELLS_MOST = 10_000_000
"""Cells of one histogram."""


def read_ml4dqm(described: Ml4dqmInput, config: Config) -> ReadResult:
    """Read tables of histograms."""
    return read_histogram_files(config.files(described.files), lambda path: parse_ml4dqm(path, described.elements))


def parse_ml4dqm(path: Path, elements: tuple[str, ...]) -> ParsedHistograms:
    """The histograms of one table whose names fit ``elements``; raises ``InputError`` where it is no such table."""
    source = Source.open(path)
    table = _table(source)
    frame = table.drop_columns(["histo"]).to_pandas()
    rows = Rows(str(path), read=len(frame))
    usable = _usable(frame, rows)
    wanted = usable & frame["hname"].map(lambda name: asked_for(str(name), elements)).to_numpy()
    batches: list[HistogramBatch] = []
    columns = ["hname", "metype", "Xbins", "Xmin", "Xmax", "Ybins", "Ymin", "Ymax"]
    for key, part in frame[wanted].groupby(columns, sort=False, dropna=False):
        batches += _batches(dict(zip(columns, key, strict=True)), part, table["histo"], rows)
    kept = sum(len(each) for each in batches)
    return ParsedHistograms(str(path), source.digest, tuple(batches), tuple(rows.findings), rows.read, kept)


def _table(source: Source) -> pa.Table:
    """The columns that are needed, each once; ``histo`` as lists (Parquet) or text (CSV)."""
    try:
        if source.is_parquet:
            table = pq.read_table(pa.BufferReader(source.data))
            table.validate(full=True)  # text that is none would be found out in the midst of the work
        else:
            table = pa_csv.read_csv(
                io.BytesIO(source.data),
                parse_options=pa_csv.ParseOptions(newlines_in_values=True),
                convert_options=pa_csv.ConvertOptions(column_types={"histo": pa.string(), "hname": pa.string()}),
            )
        names = table.column_names  # a name that is no text is found out here
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{source.path}: not a readable table: {first_line(error)}") from None
    source.require((*KEY, "histo", *NUMBERS), names)
    found = {}
    for name in (*KEY, "histo", *NUMBERS):
        columns = [table.column(i) for i, each in enumerate(names) if each == name]
        if any(not each.equals(columns[0]) for each in columns[1:]):
            raise InputError(f"{source.path}: column {name!r} occurs {len(columns)} times with different contents")
        found[name] = columns[0]
    if not table.num_rows:
        raise InputError(f"{source.path}: the table has no rows")
    return pa.table(found)


def _usable(frame: pd.DataFrame, rows: Rows) -> NDArray[np.bool_]:
    """Rows whose key and axes are numbers that can be; the others are quarantined."""
    for name in (*KEY[:2], *NUMBERS):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    run, ls = frame["fromrun"].to_numpy(float), frame["fromlumi"].to_numpy(float)
    with np.errstate(invalid="ignore"):
        keyed = (run >= 0) & (run < 2**31) & (run % 1 == 0) & (ls >= 0) & (ls <= LS_LAST) & (ls % 1 == 0)
        bins = frame["Xbins"].to_numpy(float) * np.maximum(frame["Ybins"].to_numpy(float), 1)
        sized = (frame["Xbins"].to_numpy(float) >= 1) & (bins <= CELLS_MOST)
    keyed &= (frame["hname"].notna() & (frame["hname"] != "")).to_numpy()
    for at in np.flatnonzero(~keyed)[:1]:
        rows.refuse("key", f"{_lack(int((~keyed).sum()))} a run, an LS or a name; the first is row {at + 1}")
    for at in np.flatnonzero(keyed & ~sized)[:1]:
        count = int((keyed & ~sized).sum())
        place = int(run[at]), int(ls[at])
        rows.refuse(
            "histogram",
            f"{counted(count, 'row')} without bins or with too many; the first is named",
            *place,
        )
    return np.asarray(keyed & sized)


def _batches(key: dict[str, Any], part: pd.DataFrame, histo: pa.ChunkedArray, rows: Rows) -> list[HistogramBatch]:
    """One batch for every convention of overflow among the rows of one element and binning."""
    try:
        axes: tuple[Axis, ...] = (Axis(int(key["Xbins"]), float(key["Xmin"]), float(key["Xmax"])),)
        if key["metype"] in TWO_DIMENSIONS:
            axes += (Axis(int(key["Ybins"]), float(key["Ymin"]), float(key["Ymax"])),)
    except (ValueError, OverflowError) as error:
        first = part.iloc[0]
        rows.refuse(
            "axis",
            f"{key['hname']}: {error}; {counted(len(part), 'row')}",
            int(first["fromrun"]),
            int(first["fromlumi"]),
        )
        return []
    cells = pc.take(histo, pa.array(part.index.to_numpy()))
    lengths = _lengths(cells)
    found = []
    for length in sorted(set(lengths.tolist())):
        at = np.flatnonzero(lengths == length)
        chosen = part.iloc[at]
        place = int(chosen["fromrun"].iloc[0]), int(chosen["fromlumi"].iloc[0])
        try:
            counts = with_flow(_rows_of_y(_numbers(pc.take(cells, pa.array(at)), length), axes), axes)
        except ValueError as error:
            rows.refuse(
                "histogram",
                f"{key['hname']}: {first_line(error)}; {counted(len(at), 'row')}, the first is named",
                *place,
            )
            continue
        run, ls = (chosen[name].to_numpy(np.int64) for name in KEY[:2])
        found.append(HistogramBatch(str(key["hname"]), axes, run, ls, counts, chosen["entries"].to_numpy(float)))
    return found


def _rows_of_y(cells: NDArray[Any], axes: tuple[Axis, ...]) -> NDArray[Any]:
    """Flat cells ``(n, k)`` with x running fastest: without flow they come the other way round."""
    bins = tuple(axis.bins for axis in axes)
    if len(bins) < 2 or cells.shape[1] != bins[0] * bins[1]:
        return cells
    return cells.reshape(len(cells), *bins).transpose(0, 2, 1).reshape(len(cells), -1)


def _lengths(cells: pa.ChunkedArray) -> NDArray[np.int64]:
    """How many numbers each histogram has; −1 where it has none."""
    if pa.types.is_string(cells.type):
        count = pc.add(pc.count_substring(cells, ","), 1)
        count = pc.if_else(pc.equal(pc.utf8_trim(cells, "[] "), ""), 0, count)
    else:
        count = pc.list_value_length(cells)
    return np.asarray(pc.fill_null(count.cast(pa.int64()), -1).to_numpy(), dtype=np.int64)


def _lack(rows: int) -> str:
    return f"{counted(rows, 'row')} {agreeing(rows, '[lacks|lack]')}"


def _numbers(cells: pa.ChunkedArray, length: int) -> NDArray[Any]:
    """The numbers as ``(n, length)``; text is read as one table, far faster than list by list."""
    if length < 1:
        raise ValueError("no list of numbers")
    if not pa.types.is_string(cells.type):
        flat = np.asarray(pa.chunked_array([chunk.flatten() for chunk in cells.chunks]).to_numpy())
        return flat.reshape(-1, length)
    text = "\n".join(pc.utf8_trim(cells, "[] ").to_pylist())
    names = [str(k) for k in range(length)]
    options = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.float64()), null_values=["NaN", "null"])
    reading = pa_csv.ReadOptions(column_names=names, block_size=max(2**20, 64 * length))
    table = pa_csv.read_csv(io.BytesIO(text.encode()), reading, None, options)
    return np.stack([column.to_numpy() for column in table.columns], axis=1)
