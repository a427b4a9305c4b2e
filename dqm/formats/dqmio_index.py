"""Which run, lumisection and monitor element every entry of a DQMIO file belongs to, without reading the entries.

The tree ``Indices`` has a row a run, lumisection and type: Run, Lumi (0 = the whole run), Type, FirstIndex and
LastIndex, which is inclusive (CMSSW ``DQMServices/FwkIO/plugins/format.h``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.formats.root_bytes import RootFileError, located
from dqm.formats.root_file import RootFile
from dqm.formats.root_kernels import encode_names
from dqm.formats.root_tree import Tree
from dqm.formats.screening import folded
from dqm.model.findings import Finding

TYPES = (
    *("Ints", "Floats", "Strings", "TH1Fs", "TH1Ss", "TH1Ds"),
    *("TH2Fs", "TH2Ss", "TH2Ds", "TH3Fs", "TProfiles", "TProfile2Ds"),
)
NO_TYPE = 1000
"""The type of a row that says that a lumisection exists and holds nothing."""
COLUMNS = ("Run", "Lumi", "Type", "FirstIndex", "LastIndex")
NONE = -1
MOST_PLACE = np.uint64(1 << 62)
MOST_TEXT = 1 << 30
"""1 GiB, the names of ten million entries."""


@dataclass(frozen=True, eq=False)
class TreeIndex:
    """Entry ``i`` of a tree is monitor element ``names[code[i]]`` in ``run[i]``, ``ls[i]``; run -1 for none."""

    tree: Tree
    names: tuple[str, ...]
    code: NDArray[np.int64]
    run: NDArray[np.int64]
    ls: NDArray[np.int64]


def read_index(file: RootFile) -> tuple[dict[str, TreeIndex], list[Finding]]:
    """The index of every tree of the file, and what is wrong with it.

    Raises ``RootFileError`` where there is no tree ``Indices``, or where the names of a tree cannot be read.
    """
    rows = _rows(file)
    wrong = (rows.kind < 0) | ((rows.kind >= len(TYPES)) & (rows.kind != NO_TYPE))
    findings = rows.told(wrong, "unknown-type", "a type that no DQMIO format has; nothing of it is read")
    found: dict[str, TreeIndex] = {}
    for number, name in enumerate(TYPES):
        mine = rows.take(rows.kind == number)
        if name in file.keys:
            found[name], each = _tree_index(Tree(file, name), mine)
            findings += each
        else:
            findings += mine.told(mine.first >= 0, "missing-tree", f"the index speaks of {name}, which is not there")
    return found, findings


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of ``Indices``, column by column."""

    file: str
    run: NDArray[np.int64]
    ls: NDArray[np.int64]
    kind: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def take(self, rows: NDArray[np.bool_]) -> _Rows:
        columns = (self.run, self.ls, self.kind, self.first, self.last)
        return _Rows(self.file, *(each[rows] for each in columns))

    def told(self, rows: NDArray[np.bool_], code: str, reason: str) -> list[Finding]:
        """Findings that the given rows are not used."""
        if not rows.any():
            return []
        frame = pd.DataFrame({"file": self.file, "run": self.run[rows], "ls": self.ls[rows]})
        return folded(frame, code, "quarantined", reason)


def _rows(file: RootFile) -> _Rows:
    """The rows of ``Indices``, those that say the same once."""
    tree = Tree(file, "Indices")
    values = [tree.numbers(name) for name in COLUMNS]
    if len({len(each) for each in values}) > 1 or any(each.dtype.kind not in "iu" for each in values):
        reason = "its branches differ in length or are not whole numbers"
        raise RootFileError(reason, file=str(file.path), tree="Indices")
    table = np.stack([np.minimum(each.astype(np.uint64), MOST_PLACE).astype(np.int64) for each in values])
    _, firsts = np.unique(table, axis=1, return_index=True)
    return _Rows(str(file.path), *table[:, np.sort(firsts)])


def _tree_index(tree: Tree, rows: _Rows) -> tuple[TreeIndex, list[Finding]]:
    names, code = _names(tree)
    n, told, file = len(code), tree.branch("Value"), str(tree.file.path)
    sound = (rows.first <= rows.last) & (rows.last < n) & (rows.first >= 0)
    findings = rows.told(~sound, "index", f"{tree.name} has {n} entries, and the index asks for others")
    rows = rows.take(sound)
    edges = np.zeros(n + 1, np.int64)
    np.add.at(edges, rows.first, 1)
    np.add.at(edges, rows.last + 1, -1)
    claims = np.cumsum(edges)[:n]
    several = np.concatenate([[0], np.cumsum(claims > 1)])
    twice = several[rows.last + 1] > several[rows.first]
    reason = f"other rows of the index claim the same entries of {tree.name}; they are left out"
    findings += rows.told(twice, "conflict", reason)
    rows = rows.take(~twice)
    sizes = rows.last - rows.first + 1
    owner = np.full(n, NONE, np.int64)
    begins = np.cumsum(sizes) - sizes
    owner[np.arange(sizes.sum()) + np.repeat(rows.first - begins, sizes)] = np.repeat(np.arange(len(sizes)), sizes)
    lost = int((claims == 0).sum())
    if lost:
        reason = f"{lost} of {n} entries of {tree.name} are not in the index and are left out"
        findings.append(Finding("unindexed", "note", reason, file))
    if min(told.stored, n) < max(told.entries, n):
        reason = f"{tree.name} holds {told.stored} of {max(told.entries, n)} entries: the writer was stopped"
        findings.append(Finding("truncated", "note", reason, file))
        owner[told.stored :] = NONE
    run, ls = (np.append(each, NONE)[owner] for each in (rows.run, rows.ls))
    return TreeIndex(tree, names, code, run, ls), findings


def _names(tree: Tree) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The monitor elements in the order in which they occur, and the number of every entry's ``(n,)``."""
    data, edges = text_entries(tree, "FullName")
    n = len(edges) - 1
    code, firsts = np.empty(n, np.int64), np.empty(n, np.int64)
    table = np.full(1 << max(4, int(2 * n).bit_length()), NONE, np.int64)
    known = int(encode_names(data, edges, code, firsts, table))
    with located(file=str(tree.file.path), tree=tree.name, branch="FullName"):
        return tuple(text_of(data, int(edges[i]), int(edges[i + 1])) for i in firsts[:known]), code


def text_entries(tree: Tree, name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of a branch of texts, all baskets one behind the other, and where its entries begin and end."""
    branch = tree.branch(name)
    with located(file=str(tree.file.path), tree=tree.name, branch=name):
        if branch.leaf != "TLeafElement":
            raise RootFileError(f"a {branch.leaf} where a std::string is expected")
        declared = tree.declared(branch, np.arange(len(branch.place)))
        if declared > MOST_TEXT:
            raise RootFileError(f"{declared} bytes of texts are declared, the limit is {MOST_TEXT}")
        baskets = [tree.basket(branch, i) for i in range(len(branch.place))]
    ends = np.cumsum([0, *(int(each.edges[-1]) for each in baskets)])
    parts = [each.edges[:-1] + begin for each, begin in zip(baskets, ends, strict=False)]
    data = np.concatenate([np.zeros(0, np.uint8), *(each.data[: each.edges[-1]] for each in baskets)])
    data.flags.writeable = False
    return data, cast("NDArray[np.int64]", np.concatenate([*parts, ends[-1:]]).astype(np.int64))


def text_of(data: NDArray[np.uint8], begin: int, end: int) -> str:
    """The ``std::string`` of an entry: one byte of length, or 255 and four, then the text."""
    head = 5 if begin < end and data[begin] == 255 else 1
    size = int.from_bytes(data[begin + 1 : begin + 5].tobytes(), "big") if head == 5 else end - begin - 1
    if end - begin != head + size or (head == 1 and int(data[begin]) != size):
        raise RootFileError(f"a text of {end - begin} bytes does not have the length it says")
    return data[begin + head : end].tobytes().decode("utf-8", "replace")
