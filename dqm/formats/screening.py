"""From rows as they stand in files to one table: every row is kept, merged or named in a finding.

A parser turns one file into ``Parsed``; ``screened`` joins the files of an input, places each row at its lumisection,
settles rows that occur twice and marks values that cannot be. Nothing is dropped silently, and a lumisection with a
doubtful value stays in the table with a status, so that it ends as UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.formats.results import ReadFile, ReadResult
from dqm.formats.sources import Source
from dqm.model.errors import InputError
from dqm.model.findings import Finding, Severity
from dqm.model.keys import LS_LAST, encode
from dqm.model.labels import Label, Labels
from dqm.model.tables import USABLE, Column, QuantityTable, lumisection_index

CONFLICT = "conflict"


@dataclass(frozen=True, eq=False)
class Parsed:
    """One file as rows, nothing judged yet.

    ``frame`` has ``run`` and ``ls`` and a column for every record in ``columns``, and where the format knows them
    ``start`` (datetime64, UTC), ``status`` (text), ``label`` (1, 0, -1; NaN = nobody said), ``label_source`` and
    ``comment`` (text). ``integrals`` names charges and luminosities beside the weight: like it they may be neither
    missing nor negative.
    """

    source: Source
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    findings: tuple[Finding, ...] = ()
    integrals: tuple[str, ...] = ()


def parse_files(paths: Iterable[Path], parse: Callable[[Source], Parsed]) -> tuple[list[Parsed], list[Finding]]:
    """Parse each file; one that cannot be read is quarantined, unless none can: then ``InputError``."""
    parsed: list[Parsed] = []
    findings: list[Finding] = []
    for path in dict.fromkeys(paths):  # two patterns may match one file
        try:
            parsed.append(parse(Source.open(path)))
        except InputError as error:
            findings.append(Finding("unreadable", "quarantined", str(error), str(path)))
            refused = error
    if not parsed and findings:
        raise refused
    return parsed, findings


def read_files(paths: Iterable[Path], parse: Callable[[Source], Parsed], label_source: str) -> ReadResult:
    """Parse and screen the files of one input."""
    parsed, findings = parse_files(paths, parse)
    table, labels, found, files = screened(parsed, label_source)
    return ReadResult(table, labels, (*findings, *found), files)


Screened = tuple[QuantityTable, Labels | None, tuple[Finding, ...], tuple[ReadFile, ...]]


def screened(parsed: Sequence[Parsed], label_source: str) -> Screened:
    """Join files into one table with one row per lumisection, and account for every row."""
    columns = _columns(parsed)
    findings = [each for one in parsed for each in one.findings]
    frame = pd.concat([one.frame.assign(file=str(one.source.path)) for one in parsed], ignore_index=True)
    for judge in (placed, lambda rows: measured(rows, columns), lambda rows: settled(rows, columns)):
        frame, found = judge(frame)
        findings += found
    frame, found = possible(frame, columns, {name for one in parsed for name in one.integrals})
    kept = frame["file"].value_counts()
    files = [_read(one, int(kept.get(str(one.source.path), 0))) for one in parsed]
    labels, unlabelled = _labels(frame, label_source)
    findings += [*found, *unlabelled]
    return _table(frame, columns), labels, tuple(findings), tuple(files)


def folded(rows: pd.DataFrame, code: str, severity: Severity, reason: str) -> list[Finding]:
    """One finding per run for the given rows (``file``, ``run``, ``ls``), with the first lumisection and a count."""
    if not len(rows):
        return []
    found = []
    for _, each in rows.groupby("run", sort=True):
        run, ls = int(each["run"].iloc[0]), int(each["ls"].min())
        many = f"; {len(each)} rows of {each['ls'].nunique()} lumisections, the first is named" if len(each) > 1 else ""
        file = " and ".join(each["file"].unique())
        place = (run if run >= 0 else None, ls if ls >= 0 else None)
        found.append(Finding(code, severity, reason + many, file, *place))
    return found


def placed(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Make runs and lumisections whole numbers; a row without them belongs nowhere and is quarantined."""
    run, ls = _whole(frame["run"]), _whole(frame["ls"])
    lost = (run < 0) | (ls < 0)
    findings = []
    if lost.any():
        first = frame.loc[lost].iloc[0]
        reason = f"run {str(first['run'])!r}, LS {str(first['ls'])!r}: run and LS must be whole numbers from 0 to 2^31"
        findings = folded(frame.assign(run=run, ls=ls)[lost], "key", "quarantined", reason)
    return frame.assign(run=run, ls=ls)[~lost].reset_index(drop=True), findings


def measured(frame: pd.DataFrame, columns: Sequence[Column]) -> tuple[pd.DataFrame, list[Finding]]:
    """Make every quantity float64; a cell that is no number becomes NaN and marks its row ``invalid:<column>``."""
    status = texts(frame, "status")
    numeric: dict[str, NDArray[np.float64]] = {}
    findings = []
    for column in columns:
        if column.name not in frame:
            numeric[column.name] = np.full(len(frame), np.nan)
            continue
        numeric[column.name], bad = numbers(frame[column.name])
        if bad.any():
            example = str(frame.loc[bad, column.name].iloc[0])[:40]
            reason = f"{column.name} is not a number: {example!r}"
            findings += folded(frame[bad], f"invalid:{column.name}", "quarantined", reason)
            status[bad & (status == USABLE)] = f"invalid:{column.name}"
    others = frame.drop(columns=[each.name for each in columns if each.name in frame])
    return pd.concat([others.assign(status=status), pd.DataFrame(numeric, index=frame.index)], axis=1), findings


def settled(frame: pd.DataFrame, columns: Sequence[Column]) -> tuple[pd.DataFrame, list[Finding]]:
    """Leave one row per lumisection, ascending: equal rows are one; unequal ones make an empty row in conflict."""
    code = encode(frame["run"].to_numpy(), frame["ls"].to_numpy())
    order = np.argsort(code, kind="stable")
    frame, code = frame.iloc[order].reset_index(drop=True), code[order]
    first = np.concatenate([[True], code[1:] != code[:-1]]) if len(code) else np.zeros(0, dtype=bool)
    if first.all():
        return frame, []
    group = np.cumsum(first) - 1
    unlike = np.zeros(len(frame), dtype=bool)
    compared = [name for name in (*(c.name for c in columns), "start", "status", "label") if name in frame]
    again = np.flatnonzero(~first)
    before = np.flatnonzero(first)[group[again]]
    for name in compared:
        mine, theirs = frame[name].iloc[again].to_numpy(), frame[name].iloc[before].to_numpy()
        unlike[again] |= (mine != theirs) & ~(pd.isna(mine) & pd.isna(theirs))
    conflict = np.isin(group, group[unlike])
    findings = folded(frame[conflict], CONFLICT, "quarantined", "rows of one lumisection disagree and none is used")
    dropped = "the lumisection occurs again with the same values; one row is kept"
    findings += folded(frame[~first & ~conflict], "duplicate", "repaired", dropped)
    return _emptied(frame, conflict, [c.name for c in columns])[first].reset_index(drop=True), findings


def possible(
    frame: pd.DataFrame, columns: Sequence[Column], integrals: Collection[str] = ()
) -> tuple[pd.DataFrame, list[Finding]]:
    """Mark rows with a value that cannot be: infinite; a negative count or rate; a missing or negative integral."""
    status, findings = frame["status"].to_numpy(dtype=object), list[Finding]()
    for column in columns:
        value = frame[column.name].to_numpy()
        bad, reason = np.isinf(value), f"{column.name} is infinite"
        if column.kind in ("count", "rate"):
            bad, reason = bad | (value < 0), f"{column.name} is negative or infinite"
        if column.role == "weight" or column.name in integrals:
            bad, reason = ~(np.isfinite(value) & (value >= 0)), f"{column.name} is missing, negative or infinite"
        bad &= status == USABLE
        findings += folded(frame[bad], f"invalid:{column.name}", "quarantined", reason)
        status = np.where(bad, f"invalid:{column.name}", status)
    return frame.assign(status=status), findings


def numbers(cells: pd.Series[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Cells as float64 ``(n,)``, NaN where empty, and which of them hold something that is no number, ``(n,)``."""
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return cells.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(cells), dtype=bool)
    try:
        code, distinct = pd.factorize(cells)
    except TypeError:  # lists and the like, which no table of numbers holds
        code, distinct = pd.factorize(cells.map(repr))
    text = pd.Series([str(each).strip().lower() for each in distinct], dtype="str")
    value = np.array([_FLAGS.get(each, np.nan) for each in text], dtype=np.float64)
    value = np.where(np.isnan(value), pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64), value)
    bad = np.isnan(value) & ~text.isin(_EMPTY).to_numpy(dtype=bool)
    return np.append(value, np.nan)[code], np.append(bad, False)[code]


_FLAGS = {"true": 1.0, "false": 0.0}
_EMPTY = ("", "nan", "null", "none", "na", "n/a", "<na>", "nat")


def _whole(cells: pd.Series[Any]) -> NDArray[np.int64]:
    """Cells as whole numbers in [0, 2³¹), -1 where they are not."""
    value, _ = numbers(cells)
    good = (value >= 0) & (value <= LS_LAST) & (value == np.floor(value))
    return np.where(good, value, -1).astype(np.int64)


def _columns(parsed: Sequence[Parsed]) -> tuple[Column, ...]:
    known: dict[str, tuple[Column, Path]] = {}
    for one in parsed:
        for column in one.columns:
            first, path = known.setdefault(column.name, (column, one.source.path))
            if first != column:
                raise InputError(f"column {column.name!r} means one thing in {path} and another in {one.source.path}")
    return tuple(column for column, _ in known.values())


def texts(frame: pd.DataFrame, name: str) -> NDArray[np.object_]:
    """A column as text ``(n,)``, empty where the cell or the whole column is missing."""
    if name not in frame:
        return np.full(len(frame), "", dtype=object)
    return frame[name].astype(object).where(frame[name].notna(), "").astype(str).to_numpy(dtype=object)


def _emptied(frame: pd.DataFrame, rows: NDArray[np.bool_], quantities: list[str]) -> pd.DataFrame:
    frame = frame.copy()
    frame.loc[rows, quantities] = np.nan
    frame["status"] = np.where(rows, CONFLICT, frame["status"])
    if "label" in frame:
        frame["label"] = np.where(rows, float(Label.UNKNOWN), frame["label"])
    return frame


def _read(one: Parsed, kept: int) -> ReadFile:
    """The account of one file: every run that stands in it, used or not."""
    runs = frozenset(np.unique(_whole(one.frame["run"])).tolist())
    return ReadFile(str(one.source.path), one.source.digest, len(one.frame), kept, runs)


def _labels(frame: pd.DataFrame, label_source: str) -> tuple[Labels | None, list[Finding]]:
    """Labels of the rows about which somebody said something, and the runs about which nobody did."""
    if "label" not in frame:
        return None, []
    said = frame["label"].notna()
    speaks = said.groupby(frame["run"]).transform("any")
    findings = folded(frame[~speaks], "unlabelled", "note", "the run has no label")
    rows = frame[said]
    source = texts(rows, "label_source")
    source[source == ""] = label_source
    index = lumisection_index(rows["run"], rows["ls"])
    return Labels(index, rows["label"].to_numpy(dtype=np.int8), source, texts(rows, "comment")), findings


def _table(frame: pd.DataFrame, columns: tuple[Column, ...]) -> QuantityTable:
    n = len(frame)
    start = frame["start"].to_numpy(dtype="datetime64[ns]") if "start" in frame else np.full(n, "NaT", "datetime64[ns]")
    values = frame[[each.name for each in columns]].to_numpy(dtype=np.float64).reshape(n, len(columns))
    index = lumisection_index(frame["run"], frame["ls"])
    return QuantityTable(index, columns, values, texts(frame, "status"), start)
