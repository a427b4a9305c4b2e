"""CLAS12 quality-assurance data: the QADB trees (``qaTree.json``, ``chargeTree.json``) and the flat table of the same.

A lumisection is a QA bin. The weight is the gated Faraday charge, ``fcChargeMax - fcChargeMin`` in nC. Labels are the
bits of the ``defect`` mask (github JeffersonLab/clas12-qadb, ``defect_definitions.json``): 0-4 are outliers, sector
loss and low livetime, 5 says that a person wrote a comment; 6-19 belong to the forward tagger and to beam-spin
asymmetries and are masked out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.formats.results import ReadResult, joined
from dqm.formats.screening import Parsed, folded, numbers, placed, read_files, screened
from dqm.formats.sources import Repeated, Source
from dqm.model.amounts import agreeing, counted
from dqm.model.config import Clas12QadbInput, Clas12TableInput, Config
from dqm.model.errors import InputError, nearest
from dqm.model.findings import Finding
from dqm.model.labels import Label
from dqm.model.tables import Column, QuantityTable

Task = Literal["cut", "expert"]
BAD = {"cut": 0b011111, "expert": 0b111111}
JUDGED = 0b111111
"""Bits that speak of the lumisection at all; one of them outside the task's leaves the truth UNKNOWN."""

SOURCE = "clas12"
MISSING = "missing:charge"
SECTORS = tuple("123456")
CHARGE_COLUMNS = (
    *(Column(f"electrons_{s}", SOURCE, f"sector_{s}", kind="count") for s in SECTORS),
    Column("charge", SOURCE, "faraday_cup", role="weight", unit="nC"),
    Column("charge_ungated", SOURCE, "faraday_cup", role="condition", unit="nC"),
    Column("livetime", SOURCE, "daq", kind="fraction"),
)
QA_COLUMNS = (Column("event_span", SOURCE, "daq", role="condition", unit="events"),)

TABLE_REQUIRED = ("run", "bin", "evnumMin", "evnumMax", "fcCharge", "ufcCharge", *(f"nElec_{s}" for s in SECTORS))
TABLE_KNOWN = (*TABLE_REQUIRED, "dataset", "livetime", "defect", "comment", *(f"sectorDefect_{s}" for s in SECTORS))
QA_KNOWN = ("evnumMin", "evnumMax", "defect", "comment", "sectorDefects")
CHARGE_KNOWN = (
    *("fcChargeMin", "fcChargeMax", "ufcChargeMin", "ufcChargeMax", "livetime", "nElec"),
    *("fcChargeHelicity", "ufcChargeHelicity"),
)


def read_qadb(described: Clas12QadbInput, config: Config) -> ReadResult:
    """Read the two trees of one data set and join them on ``(run, bin)``.

    A bin that only ``qaTree`` has gets the status ``missing:charge``; one that only ``chargeTree`` has gets no label.
    """
    charge_source = Source.open(config.folder / described.charge)
    qa_source = Source.open(config.folder / described.qa)
    charge, _, findings, charge_files = screened([parse_charge_tree(charge_source)], "qadb")
    qa, labels, qa_findings, qa_files = screened([parse_qa_tree(qa_source, described.task)], "qadb")
    reason = "the bin is in qaTree but not in chargeTree"
    lost = folded(_only_in(qa, charge, qa_source), MISSING, "quarantined", reason)
    reason = "the bin is in chargeTree but not in qaTree and has no label"
    silent = folded(_only_in(charge, qa, charge_source), "unlabelled", "note", reason)
    table = joined([charge, qa], [MISSING, ""])
    return ReadResult(table, labels, (*findings, *qa_findings, *lost, *silent), charge_files + qa_files)


def read_table(described: Clas12TableInput, config: Config) -> ReadResult:
    """Read flat tables (Parquet or CSV) of one data set."""
    paths = config.files(described.files)
    return read_files(paths, lambda source: parse_table(source, described.dataset, described.task), "qadb")


def parse_charge_tree(source: Source) -> Parsed:
    """Rows of ``chargeTree.json``: ``{run: {bin: {fcChargeMin, fcChargeMax, …, livetime, nElec: {1..6}}}}``."""
    key, records, findings = _bins(source, CHARGE_KNOWN)
    electrons = [each.get("nElec") for each in records]
    counts = [each if isinstance(each, dict) else {} for each in electrons]
    frame = key.assign(
        **{f"electrons_{s}": _field(counts, s) for s in SECTORS},
        charge=_difference(records, "fcChargeMin", "fcChargeMax"),
        charge_ungated=_difference(records, "ufcChargeMin", "ufcChargeMax"),
        livetime=_field(records, "livetime"),
    )
    return Parsed(source, frame, CHARGE_COLUMNS, tuple(findings), ("charge_ungated",))


def parse_qa_tree(source: Source, task: Task) -> Parsed:
    """Rows of ``qaTree.json``: ``{run: {bin: {evnumMin, evnumMax, defect, comment, sectorDefects}}}``."""
    key, records, findings = _bins(source, QA_KNOWN)
    frame = key.assign(
        event_span=_difference(records, "evnumMin", "evnumMax"),
        comment=[str(each.get("comment") or "") for each in records],
        label=defect_labels(_field(records, "defect"), task),
    )
    return Parsed(source, frame, QA_COLUMNS, (*findings, *_undefined(source, frame)))


def parse_table(source: Source, dataset: str, task: Task) -> Parsed:
    """Rows of the flat table that belong to ``dataset``."""
    frame = source.frame()
    source.require(TABLE_REQUIRED, frame)
    findings = [source.unknown(name, TABLE_KNOWN) for name in frame if name not in TABLE_KNOWN]
    frame, others = _of_dataset(source, frame, dataset)
    table = pd.DataFrame({"run": frame["run"], "ls": frame["bin"]})
    table = table.assign(
        **{f"electrons_{s}": frame[f"nElec_{s}"] for s in SECTORS},
        charge=frame["fcCharge"],
        charge_ungated=frame["ufcCharge"],
        livetime=frame.get("livetime", np.nan),
        event_span=numbers(frame["evnumMax"])[0] - numbers(frame["evnumMin"])[0],
    )
    if "defect" in frame:
        table["label"] = defect_labels(frame["defect"], task)
        table["comment"] = frame.get("comment", "")
        findings += _undefined(source, table)
    return Parsed(source, table, CHARGE_COLUMNS + QA_COLUMNS, (*findings, *others), ("charge_ungated",))


def defect_labels(defect: pd.Series[Any], task: Task) -> NDArray[np.float64]:
    """Labels ``(n,)`` from defect masks: 1 bad, 0 good, -1 UNKNOWN, NaN where the mask is no whole number."""
    value, _ = numbers(defect)
    given = (value >= 0) & (value == np.floor(value)) & (value < 2**53)
    bits = np.where(given, value, 0).astype(np.int64)
    judged = np.where(bits & JUDGED, Label.UNKNOWN, Label.GOOD)
    return np.where(given, np.where(bits & BAD[task], Label.BAD, judged), np.nan)


def _bins(source: Source, known: Collection[str]) -> tuple[pd.DataFrame, list[dict[str, Any]], list[Finding]]:
    """Key, record and findings of every bin of a tree, a bin that occurs twice twice; a spoilt record is empty."""
    tree = source.json()
    if not isinstance(tree, dict | Repeated):
        raise InputError(f"{source.path}: not a QADB tree: expected an object {{run: {{bin: {{…}}}}}}")
    rows: list[tuple[str, str, dict[str, Any]]] = []
    findings, unknown = [], set[str]()
    for run, bins in _items(tree):
        number = int(run) if run.isascii() and run.isdecimal() and len(run) <= 10 else None
        if not isinstance(bins, dict | Repeated):
            reason = f"run {run[:20]!r} holds no bins but {str(bins)[:40]!r}"
            findings.append(Finding("malformed", "quarantined", reason, str(source.path), number))
        elif not bins:
            findings.append(Finding("empty-run", "quarantined", "the run has no bins", str(source.path), number))
        else:
            rows += [(run, each, record if isinstance(record, dict) else {}) for each, record in _items(bins)]
    if not rows:
        raise InputError(f"{source.path}: not a QADB tree: no run holds a bin")
    for _, _, record in rows:
        unknown.update(record)
    findings += [source.unknown(name, known) for name in sorted(unknown.difference(known))]
    key = pd.DataFrame({"run": [row[0] for row in rows], "ls": [row[1] for row in rows]})
    return key, [row[2] for row in rows], findings


def _items(node: dict[str, Any] | Repeated) -> Iterator[tuple[str, Any]]:
    return iter(node if isinstance(node, Repeated) else node.items())


def _difference(records: list[dict[str, Any]], first: str, last: str) -> NDArray[np.float64]:
    begin, _ = numbers(_field(records, first))
    end, _ = numbers(_field(records, last))
    return end - begin


def _field(records: list[dict[str, Any]], name: str) -> pd.Series[Any]:
    return pd.Series([each.get(name) for each in records], dtype=object)


def _undefined(source: Source, frame: pd.DataFrame) -> list[Finding]:
    rows, _ = placed(frame.loc[frame["label"].isna(), ["run", "ls"]].assign(file=str(source.path)))
    return folded(rows, "label", "note", "the defect mask is missing or no whole number, so there is no label")


def _only_in(these: QuantityTable, others: QuantityTable, source: Source) -> pd.DataFrame:
    rows = these.take(~these.index.isin(others.index))
    return pd.DataFrame({"file": str(source.path), "run": rows.run, "ls": rows.ls})


def _of_dataset(source: Source, frame: pd.DataFrame, dataset: str) -> tuple[pd.DataFrame, list[Finding]]:
    if "dataset" not in frame:
        if dataset:
            raise InputError(f"{source.path}: dataset {dataset!r} was asked for, but there is no column 'dataset'")
        return frame, []
    names = sorted({str(each) for each in frame["dataset"].dropna().unique()})
    if not dataset and len(names) > 1:
        raise InputError(f"{source.path}: holds {len(names)} data sets; name one as dataset: {', '.join(names)}")
    if dataset and dataset not in names:
        raise InputError(f"{source.path}: no data set {dataset!r}; {nearest(dataset, names)}")
    chosen = frame["dataset"] == dataset if dataset else pd.Series(True, index=frame.index)
    if chosen.all():
        return frame, []
    number = int((~chosen).sum())
    reason = f"{counted(number, 'row')} of other data sets {agreeing(number, '[was|were]')} not asked for"
    return frame[chosen].reset_index(drop=True), [Finding("other-dataset", "note", reason, str(source.path))]
