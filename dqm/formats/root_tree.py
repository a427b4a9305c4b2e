"""A ``TTree`` of a ROOT file: where the baskets of its branches are, and the entries that a basket holds.

Follows the byte counts and versions of TTree 18-20 and TBranch 11-13 (ROOT 5.30 and later); the branches of a DQMIO
file are flat, so a branch within a branch is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from dqm.formats.root_baskets import GAIN, MOST_BASKET, SLACK, decompressed
from dqm.formats.root_bytes import COUNTED, Cursor, RootFileError, located
from dqm.formats.root_file import KEY, Key, RootFile
from dqm.formats.root_kernels import basket_edges
from dqm.model.errors import nearest

NEW_CLASS, CLASS = 0xFFFFFFFF, 0x80000000
U4 = Struct(">I")
TREES, BRANCHES = range(18, 21), range(11, 14)
TREE_NUMBERS, TREE_RANGES = Struct(">qqqqqdiiiiqqqqqq"), Struct(">qqqqqdiiiiIqqqqqq")
BRANCH_NUMBERS, BRANCH_REST = Struct(">iiiiq"), Struct(">iIiqqqq")
ENTRY = {"TLeafI": "i", "TLeafL": "q", "TLeafF": "f", "TLeafD": "d", "TLeafS": "h", "TLeafB": "b", "TLeafO": "B"}
MOST_GAIN = max(GAIN.values())
BASKET = Struct(">HIiiiB")
"""The end of a basket's key: version, sizes of its buffer and of an entry, number and end of its entries, a flag."""
COUNT_AND_LOWEST, LEAF = Struct(">ii"), Struct(">iiiBB")


@dataclass(frozen=True)
class Branch:
    """Where a branch is stored: basket ``i`` of ``size[i]`` bytes at ``place[i]`` begins with entry ``first[i]``.

    ``first`` has one number more: the entries of all baskets. ``leaf`` is the class of the leaf, such as ``TLeafI``.
    """

    name: str
    kind: str
    leaf: str
    unsigned: bool
    entries: int
    first: NDArray[np.int64]
    size: NDArray[np.int64]
    place: NDArray[np.int64]

    @property
    def stored(self) -> int:
        """Entries that the baskets hold; fewer than ``entries`` where the writer was stopped."""
        return int(self.first[-1])

    def holding(self, entries: NDArray[np.int64]) -> NDArray[np.int64]:
        """The basket of every entry."""
        return np.searchsorted(self.first, entries, side="right") - 1


@dataclass(frozen=True)
class Basket:
    """Entry ``i`` of a basket is ``data[edges[i]:edges[i + 1]]``."""

    data: NDArray[np.uint8]
    edges: NDArray[np.int64]


class Tree:
    """A tree of an open file: ``branches`` by name. Raises ``RootFileError`` where it cannot be understood."""

    def __init__(self, file: RootFile, name: str) -> None:
        self.file, self.name = file, name
        with located(file=str(file.path), tree=name):
            if name not in file.keys:
                raise RootFileError(f"no such tree; {nearest(name, file.keys)}")
            key = file.keys[name]
            if key.kind != "TTree":
                raise RootFileError(f"a {key.kind} where a TTree is expected")
            self.branches = _branches(file.payload(key).tobytes(), key)

    def branch(self, name: str) -> Branch:
        """The branch of that name."""
        if name not in self.branches:
            reason = f"no branch {name!r}; {nearest(name, self.branches)}"
            raise RootFileError(reason, file=str(self.file.path), tree=self.name)
        return self.branches[name]

    def basket(self, branch: Branch, i: int) -> Basket:
        """Read and decompress basket ``i``; any thread."""
        try:
            raw = self.file.bytes_at(int(branch.place[i]), int(branch.size[i]))
            return _basket(raw, int(branch.first[i + 1] - branch.first[i]))
        except RootFileError as error:
            error.within(file=str(self.file.path), tree=self.name, branch=branch.name, basket=i)
            raise

    def declared(self, branch: Branch, baskets: NDArray[np.int64]) -> int:
        """Bytes that the baskets say they hold, none more than their compressed bytes can stand for."""
        with located(file=str(self.file.path), tree=self.name, branch=branch.name):
            heads = [KEY.unpack(self.file.bytes_at(place, KEY.size)) for place in branch.place[baskets].tolist()]
        for i, (size, _, length, *_) in zip(baskets.tolist(), heads, strict=True):
            if not 0 <= length <= min(MOST_BASKET, MOST_GAIN * size + SLACK):
                reason = f"{size} bytes say that they hold {length}"
                raise RootFileError(reason, file=str(self.file.path), tree=self.name, branch=branch.name, basket=i)
        return sum(head[2] for head in heads)

    def numbers(self, name: str) -> NDArray[np.generic]:
        """All values ``(entries,)`` of a branch of single numbers."""
        branch = self.branch(name)
        with located(file=str(self.file.path), tree=self.name, branch=name):
            if branch.leaf not in ENTRY:
                raise RootFileError(f"a {branch.leaf} where a number is expected")
            code = ENTRY[branch.leaf]
            kind = np.dtype(">" + (code.upper() if branch.unsigned and code in "bhiq" else code))
            parts = [self._fixed(branch, i, kind) for i in range(len(branch.place))]
        return np.concatenate(parts) if parts else np.zeros(0, kind.newbyteorder("="))

    def _fixed(self, branch: Branch, i: int, kind: np.dtype[np.generic]) -> NDArray[np.generic]:
        basket = self.basket(branch, i)
        begin, end = int(basket.edges[0]), int(basket.edges[-1])
        if end - begin != (len(basket.edges) - 1) * kind.itemsize:
            raise RootFileError(f"{end - begin} bytes for {len(basket.edges) - 1} numbers of {kind}", basket=i)
        return basket.data[begin:end].view(kind).astype(kind.newbyteorder("="))


def _basket(raw: memoryview, entries: int) -> Basket:
    size, _, length, _, head, _ = KEY.unpack_from(raw) if len(raw) >= KEY.size else (0,) * 6
    if size != len(raw) or not KEY.size + BASKET.size <= head <= size:
        raise RootFileError(f"a key of {size} bytes, {head} of its own, where the tree says {len(raw)}")
    _, _, entry_size, count, last, _ = BASKET.unpack_from(raw, head - BASKET.size)
    if count != entries or entry_size < 0 or not 0 <= entries <= MOST_BASKET:
        raise RootFileError(f"{count} entries of {entry_size} bytes where the tree says {entries} entries")
    data, end = decompressed(raw[head:], length), last - head
    listed = len(data) - end
    if not 0 <= end <= len(data) or 0 < listed < 4 * (entries + 1) or entries > len(data):
        raise RootFileError(f"{entries} entries end at {end} of {len(data)} bytes: their offsets are not behind them")
    edges = np.empty(entries + 1, np.int64)
    data.flags.writeable = False
    if not basket_edges(data, end, head, entry_size if listed == 0 else 0, edges):
        raise RootFileError("the offsets of its entries do not rise")
    return Basket(data, edges)


def _branches(data: bytes, key: Key) -> dict[str, Branch]:
    cursor = Cursor(data)
    version, _ = cursor.header()
    if version not in TREES:
        raise RootFileError(f"TTree version {version}; known are {TREES.start} to {TREES.stop - 1}")
    cursor.named()
    for _ in range(3):  # TAttLine, TAttFill, TAttMarker
        cursor.over()
    if version >= 19:
        cursor.skip(2 * (1 + 8 * cursor.take(TREE_RANGES)[10]))  # the ends and sizes of clusters
    else:
        cursor.take(TREE_NUMBERS)
    if version >= 20:
        cursor.over()  # TIOFeatures
    branches = [_branch(kind, body, key.head) for kind, body in _each(cursor, key.head) if kind.startswith("TBranch")]
    return {each.name: each for each in branches}


def _each(cursor: Cursor, head: int) -> Iterator[tuple[str, Cursor]]:
    """Class and bytes of every object of the ``TObjArray`` at the cursor, which then stands behind the array."""
    _, end = cursor.header()
    cursor.thing()
    cursor.text()
    count, _ = cursor.take(COUNT_AND_LOWEST)
    if not 0 <= count <= (end - cursor.at) // U4.size:
        raise RootFileError(f"{count} objects in {end - cursor.at} bytes")
    for _ in range(count):
        (size,) = cursor.take(U4)
        if not size & COUNTED:  # nothing, or an object that was seen before
            continue
        stop = cursor.at + (size & ~COUNTED)
        if stop > end:
            raise RootFileError(f"an object ends at {stop}, its list at {end}")
        kind = _kind(cursor, head)
        yield kind, Cursor(cursor.data, cursor.at, stop)
        cursor.leave(stop)
    cursor.leave(end)


def _kind(cursor: Cursor, head: int) -> str:
    """The class of the object at the cursor: spelt out, or the place where it was, counted from the key's begin."""
    begin = cursor.at
    (tag,) = cursor.take(U4)
    if tag == NEW_CLASS:
        return cursor.word()
    if not tag & CLASS:
        raise RootFileError(f"no class at byte {begin}")
    place = (tag & ~CLASS) - head - 2
    if not 0 <= place < begin:
        raise RootFileError(f"a class is said to stand at byte {place}")
    return Cursor(cursor.data, place + 4).word()


def _branch(kind: str, cursor: Cursor, head: int) -> Branch:
    if kind != "TBranch":
        cursor.header()  # of TBranchElement, TBranchObject, …
    version, _ = cursor.header()
    if version not in BRANCHES:
        raise RootFileError(f"TBranch version {version}; known are {BRANCHES.start} to {BRANCHES.stop - 1}")
    name, _ = cursor.named()
    cursor.over()  # TAttFill
    *_, written, _ = cursor.take(BRANCH_NUMBERS)
    if version >= 13:
        cursor.over()  # TIOFeatures
    _, most, _, entries, *_ = cursor.take(BRANCH_REST)
    cursor.over()  # branches within it
    leaf = _leaf(cursor, head)
    cursor.over()  # baskets that were not flushed
    if not 0 <= written <= most:
        raise RootFileError(f"{written} baskets of {most}", branch=name)
    size, first, place = _array(cursor, most, 4), _array(cursor, most, 8), _array(cursor, most, 8)
    edges = first[: written + 1] if written < most else np.append(first, entries)
    if (edges[0] if len(edges) else 0) != 0 or (np.diff(edges) < 0).any():
        raise RootFileError("the first entries of its baskets do not rise", branch=name)
    return Branch(name, kind, *leaf, entries, edges, size[:written], place[:written])


def _array(cursor: Cursor, count: int, size: int) -> NDArray[np.int64]:
    """``count`` numbers of ``size`` bytes, after one byte of their own."""
    cursor.skip(1)
    begin = cursor.skip(count * size)
    return np.frombuffer(cursor.data, f">i{size}", count, begin).astype(np.int64)


def _leaf(cursor: Cursor, head: int) -> tuple[str, bool]:
    """Class of the first leaf, and whether it is unsigned."""
    found = []
    for kind, body in _each(cursor, head):
        body.header()  # of TLeafI, TLeafElement, …
        body.header()  # of TLeaf
        body.named()
        *_, unsigned = body.take(LEAF)
        found.append((kind, bool(unsigned)))
    return found[0] if found else ("", False)
