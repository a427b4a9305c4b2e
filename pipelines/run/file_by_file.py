"""Reads the files of histograms that are new or changed, and those that share a run with them; the others are known.

What comes of it is what reading all of them gives. A run is taken as known only where every file that speaks of it is
there, can be opened and has the bytes it had, where no two of them disagreed, and where the store still holds what was
stored of it then (``pipelines.run.held_files``); else its files are read as ever.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dqm.formats.histogram_merge import merge_histograms
from dqm.formats.histogram_rows import lumisections_of
from dqm.formats.reading import ReadFile, ReadResult
from dqm.model.config import Config, DqmioInput, DqmRootInput, InputConfig, Ml4dqmInput
from dqm.model.errors import InputError
from dqm.model.findings import Finding
from dqm.model.histograms import HistogramBatch
from dqm.model.keys import LumiMask
from dqm.model.tables import QuantityTable, lumisection_index
from dqm.store.partitions import Partition
from dqm.store.store import Store
from pipelines.run.arrivals import Arrivals, known_as
from pipelines.run.held_files import Elements, Held, HeldFile, HeldRun, Ranges, digest_of, file_key

Reader = Callable[[InputConfig, Config], ReadResult]
"""Reads one input: ``read_input``, or who remembers what it gave for the same files."""
Histograms = DqmioInput | DqmRootInput | Ml4dqmInput
"""Inputs of which every file is read without regard to the others."""
CONFLICT = "conflict"


@dataclass
class _File:
    """One file of an input: what is known of it, and what reading it gave or refused."""

    described: Histograms
    path: Path
    sha256: str
    known: HeldFile | None
    result: ReadResult | None = None
    refused: InputError | None = None

    @property
    def key(self) -> str:
        return file_key(_name(self.described), self.path, self.read_file.sha256)

    @property
    def opened(self) -> bool:
        """Whether it was read, or refused to be."""
        return self.result is not None or self.refused is not None

    @property
    def usable(self) -> bool:
        """Whether anything is known of it, from now or before."""
        return self.refused is None and (self.result is not None or self.known is not None)

    @property
    def read_file(self) -> ReadFile:
        """What it held."""
        if self.result is not None:
            return self.result.files[0]
        if self.known is None:
            return ReadFile(str(self.path), self.sha256, 0, 0, frozenset())
        runs = frozenset(self.known.runs)
        return ReadFile(str(self.path), self.sha256, self.known.rows_read, self.known.rows_kept, runs)

    @property
    def runs(self) -> frozenset[int]:
        """The runs that it speaks of."""
        return self.read_file.runs or frozenset() if self.usable else frozenset()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in it."""
        return self.result.findings if self.result is not None else self.known.findings if self.known else ()


@dataclass
class FileByFile:
    """A ``Reader``; ``known`` is what earlier readings noted, ``arrivals`` what the inputs hold now."""

    config: Config
    store: Store
    arrivals: Arrivals
    read: Reader
    known: Held = field(default_factory=Held)
    whole: bool = False
    """Two histograms of one file disagree: everything is read at once, as only so all that disagree are told."""
    _files: dict[str, list[_File]] = field(default_factory=dict)
    _same: dict[int, HeldRun] = field(default_factory=dict)
    _given: dict[str, LumiMask] = field(default_factory=dict)

    def __call__(self, described: InputConfig, config: Config) -> ReadResult:
        """What the input gives, the histograms of known runs left out; raises as its reader does."""
        if not isinstance(described, Histograms):
            return self.read(described, config)
        if not self._files:
            self._plan()
        return self.read(described, config) if self.whole else self._result(_name(described))

    @property
    def elements(self) -> Mapping[int, Elements]:
        """Elements and binnings of the runs that are known."""
        return {run: each.elements for run, each in self._same.items()}

    @property
    def histograms(self) -> int:
        """How many histograms the known runs have."""
        return sum(each.histograms for each in self._same.values())

    def keep(self, stored: Mapping[int, str], merged: ReadResult) -> None:
        """Note what was read; ``stored`` are the digests of the partitions of histograms that were put, by run.

        A run of which two files disagree is not noted, so that it is looked at again.
        """
        if not self._files:
            return
        if self.whole:
            Held().keep(self.store)
            return
        odd = {each.run for each in merged.findings if each.code == CONFLICT and not each.file}
        runs, content = dict(self._same), _contents(merged.histograms)
        for run, signature in self._signatures().items():
            if run not in runs and run not in odd and run in stored and run in content:
                runs[run] = HeldRun(signature, stored[run], *content[run], self._lumisections(run))
        Held({each.key: _held(each) for each in self._all() if each.usable}, runs).keep(self.store)

    def _plan(self) -> None:
        """Read what nothing is known of, then the other files of every run that is not as it was."""
        for described in self.config.inputs:
            if isinstance(described, Histograms):
                paths = self.config.files(described.files)
                seen = {path: self._seen(described, path) for path in paths}
                self._files[_name(described)] = [seen[path] for path in paths]  # two patterns may match one file
        partitions = {each.run: each for each in self.store.partitions("histograms")}
        while wanted := self._wanted(partitions):
            for each in wanted:
                if not each.opened:
                    self._open(each)
        self.whole = any(
            finding.code == CONFLICT and not finding.file
            for each in self._all()
            if each.result is not None
            for finding in each.result.findings
        )
        if self.whole:
            self._same = {}

    def _seen(self, described: Histograms, path: Path) -> _File:
        """A file as it is now; one that cannot be opened is not known, whatever it held."""
        seen = self.arrivals.files.get(known_as(path))
        if seen is None or not os.access(path, os.R_OK):
            return _File(described, path, "", None)
        known = self.known.files.get(file_key(_name(described), path, seen.digest))
        return _File(described, path, seen.digest, known)

    def _wanted(self, partitions: Mapping[int, Partition]) -> list[_File]:
        """What is to be read next."""
        new = [each for each in self._all() if not (each.usable or each.opened)]
        if new:
            return new
        signatures = self._signatures()
        held = {run: self.known.runs[run] for run in signatures if run in self.known.runs}
        self._same = {
            run: each
            for run, each in held.items()
            if each.files == signatures[run]
            and run in partitions
            and each.digest == partitions[run].digest
            and (self.store.path / partitions[run].path).exists()
        }
        return [each for each in self._all() if not each.opened and not each.runs <= self._same.keys()]

    def _open(self, file: _File) -> None:
        folder = self.config.folder
        place = file.path.relative_to(folder) if file.path.is_relative_to(folder) else file.path
        alone = file.described.model_copy(update={"files": (glob.escape(str(place)),)})
        try:
            file.result = self.read(alone, self.config)
        except InputError as error:
            file.refused = error

    def _result(self, name: str) -> ReadResult:
        """What the files of an input give, as ``dqm.formats.histogram_rows.read_histogram_files`` puts it together."""
        files = self._files[name]
        refused = [each.refused for each in files if each.refused is not None]
        if len(refused) == len(files):
            raise refused[0]
        batches, conflicts = merge_histograms(self._fresh(files))
        found = [Finding("unreadable", "quarantined", str(each)) for each in refused]
        found += [finding for each in files for finding in each.findings]
        fresh = lumisections_of(batches)
        self._given[name] = LumiMask.of_lumisections(fresh.run, fresh.ls)
        known = LumiMask({run: each.lumisections.get(name, ()) for run, each in self._same.items()})
        read = tuple(each.read_file for each in files if each.usable)
        table = _table(self._given[name] | known)
        return ReadResult(table, None, (*found, *conflicts), read, histograms=tuple(batches))

    def _fresh(self, files: Sequence[_File]) -> Iterator[HistogramBatch]:
        """The histograms of runs that are not known."""
        for each in files:
            for batch in each.result.histograms if each.result is not None else ():
                rows = ~np.isin(batch.run, np.fromiter(self._same, dtype=np.int64))
                if rows.any():
                    yield batch if rows.all() else batch.take(rows)

    def _signatures(self) -> dict[int, str]:
        """A digest of all files that speak of it, by run."""
        speak: dict[int, list[str]] = {}
        for each in self._all():
            key = each.key
            for run in each.runs:
                speak.setdefault(run, []).append(key)
        return {run: digest_of(keys) for run, keys in sorted(speak.items())}

    def _lumisections(self, run: int) -> Ranges:
        found = {name: each.only_runs([run]).ranges.get(run, []) for name, each in self._given.items()}
        return {name: tuple(ranges) for name, ranges in found.items() if ranges}

    def _all(self) -> Iterator[_File]:
        return (each for files in self._files.values() for each in files)


def _name(described: Histograms) -> str:
    """What an input is known by: all its settings."""
    return digest_of([described.model_dump_json()])


def _held(file: _File) -> HeldFile:
    read = file.read_file
    return HeldFile(read.rows_read, read.rows_kept, tuple(sorted(read.runs or ())), file.findings)


def _table(mask: LumiMask) -> QuantityTable:
    run, ls = mask.lumisections()
    return QuantityTable(lumisection_index(run, ls), (), np.zeros((len(run), 0)))


def _contents(batches: Iterable[HistogramBatch]) -> dict[int, tuple[int, Elements]]:
    """How many histograms, and which elements in which binnings, every run has."""
    found: dict[int, tuple[int, dict[str, tuple[str, ...]]]] = {}
    for each in batches:
        binning = each.binning
        for run, rows in zip(*(part.tolist() for part in np.unique(each.run, return_counts=True)), strict=True):
            count, elements = found.get(run, (0, {}))
            elements[each.element] = tuple(sorted({*elements.get(each.element, ()), binning}))
            found[run] = count + rows, elements
    return dict(found)
