"""Stretches open and close as a plain search says, are the same however windows are cut, and never end in silence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dqm.decide.intervals import IntervalRules, IntervalStream, Stretch, stretches, united
from dqm.model.sensors import SECOND

RULES = IntervalRules(opens=3.0, closes=2.0, least=20.0, merge=20.0)
STEP = 10
NAN = float("nan")


def times(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    begin = np.arange(n, dtype=np.int64) * STEP * SECOND
    return begin, begin + STEP * SECOND


def found(severity: list[float], rules: IntervalRules = RULES) -> list[tuple[float, float | None]]:
    given_ = stretches(*times(len(severity)), np.array(severity, dtype=float), rules)
    return [(one.begin / SECOND, None if one.end is None else one.end / SECOND) for one in given_]


def naive(severity: list[float], rules: IntervalRules) -> list[tuple[float, float | None]]:
    """For every window look back for the one that opened what it belongs to; then join, then drop the short."""

    def inside(i: int) -> bool:
        if severity[i] >= rules.opens:
            return True
        if severity[i] < rules.closes or i == 0:
            return False
        return inside(i - 1)

    runs: list[list[int]] = []
    for i in [i for i in range(len(severity)) if inside(i)]:
        if runs and (i - runs[-1][1] - 1) * STEP <= (rules.merge if i - runs[-1][1] > 1 else 0):
            runs[-1][1] = i
        else:
            runs.append([i, i])
    long = [(a, b) for a, b in runs if (b - a + 1) * STEP >= rules.least]
    last = len(severity) - 1
    return [(float(a * STEP), None if b == last else float((b + 1) * STEP)) for a, b in long]


severities = st.lists(st.one_of(st.sampled_from([0.0, 1.9, 2.0, 2.5, 3.0, 4.0]), st.just(NAN)), max_size=40)


@given(severities)
def test_stretches_are_those_of_a_plain_search(severity: list[float]) -> None:
    assert found(severity) == naive(severity, RULES)


@given(severities, st.lists(st.integers(0, 40), max_size=6))
def test_streaming_equals_batch(severity: list[float], cuts: list[int]) -> None:
    begin, end = times(len(severity))
    whole = np.array(severity, dtype=float)
    stream, parts = IntervalStream(RULES), []
    for piece in np.split(np.arange(len(severity)), sorted(min(cut, len(severity)) for cut in cuts)):
        parts += stream.feed(begin[piece], end[piece], whole[piece])
    assert [*parts, *stream.finish()] == stretches(begin, end, whole, RULES)


def test_hysteresis_holds_open_what_trembles() -> None:
    assert found([0, 3, 2, 2.5, 3, 2, 1, 0, 0, 0]) == [(10.0, 60.0)]


def test_what_never_opens_is_none() -> None:
    assert found([2.9, 2.9, 2.9, 2.9]) == []


def test_what_opens_again_soon_is_the_same_anomaly() -> None:
    assert found([3, 3, 0, 0, 3, 3, 0]) == [(0.0, 60.0)]
    assert found([3, 3, 0, 0, 0, 3, 3, 0]) == [(0.0, 20.0), (50.0, 70.0)]


def test_a_short_one_is_none() -> None:
    assert found([0, 9, 0, 0, 0]) == []


def test_an_unknown_window_neither_opens_nor_ends() -> None:
    assert found([NAN, NAN, 0]) == []
    assert found([3, NAN, NAN, NAN, 2, 0]) == [(0.0, 50.0)]
    assert found([3, 3, NAN]) == [(0.0, None)]


def test_what_goes_on_is_open_and_told_while_it_does() -> None:
    stream = IntervalStream(RULES)
    begin, end = times(4)
    assert stream.feed(begin[:1], end[:1], np.array([5.0])) == []
    assert stream.current is None  # still too short
    assert stream.feed(begin[1:], end[1:], np.array([4.0, 6.0, 3.0])) == []
    assert stream.current == Stretch(0, None, 6.0)
    assert stream.finish() == [Stretch(0, None, 6.0)]
    assert stream.current is None


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"opens at 2.0 cannot close at 3.0; close it below"):
        IntervalRules(2.0, 3.0)
    with pytest.raises(ValueError, match=r"least -1.0 s and merge 600.0 s are times; none may be negative"):
        IntervalRules(3.0, 2.0, least=-1.0)


def test_stretches_are_united() -> None:
    s = SECOND
    parts = [
        Stretch(50 * s, None, 1.0),
        Stretch(0, 10 * s, 2.0),
        Stretch(5 * s, 20 * s, 4.0),
        Stretch(60 * s, 70 * s, 9),
    ]
    assert united(parts, 5.0) == [Stretch(0, 20 * s, 4.0), Stretch(50 * s, None, 9)]
