"""LightGBM aborts the process on most of these texts; here each is refused before it sees them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from detectors.boosted import Boosted
from detectors.checks import simulated_table, with_fault
from detectors.trees import booster_from_text

MODEL = Boosted(trees=4, leaves=15, min_leaf=40, learning_rate=0.05, bagging=1.0, l2=0.0, members=1)
TEXT = str(MODEL.fit(*with_fault(simulated_table(300, seed=1), column=2, seed=1), seed=1).state()["model_1"])


def _with(pattern: str, replacement: str) -> str:
    """The sound text with its first match replaced by text of the same length, so that every size still holds."""
    match = re.search(pattern, TEXT, re.MULTILINE)
    assert match
    return TEXT[: match.start()] + replacement.ljust(len(match[0]))[: len(match[0])] + TEXT[match.end() :]


def test_sound_text_comes_back_as_it_was() -> None:
    assert booster_from_text(TEXT, 6).model_to_string() == TEXT


@pytest.mark.parametrize("part", np.linspace(0.02, 0.98, 25).round(2))
def test_truncated_text_never_reaches_lightgbm(part: float) -> None:
    with pytest.raises(ValueError, match="or truncated"):
        booster_from_text(TEXT[: int(len(TEXT) * part)], 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no trees"),
        (TEXT + "é", "bytes that LightGBM does not write"),
        (TEXT.replace("\n", "\r\n"), "bytes that LightGBM does not write"),
        (_with(r"^num_class=1", "num_class=2"), "num_class is '2' in the text and '1' expected"),
        (_with(r"^max_feature_idx=5", "max_feature_idx=4"), "max_feature_idx is '4' in the text and '5' expected"),
        (_with(r"^objective=binary sigmoid:1", "objective=regression"), "'binary' expected"),
        (_with(r"^tree_sizes=\d+", "tree_sizes=99999999"), "are announced"),
        (TEXT.replace("tree_sizes=", "tree_bytes="), "0 trees of 0 bytes are announced"),
        (TEXT.replace("tree_sizes=", "tree_sizes=-1 "), "are announced"),
        (TEXT.replace("Tree=2\n", "Tree=7\n"), "tree 2 does not stand where the text announces it"),
        (_with(r"^num_leaves=\d", "num_leaves=9"), r"tree 0 announces \['9'\] leaves and lists \d"),
        (_with(r"^num_cat=0", "num_cat=1"), "categorical"),
        (_with(r"^is_linear=0", "is_linear=1"), "linear"),
        (_with(r"^left_child=-?\d", "left_child=0"), "points to child 0, which does not exist"),
        (TEXT.replace("[num_leaves: 15]", "[num_leaves]"), "no full list of parameters"),
        (TEXT.replace("[num_leaves: 15]", '[metric: "'), "no full list of parameters"),
        (TEXT.replace("pandas_categorical:null", "pandas_categorical:[[1]]"), "no full list of parameters"),
        (_with(r"^left_child=.*$", "left_child=x"), "holds something that is not a number"),
        (_with(r"^leaf_value=\S+ ", "leaf_value="), "do not suit"),
        (_with(r"^leaf_weight=", "leaf_height="), "has other lines than LightGBM writes"),
        (_with(r"^split_feature=\d", "split_feature=6"), "asks for column 6, of 6"),
        (_with(r"^decision_type=\d+", "decision_type=9"), "splits it by category"),
    ],
)
def test_hostile_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        booster_from_text(text, 6)


def test_numbers_are_no_text() -> None:
    with pytest.raises(TypeError, match="a booster is text, not ndarray"):
        booster_from_text(np.zeros(3), 6)


def test_what_lightgbm_itself_refuses_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="LightGBM refuses the text"):
        booster_from_text(TEXT.replace("feature_infos=", "feature_infos=[0:1] "), 6)
