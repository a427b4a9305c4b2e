"""Many streamed histograms at once: the first of a monitor element is read exactly, the others are held against it.

An entry that has every byte of its template, but for the counts, the sums and the number of entries, is copied by a
compiled loop. One that has not is a stray: the first stray of a monitor element is read exactly and becomes the
template of the others, and so on. So everything is either read exactly or proven to be like something that was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dqm.formats.root_bytes import RootFileError
from dqm.formats.root_histogram import KINDS, Histogram, RawAxis, parse_histogram
from dqm.formats.root_kernels import decode_entries
from dqm.formats.root_tree import Basket

Positions = NDArray[np.int64]
ROUNDS = 8
"""After so many templates of one monitor element every stray is read exactly."""
KEPT = 64
"""Baskets with a first entry that are kept rather than decompressed twice."""


class Chunk(NamedTuple):
    """Entries ``positions[i]`` of the selection are ``entries[i]`` of the basket that ``load`` gives."""

    load: Callable[[], Basket]
    positions: Positions
    entries: Positions


class Columns(NamedTuple):
    """A line of the table for ``decode_entries``: places in an entry and in the outputs, -1 for none."""

    size: int = -1
    shape: int = 0
    first_fixed: int = 0
    last_fixed: int = 0
    base: int = 0
    cells: int = 0
    counts_at: int = 0
    entries_at: int = 0
    squares_at: int = -1
    sums_at: int = -1
    entries_base: int = 0
    squares_base: int = 0
    sums_base: int = 0
    rows: int = 0


@dataclass(frozen=True)
class Piece:
    """Entries of one monitor element and one layout: ``counts``, ``squares``, ``sums`` ``(n, cells)``."""

    group: int
    axes: tuple[RawAxis, ...]
    positions: Positions
    counts: NDArray[Any]
    entries: NDArray[np.float64]
    squares: NDArray[np.float64] | None
    sums: NDArray[np.float64] | None


@dataclass
class Decoded:
    """What came out: ``pieces``, ``broken`` (position, reason), ``odd`` cells ``(m,)``, and how many were strays."""

    odd: NDArray[np.int64]
    pieces: list[Piece] = field(default_factory=list)
    broken: list[tuple[Positions, str]] = field(default_factory=list)
    strays: int = 0


def decode(chunks: Sequence[Chunk], groups: Positions, kind: str, most: int, threads: int = 1) -> Decoded:
    """Decode the selected entries ``(m,)`` of class ``kind``; ``groups`` ``(m,)`` numbers their monitor elements.

    ``most`` is what the baskets hold, in bytes: no array is made that could not come from so much.
    """
    out = Decoded(np.zeros(len(groups), np.int64))
    for i in range(ROUNDS + 1):
        if i == ROUNDS:
            groups = -1 - np.arange(len(groups))
        strays = _Round(chunks, groups, kind, most, out).run(threads)
        if i == 0:
            out.strays = sum(len(each) for each, _ in strays)
        if not strays:
            break
        chunks = [_in_memory(strays)]
        threads = 1
    return out


def _in_memory(strays: list[tuple[Positions, list[NDArray[np.uint8]]]]) -> Chunk:
    entries = [each for _, found in strays for each in found]
    edges = np.concatenate([[0], np.cumsum([len(each) for each in entries])]).astype(np.int64)
    basket = Basket(np.concatenate(entries), edges)
    basket.data.flags.writeable = False
    return Chunk(lambda: basket, np.concatenate([each for each, _ in strays]), np.arange(len(entries)))


class _Round:
    """One pass: a template for every group, then every entry held against the template of its group."""

    def __init__(self, chunks: Sequence[Chunk], groups: Positions, kind: str, most: int, out: Decoded) -> None:
        self.chunks, self.kind, self.most, self.out = chunks, kind, most, out
        self.width = np.dtype(KINDS[kind][1]).itemsize if not kind.startswith("TProfile") else 8
        self.begins = np.cumsum([0, *(len(each.positions) for each in chunks)])
        self.positions = np.concatenate([each.positions for each in chunks])
        self.group, self.row, self.order, self.starts = ranked(groups[self.positions])
        self.names = groups[self.positions[self.order[self.starts[:-1]]]]
        self.kept: dict[int, Basket] = {}
        self.done = np.zeros(len(self.positions), np.bool_)
        self.broken = self.done.copy()

    def run(self, threads: int) -> list[tuple[Positions, list[NDArray[np.uint8]]]]:
        """Add the pieces to the result; return positions and bytes of the strays."""
        self._templates()
        self._allocate()
        if threads > 1 and len(self.chunks) > 1:
            with ThreadPoolExecutor(threads) as pool:
                parts = pool.map(
                    lambda t: [self._chunk(i) for i in range(t, len(self.chunks), threads)], range(threads)
                )
                strays = [each for part in parts for each in part]
        else:
            strays = [self._chunk(i) for i in range(len(self.chunks))]
        self.out.pieces += [piece for i in range(len(self.names)) if (piece := self._piece(i)) is not None]
        return sorted((each for each in strays if len(each[0])), key=lambda each: int(each[0][0]))

    def _templates(self) -> None:
        """Read the first entry of every group exactly."""
        self.found: list[tuple[Histogram, bytes] | None] = [None] * len(self.names)
        firsts = self.order[self.starts[:-1]]
        chunk_of = np.searchsorted(self.begins, firsts, side="right") - 1
        for i in np.argsort(chunk_of, kind="stable"):
            basket = self._load(int(chunk_of[i]), keep=True)
            if basket is None:
                continue
            at = int(self.chunks[chunk_of[i]].entries[firsts[i] - self.begins[chunk_of[i]]])
            data = basket.data[basket.edges[at] : basket.edges[at + 1]].tobytes()
            try:
                self.found[i] = parse_histogram(data, self.kind), data
            except RootFileError as error:
                self.broken[firsts[i]] = True
                self.out.broken.append((self.positions[firsts[i] : firsts[i] + 1], str(error)))

    def _load(self, i: int, *, keep: bool = False) -> Basket | None:
        """The basket of chunk ``i``; None, and all its entries are broken, where it cannot be read."""
        if i in self.kept:
            return self.kept[i]
        begin, end = self.begins[i], self.begins[i + 1]
        try:
            basket = self.chunks[i].load()
        except RootFileError as error:
            if not keep:
                self.out.broken.append((self.positions[begin:end], str(error)))
                self.broken[begin:end] = True
            return None
        if keep and len(self.kept) < KEPT:
            self.kept[i] = basket
        return basket

    def _allocate(self) -> None:
        """One array for all counts, one for all squares, one for all sums, and the table that says what is where."""
        sizes, lines, shapes = np.diff(self.starts).tolist(), list[Columns](), list[bytes]()
        fixed = list[tuple[int, int]]()
        cells = squares = sums = shape = 0
        left = self.most
        for i, found in enumerate(self.found):
            if found is None:
                lines.append(Columns())
                continue
            histogram, data = found
            layout = histogram.layout
            rows = sizes[i] if layout.size * sizes[i] <= left else 1
            left -= layout.size * rows
            parts = layout.fixed()
            profile = histogram.profile
            lines.append(
                Columns(
                    layout.size, shape, len(fixed), len(fixed) + len(parts), cells, layout.count,
                    layout.weights if profile else layout.cells, layout.entries, layout.squares,
                    layout.cells if profile else -1, int(self.starts[i]), squares, sums, rows,
                )
            )  # fmt: skip
            fixed += parts
            shapes.append(data)
            shape += len(data)
            cells += rows * layout.count
            squares += rows * layout.count * (layout.squares >= 0)
            sums += rows * layout.count * profile
        self.lines, self.table = lines, np.array(lines, np.int64)
        self.shapes = np.frombuffer(b"".join(shapes) or b"\0", np.uint8)
        self.fixed = np.array(fixed, np.int64).reshape(-1, 2)
        self.counts = np.empty(-(-cells * self.width // 8), np.uint64)
        self.entries = np.empty(len(self.positions), np.uint64)
        self.squares, self.sums = np.empty(squares, np.uint64), np.empty(sums, np.uint64)
        words = (_words(each) for each in (self.entries, self.squares, self.sums))
        self.outputs, self.limits = (_views(self.counts), *words), _limits(self.kind)

    def _chunk(self, i: int) -> tuple[Positions, list[NDArray[np.uint8]]]:
        """Decode one basket; return positions and bytes of its strays."""
        basket = self._load(i)
        if basket is None:
            return self.positions[:0], []
        span = slice(self.begins[i], self.begins[i + 1])
        entries = self.chunks[i].entries
        begin, end = basket.edges[entries], basket.edges[entries + 1]
        odd = np.zeros(len(entries), np.int64)
        decode_entries(
            basket.data, begin, end, self.group[span], self.row[span], self.done[span], odd, self.table, self.shapes,
            self.fixed, self.width, *self.limits, *self.outputs,
        )  # fmt: skip
        self.out.odd[self.positions[span]] += odd
        stray = np.flatnonzero(~self.done[span] & ~self.broken[span])
        return self.positions[span][stray], [basket.data[begin[k] : end[k]] for k in stray]

    def _piece(self, i: int) -> Piece | None:
        found, line = self.found[i], self.lines[i]
        members = self.order[self.starts[i] : self.starts[i + 1]]
        keep = self.done[members]
        if found is None or not keep.any():
            return None
        histogram = found[0]
        rows = slice(None) if keep.all() else np.flatnonzero(keep)
        shape, profile = (line.rows, line.cells), histogram.profile
        kind = np.float64 if profile else KINDS[self.kind][1]
        counts = self.counts.view(kind)[line.base : line.base + line.rows * line.cells].reshape(shape)
        entries = self.entries.view(np.float64)[line.entries_base : line.entries_base + len(members)]
        return Piece(
            int(self.names[i]),
            histogram.axes,
            self.positions[members[rows]],
            counts[rows],
            entries[rows],
            _slab(self.squares, line.squares_base, shape)[rows] if line.squares_at >= 0 else None,
            _slab(self.sums, line.sums_base, shape)[rows] if profile else None,
        )


def ranked(groups: Positions) -> tuple[Positions, Positions, Positions, Positions]:
    """Number the groups 0, 1, …, and the members of each 0, 1, … in order.

    Returns for every entry its group and its row; the entries ordered by group; and where each group starts there, with
    the number of entries at the end.
    """
    small = len(groups) > 0 and groups.min() >= 0 and groups.max() < 1 << 15
    order = np.argsort(groups.astype(np.int16) if small else groups, kind="stable")
    along = groups[order]
    starts = np.concatenate([np.flatnonzero(np.diff(along, prepend=along[:1] - 1)), [len(groups)]])
    sizes = np.diff(starts)
    group, row = np.empty_like(order), np.empty_like(order)
    group[order] = np.repeat(np.arange(len(sizes)), sizes)
    row[order] = np.arange(len(groups)) - np.repeat(starts[:-1], sizes)
    return group, row, order, starts


def _limits(kind: str) -> tuple[np.uint64, np.uint64]:
    """The greatest word of a finite number that is not negative, and the word of -0."""
    cell = "f8" if kind.startswith("TProfile") else KINDS[kind][1]
    if cell[0] == "i":
        return np.uint64(np.iinfo(cell).max), np.uint64(0)
    word = np.dtype(f"u{cell[1]}")
    return np.uint64(np.array(np.finfo(cell).max, cell).view(word)), np.uint64(np.array(-0.0, cell).view(word))


def _views(words: NDArray[np.uint64]) -> tuple[Any, ...]:
    return words.view(np.uint8), words.view(np.uint16), words.view(np.uint32), words


def _words(words: NDArray[np.uint64]) -> tuple[Any, ...]:
    return words.view(np.uint8), words


def _slab(words: NDArray[np.uint64], base: int, shape: tuple[int, int]) -> NDArray[np.float64]:
    return words.view(np.float64)[base : base + shape[0] * shape[1]].reshape(shape)
