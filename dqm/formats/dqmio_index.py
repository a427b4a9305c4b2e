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
    wrong = ~rows["Type"].isin([*range(len(TYPES)), NO_TYPE])
    findings = folded(rows[wrong], "unknown-type", "quarantined", "a type that no DQMIO format has; nothing is read")
    found: dict[str, TreeIndex] = {}
    for number, name in enumerate(TYPES):
        mine = rows[rows["Type"] == number]
        if name in file.keys:
            found[name], each = _tree_index(Tree(file, name), mine)
            findings += each
        elif len(mine):
            findings += folded(mine, "missing-tree", "quarantined", f"the index speaks of {name}, which is not there")
    return found, findings


def _rows(file: RootFile) -> pd.DataFrame:
    """The rows of ``Indices``, those that say the same once."""
    tree = Tree(file, "Indices")
    values = {name: tree.numbers(name) for name in COLUMNS}
    if len({len(each) for each in values.values()}) > 1 or any(each.dtype.kind not in "iu" for each in values.values()):
        reason = "its branches differ in length or are not whole numbers"
        raise RootFileError(reason, file=str(file.path), tree="Indices")
    clipped = {name: np.minimum(each.astype(np.uint64), MOST_PLACE).astype(np.int64) for name, each in values.items()}
    rows = pd.DataFrame(clipped).drop_duplicates(ignore_index=True)
    return rows.rename(columns={"Run": "run", "Lumi": "ls"}).assign(file=str(file.path))


def _tree_index(tree: Tree, rows: pd.DataFrame) -> tuple[TreeIndex, list[Finding]]:
    names, code = _names(tree)
    n = len(code)
    first, last = rows["FirstIndex"].to_numpy(), rows["LastIndex"].to_numpy()
    sound = (first <= last) & (last < n) & (first >= 0)
    reason = f"{tree.name} has {n} entries, and the index asks for others"
    findings = folded(rows[~sound], "index", "quarantined", reason)
    rows, first, last = rows[sound], first[sound], last[sound]
    claims = np.zeros(n + 1, np.int64)
    np.add.at(claims, first, 1)
    np.add.at(claims, last + 1, -1)
    claims = np.cumsum(claims)[:n]
    owner = np.full(n, NONE, np.int64)
    for i, (begin, end) in enumerate(zip(first, last, strict=True)):
        owner[begin : end + 1] = i
    twice = np.array([(claims[a : b + 1] > 1).any() for a, b in zip(first, last, strict=True)], dtype=bool)
    reason = f"entries of {tree.name} belong to several lumisections by the index; they are left out"
    findings += folded(rows[twice], "conflict", "quarantined", reason)
    owner[claims > 1] = NONE
    lost = int((claims == 0).sum())
    if lost:
        reason = f"{lost} of {n} entries of {tree.name} are not in the index and are left out"
        findings.append(Finding("unindexed", "note", reason, str(tree.file.path)))
    told = tree.branch("Value")
    if min(told.stored, n) < max(told.entries, n):
        reason = f"{tree.name} holds {told.stored} of {max(told.entries, n)} entries: the writer was stopped"
        findings.append(Finding("truncated", "note", reason, str(tree.file.path)))
        owner[told.stored :] = NONE
    run = np.append(rows["run"].to_numpy(), NONE)[owner]
    ls = np.append(rows["ls"].to_numpy(), NONE)[owner]
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
        declared = tree.declared(branch, range(len(branch.place)))
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
