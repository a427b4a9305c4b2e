"""One streamed ROOT histogram, read exactly: every byte count and version is followed, every length is checked.

TH1, TH2, TH3 of C, S, I, F, D, TProfile and TProfile2D, as ROOT 5.30 to 6 write them; the members of a class stand in
the order of its header (https://root.cern/doc/master/classTH1.html). A histogram comes in three coats:

- ``TKey``, legacy DQM files: the class's own header, its base classes, its members;
- ``TBranchElement``, TH1 in DQMIO: the same without the class's own header, so the first is that of TH1;
- ``TBranchObject``, the others in DQMIO: the name of the class, a zero byte, and then as in a key.

Slow (some 10 µs for a TH1F): ``root_template`` reads what is like something that was read here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.formats.root_bytes import COUNTED, F8, I4, U1, Cursor, RootFileError
from dqm.model.histograms import Axis

CELL = {"C": "i1", "S": "i2", "I": "i4", "F": "f4", "D": "f8"}
KINDS = {f"TH{d}{letter}": (d, cell) for d in (1, 2, 3) for letter, cell in CELL.items()}
KINDS |= {"TProfile": (1, "f8"), "TProfile2D": (2, "f8")}
VERSIONS = {"TH1": range(5, 9), "TH2": range(3, 6), "TH3": range(4, 7), "TAxis": range(9, 11)}
VERSIONS |= {"TProfile": range(5, 8), "TProfile2D": range(6, 9)}
SUMS_1D = 5
"""fEntries, fTsumw, fTsumw2, fTsumwx, fTsumwx2: change from entry to entry."""
SUMS = {1: 0, 2: 3, 3: 7}
U4 = Struct(">I")
BAR_OFFSET_AND_WIDTH, AXIS, AXIS_VIEW = Struct(">hh"), Struct(">idd"), Struct(">iiHB")
NEW_CLASS = 0xFFFFFFFF
PROFILE_RANGE = Struct(">idd")
"""fErrorMode and the range of y."""
OBJECT = Struct(">HII")


@dataclass(frozen=True, slots=True)
class RawAxis:
    """What a ``TAxis`` says, sense or not; ``labels`` by bin, the first bin is 1."""

    bins: int
    low: float
    high: float
    edges: tuple[float, ...]
    labels: tuple[tuple[int, str], ...]
    title: str

    def axis(self) -> Axis:
        """The axis of the product; raises ``ValueError`` where nothing could be counted on it."""
        named = dict(self.labels)
        labels = tuple(named.get(i, "") for i in range(1, self.bins + 1)) if named else ()
        low, high = (self.edges[0], self.edges[-1]) if self.edges else (self.low, self.high)
        return Axis(self.bins, low, high, self.edges, labels, self.title)


@dataclass(slots=True)
class Layout:
    """Where things stand in the bytes of an entry; -1 where there is none.

    ``cells``, ``squares`` (fSumw2) and ``weights`` (fBinEntries) are the places of first numbers, ``entries`` that of
    fEntries. ``free`` are the parts ``(begin, end)`` that change from entry to entry of equal layout, rising.
    """

    size: int
    count: int = 0
    entries: int = -1
    cells: int = -1
    squares: int = -1
    weights: int = -1
    free: list[tuple[int, int]] = field(default_factory=list)

    def fixed(self) -> list[tuple[int, int]]:
        """The parts ``(begin, end)`` that are not free."""
        begins, ends = [0, *(end for _, end in self.free)], [*(begin for begin, _ in self.free), self.size]
        return [(begin, end) for begin, end in zip(begins, ends, strict=True) if begin < end]


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram as it was written: ``cells``, ``squares`` and ``weights`` ``(x + 2) (y + 2) (z + 2)``, x fastest.

    ``squares`` is fSumw2 and empty where it is not kept. For a profile ``cells`` is Σwy, ``squares`` Σwy² and
    ``weights`` Σw; for everything else ``weights`` is None.
    """

    kind: str
    name: str
    title: str
    axes: tuple[RawAxis, ...]
    layout: Layout
    data: bytes = field(repr=False)

    @property
    def profile(self) -> bool:
        """A profile has weights."""
        return self.layout.weights >= 0

    @property
    def entries(self) -> float:
        """How often it was filled."""
        return float(F8.unpack_from(self.data, self.layout.entries)[0])

    @property
    def cells(self) -> NDArray[Any]:
        """fArray."""
        return self._numbers(self.layout.cells, KINDS[self.kind][1])

    @property
    def squares(self) -> NDArray[np.float64]:
        """fSumw2."""
        return self._numbers(self.layout.squares, "f8")

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """fBinEntries."""
        return self._numbers(self.layout.weights, "f8") if self.profile else None

    def _numbers(self, begin: int, cell: str) -> NDArray[Any]:
        kind = np.dtype(">" + cell)
        count = self.layout.count if begin >= 0 else 0
        return np.frombuffer(self.data, kind, count, max(0, begin)).astype(kind.newbyteorder("="))


def parse_histogram(data: bytes, kind: str) -> Histogram:
    """The histogram of class ``kind`` that ``data`` is, to the last byte, in any of the three coats.

    Raises ``RootFileError`` for a class or version that is not known, for a byte count or length that does not fit,
    and for bytes that are left over.
    """
    if kind not in KINDS:
        raise RootFileError(f"no reader for class {kind!r}; known are {', '.join(KINDS)}")
    return _Parser(data, kind).histogram()


class _Parser:
    """One pass over the bytes; ``layout`` fills on the way."""

    def __init__(self, data: bytes, kind: str) -> None:
        self.kind, self.data, self.cursor, self.layout = kind, data, Cursor(data), Layout(len(data))
        self.dimension, cell = KINDS[kind]
        self.width = int(cell[1])
        self.name = self.title = ""
        self.axes: tuple[RawAxis, ...] = ()

    def histogram(self) -> Histogram:
        self._coat()
        if self.kind.startswith("TProfile"):
            self._profile()
        else:
            self._counts()
        if self.cursor.at != self.cursor.end:
            raise RootFileError(f"{self.cursor.end - self.cursor.at} bytes are left over behind a {self.kind}")
        return Histogram(self.kind, self.name, self.title, self.axes, self.layout, self.data)

    def _coat(self) -> None:
        """Step over the class's name and its own header, where they are there."""
        cursor, self.version = self.cursor, None
        if cursor.end and cursor.data[0] < COUNTED >> 24:
            name = cursor.text()
            cursor.skip(1)
            if name != self.kind:
                raise RootFileError(f"a {name[:40]!r} where a {self.kind} is expected")
        begin = cursor.at
        version, end = cursor.header()
        if end == cursor.end:
            self.version = version
        else:
            cursor.at = begin

    def _profile(self) -> None:
        known = VERSIONS[self.kind]
        version = known.stop - 1 if self.version is None else self.version
        self._known(self.kind, version)
        _, end = self.cursor.header()  # of TH1D or TH2D
        self._counts()
        self.cursor.leave(end)
        self._doubles("weights", whole=True)
        self.cursor.take(PROFILE_RANGE)
        self._free(2 * F8.size)
        if version > known.start:
            self._doubles("")

    def _counts(self) -> None:
        """A TH1, TH2 or TH3 with its array."""
        cursor = self.cursor
        if self.dimension == 1:
            self._th1()
        else:
            version, end = cursor.header()
            self._known(f"TH{self.dimension}", version)
            self._th1()
            if self.dimension == 3:
                cursor.over()  # TAtt3D
            else:
                cursor.take(F8)  # fScalefactor
            self._free(SUMS[self.dimension] * F8.size)
            cursor.leave(end)
        (count,) = cursor.take(I4)
        if count != self.layout.count:
            raise RootFileError(f"{count} cells, the axes ask for {self.layout.count}")
        self.layout.cells = self._free(count * self.width)

    def _th1(self) -> None:
        cursor = self.cursor
        version, end = cursor.header()
        self._known("TH1", version)
        self.name, self.title = cursor.named()
        for _ in range(3):  # TAttLine, TAttFill, TAttMarker
            cursor.over()
        (count,) = cursor.take(I4)
        self.axes = tuple(self._axis() for _ in range(self.dimension))
        for _ in range(3 - self.dimension):
            cursor.over()
        if count != prod(axis.bins + 2 for axis in self.axes):
            shown = " by ".join(str(axis.bins) for axis in self.axes)
            raise RootFileError(f"fNcells is {count}, which {shown} bins do not have")
        self.layout.count = count
        cursor.take(BAR_OFFSET_AND_WIDTH)
        self.layout.entries = cursor.at
        self._free(SUMS_1D * F8.size)
        cursor.skip(3 * F8.size)  # fMaximum, fMinimum, fNormFactor
        cursor.skip(8 * cursor.take(I4)[0])  # fContour
        self._doubles("squares")
        cursor.leave(end)

    def _axis(self) -> RawAxis:
        cursor = self.cursor
        version, end = cursor.header()
        self._known("TAxis", version)
        _, title = cursor.named()
        cursor.over()  # TAttAxis
        bins, low, high = cursor.take(AXIS)
        (count,) = cursor.take(I4)
        if bins < 0 or count not in (0, bins + 1):
            raise RootFileError(f"an axis of {bins} bins with {count} edges")
        begin = cursor.skip(8 * count)
        edges = tuple(np.frombuffer(cursor.data, ">f8", count, begin).tolist()) if count else ()
        cursor.take(AXIS_VIEW)
        cursor.text()
        labels = _labels(Cursor(cursor.data, cursor.at, end), bins)
        cursor.at = end
        return RawAxis(bins, low, high, edges, labels, title)

    def _doubles(self, name: str, *, whole: bool = False) -> None:
        """A ``TArrayD`` with a number for every cell or, unless ``whole``, none; its place goes to the layout."""
        (count,) = self.cursor.take(I4)
        if count != self.layout.count and (whole or count):
            raise RootFileError(f"{name or 'fBinSumw2'}: {count} numbers for {self.layout.count} cells")
        begin = self._free(F8.size * count)
        if count and name:
            setattr(self.layout, name, begin)

    def _free(self, size: int) -> int:
        begin = self.cursor.skip(size)
        if size:
            self.layout.free.append((begin, begin + size))
        return begin

    def _known(self, name: str, version: int) -> None:
        known = VERSIONS[name]
        if version not in known:
            raise RootFileError(f"{name} version {version}; known are {known.start} to {known.stop - 1}")


def _labels(cursor: Cursor, bins: int) -> tuple[tuple[int, str], ...]:
    """Bin and text of every label: a ``THashList`` of ``TObjString`` whose unique id is the bin."""
    (size,) = cursor.take(U4)
    if not size & COUNTED:
        return ()
    cursor.end = min(cursor.end, cursor.at + (size & ~COUNTED))
    _class(cursor)
    cursor.header()
    cursor.thing()
    cursor.text()
    (count,) = cursor.take(I4)
    if not 0 <= count <= bins:
        raise RootFileError(f"{count} labels on {bins} bins")
    return tuple(_label(cursor, bins) for _ in range(count))


def _label(cursor: Cursor, bins: int) -> tuple[int, str]:
    (size,) = cursor.take(U4)
    end = cursor.at + (size & ~COUNTED)
    _class(cursor)
    cursor.header()
    _, place, _ = OBJECT.unpack_from(cursor.data, cursor.at) if cursor.at + 10 <= cursor.end else (0, 0, 0)
    cursor.thing()
    text = cursor.text()
    if not size & COUNTED or cursor.at != end or not 1 <= place <= bins:
        raise RootFileError(f"a label of bin {place} that is no TObjString on an axis of {bins} bins")
    (option,) = cursor.take(U1)
    cursor.skip(option)
    return place, text


def _class(cursor: Cursor) -> None:
    """Step over the class of an object: its name, or a reference to it, which only the whole basket could resolve."""
    if cursor.take(U4)[0] == NEW_CLASS:
        cursor.word()
