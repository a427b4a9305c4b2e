"""CMS DQMIO files, read without ROOT: monitor elements over lumisections, as arrays.

>>> with open_dqmio(Path("tests/fixtures/dqmio/plain_zlib.root")) as file:
...     batches = {each.element: each for each in file.read("Pixel/TH1Fs/*", runs=[316187])}
>>> batches["Pixel/TH1Fs/h_0"].counts.shape
(4, 8)

Only the baskets that hold something selected are decompressed. What cannot be used is left out and told in
``findings``; nothing is repaired silently. The layout is that of CMSSW ``DQMServices/FwkIO/plugins/format.h``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.formats.dqmio_batches import batches_of
from dqm.formats.dqmio_index import NONE, TYPES, TreeIndex, read_index, text_entries, text_of
from dqm.formats.root_bytes import RootFileError, located
from dqm.formats.root_file import RootFile
from dqm.formats.root_template import Chunk, decode
from dqm.formats.screening import folded
from dqm.model.errors import UnknownNameError
from dqm.model.findings import Finding
from dqm.model.histograms import HistogramBatch

SCALARS, HISTOGRAMS = TYPES[:3], TYPES[3:]
THREADS = 2
MOST_MEMORY = 1 << 30
"""1 GiB: a tree of which more is selected is read in several passes over its monitor elements."""


@contextmanager
def open_dqmio(path: Path | str) -> Iterator[DqmioFile]:
    """Open a DQMIO file and read its index.

    Raises ``RootFileError``, an ``InputError``, for a file that is no DQMIO file, is cut short, or whose index cannot
    be read, and ``OSError`` for one that cannot be opened.
    """
    with RootFile(Path(path)) as file:
        yield DqmioFile(file)


class DqmioFile:
    """An open DQMIO file.

    ``index`` holds monitor element, run and lumisection of every entry of every tree. ``findings`` grows while the
    file is read; ``strays`` counts the entries that were not like the template of their monitor element.
    """

    def __init__(self, file: RootFile) -> None:
        self.path = file.path
        self.index, self.findings = read_index(file)
        self.strays = 0

    def elements(self) -> tuple[str, ...]:
        """The monitor elements that are histograms, sorted."""
        return tuple(sorted({name for tree in HISTOGRAMS if tree in self.index for name in self.index[tree].names}))

    def runs(self) -> tuple[int, ...]:
        """The runs of all entries, sorted."""
        found = [np.unique(each.run[each.run != NONE]) for each in self.index.values()]
        return tuple(int(run) for run in np.unique(np.concatenate([np.zeros(0, np.int64), *found])))

    def read(
        self,
        elements: str | Sequence[str] = "*",
        runs: Collection[int] | None = None,
        lumisections: Collection[int] | None = None,
        threads: int = THREADS,
    ) -> Iterator[HistogramBatch]:
        """One batch a monitor element and binning, rows by run and lumisection; lumisection 0 is the whole run.

        ``elements`` is a glob or several; ``*`` matches ``/`` too. ``squares`` of a row in which ROOT kept none is NaN
        where other rows of the batch have it. Raises ``UnknownNameError`` for a glob that matches no histogram.
        """
        globs = [elements] if isinstance(elements, str) else list(elements)
        self._refuse_unknown(globs, HISTOGRAMS)
        for name in HISTOGRAMS:
            if name in self.index:
                chosen = self._chosen(self.index[name], globs, runs, lumisections)
                for entries, most in _passes(self.index[name], chosen):
                    yield from self._batches(self.index[name], entries, most, threads)

    def scalars(
        self,
        tree: str,
        elements: str | Sequence[str] = "*",
        runs: Collection[int] | None = None,
        lumisections: Collection[int] | None = None,
    ) -> pd.DataFrame:
        """The tree ``Ints``, ``Floats`` or ``Strings`` with the columns run, ls, element and value.

        Raises ``UnknownNameError`` for another tree.
        """
        if tree not in SCALARS:
            raise UnknownNameError("tree of scalars", tree, SCALARS)
        columns = ["run", "ls", "element", "value"]
        if tree not in self.index:
            return pd.DataFrame(columns=columns)
        index = self.index[tree]
        chosen = self._chosen(index, [elements] if isinstance(elements, str) else list(elements), runs, lumisections)
        values = _values(index)
        if len(values) < len(index.code):
            raise RootFileError(
                f"{len(values)} values of {len(index.code)} entries", file=str(self.path), tree=tree, branch="Value"
            )
        names = np.array(index.names, dtype=object)[index.code[chosen]]
        return pd.DataFrame(
            dict(zip(columns, (index.run[chosen], index.ls[chosen], names, values[chosen]), strict=True))
        )

    def _refuse_unknown(self, globs: Sequence[str], trees: Sequence[str]) -> None:
        names = {name for tree in trees if tree in self.index for name in self.index[tree].names}
        for glob in globs:
            if glob not in names and glob != "*" and not any(fnmatchcase(name, glob) for name in names):
                raise UnknownNameError("monitor element", glob, names)

    def _chosen(
        self,
        index: TreeIndex,
        globs: Sequence[str],
        runs: Collection[int] | None,
        lumisections: Collection[int] | None,
    ) -> NDArray[np.int64]:
        """The selected entries of a tree, rising."""
        chosen = index.run != NONE
        if "*" not in globs:
            wanted = [name in globs or any(fnmatchcase(name, glob) for glob in globs) for name in index.names]
            chosen &= np.array([*wanted, False])[index.code]
        if runs is not None:
            chosen &= np.isin(index.run, [int(run) for run in runs])
        if lumisections is not None:
            chosen &= np.isin(index.ls, [int(ls) for ls in lumisections])
        return np.flatnonzero(chosen)

    def _batches(self, index: TreeIndex, entries: NDArray[np.int64], most: int, threads: int) -> list[HistogramBatch]:
        tree, branch = index.tree, index.tree.branch("Value")
        basket = branch.holding(entries)
        cuts = np.flatnonzero(np.diff(basket, prepend=NONE))
        chunks = [
            Chunk(partial(tree.basket, branch, int(basket[a])), np.arange(a, b), entries[a:b] - branch.first[basket[a]])
            for a, b in zip(cuts, [*cuts[1:], len(entries)], strict=True)
        ]
        decoded = decode(chunks, index.code[entries], tree.name[:-1], most, threads)
        self.strays += decoded.strays
        if decoded.strays:
            told = f"{decoded.strays} of {len(entries)} entries of {tree.name} changed their layout and were read apart"
            self.findings.append(Finding("layout", "note", told, str(self.path)))
        for reason, positions in _by_reason(decoded.broken):
            broken = entries[positions]
            rows = pd.DataFrame({"file": str(self.path), "run": index.run[broken], "ls": index.ls[broken]})
            self.findings += folded(rows, "malformed", "quarantined", f"{tree.name}: {reason}")
        batches, findings = batches_of(decoded, index, entries)
        self.findings += findings
        return batches


def _passes(index: TreeIndex, entries: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Entries in parts of whole monitor elements that fit ``MOST_MEMORY`` on average, and what their baskets hold."""
    if not len(entries):
        return
    branch = index.tree.branch("Value")
    baskets = branch.holding(entries)
    baskets = baskets[np.flatnonzero(np.diff(baskets, prepend=NONE))]
    most = index.tree.declared(branch, baskets)
    share = most * len(entries) / int((branch.first[baskets + 1] - branch.first[baskets]).sum())
    count = min(len(index.names), int(np.ceil(share / MOST_MEMORY)))
    for i in range(max(1, count)):
        part = entries if count <= 1 else entries[index.code[entries] * count // len(index.names) == i]
        if len(part):
            yield part, most


def _by_reason(broken: Sequence[tuple[NDArray[np.int64], str]]) -> list[tuple[str, NDArray[np.int64]]]:
    """Positions by reason, those together whose reasons differ in numbers only; the first reason stands for all."""
    found: dict[str, list[tuple[NDArray[np.int64], str]]] = defaultdict(list)
    for positions, reason in broken:
        found[re.sub(r"\d+", "0", reason)].append((positions, reason))
    return [(each[0][1], np.concatenate([positions for positions, _ in each])) for each in found.values()]


def _values(index: TreeIndex) -> NDArray[np.generic]:
    if index.tree.name != "Strings":
        return index.tree.numbers("Value")
    data, edges = text_entries(index.tree, "Value")
    with located(file=str(index.tree.file.path), tree="Strings", branch="Value"):
        return np.array([text_of(data, int(a), int(b)) for a, b in pairwise(edges)], dtype=object)
