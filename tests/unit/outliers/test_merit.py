"""Figures of merit, against loops over every cut and every pair."""

import numpy as np
import pytest

from dqm.model.errors import InputError
from pipelines.outliers.merit import LEAST_BACKGROUND, efficiency_at_rejection, merit

RANDOM = np.random.default_rng(3)
BACKGROUND = np.round(RANDOM.normal(size=900), 1)
SIGNAL = np.round(RANDOM.normal(1.5, 1.0, size=80), 1)


def by_loop(signal: np.ndarray, background: np.ndarray, least: int) -> tuple[float, float]:
    """Largest ε_S/√ε_B, and ε_S at ε_B ≤ 1%, one cut after the other."""
    best, efficiency = 0.0, 0.0
    for cut in np.concatenate([signal, background]):
        s, b = (signal >= cut).mean(), (background >= cut).sum()
        if b >= least:
            best = max(best, s / np.sqrt(b / len(background)))
        if b <= 0.01 * len(background):
            efficiency = max(efficiency, s)
    return best, efficiency


def test_it_equals_a_loop_also_with_ties() -> None:
    found = merit(SIGNAL, BACKGROUND)
    sic, efficiency = by_loop(SIGNAL, BACKGROUND, LEAST_BACKGROUND)
    pairs = (SIGNAL[:, None] > BACKGROUND).mean() + (SIGNAL[:, None] == BACKGROUND).mean() / 2
    assert found.max_sic == pytest.approx(sic)
    assert found.efficiency_at_1pct == pytest.approx(efficiency)
    assert found.auc == pytest.approx(pairs)
    assert set(found.metrics()) == {"auc", "max_sic", "max_sic_err", "efficiency_at_1pct"}


def test_a_cut_that_leaves_too_few_background_events_does_not_count() -> None:
    """A mutant that counted every cut would find ε_S/√(1/B), thirty times as much."""
    found = merit(np.full(50, 9.0), np.arange(1000) / 1000)
    assert found.background_at_max == LEAST_BACKGROUND
    assert found.max_sic == pytest.approx(1 / np.sqrt(0.1))
    few = merit(np.full(50, 9.0), np.zeros(LEAST_BACKGROUND - 1))
    assert few.max_sic is None
    assert few.max_sic_err is None
    assert few.auc == 1.0


def test_the_error_is_the_spread_of_repetitions() -> None:
    """At a fixed cut, ε_S = ε_B = ½ in the mean, 2,000 repetitions; their spread is known to 2%, asked to 10%."""
    random = np.random.default_rng(5)
    s, b = random.binomial(400, 0.5, 2000), random.binomial(1000, 0.5, 2000)
    spread = ((s / 400) / np.sqrt(b / 1000)).std()
    found = merit(np.repeat([1.0, 0.0], 200), np.repeat([1.0, 0.0], 500))  # two cuts; the tighter has 500 left
    error = np.sqrt(0.5) * np.sqrt(0.5 / 200 + 0.5 / 2000)
    assert error == pytest.approx(spread, rel=0.1)
    assert found.max_sic == 1.0
    assert found.max_sic_err == pytest.approx(0.0)  # everything is kept there


def test_an_event_without_a_score_is_never_selected_and_stays_in_the_denominator() -> None:
    signal = np.concatenate([np.ones(10), np.full(10, np.nan)])
    found = merit(signal, np.concatenate([np.zeros(500), np.full(500, np.nan)]))
    assert found.efficiency_at_1pct == 0.5
    assert efficiency_at_rejection(signal, np.zeros(100), 100.0) == 0.5


def test_efficiency_at_a_rejection() -> None:
    background = np.arange(1000.0)
    assert efficiency_at_rejection(np.array([988.5, 990.0, 5.0, 2000.0]), background, 100) == 0.5
    with pytest.raises(ValueError, match=r"rejection = 0\.5 must be at least 1"):
        efficiency_at_rejection(SIGNAL, BACKGROUND, 0.5)


def test_one_kind_alone_has_no_merit() -> None:
    with pytest.raises(InputError, match="0 signal and 900 background events"):
        merit(np.zeros(0), BACKGROUND)
