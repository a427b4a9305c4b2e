"""A ROOT file: its header, the keys of its top directory and the bytes that a key stands for.

Layout: https://root.cern/doc/master/classTFile.html. Nothing is believed before it is checked against the size of the
file, so a damaged file ends in ``RootFileError`` and never in a large allocation.
"""

from __future__ import annotations

import os
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dqm.formats.root_baskets import MOST_BASKET, decompressed
from dqm.formats.root_bytes import I4, Cursor, RootFileError, located

FILE = Struct(">4sii")
LARGE = 1_000_000
"""A file version above it says that places in the header take eight bytes."""
HEADER_SMALL, HEADER_LARGE = Struct(">IIiii"), Struct(">qqiii")
DIRECTORY = Struct(">hIIii")
KEY = Struct(">ihiIhh")
SMALL_PLACES, LARGE_PLACES = Struct(">II"), Struct(">qq")
FAR = 1000
"""A key or directory version above it says that its places take eight bytes."""
MOST_KEYS = 100_000


class Key(NamedTuple):
    """What a ``TKey`` says: ``size`` bytes at ``place``, of which ``head`` are its own, stand for ``length``."""

    size: int
    length: int
    head: int
    cycle: int
    place: int
    kind: str
    name: str


def key_at(cursor: Cursor) -> Key:
    """The ``TKey`` at the cursor."""
    begin = cursor.at
    size, version, length, _, head, cycle = cursor.take(KEY)
    place, _ = cursor.take(LARGE_PLACES if version > FAR else SMALL_PLACES)
    kind, name, _ = cursor.text(), cursor.text(), cursor.text()
    if not cursor.at - begin <= head <= size or length < 0:
        raise RootFileError(f"a key of {size} bytes with {head} of its own that stands for {length}: not a TKey")
    return Key(size, length, head, cycle, place, kind, name)


class RootFile:
    """An open ROOT file; ``keys`` holds the last cycle of every name in its top directory.

    Raises ``RootFileError`` for a file that is no ROOT file, cut short, or whose list of keys makes no sense, and
    ``OSError`` for one that cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY)
        try:
            self.size = os.fstat(self._descriptor).st_size
            with located(file=str(path)):
                self.keys = self._keys()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing it twice does no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def bytes_at(self, place: int, size: int) -> memoryview:
        """``size`` bytes of the file, any thread."""
        if place < 0 or size < 0 or place + size > self.size:
            raise RootFileError(f"{size} bytes are asked for at {place} of a file of {self.size}: it is truncated")
        found = os.pread(self._descriptor, size, place)
        if len(found) != size:
            raise RootFileError(f"the file ended at {place + len(found)} while it was read")
        return memoryview(found)

    def payload(self, key: Key, *, most: int = MOST_BASKET) -> NDArray[np.uint8]:
        """The decompressed bytes of a key."""
        if key.size > most:
            raise RootFileError(f"a key of {key.size} bytes, the limit is {most}")
        return decompressed(self.bytes_at(key.place, key.size)[key.head :], key.length, most=most)

    def directory(self, key: Key) -> dict[str, Key]:
        """The last cycle of every name in the directory that a key stands for."""
        return self._listed(key.place + key.head)

    def _keys(self) -> dict[str, Key]:
        cursor = Cursor(self.bytes_at(0, min(self.size, 64)))
        magic, version, begin = cursor.take(FILE)
        if magic != b"root":
            raise RootFileError(f"not a ROOT file: it begins with {magic!r}")
        end, _, _, _, head = cursor.take(HEADER_LARGE if version >= LARGE else HEADER_SMALL)
        if end > self.size:
            raise RootFileError(f"the file has {self.size} of its {end} bytes: it is truncated")
        return self._listed(begin + head)

    def _listed(self, at: int) -> dict[str, Key]:
        """The keys of the directory whose record begins at a place of the file."""
        cursor = Cursor(self.bytes_at(at, min(64, max(0, self.size - at))))
        version, _, _, size, _ = cursor.take(DIRECTORY)
        cursor.skip(16 if version > FAR else 8)
        (place,) = cursor.take(Struct(">q") if version > FAR else Struct(">I"))
        return _last_cycles(Cursor(self.bytes_at(place, size)))


def _last_cycles(cursor: Cursor) -> dict[str, Key]:
    own = key_at(cursor)
    cursor.at = own.head
    (count,) = cursor.take(I4)
    if not 0 <= count <= min(MOST_KEYS, len(cursor.data) // KEY.size):
        raise RootFileError(f"{count} keys in a list of {len(cursor.data)} bytes")
    found: dict[str, Key] = {}
    for _ in range(count):
        begin = cursor.at
        key = key_at(cursor)
        cursor.leave(begin + key.head)
        if key.name not in found or found[key.name].cycle < key.cycle:
            found[key.name] = key
    return found
