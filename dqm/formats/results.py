"""What a reader hands back: quantities, labels, what was found wrong, and an account of every row of every file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from dqm.model.findings import Finding
from dqm.model.histograms import HistogramBatch
from dqm.model.keys import LumiMask, decode, encode
from dqm.model.labels import Label, Labels
from dqm.model.tables import USABLE, QuantityTable, lumisection_index


@dataclass(frozen=True)
class ReadFile:
    """One file that was read: ``rows_read - rows_kept`` rows were dropped, and findings say which and why.

    ``runs`` are those that it speaks of; None where it may speak of any.
    """

    path: str
    sha256: str
    rows_read: int
    rows_kept: int
    runs: frozenset[int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Certification:
    """Ranges of certified lumisections, which become labels once it is known which lumisections exist.

    ``golden`` are the good ones, ``first_run`` and ``last_run`` bound a coverage by span, ``runs`` are those covered
    otherwise; with ``dcs`` only lumisections inside it are labelled at all.
    """

    golden: LumiMask
    runs: frozenset[int]
    dcs: LumiMask | None = None
    span: tuple[int, int] | None = None

    def labels(self, index: pd.MultiIndex) -> Labels:
        """Label the covered ones among ``n`` existing lumisections: GOOD inside, BAD outside, none elsewhere."""
        run, ls = (np.asarray(index.get_level_values(name), dtype=np.int64) for name in ("run", "ls"))
        covered = np.isin(run, np.fromiter(self.runs, dtype=np.int64))
        if self.span:
            covered |= (run >= self.span[0]) & (run <= self.span[1])
        if self.dcs is not None:
            covered &= self.dcs.contains(run, ls)
        value = np.where(self.golden.contains(run, ls), Label.GOOD, Label.BAD)
        return Labels.of(index[covered], value[covered], "golden")


@dataclass(frozen=True, eq=False)
class ReadResult:
    """What one input gave.

    ``quantities`` without a column only tell which lumisections there are, as ``histograms`` do. ``certification``
    holds labels given as ranges; ``merge`` turns them into labels.
    """

    quantities: QuantityTable | None
    labels: Labels | None
    findings: tuple[Finding, ...]
    files: tuple[ReadFile, ...]
    certification: Certification | None = None
    histograms: tuple[HistogramBatch, ...] = ()


def joined(tables: Sequence[QuantityTable], missing: Sequence[str]) -> QuantityTable:
    """Join tables of different columns on ``(run, ls)``: every lumisection of any of them, ascending.

    ``missing[i]`` is the status of a lumisection that table i lacks, ``""`` where it may. The first reason found, in
    the order of the tables, stands.
    """
    codes = [encode(each.run, each.ls) for each in tables]
    union = np.unique(np.concatenate(codes))
    status = np.full(len(union), USABLE, dtype=object)
    start = np.full(len(union), np.datetime64("NaT"), dtype="datetime64[ns]")
    values = [np.full((len(union), len(each.columns)), np.nan) for each in tables]
    for table, code, value, absent in zip(tables, codes, values, missing, strict=True):
        at = np.searchsorted(union, code)
        value[at] = table.values
        reason = np.full(len(union), absent, dtype=object)
        reason[at] = table.status
        status = np.where(status == USABLE, reason, status)
        start[at] = np.where(np.isnat(start[at]), table.start, start[at])
    columns = tuple(column for each in tables for column in each.columns)
    return QuantityTable(lumisection_index(*decode(union)), columns, np.concatenate(values, axis=1), status, start)
