"""DQMIO files that ROOT wrote, against what ROOT's accessors say; selection, and files that lie."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dqm.formats import root_template
from dqm.formats.dqmio import HISTOGRAMS, MOST_MEMORY, DqmioFile, open_dqmio
from dqm.formats.root_bytes import RootFileError
from dqm.formats.root_file import RootFile
from dqm.formats.root_tree import Tree
from dqm.model.errors import InputError, UnknownNameError
from dqm.model.histograms import HistogramBatch

from .dqmio_truth import ALL, FIXTURES, PLAIN, truth

LEFT_OUT = {("nasty", "N/flat", 1), ("nasty", "N/flat", 2), ("nasty", "N/flat", 3), ("nasty", "N/good", 3)}


def read(path: Path, threads: int = 1) -> tuple[list[HistogramBatch], DqmioFile]:
    with open_dqmio(path) as file:
        return list(file.read(threads=threads)), file


def codes(file: DqmioFile) -> set[str]:
    return {each.code for each in file.findings}


def check(name: str, batches: list[HistogramBatch], numbers: dict[str, type]) -> None:
    """Every entry of the truth is there once, exactly; nothing else is."""
    rows = {
        (batch.element, int(batch.run[i]), int(batch.ls[i])): (batch, i) for batch in batches for i in range(len(batch))
    }
    assert sum(map(len, batches)) == len(rows)
    expected = {entry.key: entry for entry in truth(name)[0] if (name, entry.key[0], entry.key[2]) not in LEFT_OUT}
    assert rows.keys() == expected.keys()
    for key, entry in expected.items():
        batch, i = rows[key]
        assert batch.entries[i] == entry.record["entries"]
        np.testing.assert_array_equal(batch.counts[i], entry.counts.reshape(entry.shape))
        assert batch.counts.dtype == numbers[entry.record["tree"]]
        if entry.record["squares"]:
            np.testing.assert_array_equal(batch.squares[i], entry.squares.reshape(entry.shape))
        else:
            assert batch.squares is None or np.isnan(batch.squares[i]).all()
        assert (batch.sums is not None) == entry.record["profile"]
        if entry.record["profile"]:
            np.testing.assert_array_equal(batch.sums[i], entry.sums.reshape(entry.shape))
        for axis, told in zip(batch.axes, entry.record["axes"], strict=True):
            np.testing.assert_allclose(axis.all_edges, told["edges"], rtol=1e-15, atol=1e-15)
            assert (list(axis.labels), axis.title) == (told["labels"], told["title"])


NUMBERS = {
    tree: {"F": np.float32, "S": np.int16, "D": np.float64}[tree[3] if tree.startswith("TH") else "D"]
    for tree in HISTOGRAMS
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ALL)
def test_everything_is_what_root_says(name: str, threads: int) -> None:
    check(name, read(FIXTURES / f"{name}.root", threads)[0], NUMBERS)


@pytest.mark.parametrize("rounds", [0, 1])
def test_the_exact_parser_alone_says_the_same(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow twin: a template for every entry."""
    monkeypatch.setattr(root_template, "ROUNDS", rounds)
    for name in ALL:
        check(name, read(FIXTURES / f"{name}.root")[0], NUMBERS)


def test_several_passes_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_MEMORY == 1 << 30
    monkeypatch.setattr("dqm.formats.dqmio.MOST_MEMORY", 2000)
    for name in ("plain_zstd", "changing"):
        check(name, read(FIXTURES / f"{name}.root")[0], NUMBERS)


def test_rows_rise_and_lumisection_0_is_the_run() -> None:
    batches, file = read(FIXTURES / "plain_zlib.root")
    assert (file.runs(), file.strays, file.findings) == ((316187, 316199), 0, [])
    batch = next(each for each in batches if each.element == "Pixel/TH1Fs/h_1")
    assert batch.run.tolist() == [316187] * 4 + [316199] * 3
    assert batch.ls.tolist() == [0, 1, 2, 3, 0, 1, 3]
    assert len(file.elements()) == 10


@pytest.mark.parametrize("name", PLAIN)
def test_scalars(name: str) -> None:
    with open_dqmio(FIXTURES / f"{name}.root") as file:
        for tree in ("Ints", "Floats", "Strings"):
            told = [
                (each["run"], each["ls"], each["element"], each["value"])
                for each in truth(name)[1]
                if each["tree"] == tree
            ]
            assert list(file.scalars(tree).itertuples(index=False, name=None)) == told
        assert file.scalars("Ints", runs=[316199], lumisections=[3])["value"].tolist() == [316199]
        assert len(file.scalars("Floats", "nothing*")) == 0
        with pytest.raises(UnknownNameError, match=r"unknown tree of scalars 'Int'; nearest valid names: 'Ints'"):
            file.scalars("Int")


def test_layouts_that_change_are_told_and_kept_apart_by_binning() -> None:
    batches, file = read(FIXTURES / "changing.root")
    assert codes(file) == {"layout"}
    assert file.strays == 28
    assert any("22 of 36 entries of TH1Fs changed their layout" in str(each) for each in file.findings)
    labelled = {batch.axes[0].labels: batch.ls.tolist() for batch in batches if batch.element == "A/labelled"}
    assert labelled == {
        ("FPix", "BPix", "Δ"): [1, 3] * 2,
        ("FPix", "BPix", ""): [2, 4, 6] * 2,
        ("FPix", "BPix", "π"): [5] * 2,
    }
    assert sorted(batch.counts.shape[1:] for batch in batches if batch.element == "A/wide") == [(6, 7), (7, 8)]


def test_what_should_not_be_is_told() -> None:
    batches, file = read(FIXTURES / "nasty.root")
    told = sorted(str(each).partition(" [")[0] + " " + str(each).partition("root, ")[2] for each in file.findings)
    assert told == [
        "note run 5, LS 1: N/odd: 3 counts are negative, infinite or undefined; 3 rows of 3 lumisections, the first is named",
        "quarantined run 5, LS 1: N/flat: an axis from 1.0 to 1.0; 3 rows of 3 lumisections, the first is named",
        "quarantined run 5, LS 3: N/good is there twice with different content; none is kept",
        "repaired run 5, LS 2: N/good is there twice with equal content; one is kept",
    ]
    odd = next(each for each in batches if each.element == "N/odd")
    assert np.isnan(odd.counts[0, 2])
    assert odd.counts[1:, 2].tolist() == [np.inf, -1.0]


class Counted:
    """Counts the baskets of ``Value`` that are read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[tuple[str, int]] = []
        real = Tree.basket

        def basket(tree: Tree, branch: object, i: int) -> object:
            if branch.name == "Value":  # type: ignore[attr-defined]
                self.read.append((tree.name, i))
            return real(tree, branch, i)  # type: ignore[arg-type]

        monkeypatch.setattr(Tree, "basket", basket)


def test_only_baskets_with_something_selected_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: decompress all of a tree, then select."""
    counted = Counted(monkeypatch)
    with open_dqmio(FIXTURES / "plain_lz4.root") as file:
        assert counted.read == [], "the index costs no histogram"
        places = file.index["TH3Fs"].tree.branch("Value").place
        assert len(places) == 7, "one entry a basket"
        (batch,) = file.read("Pixel/TH3Fs/*", runs=[316199], lumisections=[3])
        assert (batch.run.tolist(), batch.ls.tolist()) == ([316199], [3])
        assert set(counted.read) == {("TH3Fs", 5)}
        counted.read.clear()
        assert [each.element for each in file.read(["Pixel/TH1Fs/h_0", "*/TH1Ds/*"], lumisections=[1])] == [
            "Pixel/TH1Fs/h_0",
            "Pixel/TH1Ds/h_0",
        ]
        assert {tree for tree, _ in counted.read} == {"TH1Fs", "TH1Ds"}
        assert list(file.read(runs=[1])) == []


def test_a_glob_that_matches_nothing_names_the_nearest() -> None:
    with (
        open_dqmio(FIXTURES / "plain_lz4.root") as file,
        pytest.raises(UnknownNameError, match="'Pixel/TH1F/h_0'; nearest valid names: 'Pixel/TH1Fs/h_0'"),
    ):
        list(file.read("Pixel/TH1F/h_0"))


def damaged(folder: Path, change: Callable[[bytearray], object], name: str = "plain_zlib") -> Path:
    data = bytearray((FIXTURES / f"{name}.root").read_bytes())
    given = change(data)
    path = folder / "damaged.root"
    path.write_bytes(given if isinstance(given, bytes | bytearray) else data)
    return path


def place(tree: str, branch: str, i: int, name: str = "plain_zlib") -> int:
    with RootFile(FIXTURES / f"{name}.root") as file:
        return int(Tree(file, tree).branch(branch).place[i])


@pytest.mark.parametrize("keep", [0, 3, 50, 300, 20_000])
def test_a_file_that_is_cut_short_is_refused(keep: int, tmp_path: Path) -> None:
    path = damaged(tmp_path, lambda data: data[:keep])
    with (
        pytest.raises(InputError, match=r"damaged\.root: .*(truncated|are asked for|not a ROOT file)"),
        open_dqmio(path),
    ):
        pass


def test_what_is_no_root_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a ROOT file: it begins with b'roof'"):
        read(damaged(tmp_path, lambda data: b"roof" + data[4:]))
    with pytest.raises(InputError, match=r"tree Indices: no such tree; nearest|valid names begin"):
        read(FIXTURES / "legacy.root")


def test_a_corrupted_basket_costs_its_entries_and_is_told(tmp_path: Path) -> None:
    """Mutant: skip what cannot be decompressed and say nothing."""
    at = place("TH1Fs", "Value", 1)
    path = damaged(tmp_path, lambda data: data.__setitem__(slice(at + 200, at + 210), b"\0" * 10))
    batches, file = read(path)
    (finding,) = file.findings
    assert (finding.code, finding.severity, finding.run, finding.ls) == ("malformed", "quarantined", 316187, 0)
    assert "branch Value, basket 1: a ZL block is corrupted" in finding.reason
    assert "4 rows of 2 lumisections" in finding.reason
    lost = next(each for each in batches if each.element == "Pixel/TH1Fs/h_0")
    assert list(zip(lost.run.tolist(), lost.ls.tolist(), strict=True)) == [
        (316187, 1), (316187, 2), (316199, 0), (316199, 1), (316199, 3),
    ]  # fmt: skip


def test_a_wrong_byte_count_in_an_entry_costs_that_entry(tmp_path: Path) -> None:
    def spoil(data: bytearray) -> None:
        at = data.index(b"\x40\x00\x02\x1c\x00\x08", place("TH1Fs", "Value", 2, "plain_none"))
        data[at + 3] ^= 1

    batches, file = read(damaged(tmp_path, spoil, "plain_none"))
    assert [(each.code, each.severity, each.run, each.ls) for each in file.findings] == [
        ("layout", "note", None, None),
        ("malformed", "quarantined", 316199, 1),
    ]
    assert sorted(len(each) for each in batches if "TH1Fs" in each.element) == [6, 7]


def test_a_basket_that_declares_too_much_is_refused(tmp_path: Path) -> None:
    at = place("TH2Fs", "Value", 0)
    path = damaged(tmp_path, lambda data: data.__setitem__(slice(at + 6, at + 10), (1 << 30).to_bytes(4, "big")))
    with pytest.raises(
        RootFileError, match=r"tree TH2Fs, branch Value, basket 0: \d+ bytes say that they hold 1073741824"
    ):
        read(path)


def test_a_basket_beyond_the_end_of_the_file_is_refused(tmp_path: Path) -> None:
    at = place("TH2Fs", "Value", 1, "plain_none").to_bytes(8, "big")
    path = damaged(tmp_path, lambda data: data.replace(at, b"\0" * 5 + b"\x5e" * 3), "plain_none")
    with pytest.raises(
        RootFileError, match=r"tree TH2Fs, branch Value: 18 bytes are asked for at 6184542 of a file of"
    ):
        read(path)


@pytest.mark.parametrize(("tree", "branch"), [("TH1Fs", "Value"), ("TH1Fs", "FullName"), ("Indices", "Lumi")])
def test_a_missing_branch_is_named(tree: str, branch: str, tmp_path: Path) -> None:
    def rename(data: bytearray) -> None:
        with RootFile(FIXTURES / "plain_none.root") as file:
            key = file.keys[tree]
        at = data.index(bytes([len(branch)]) + branch.encode(), key.place + key.head)
        data[at + 1 : at + 1 + len(branch)] = b"x" * len(branch)

    with pytest.raises(
        RootFileError, match=rf"tree {tree}: no branch '{branch}'; (nearest valid names|valid names begin)"
    ):
        read(damaged(tmp_path, rename, "plain_none"))


def index_row(data: bytearray, column: str, row: int, value: int, size: int) -> None:
    at = place("Indices", column, 0, "plain_none")
    head = int.from_bytes(data[at + 14 : at + 16], "big")
    data[at + head + row * size : at + head + (row + 1) * size] = value.to_bytes(size, "big")


def test_index_rows_that_lie_are_told_and_cost_their_entries(tmp_path: Path) -> None:
    """Rows 3 and 9 are TH1Fs and TH3Fs of run 316187, LS 1."""

    def lie(data: bytearray) -> None:
        index_row(data, "LastIndex", 9, 1 << 60, 8)
        index_row(data, "LastIndex", 3, 2, 8)
        index_row(data, "Type", 5, 77, 4)

    batches, file = read(damaged(tmp_path, lie, "plain_none"))
    assert codes(file) == {"index", "conflict", "unknown-type", "unindexed"}
    conflict = next(each for each in file.findings if each.code == "conflict")
    assert (conflict.run, conflict.ls, conflict.severity) == (316187, 1, "quarantined")
    assert "2 rows of 2 lumisections" in conflict.reason
    shapes = {each.element: len(each) for each in batches}
    assert shapes["Pixel/TH3Fs/h_0"] == 6
    assert shapes["Pixel/TH1Ds/h_0"] == 6
    assert (shapes["Pixel/TH1Fs/h_0"], shapes["Pixel/TH1Fs/h_1"]) == (5, 5)


def test_reading_leaves_no_open_file_and_names_a_missing_one(tmp_path: Path) -> None:
    path = tmp_path / "copy.root"
    shutil.copy(FIXTURES / "plain_zlib.root", path)
    with open_dqmio(path) as file:
        path.unlink()
        assert len(list(file.read("Pixel/TH1Fs/h_0"))) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        list(file.read("Pixel/TH1Fs/h_0"))
    with pytest.raises(FileNotFoundError), open_dqmio(path):
        pass
