"""The bounds hold as often as they say when the lumisections of a run fail together."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from dqm.decide.bounds import RunRisk, alpha_min, betting_bound, clopper_pearson, hoeffding_bentkus_bound

pytestmark = pytest.mark.slow  # coverage over thousands of trials

TRIALS = 600
RUNS = 80
RISK = 0.03
LONGEST = 60
"""The stated maximal run weight: lumisections of weight 1, at most so many in a run."""

Bound = Callable[[NDArray[np.int64], NDArray[np.int64], float], float]


def seasons(correlation: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lost and all lumisections of every run, each ``(TRIALS, RUNS)``: beta-binomial with the given intra-run
    correlation ρ, whose beta has a + b = 1/ρ − 1 and mean RISK; run lengths are uniform and independent of it."""
    rng = np.random.default_rng(seed)
    length = rng.integers(10, LONGEST + 1, (TRIALS, RUNS))
    spread = 1 / correlation - 1
    return rng.binomial(length, rng.beta(RISK * spread, (1 - RISK) * spread, length.shape)), length


def coverage(bound: Bound, correlation: float, delta: float, seed: int = 11) -> float:
    """How often the bound lies above the true risk, over TRIALS simulated seasons."""
    lost, length = seasons(correlation, seed)
    return float(np.mean([bound(a, g, delta) >= RISK for a, g in zip(lost, length, strict=True)]))


def least(delta: float) -> float:
    """1 − δ less three standard errors of TRIALS Bernoulli trials: a correct bound fails it once in 700 times."""
    return 1 - delta - 3 * math.sqrt(delta * (1 - delta) / TRIALS)


def by_hoeffding_bentkus(lost, length, delta):
    return hoeffding_bentkus_bound(RunRisk.of(lost, length, LONGEST), delta)


def by_betting(lost, length, delta):
    return betting_bound(RunRisk.of(lost, length, LONGEST), delta)


def per_lumisection(lost, length, delta):
    """The mutant: every lumisection counts as an independent trial."""
    return clopper_pearson(int(lost.sum()), int(length.sum()), delta)


@pytest.mark.parametrize("bound", [by_hoeffding_bentkus, by_betting])
@pytest.mark.parametrize("correlation", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("delta", [0.1, 0.3])
def test_a_bound_over_runs_covers(bound, correlation, delta):
    """Coverage is at least 1 − δ − 3·√(δ(1 − δ)/TRIALS); catches the mutant ``per_lumisection`` (Clopper–Pearson)."""
    assert coverage(bound, correlation, delta) >= least(delta)


@pytest.mark.parametrize("correlation", [0.02, 0.1, 0.3])
def test_the_per_lumisection_mutant_does_not_cover(correlation):
    assert coverage(per_lumisection, correlation, 0.05) < least(0.05)


@pytest.mark.parametrize("delta", [0.1, 0.3])
def test_the_sharpest_case_is_covered_as_often_as_said_and_hardly_more(delta):
    """Whole runs of equal weight are lost, at a risk just above α_min: a season without loss is then just excluded.

    Such seasons are (1 − risk)^RUNS of all, a little less than δ, so a bound that is too low fails here, for example
    the mutant that forgets one lost run.
    """
    rng = np.random.default_rng(3)
    risk = 1.02 * alpha_min(RUNS, delta)
    length = np.full(RUNS, LONGEST)
    lost = np.where(rng.random((TRIALS, RUNS)) < risk, LONGEST, 0)
    covered = np.mean([by_hoeffding_bentkus(each, length, delta) >= risk for each in lost])
    assert least(delta) <= covered <= 1 - delta + 0.05
    assert np.mean([by_betting(each, length, delta) >= risk for each in lost]) >= least(delta)
    mutant = [by_hoeffding_bentkus(_without_first_loss(each), length, delta) >= risk for each in lost]
    assert np.mean(mutant) < least(delta)


def _without_first_loss(lost):
    kept = lost.copy()
    kept[np.argmax(lost)] = 0
    return kept


def test_a_bound_is_not_trivially_wide():
    """A bound of 1 always covers: at a mean loss of 3% and mild correlation, 80 runs must say more than 20%."""
    lost, length = seasons(0.02, 5)
    for bound in (by_hoeffding_bentkus, by_betting):
        assert np.median([bound(a, g, 0.1) for a, g in zip(lost[:100], length[:100], strict=True)]) < 0.2


def test_the_hypothesis_of_a_ratio_is_tested_at_its_own_budget():
    """At the true risk the p-value is super-uniform: P(p ≤ δ) ≤ δ + 3·√(δ(1 − δ)/TRIALS), for weights of any length.

    The mutant that averages the loss fractions of the runs (a ratio per run) tests another risk: where long runs lose
    more than short ones its bound falls below the risk of the weight.
    """
    rng = np.random.default_rng(7)
    length = np.where(rng.random((TRIALS, RUNS)) < 0.2, LONGEST, 10)
    lost = np.where((length == LONGEST) & (rng.random(length.shape) < 0.25), length, 0)
    risk = 0.2 * 0.25 * LONGEST / (0.2 * LONGEST + 0.8 * 10)
    pairs = list(zip(lost, length, strict=True))
    assert np.mean([by_hoeffding_bentkus(a, g, 0.1) >= risk for a, g in pairs]) >= least(0.1)
    mutant = [hoeffding_bentkus_bound(RunRisk.of(a / g, np.ones(RUNS), 1.0), 0.1) >= risk for a, g in pairs]
    assert np.mean(mutant) < least(0.1)
