"""Blocks: what every method compressed comes back, what is damaged or lies is refused before it costs memory."""

from __future__ import annotations

import lzma
import sys
import zlib
from collections.abc import Callable

import cramjam
import numpy as np
import pytest

from dqm.formats.root_baskets import MOST_BLOCK, decompressed
from dqm.formats.root_bytes import RootFileError
from dqm.formats.root_kernels import basket_edges, encode_names, xxh64

DATA = np.random.default_rng(3).poisson(2.0, 5000).astype(np.uint8).tobytes()


def block(method: bytes, packed: bytes, size: int) -> bytes:
    return method + b"\x08" + len(packed).to_bytes(3, "little") + size.to_bytes(3, "little") + packed


def lz4(data: bytes) -> bytes:
    packed = bytes(cramjam.lz4.compress_block(data, store_size=False))
    return xxh64(np.frombuffer(packed, np.uint8)).to_bytes(8, "big") + packed


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"ZL": lambda data: zlib.compress(data, 1),
    b"CS": raw_deflate,
    b"XZ": lambda data: lzma.compress(data, lzma.FORMAT_XZ),
    b"L4": lz4,
    b"ZS": lambda data: bytes(cramjam.zstd.compress(data, 5)),
}
METHODS = list(PACKERS)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("parts", [1, 3])
def test_blocks_come_back(method: bytes, parts: int) -> None:
    step = -(-len(DATA) // parts)
    pieces = [DATA[i : i + step] for i in range(0, len(DATA), step)]
    data = b"".join(block(method, PACKERS[method](each), len(each)) for each in pieces)
    assert decompressed(memoryview(data), len(DATA)).tobytes() == DATA


def test_what_is_not_compressed_comes_back() -> None:
    assert decompressed(memoryview(DATA), len(DATA)).tobytes() == DATA


def test_without_libdeflate_zlib_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deflate", None)
    data = block(b"ZL", zlib.compress(DATA), len(DATA))
    assert decompressed(memoryview(data), len(DATA)).tobytes() == DATA
    with pytest.raises(RootFileError, match=r"corrupted|cut short"):
        decompressed(memoryview(block(b"ZL", zlib.compress(DATA)[:-4], len(DATA))), len(DATA))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lie", [-1, 1])
def test_a_block_that_holds_more_or_less_than_it_says_is_refused(method: bytes, lie: int) -> None:
    data = block(method, PACKERS[method](DATA), len(DATA) + lie)
    with pytest.raises(RootFileError, match=rf"a {method.decode()} block|a block"):
        decompressed(memoryview(data), len(DATA) + lie)


@pytest.mark.parametrize("method", METHODS)
def test_a_block_that_is_cut_short_is_refused(method: bytes) -> None:
    data = block(method, PACKERS[method](DATA), len(DATA))
    for size in (0, 5, 9, len(data) // 2, len(data) - 1):
        with pytest.raises(RootFileError, match=r"blocks end after 0 of 5000 bytes|is cut short after"):
            decompressed(memoryview(data[:size]), len(DATA))


@pytest.mark.parametrize("method", [each for each in METHODS if each not in (b"CS", b"ZS")])
def test_one_wrong_bit_is_found_where_the_method_has_a_checksum(method: bytes) -> None:
    """ZS and CS blocks have none: there the template or the parser has to find it."""
    data = bytearray(block(method, PACKERS[method](DATA), len(DATA)))
    data[len(data) // 2] ^= 4
    with pytest.raises(RootFileError, match="corrupted"):
        decompressed(memoryview(data), len(DATA))


@pytest.mark.parametrize("method", METHODS)
def test_a_bomb_is_refused_before_it_goes_off(method: bytes) -> None:
    bomb = block(method, PACKERS[method](bytes(MOST_BLOCK - 1)), 5000)
    with pytest.raises(RootFileError, match=rf"a {method.decode()} block"):
        decompressed(memoryview(bomb), 5000)
    with pytest.raises(RootFileError, match="a block of 10 bytes says that it holds 16777215"):
        decompressed(memoryview(block(method, b"x" * 10, MOST_BLOCK - 1)), MOST_BLOCK - 1)


def test_sizes_beyond_the_limit_and_unknown_methods_are_refused() -> None:
    with pytest.raises(RootFileError, match="1073741824 bytes are declared, the limit is 268435456"):
        decompressed(memoryview(b""), 1 << 30)
    with pytest.raises(RootFileError, match=r"unknown compression b'\?\?'; known are ZL"):
        decompressed(memoryview(block(b"??", DATA, 9)), 9)
    with pytest.raises(RootFileError, match="the blocks hold 5000 bytes, 4999 are declared"):
        decompressed(memoryview(block(b"ZL", zlib.compress(DATA), 5000)), 4999)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
    ],
)
def test_xxh64_is_that_of_the_reference(text: bytes, digest: int) -> None:
    assert xxh64(np.frombuffer(text, np.uint8)) == digest


def test_names_are_numbered_like_a_dictionary_does() -> None:
    rng = np.random.default_rng(4)
    names = [b"n" * int(rng.integers(0, 4)) + bytes([int(rng.integers(97, 105))]) for _ in range(500)] * 2
    edges = np.cumsum([0, *map(len, names)])
    data = np.frombuffer(b"".join(names), np.uint8)
    codes, firsts = np.empty(len(names), np.int64), np.empty(len(names), np.int64)
    known = encode_names(data, edges, codes, firsts, np.full(2048, -1))
    expected = {name: i for i, name in enumerate(dict.fromkeys(names))}
    assert known == len(expected)
    assert codes.tolist() == [expected[name] for name in names]
    assert firsts[:known].tolist() == [names.index(name) for name in expected]


def test_edges_of_a_basket_are_listed_or_equally_far_apart() -> None:
    listed = np.concatenate([np.zeros(12, np.uint8), np.array([3, 70, 75, 0], ">i4").view(np.uint8)])
    listed.flags.writeable = False
    edges = np.empty(3, np.int64)
    assert basket_edges(listed, 12, 70, 0, edges)
    assert edges.tolist() == [0, 5, 12]
    assert not basket_edges(listed, 12, 72, 0, edges), "a place before the begin"
    assert basket_edges(listed[:12], 12, 70, 6, edges)
    assert edges.tolist() == [0, 6, 12]
    assert not basket_edges(listed[:12], 12, 70, 7, edges), "a place behind the end"
