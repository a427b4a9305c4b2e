"""A stream in one pass: no record's score hangs on what follows; every statistic beside a slow one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.streaming import Streaming, peaks, surprise
from dqm.model.errors import ConfigError
from features import stream_statistics as statistics

STATISTICS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "step": statistics.step,
    "from_average": lambda x: statistics.from_average(x, 0.1),
    "from_season": lambda x: statistics.from_season(x, 12, 3),
    "shifted": lambda x: statistics.shifted(x, 5, 20),
    "roughening": lambda x: statistics.roughening(x, 5, 20),
    "unlike": lambda x: statistics.unlike(x, 4, 3, 40),
}


def stream(seed: int = 1, rows: int = 120) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.sin(np.arange(rows) * np.pi / 6) + 0.3 * rng.normal(size=rows)


def naive(name: str, x: np.ndarray, t: int) -> float:
    """One statistic of record t from its definition."""
    past = x[: t + 1]
    if name == "step":
        return abs(x[t] - x[t - 1]) if t else 0.0
    if name == "from_average":
        mean = x[0]
        for i in range(1, t):
            mean += max(0.1, 1 / (i + 1)) * (x[i] - mean)
        return abs(x[t] - mean) if t else 0.0
    if name == "from_season":
        near = [x[t - 12 * c + k] for c in (1, 2, 3) for k in range(-2, 3) if t - 12 * c >= 2]
        return abs(x[t] - float(np.median(near))) if len(near) >= 5 else 0.0
    if t < 5:
        return 0.0
    recent, before = past[-5:], past[max(0, t - 24) : t - 4]
    if name == "shifted":
        return abs(recent.mean() - before.mean())
    steps = np.abs(np.diff(past, prepend=past[0]))
    now, usual = steps[-5:].mean(), steps[max(0, t - 24) : t - 4].mean()
    if name == "roughening":
        return abs(math.log((now + 0.05 * usual + 1e-9) / (1.05 * usual + 1e-9)))
    first = max(3, t - 4 - 40)
    if t - 4 - first < 8:
        return 0.0
    far = sorted(((past[-4:] - x[i - 3 : i + 1]) ** 2).sum() for i in range(first, t - 4))
    return math.sqrt(sum(far[:3]) / 3 / 4)


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_are_what_they_say(name: str) -> None:
    x = stream()
    expected = [naive(name, x, t) for t in range(len(x))]
    assert STATISTICS[name](x) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", STATISTICS)
def test_no_statistic_looks_ahead(name: str) -> None:
    """Mutant: a season that takes the median of all days."""
    x = stream(2)
    assert STATISTICS[name](x)[:70].tolist() == STATISTICS[name](x[:70].copy()).tolist()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.integers(30, 119))
def test_scores_of_a_part_are_those_of_the_whole(seed: int, part: int) -> None:
    x = stream(seed)

    def score(values: np.ndarray) -> np.ndarray:
        return Streaming(memory=100).score(np.vstack([f(values) for f in STATISTICS.values()]), settle=20)

    assert score(x)[:part].tolist() == score(x[:part].copy()).tolist()


def test_surprise_is_the_share_of_the_past_at_least_as_large() -> None:
    x = np.random.default_rng(3).permutation(np.arange(1.0, 61))
    found = surprise(x, 100, 30)
    assert not found[:30].any()
    for t in range(30, 60):
        past = np.sort(x[:t])
        if x[t] <= past[-10]:
            assert found[t] == pytest.approx(-math.log10((1 + (past >= x[t]).sum()) / (t + 1)))
        else:
            edge = past[-10]
            hill = max(np.log(past[-10:] / edge).mean(), 0.05)
            assert found[t] == pytest.approx(-math.log10(10 / t * (x[t] / edge) ** (-1 / hill)))


def test_memory_forgets_the_oldest() -> None:
    x = np.concatenate([np.full(100, 50.0), np.random.default_rng(4).uniform(0, 1, 200), [2.0]])
    assert surprise(x, 100, 20)[-1] > 2
    assert surprise(x, 1000, 20)[-1] < 1


def test_what_never_moved_is_surprised_by_any_move() -> None:
    x = np.zeros(101)
    x[100] = 1e-3
    assert surprise(x, 1000, 20)[100] == pytest.approx(math.log10(1010))


def test_only_peaks_remain() -> None:
    assert peaks(np.array([1.0, 2, 2, 1, 3, 1, 1, 2]), 2).tolist() == [1, 2, 0, 0, 3, 0, 0, 2]


def test_a_jump_stands_out() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=400)
    x[300:] += 6
    score = Streaming().score(np.vstack([statistics.shifted(x, 10, 100), statistics.from_average(x, 0.1)]), 60)
    assert 300 <= score.argmax() <= 312


def test_choices_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"memory = 5 must be at least 100, share = 0\.1 lie in \(0, 1\] and quiet"):
        Streaming(memory=5)
