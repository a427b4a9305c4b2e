"""Compressed blocks of a ROOT file.

What a key holds is one or more blocks, each ``{two letters, method, compressed size, size}`` with both sizes three
bytes, little-endian, then the compressed bytes (ROOT, ``core/zip/src/RZip.cxx``). Every size is checked against what
the bytes at hand can justify before anything of that size is allocated.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.formats.root_bytes import RootFileError

HEADER = 9
MOST_BLOCK = 1 << 24
"""A block declares its size in three bytes: at most 16 MiB."""
MOST_BASKET = 1 << 28
"""256 MiB; CMS writes baskets of 128 KiB."""
GAIN = {b"ZL": 1040, b"CS": 1040, b"L4": 256, b"ZS": 40_000, b"XZ": 40_000}
"""Bytes that one compressed byte can stand for: 1032 is the limit of deflate, 255 that of LZ4, 32 768 that of zstd."""
SLACK = 4096
CHECKSUM = 8
"""An LZ4 block begins with the XXH64 of its compressed bytes, big-endian, seed 0."""

Bytes = bytes | bytearray | memoryview | NDArray[np.uint8]


def decompressed(data: memoryview, size: int, *, most: int = MOST_BASKET) -> NDArray[np.uint8]:
    """The ``size`` bytes that ``data`` stands for; bytes as long as ``size`` were not compressed.

    Raises ``RootFileError`` where a size is above ``most`` or its block, above what the compressed bytes can hold, or
    not what comes out; where a block is cut short, corrupted, or of an unknown method.
    """
    if not 0 <= size <= most:
        raise RootFileError(f"{size} bytes are declared, the limit is {most}")
    if len(data) == size:
        return np.frombuffer(data, np.uint8)
    blocks = _blocks(data, size)
    if len(blocks) == 1:
        return np.frombuffer(_block(*blocks[0]), np.uint8)
    out, at = np.empty(size, np.uint8), 0
    for method, body, length in blocks:
        out[at : at + length] = np.frombuffer(_block(method, body, length), np.uint8)
        at += length
    return out


def _blocks(data: memoryview, size: int) -> list[tuple[bytes, memoryview, int]]:
    """Method, compressed bytes and size of every block; nothing is decompressed yet."""
    found, at, total = [], 0, 0
    while total < size:
        head = bytes(data[at : at + HEADER])
        if len(head) < HEADER:
            raise RootFileError(f"the blocks end after {total} of {size} bytes")
        method, packed = head[:2], int.from_bytes(head[3:6], "little")
        length = int.from_bytes(head[6:9], "little")
        if method not in GAIN:
            raise RootFileError(f"unknown compression {method!r}; known are {', '.join(k.decode() for k in GAIN)}")
        body = data[at + HEADER : at + HEADER + packed]
        if len(body) < packed:
            raise RootFileError(f"a block of {packed} bytes is cut short after {len(body)}")
        if not 0 < length <= min(MOST_BLOCK, GAIN[method] * packed + SLACK):
            raise RootFileError(f"a block of {packed} bytes says that it holds {length}")
        found.append((method, body, length))
        at, total = at + HEADER + packed, total + length
    if total != size:
        raise RootFileError(f"the blocks hold {total} bytes, {size} are declared")
    return found


def _block(method: bytes, body: memoryview, length: int) -> Bytes:
    try:
        found = METHODS[method](body, length)
    except RootFileError:
        raise
    except Exception as error:  # four libraries, each with errors of its own
        raise RootFileError(f"a {method.decode()} block is corrupted: {error}") from error
    if len(found) != length:
        raise RootFileError(f"a {method.decode()} block holds {len(found)} bytes, {length} are declared")
    return found


def _zlib(body: memoryview, length: int) -> Bytes:
    """libdeflate where it is installed: nearly twice as fast as zlib, and never writes more than ``length``."""
    try:
        from deflate import zlib_decompress
    except ImportError:
        return _bounded(zlib.decompressobj(), body, length)
    found: bytearray = zlib_decompress(body, length)
    return found


def _old_zlib(body: memoryview, length: int) -> Bytes:
    return _bounded(zlib.decompressobj(-zlib.MAX_WBITS), body, length)


def _lzma(body: memoryview, length: int) -> Bytes:
    import lzma

    return _bounded(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=8 * MOST_BLOCK), body, length)


def _bounded(decompressor: Any, body: memoryview, length: int) -> bytes:
    """At most one byte more than ``length``, so that a block that holds more is found out."""
    found: bytes = decompressor.decompress(body, length + 1)
    if len(found) == length and not decompressor.eof:
        found += decompressor.decompress(getattr(decompressor, "unconsumed_tail", b""), 1)
        if not decompressor.eof:
            raise RootFileError("a block is cut short before its checksum")
    return found


def _lz4(body: memoryview, length: int) -> Bytes:
    from cramjam import lz4

    from dqm.formats.root_kernels import xxh64

    packed = np.frombuffer(body, np.uint8)[CHECKSUM:]
    if len(body) < CHECKSUM or xxh64(packed) != int.from_bytes(body[:CHECKSUM], "big"):
        raise RootFileError("a L4 block is corrupted: its checksum does not match")
    out = np.empty(length, np.uint8)
    return out[: lz4.decompress_block_into(body[CHECKSUM:], out.data)]


def _zstd(body: memoryview, length: int) -> Bytes:
    from cramjam import zstd

    out = np.empty(length, np.uint8)
    return out[: zstd.decompress_into(body, out.data)]


METHODS: dict[bytes, Callable[[memoryview, int], Bytes]] = {
    b"ZL": _zlib,
    b"CS": _old_zlib,
    b"XZ": _lzma,
    b"L4": _lz4,
    b"ZS": _zstd,
}
