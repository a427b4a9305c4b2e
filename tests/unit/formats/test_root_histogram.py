"""One streamed histogram at a time, against what ROOT's accessors say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dqm.formats.root_bytes import RootFileError
from dqm.formats.root_file import RootFile
from dqm.formats.root_histogram import Histogram, parse_histogram
from dqm.formats.root_tree import Tree

from .dqmio_truth import ALL, FIXTURES, Entry, truth


def equal(found: Histogram, entry: Entry) -> None:
    """Everything that ROOT says about the histogram is found, exactly."""
    record = entry.record
    assert (found.name, found.title, found.entries) == (record["name"], record["title"], record["entries"])
    np.testing.assert_array_equal(found.weights if record["profile"] else found.cells, entry.counts)
    np.testing.assert_array_equal(found.squares, entry.squares)
    if record["profile"]:
        np.testing.assert_array_equal(found.cells, entry.sums)
    for raw, told in zip(found.axes, record["axes"], strict=True):
        assert (raw.bins, raw.title, bool(raw.edges)) == (told["bins"], told["title"], told["variable"])
        assert (raw.low, raw.high) == (told["edges"][0], told["edges"][-1]) or raw.edges == tuple(told["edges"])
        assert [dict(raw.labels).get(i + 1, "") for i in range(raw.bins)] == (told["labels"] or [""] * raw.bins)


def entries_of(path: Path, tree_name: str) -> list[bytes]:
    """The bytes of every entry of the ``Value`` branch."""
    with RootFile(path) as file:
        tree = Tree(file, tree_name)
        baskets = [tree.basket(tree.branch("Value"), i) for i in range(len(tree.branch("Value").place))]
    return [
        each.data[begin:end].tobytes()
        for each in baskets
        for begin, end in zip(each.edges[:-1], each.edges[1:], strict=True)
    ]


@pytest.mark.parametrize("name", ALL)
def test_every_entry_is_what_root_says(name: str) -> None:
    given: dict[str, list[Entry]] = {}
    for entry in truth(name)[0]:
        given.setdefault(entry.record["tree"], []).append(entry)
    for tree, entries in given.items():
        streamed = entries_of(FIXTURES / f"{name}.root", tree)
        assert len(streamed) == len(entries)
        for data, entry in zip(streamed, entries, strict=True):
            equal(parse_histogram(data, tree[:-1]), entry)


def test_keys_of_every_class_with_their_own_header() -> None:
    with RootFile(FIXTURES / "legacy.root") as file:
        entries = truth("legacy")[0]
        assert {file.keys[each.record["element"]].kind for each in entries} == {
            *(f"TH{d}{letter}" for d in (1, 2, 3) for letter in "CSIFD"),
            *("TProfile", "TProfile2D"),
        }
        for entry in entries:
            key = file.keys[entry.record["element"]]
            equal(parse_histogram(file.payload(key).tobytes(), key.kind), entry)


@pytest.fixture(scope="module")
def th1f() -> bytes:
    return entries_of(FIXTURES / "changing.root", "TH1Fs")[1]


@pytest.mark.parametrize(("at", "value"), [(0, 0x7FFFFFFF), (0, 0x40000004), (6, 0x40FFFFFF), (6, 0)])
def test_a_wrong_byte_count_is_refused(th1f: bytes, at: int, value: int) -> None:
    spoilt = th1f[:at] + value.to_bytes(4, "big") + th1f[at + 4 :]
    with pytest.raises(RootFileError, match=r"byte count|are asked for|an object ends|left"):
        parse_histogram(spoilt, "TH1F")


def test_every_length_of_a_cut_entry_is_refused(th1f: bytes) -> None:
    for size in range(len(th1f)):
        with pytest.raises(RootFileError):
            parse_histogram(th1f[:size], "TH1F")


def test_bytes_that_are_left_over_are_refused(th1f: bytes) -> None:
    with pytest.raises(RootFileError, match="3 bytes are left over behind a TH1F"):
        parse_histogram(th1f + b"\0\0\0", "TH1F")


def test_an_unknown_version_says_which_are_known(th1f: bytes) -> None:
    with pytest.raises(RootFileError, match="TH1 version 99; known are 5 to 8"):
        parse_histogram(th1f[:4] + (99).to_bytes(2, "big") + th1f[6:], "TH1F")


def test_an_unknown_class_says_which_are_known(th1f: bytes) -> None:
    with pytest.raises(RootFileError, match="no reader for class 'TH2Poly'; known are TH1C"):
        parse_histogram(th1f, "TH2Poly")


def test_another_class_is_refused() -> None:
    data = entries_of(FIXTURES / "plain_zlib.root", "TH2Fs")[0]
    with pytest.raises(RootFileError, match="a 'TH2F' where a TH2D is expected"):
        parse_histogram(data, "TH2D")


def test_lengths_that_do_not_belong_together_are_refused(th1f: bytes) -> None:
    """Mutant: an array as long as it says, whatever the axes say."""
    cells = len(th1f) - 4 * 5 - 4
    assert th1f[cells : cells + 4] == (5).to_bytes(4, "big")
    with pytest.raises(RootFileError, match="4 cells, the axes ask for 5"):
        parse_histogram(th1f[:cells] + (4).to_bytes(4, "big") + th1f[cells + 4 : -4], "TH1F")
