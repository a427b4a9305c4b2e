"""Histograms as objects of a ROOT file: legacy DQM files of a whole run, and files of keyed histograms.

Legacy: ``DQMData/Run <run>/<subsystem>/Run summary/<path>/<name>`` is the element ``<subsystem>/<path>/<name>`` of the
whole run (LS 0); ``By Lumi Section <first>-<last>`` in place of ``Run summary`` names lumisections, of which only
ranges of one can be used. Keyed: ``run<run>_ls<ls>_<element>`` anywhere in the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dqm.formats.histogram_rows import ParsedHistograms, read_histogram_files
from dqm.formats.results import ReadResult
from dqm.formats.root_bytes import RootFileError, located
from dqm.formats.root_file import Key, RootFile
from dqm.formats.root_histogram import KINDS, Histogram, parse_histogram
from dqm.model.amounts import counted
from dqm.model.config import Config, DqmRootInput
from dqm.model.findings import Finding
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.patterns import asked_for

LEGACY = re.compile(r"DQMData/Run (\d{1,10})/([^/]+)/(?:Run summary|By Lumi Section (\d+)-(\d+))/(.+)", re.DOTALL)
KEYED = re.compile(r"(?:.*/)?run(\d{1,10})_ls(\d{1,10})_([^/]+)", re.DOTALL)
DIRECTORIES = ("TDirectory", "TDirectoryFile")
DEEPEST, MOST_KEYS = 40, 5_000_000
LARGEST = 1 << 28


class Place(NamedTuple):
    """Where a histogram belongs."""

    element: str
    run: int
    ls: int


def read_dqm_root(described: DqmRootInput, config: Config) -> ReadResult:
    """Read legacy DQM files and files of keyed histograms."""
    whole, templates = described.runs_as_lumisection, Templates()

    def parse(path: Path) -> ParsedHistograms:
        return parse_objects(path, described.elements, whole, templates)

    return read_histogram_files(config.files(described.files), parse)


@dataclass
class Templates:
    """Histograms that were parsed, so that others of the same element and layout need not be parsed again."""

    _known: dict[tuple[str, str, int], Histogram] = field(default_factory=dict)

    def parse(self, element: str, data: bytes, kind: str) -> Histogram:
        """The histogram that ``data`` is; every byte that is no count and no statistic must be that of the template."""
        key = (element, kind, len(data))
        known = self._known.get(key)
        if known is not None and all(data[a:b] == known.data[a:b] for a, b in known.layout.fixed()):
            return replace(known, data=data)
        self._known[key] = found = parse_histogram(data, kind)
        return found


def parse_objects(
    path: Path, elements: tuple[str, ...] = (), whole_run_as: int = 0, templates: Templates | None = None
) -> ParsedHistograms:
    """The histograms of one file whose elements are asked for; only these are decompressed.

    ``whole_run_as`` is the lumisection for which a histogram of the whole run stands; ``templates`` are shared by the
    files of one reading. Raises ``RootFileError`` where
    the file is none or its directories cannot be read.
    """
    templates = templates or Templates()
    findings: list[Finding] = []
    alike: dict[tuple[str, tuple[object, ...], str, bool, bool], list[tuple[Place, Histogram]]] = {}
    read = strange = 0
    with RootFile(path) as file, located(file=str(path)):
        for name, key in objects(file):
            if key.kind not in KINDS:
                continue
            read += 1
            place = place_of(name, whole_run_as)
            if place is None:
                strange += 1
                continue
            if not asked_for(place.element, elements):
                continue
            try:
                found = templates.parse(place.element, file.payload(key, most=LARGEST).tobytes(), key.kind)
            except RootFileError as error:
                findings.append(Finding("malformed", "quarantined", f"{name}: {error}", str(path), place.run, place.ls))
                continue
            sort = (place.element, found.axes, found.kind, bool(len(found.squares)), found.profile)
            alike.setdefault(sort, []).append((place, found))
    if strange:
        reason = f"{strange} histograms stand in no folder of a run and carry no run in their name; they are not used"
        findings.append(Finding("key", "quarantined", reason, str(path)))
    batches = []
    for given in alike.values():
        try:
            batches.append(_batch(given))
        except ValueError as error:
            place = given[0][0]
            reason = f"{place.element}: {error}; {counted(len(given), 'histogram')}"
            findings.append(Finding("invalid:axis", "quarantined", reason, str(path), place.run, place.ls))
    kept = sum(len(each) for each in batches)
    return ParsedHistograms(str(path), digest_of(path), tuple(batches), tuple(findings), read, kept)


def objects(file: RootFile) -> Iterator[tuple[str, Key]]:
    """Path and key of everything in a file that is no directory; directories that lead in a circle are entered once."""
    waiting = [("", key) for key in reversed(file.keys.values())]
    entered: set[int] = set()
    seen = 0
    while waiting:
        above, key = waiting.pop()
        name = f"{above}{key.name}"
        seen += 1
        if seen > MOST_KEYS or name.count("/") > DEEPEST:
            raise RootFileError(f"more than {MOST_KEYS} keys, or directories deeper than {DEEPEST}: {name[:200]}")
        if key.kind not in DIRECTORIES:
            yield name, key
        elif key.place not in entered:
            entered.add(key.place)
            waiting += [(f"{name}/", each) for each in reversed(file.directory(key).values())]


def place_of(name: str, whole_run_as: int = 0) -> Place | None:
    """What the path of an object says, None where it names no run or several lumisections."""
    legacy = LEGACY.fullmatch(name)
    if legacy:
        run, subsystem, first, last, rest = legacy.groups()
        if first is not None and first != last:
            return None
        return Place(f"{subsystem}/{rest}", int(run), whole_run_as if first is None else int(first))
    keyed = KEYED.fullmatch(name)
    return Place(keyed[3], int(keyed[1]), int(keyed[2])) if keyed else None


def digest_of(path: Path) -> str:
    """SHA-256 of a file, without holding it in memory."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _batch(given: list[tuple[Place, Histogram]]) -> HistogramBatch:
    """Histograms of one element and one layout; raises ``ValueError`` for an axis on which nothing can be counted."""
    first = given[0][1]
    axes: tuple[Axis, ...] = tuple(each.axis() for each in first.axes)
    shape = (len(given), *(axis.bins + 2 for axis in reversed(axes)))
    cells = np.stack([each.cells for _, each in given]).reshape(shape)
    squares = np.stack([each.squares for _, each in given]).reshape(shape) if len(first.squares) else None
    given_weights = [each.weights for _, each in given if each.weights is not None]
    weights = np.stack(given_weights).reshape(shape) if given_weights else None
    return HistogramBatch(
        given[0][0].element,
        axes,
        np.array([place.run for place, _ in given]),
        np.array([place.ls for place, _ in given]),
        cells if weights is None else weights,
        np.array([each.entries for _, each in given]),
        squares,
        None if weights is None else cells,
    )
