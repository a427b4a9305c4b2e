"""Amounts in words."""

from __future__ import annotations

import pytest

from dqm.model.amounts import agreeing, counted, duration


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "loop", "1 loop"), (0, "loop", "0 loops"), (2, "anomaly", "2 anomalies"), (3, "day", "3 days")],
)
def test_a_number_has_its_noun(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(float("nan"), "–"), (0.25, "0.25 s"), (119, "119 s"), (120, "2.0 min"), (7200, "2.0 h"), (172_800, "2.0 d")],
)
def test_a_time_is_told_in_the_unit_in_which_it_is_short(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_words_agree_with_a_number() -> None:
    text = "sensors[[x]] [stands|stand]; [it is|they are] gone"
    assert agreeing(1, text) == "sensors[[x]] stands; it is gone"
    assert agreeing(0, text) == agreeing(2, text) == "sensors[[x]] stand; they are gone"
