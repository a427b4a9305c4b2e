"""What a file of histograms holds: monitor elements, runs, lumisections, binnings, empties."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dqm.formats.dials import parse_pages
from dqm.formats.dqmio_input import parse_dqmio
from dqm.formats.histogram_rows import ParsedHistograms, oddities
from dqm.formats.legacy_dqm import parse_objects
from dqm.formats.ml4dqm import parse_ml4dqm
from dqm.formats.root_file import RootFile
from dqm.formats.sources import Source
from dqm.model.config import DialsInput
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.histograms import Axis, HistogramBatch

KINDS = ("dqmio", "dqm-root", "dials", "ml4dqm")


@dataclass(frozen=True)
class ElementSummary:
    """One monitor element in one binning: how many histograms, of how many runs and lumisections, how many empty."""

    element: str
    axes: str
    histograms: int
    runs: int
    lumisections: int
    empty: int
    entries: float


@dataclass(frozen=True)
class Inspection:
    """What a file holds; ``kind`` is the reader that understands it."""

    path: str
    kind: str
    elements: tuple[ElementSummary, ...]
    runs: tuple[int, ...]
    histograms: int
    findings: tuple[Finding, ...]


def kind_of(path: Path) -> str:
    """The reader for a file, by its bytes and not by its name; raises ``InputError`` where there is none."""
    head = _head(path)
    if head.startswith(b"root"):
        with RootFile(path) as file:
            return "dqmio" if "Indices" in file.keys else "dqm-root"
    if head.startswith(b"PAR1"):
        return "ml4dqm"
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith((b"{", b"[")):
        return "dials"
    if b"histo" in head.partition(b"\n")[0]:
        return "ml4dqm"
    raise InputError(f"{path}: no file of histograms that is known: ROOT, DIALS pages or an ML4DQM table")


def parse_any(path: Path, elements: tuple[str, ...] = (), kind: str = "") -> ParsedHistograms:
    """The histograms of a file of any kind."""
    kind = kind or kind_of(path)
    if kind == "dqmio":
        return parse_dqmio(path, elements)
    if kind == "dqm-root":
        return parse_objects(path, elements)
    if kind == "dials":
        described = DialsInput(kind="dials", files=(str(path),), elements=elements)
        return parse_pages(str(path), iter([Source.open(path).data]), described, {})
    return parse_ml4dqm(path, elements)


def inspect(path: Path, elements: tuple[str, ...] = ()) -> Inspection:
    """Look at a file; raises ``InputError`` where it cannot be read."""
    kind = kind_of(path)
    parsed = parse_any(path, elements, kind)
    found = sorted(parsed.batches, key=lambda each: each.element)
    runs = sorted({int(run) for each in found for run in np.unique(each.run)})
    notes = (*parsed.findings, *(note for each in found for note in oddities(each, str(path))))
    return Inspection(
        str(path), kind, tuple(_summary(each) for each in found), tuple(runs), sum(len(each) for each in found), notes
    )


def _summary(batch: HistogramBatch) -> ElementSummary:
    axes = " × ".join(_words(axis) for axis in batch.axes)
    total = np.nansum(batch.counts.reshape(len(batch), -1), axis=1, dtype=np.float64)
    return ElementSummary(
        element=batch.element,
        axes=axes,
        histograms=len(batch),
        runs=len(np.unique(batch.run)),
        lumisections=int((batch.ls > 0).sum()),
        empty=int((total == 0).sum()),
        entries=float(np.nansum(batch.entries)),
    )


def _words(axis: Axis) -> str:
    """Bins and ends of an axis, and what is special about it."""
    special = ", uneven" * bool(axis.edges) + ", labelled" * bool(axis.labels)
    return f"{axis.bins} [{axis.low:g}, {axis.high:g}]{special}"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if not head.strip():
        raise InputError(f"{path}: the file is empty")
    return head
