"""Bytes of a ROOT file and a cursor over them that never leaves them.

ROOT streams big-endian numbers; an object begins with a byte count (bit 30 set) and a class version, so what is not
understood can be stepped over (https://root.cern/doc/master/dobject.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct
from typing import Any

from dqm.model.errors import InputError

COUNTED = 0x40000000
HEADER = Struct(">IH")
U1, I2, I4, I8, F8 = Struct(">B"), Struct(">h"), Struct(">i"), Struct(">q"), Struct(">d")


class RootFileError(InputError):
    """Bytes of a ROOT file that cannot be read: names the file, tree, branch and basket, as far as they are known."""

    def __init__(
        self, reason: str, *, file: str = "", tree: str = "", branch: str = "", basket: int | None = None
    ) -> None:
        self.reason, self.file, self.tree, self.branch, self.basket = reason, file, tree, branch, basket
        super().__init__(reason)

    def __str__(self) -> str:
        basket = f"basket {self.basket}" if self.basket is not None else ""
        tree, branch = self.tree and f"tree {self.tree}", self.branch and f"branch {self.branch}"
        where = ", ".join(filter(None, [self.file, tree, branch, basket]))
        return f"{where}: {self.reason}" if where else self.reason

    def within(self, *, file: str = "", tree: str = "", branch: str = "", basket: int | None = None) -> None:
        """Tell the error where it happened; what it already knows stays."""
        self.file, self.tree, self.branch = self.file or file, self.tree or tree, self.branch or branch
        self.basket = basket if self.basket is None else self.basket


@contextmanager
def located(*, file: str = "", tree: str = "", branch: str = "", basket: int | None = None) -> Iterator[None]:
    """Tell every ``RootFileError`` of the block where it happened."""
    try:
        yield
    except RootFileError as error:
        error.within(file=file, tree=tree, branch=branch, basket=basket)
        raise


class Cursor:
    """A place in ``data`` that moves forward to ``end`` and raises ``RootFileError`` where it would leave it."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes | memoryview, at: int = 0, end: int | None = None) -> None:
        self.data, self.at = data, at
        self.end = len(data) if end is None else end

    def take(self, layout: Struct) -> tuple[Any, ...]:
        """The numbers of ``layout``."""
        begin, size = self.at, layout.size
        if begin + size > self.end:
            self.skip(size)
        self.at = begin + size
        return layout.unpack_from(self.data, begin)

    def skip(self, size: int) -> int:
        """Step over ``size`` bytes and return where they began."""
        begin = self.at
        if size < 0 or begin + size > self.end:
            raise RootFileError(f"{size} bytes are asked for at byte {begin}, where {self.end - begin} are left")
        self.at = begin + size
        return begin

    def header(self) -> tuple[int, int]:
        """Version and end of the object that begins here."""
        begin = self.at
        if begin + HEADER.size > self.end:
            self.skip(HEADER.size)
        count, version = HEADER.unpack_from(self.data, begin)
        self.at = begin + HEADER.size
        end = begin + 4 + count - COUNTED
        if not self.at <= end <= self.end:
            raise RootFileError(f"the byte count {count:#x} at byte {begin} does not fit {self.end - begin} bytes")
        return version, end

    def over(self) -> int:
        """Step over the object that begins here and return its version."""
        version, self.at = self.header()
        return version

    def text(self) -> str:
        """A ``TString`` or ``std::string``: one byte of length, or 255 and four bytes of length."""
        begin = self.skip(1) + 1
        size = self.data[begin - 1]
        if size == 255:
            (size,) = self.take(I4)
            begin = self.at
        if size:
            self.skip(size)
            return bytes(self.data[begin : self.at]).decode("utf-8", "replace")
        return ""

    def word(self) -> str:
        """A text that ends with a zero byte, as class names do; at most 255 bytes."""
        found = bytes(self.data[self.at : min(self.end, self.at + 256)])
        size = found.find(b"\0")
        if size < 0:
            raise RootFileError(f"no class name at byte {self.at}")
        self.skip(size + 1)
        return found[:size].decode("ascii", "replace")

    def named(self) -> tuple[str, str]:
        """Name and title of a ``TNamed``."""
        end = self.header()[1]
        self.thing()
        found = self.text(), self.text()
        self.leave(end)
        return found

    def thing(self) -> None:
        """Step over a ``TObject``: version, unique id, bits and, if it is referenced, a process id."""
        version, _, bits = self.take(OBJECT)
        if version & 0x4000:
            raise RootFileError(f"a TObject with a byte count at byte {self.at}: not written by any known ROOT")
        if bits & REFERENCED:
            self.skip(2)

    def leave(self, end: int) -> None:
        """Go to the ``end`` of an object, which must not lie behind."""
        if not self.at <= end <= self.end:
            raise RootFileError(f"an object ends at byte {end}, before what it holds, which ends at {self.at}")
        self.at = end


OBJECT = Struct(">HII")
REFERENCED = 1 << 4
