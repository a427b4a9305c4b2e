"""From single histograms, as tables and services give them, to batches; and what is odd about their numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.formats.histogram_merge import merge_histograms
from dqm.formats.results import ReadFile, ReadResult
from dqm.model.amounts import counted
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.keys import LS_LAST, encode
from dqm.model.tables import QuantityTable, lumisection_index


@dataclass(frozen=True)
class ParsedHistograms:
    """What one file gave: batches, findings, rows that were read and kept, and the digest of the bytes."""

    path: str
    sha256: str
    batches: tuple[HistogramBatch, ...]
    findings: tuple[Finding, ...]
    rows_read: int
    rows_kept: int


@dataclass
class Rows:
    """Histograms one by one; ``batches`` stacks those of equal element and axes."""

    path: str
    findings: list[Finding] = field(default_factory=list)
    read: int = 0
    _alike: dict[tuple[str, tuple[Axis, ...]], list[tuple[int, int, NDArray[Any], float]]] = field(default_factory=dict)

    def add(self, element: str, run: int, ls: int, axes: tuple[Axis, ...], cells: NDArray[Any], entries: float) -> None:
        """Add one histogram; ``cells`` with or without flow, told by their shape."""
        framed = with_flow(cells.reshape(1, -1), axes)[0]
        self._alike.setdefault((element, axes), []).append((run, ls, framed, entries))

    def refuse(self, code: str, reason: str, run: int | None = None, ls: int | None = None) -> None:
        """Leave one row out, and say so."""
        self.findings.append(Finding(code, "quarantined", reason, self.path, run, ls))

    def batches(self) -> tuple[HistogramBatch, ...]:
        """All of them, in the order in which their elements came."""
        made = []
        for (element, axes), rows in self._alike.items():
            run, ls, counts, entries = zip(*rows, strict=True)
            numbers = np.asarray(run, dtype=np.int64), np.asarray(ls, dtype=np.int64)
            made.append(HistogramBatch(element, axes, *numbers, np.stack(counts), np.asarray(entries, dtype=float)))
        return tuple(made)


def with_flow(cells: NDArray[Any], axes: Sequence[Axis]) -> NDArray[Any]:
    """From flat cells ``(n, k)`` to ``(n, …, y + 2, x + 2)``, with NaN in the flow where they come without it.

    Raises ``ValueError`` for a number of cells that is neither.
    """
    inside = tuple(axis.bins for axis in reversed(axes))
    whole = tuple(bins + 2 for bins in inside)
    n, found = cells.shape
    if found == math.prod(whole):
        return cells.reshape(n, *whole)
    if found != math.prod(inside):
        expected = f"{math.prod(whole)} with under- and overflow or {math.prod(inside)} without"
        raise ValueError(f"{found} cells where the axes ask for {expected}")
    framed = np.full((n, *whole), np.nan)
    framed[(slice(None), *(slice(1, -1),) * len(inside))] = cells.reshape(n, *inside)
    return framed


def valid_key(run: Any, ls: Any) -> bool:
    """Whether run and LS are whole numbers in their range."""
    return all(isinstance(each, int) and not isinstance(each, bool) for each in (run, ls)) and (
        0 <= run < 2**31 and 0 <= ls <= LS_LAST
    )


def oddities(batch: HistogramBatch, path: str) -> list[Finding]:
    """Notes on numbers that no counting gives: not finite or negative inside, more or fewer entries than counts.

    The histograms are delivered as they are; features of what cannot be counted are missing, and never quietly used.
    """
    inner = batch.inner.reshape(len(batch), -1)
    broken = ~np.isfinite(inner).all(axis=1)
    with np.errstate(invalid="ignore"):
        negative = (inner < 0).any(axis=1) & ~broken
    found = _note(batch, path, "invalid:counts", broken, "counts that are not finite")
    found += _note(batch, path, "negative-counts", negative, "negative counts")
    if batch.squares is None and batch.sums is None and batch.has_flow:
        total = batch.counts.reshape(len(batch), -1).sum(axis=1, dtype=np.float64)
        unequal = np.isfinite(batch.entries) & ~broken & ~negative & (np.abs(total - batch.entries) > 0.5)
        found += _note(batch, path, "entries", unequal, "another number of entries than counts: filled with weights")
    return found


def _note(batch: HistogramBatch, path: str, code: str, rows: NDArray[np.bool_], what: str) -> list[Finding]:
    if not rows.any():
        return []
    at = int(np.flatnonzero(rows)[0])
    reason = f"{batch.element}: {int(rows.sum())} of {counted(len(batch), 'histogram')} have {what}; the first is named"
    return [Finding(code, "note", reason, path, int(batch.run[at]), int(batch.ls[at]))]


def read_histogram_files(paths: Iterable[Path], parse: Callable[[Path], ParsedHistograms]) -> ReadResult:
    """Read files into batches; those that cannot be read are quarantined, ``InputError`` where none can be.

    A file without a single histogram is quarantined as ``empty``; one of which nothing was kept is noted as such.
    """
    parsed, refused = [], []
    for path in paths:
        try:
            parsed.append(parse(path))
        except InputError as error:
            refused.append(error)
    if not parsed:
        raise (
            refused[0] if refused else InputError("none of the files holds histograms; dqm inspect shows what they do")
        )
    findings = [Finding("unreadable", "quarantined", str(each)) for each in refused]
    batches, conflicts = merge_histograms(batch for each in parsed for batch in each.batches)
    for each in parsed:
        findings += each.findings
        if not each.rows_kept and not each.findings:
            why = (
                f"none of its {counted(each.rows_read, 'histogram')} was asked for"
                if each.rows_read
                else "it holds no histogram"
            )
            findings.append(Finding("empty", "note" if each.rows_read else "quarantined", why, each.path))
        for batch in each.batches:
            findings += oddities(batch, each.path)
    files = tuple(
        ReadFile(each.path, each.sha256, each.rows_read, each.rows_kept, _runs_of(each.batches)) for each in parsed
    )
    return ReadResult(lumisections_of(batches), None, (*findings, *conflicts), files, histograms=tuple(batches))


def _runs_of(batches: Iterable[HistogramBatch]) -> frozenset[int]:
    return frozenset(run for each in batches for run in np.unique(each.run).tolist())


def lumisections_of(batches: Iterable[HistogramBatch]) -> QuantityTable:
    """The lumisections of which there is any histogram, as a table without quantities; whole runs (LS 0) are none."""
    codes = [encode(each.run[each.ls > 0], each.ls[each.ls > 0]) for each in batches]
    union = np.unique(np.concatenate(codes)) if codes else np.zeros(0, dtype=np.int64)
    return QuantityTable(lumisection_index(union >> 32, union & (2**32 - 1)), (), np.zeros((len(union), 0)))
