"""The canonical form for anybody's per-lumisection quantities: Parquet or CSV with ``run``, ``ls`` and numbers.

Optional columns: ``start`` (begin of the lumisection, UTC), ``status`` (why it must not be used), ``label`` (GOOD, BAD,
UNKNOWN), ``label_source`` and ``comment``. Every other column is a quantity; what it means stands in the configuration
or in the field metadata of the Parquet file (keys ``subsystem``, ``role``, ``kind``, ``unit``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dqm.formats.results import ReadResult
from dqm.formats.screening import Parsed, folded, numbers, placed, read_files, texts
from dqm.formats.sources import Source
from dqm.formats.times import utc_starts
from dqm.model.config import CanonicalInput, ColumnConfig, Config
from dqm.model.errors import ConfigError, InputError, nearest
from dqm.model.findings import Finding
from dqm.model.labels import SOURCES, Label, Labels
from dqm.model.tables import KEY, Column, Kind, QuantityTable, Role

SOURCE = "canonical"
TEXTS = ("start", "status", "label", "label_source", "comment")
RESERVED = (*KEY, *TEXTS)


def read_canonical(described: CanonicalInput, config: Config) -> ReadResult:
    """Read canonical tables; with ``columns`` in the configuration exactly those are used."""
    taken = [name for name in described.columns if name in RESERVED]
    if taken:
        raise ConfigError(f"columns.{taken[0]}: {taken[0]!r} has a fixed meaning and is no quantity")
    return read_files(config.files(described.files), lambda source: parse_canonical(source, described.columns), SOURCE)


def parse_canonical(source: Source, meanings: Mapping[str, ColumnConfig]) -> Parsed:
    """Rows of one canonical table."""
    given = source.frame()
    source.require(KEY, given)
    source.require(meanings, given, "; describe in [inputs.columns] only what the file has")
    columns = _configured(meanings) if meanings else _described(source, given)
    names = [each.name for each in columns]
    findings = [source.unknown(n, [*names, *RESERVED]) for n in given if n not in names and n not in RESERVED]
    frame = given[[*KEY, *names, *(name for name in ("status", "comment") if name in given)]]
    if "start" in given:
        frame = frame.assign(start=utc_starts(given["start"], given["run"], given["ls"], source.path))
    if "label" in given:
        label, found = _labels(source, given)
        findings += found
        frame = frame.assign(label=label, label_source=_label_sources(source, given))
    return Parsed(source, frame, columns, tuple(findings))


def write_canonical(path: Path, table: QuantityTable, labels: Labels | None = None) -> None:
    """Write a table, and the labels of its lumisections, as ``.parquet`` or ``.csv`` by the suffix of ``path``.

    Parquet carries the column records in its field metadata and reads back equal; CSV keeps every number exactly but
    leaves the records to the configuration. Raises ``ValueError`` for a label outside the table or another suffix.
    """
    frame = _written(table, labels)
    if path.suffix == ".csv":
        if "start" in frame:
            text = pd.Series(np.datetime_as_string(table.start, unit="ns"))
            frame["start"] = (text + "Z").mask(np.isnat(table.start), "")
        # RFC 4180; with a bare \n the csv module leaves a \r inside a comment unquoted, and it would end the row
        frame.to_csv(path, index=False, lineterminator="\r\n")
    elif path.suffix == ".parquet":
        pq.write_table(_with_records(pa.Table.from_pandas(frame, preserve_index=False), table.columns), path)
    else:
        raise ValueError(f"{path}: canonical tables end in .parquet or .csv, not in {path.suffix!r}")


def _configured(meanings: Mapping[str, ColumnConfig]) -> tuple[Column, ...]:
    return tuple(Column(n, SOURCE, c.subsystem, c.role, c.unit, c.kind) for n, c in meanings.items())


def _described(source: Source, given: pd.DataFrame) -> tuple[Column, ...]:
    """Every column that holds numbers, with what its Parquet field says; a column of text alone is none."""
    said = source.described()
    return tuple(
        _column(source, str(name), said.get(str(name), {})) for name in given if _is_quantity(given, str(name))
    )


def _is_quantity(given: pd.DataFrame, name: str) -> bool:
    if name in RESERVED:
        return False
    value, bad = numbers(given[name])
    return not bad.any() or not np.isnan(value).all()


def _column(source: Source, name: str, said: Mapping[str, str]) -> Column:
    role, kind = said.get("role", "feature"), said.get("kind", "value")
    for key, value, valid in (("role", role, get_args(Role)), ("kind", kind, get_args(Kind))):
        if value not in valid:
            raise InputError(f"{source.path}: column {name!r} has the unknown {key} {value!r}; {nearest(value, valid)}")
    record: dict[str, Any] = {"role": role, "kind": kind}
    return Column(name, said.get("source", SOURCE), said.get("subsystem", ""), unit=said.get("unit", ""), **record)


def _labels(source: Source, given: pd.DataFrame) -> tuple[pd.Series[float], list[Finding]]:
    """Labels as numbers, NaN where the cell is empty; a word that is no label leaves its lumisection UNKNOWN."""
    word = pd.Series(texts(given, "label"), index=given.index, dtype="str").str.strip().str.upper()
    value = word.map({each.name: float(each) for each in Label})
    wrong = value.isna() & (word != "")
    if not wrong.any():
        return value, []
    example = str(given.loc[wrong, "label"].iloc[0])[:40]
    reason = f"{example!r} is no label; {nearest(example.upper(), [each.name for each in Label])}"
    rows, _ = placed(given.loc[wrong, list(KEY)].assign(file=str(source.path)))
    return value.mask(wrong, float(Label.UNKNOWN)), folded(rows, "label", "quarantined", reason)


def _label_sources(source: Source, given: pd.DataFrame) -> Any:
    names = texts(given, "label_source")
    for name in sorted(set(names) - {"", SOURCE, *SOURCES}):
        raise InputError(f"{source.path}: unknown label_source {name!r}; {nearest(name, SOURCES)}")
    return names


def _written(table: QuantityTable, labels: Labels | None) -> pd.DataFrame:
    reserved = [name for name in table.names if name in RESERVED]
    if reserved:
        raise ValueError(f"column {reserved[0]!r} has a fixed meaning in the canonical form; rename it")
    frame = pd.DataFrame({"run": table.run, "ls": table.ls})
    if not np.isnat(table.start).all():
        frame["start"] = table.start
    if not table.usable.all():
        frame["status"] = table.status.astype(str)
    if labels is not None:
        at = table.index.get_indexer(labels.index)
        if (at < 0).any():
            run, ls = labels.index[at < 0][0]
            raise ValueError(f"lumisection ({run}, {ls}) is labelled but not in the table")
        for name, cells in (
            ("label", [Label(each).name for each in labels.values.tolist()]),
            ("label_source", labels.source),
            ("comment", labels.comment),
        ):
            frame[name] = ""
            frame.loc[at, name] = cells
    return pd.concat([frame, pd.DataFrame(table.values, columns=table.names)], axis=1)


def _with_records(arrow: Any, columns: tuple[Column, ...]) -> Any:
    """Say in each field what it holds; the begin gets its zone here, because pandas warns of handing one to Arrow."""
    said = {column.name: {k: v for k, v in asdict(column).items() if k != "name"} for column in columns}
    fields = [field.with_metadata(said.get(field.name)) for field in arrow.schema]
    zoned = [field.with_type(pa.timestamp("ns", "UTC")) if field.name == "start" else field for field in fields]
    return arrow.cast(pa.schema(zoned))
