"""Boosted trees from LightGBM's native text, checked first.

LightGBM trusts the text: it jumps by ``tree_sizes`` and follows child indices without looking, so that a truncated or
hostile file reads outside its memory and aborts the whole process. What it would trust is verified here.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise

import lightgbm

TREES_BEGIN = "\n\nTree=0\n"
TREES_END = "end of trees\n"

_SPLIT_BY = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_LEAF = ("leaf_value", "leaf_weight", "leaf_count")
_INTERNAL = ("internal_value", "internal_weight", "internal_count")
_TREE = ("Tree", "num_leaves", "num_cat", *_SPLIT_BY, *_LEAF, *_INTERNAL, "is_linear", "shrinkage")
_NUMBERS = re.compile(r"(-?(\d+(\.\d*)?(e[+-]?\d+)?|inf|nan)( |$))*")
_TAIL = re.compile(
    r"\nfeature_importances:\n(\w+=\d+\n)*"
    r"\nparameters:\n(\[\w+: [^\[\]\"\\\n]*\]\n)*\nend of parameters\n"
    r"\npandas_categorical:null\n"
)


def booster_from_text(text: object, columns: int) -> lightgbm.Booster:
    """A booster over ``columns`` columns; raises ``ValueError`` or ``TypeError`` for text that is not sound."""
    if not isinstance(text, str):
        raise TypeError(f"a booster is text, not {type(text).__name__}")
    if not text.isascii() or "\r" in text or "\0" in text:
        raise ValueError("not the native text of LightGBM: it holds bytes that LightGBM does not write")
    header, begin, rest = text.partition(TREES_BEGIN)
    body, end, tail = (begin.lstrip("\n") + rest).partition(TREES_END)
    if not begin or not end or "\nTree=" in header:
        raise ValueError("not the native text of LightGBM, or truncated: no trees, or no end of trees")
    _check_header(header, columns)
    if not _TAIL.fullmatch(tail):
        raise ValueError("not the native text of LightGBM, or truncated: no full list of parameters after the trees")
    for number, block in enumerate(_blocks(_fields(header), body)):
        _check_tree(number, block, columns)
    try:
        return lightgbm.Booster(model_str=text)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise ValueError(f"LightGBM refuses the text: {error}") from None


def _fields(block: str) -> dict[str, str]:
    """``key=value`` lines; as in LightGBM the last of equal keys counts."""
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def _check_header(header: str, columns: int) -> None:
    found = _fields(header)
    for key, expected in (("num_class", "1"), ("num_tree_per_iteration", "1"), ("max_feature_idx", str(columns - 1))):
        if found.get(key) != expected:
            raise ValueError(f"{key} is {found.get(key)!r} in the text and {expected!r} expected")
    if not found.get("objective", "").startswith("binary"):
        raise ValueError(f"objective is {found.get('objective')!r} in the text and 'binary' expected")


def _blocks(header: dict[str, str], body: str) -> list[str]:
    """The text of every tree, cut where ``tree_sizes`` says and nowhere else."""
    sizes = [int(each) for each in header.get("tree_sizes", "").split()]
    edges = list(accumulate(sizes, initial=0))
    if not sizes or min(sizes) <= 0 or edges[-1] > len(body) or body[edges[-1] :].strip("\n"):
        raise ValueError(f"{len(sizes)} trees of {edges[-1]} bytes are announced, the text holds {len(body)} bytes")
    blocks = [body[low:high] for low, high in pairwise(edges)]
    for number, block in enumerate(blocks):
        if not block.startswith(f"Tree={number}\n") or not block.endswith("\n\n"):
            raise ValueError(f"tree {number} does not stand where the text announces it")
    return blocks


def _check_tree(number: int, block: str, columns: int) -> None:
    """The lines are those that LightGBM writes, of the right lengths, and lead to leaves and columns that exist."""
    lines = [line.partition("=") for line in block.rstrip("\n").split("\n")]
    if [key for key, _, _ in lines] != list(_TREE):
        raise ValueError(f"tree {number} has other lines than LightGBM writes")
    tree = {key: value.split() for key, _, value in lines}
    if not _NUMBERS.fullmatch(" ".join(each for values in tree.values() for each in values)):
        raise ValueError(f"tree {number} holds something that is not a number")
    if tree["num_cat"] != ["0"] or tree["is_linear"] != ["0"] or len(tree["shrinkage"]) != 1:
        raise ValueError(f"tree {number} has categorical splits or linear leaves; we grow none such")
    leaves = len(tree["leaf_value"])
    lengths = dict.fromkeys(_SPLIT_BY + _INTERNAL, leaves - 1) | (dict.fromkeys(_LEAF, leaves) if leaves > 1 else {})
    wrong = [key for key, length in lengths.items() if len(tree[key]) != length]
    if wrong or tree["num_leaves"] != [str(leaves)] or not leaves:
        raise ValueError(f"tree {number} announces {tree['num_leaves']} leaves and lists {leaves}, {wrong} do not suit")
    _check_paths(number, tree, leaves, columns)


def _check_paths(number: int, tree: dict[str, list[str]], leaves: int, columns: int) -> None:
    """Every child exists and was split off later than its parent, every column exists, no split is categorical."""
    for side in ("left_child", "right_child"):
        for parent, child in enumerate(int(each) for each in tree[side]):
            if not (-leaves <= child < 0 or parent < child < leaves - 1):
                raise ValueError(f"tree {number} points to child {child}, which does not exist")
    for column, kind in zip(tree["split_feature"], tree["decision_type"], strict=True):
        if not 0 <= int(column) < columns or int(kind) & 1:
            raise ValueError(f"tree {number} asks for column {column}, of {columns}, or splits it by category")
