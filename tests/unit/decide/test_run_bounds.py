"""Bounds on a risk of runs: closed forms, duality of p-values and bounds, and MAPIE as the oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dqm.decide.bounds import (
    RunRisk,
    alpha_min,
    betting_bound,
    betting_p,
    clopper_pearson,
    hoeffding_bentkus,
    hoeffding_bentkus_bound,
    hoeffding_bentkus_p,
    runs_needed,
)
from dqm.decide.definitions import RunSums

BOUNDS = [hoeffding_bentkus_bound, betting_bound]


def some_risk(seed=0, n=120):
    rng = np.random.default_rng(seed)
    at_stake = rng.uniform(0.3, 1.0, n)
    return RunRisk.of(at_stake * rng.beta(0.05, 1.5, n), at_stake, 1.0)


def lossless(n):
    return RunRisk.of(np.zeros(n), np.full(n, 7.0), 7.0)


@pytest.mark.parametrize(
    ("alpha", "delta", "runs"),
    [(0.01, 0.1, 230), (0.01, 0.05, 299), (0.02, 0.1, 114), (0.02, 0.05, 149), (0.05, 0.1, 45), (0.05, 0.05, 59)],
)
def test_how_many_runs_a_promise_needs(alpha, delta, runs):
    assert runs_needed(alpha, delta) == runs
    assert (1 - alpha) ** runs <= delta < (1 - alpha) ** (runs - 1)
    assert alpha_min(runs, delta) <= alpha < alpha_min(runs - 1, delta)


def test_the_least_risk_that_can_be_excluded():
    assert alpha_min(60, 0.1) == pytest.approx(1 - 0.1 ** (1 / 60), rel=1e-12)
    assert alpha_min(0, 0.1) == 1


@pytest.mark.parametrize("n", [1, 60, 230, 1000])
def test_without_loss_hoeffding_and_bentkus_reach_what_is_possible(n):
    assert hoeffding_bentkus_p(lossless(n), 0.01) == pytest.approx(0.99**n, rel=1e-9)
    assert hoeffding_bentkus_bound(lossless(n), 0.1) == pytest.approx(alpha_min(n, 0.1), rel=1e-9)


def test_betting_without_loss_is_close_to_what_is_possible():
    assert alpha_min(230, 0.1) < betting_bound(lossless(230), 0.1) < 1.05 * alpha_min(230, 0.1)


@pytest.mark.parametrize("n", [20, 230, 1000])
def test_mapie_has_the_same_p_value(n):
    methods = pytest.importorskip("mapie.risk_control.methods", reason="MAPIE is not installed: pip install MAPIE")
    mean, alpha = np.array([0.0, 0.001, 0.01, 0.05, 0.3, 0.9]), np.array([0.005, 0.01, 0.05, 0.2])
    oracle = methods.compute_hoeffding_bentkus_p_value(mean, n, alpha)
    ours = np.column_stack([hoeffding_bentkus(mean, n, each) for each in alpha])
    np.testing.assert_allclose(ours, oracle, rtol=1e-12)


def test_contributions_by_hand():
    risk = RunRisk.of([0, 1, 2], [4, 2, 2], 4)
    np.testing.assert_array_equal(risk.contributions(0.5), [0, 0.5, 0.75])
    # Y averages α exactly where α is the ratio of the sums.
    assert risk.contributions(3 / 8).mean() == 3 / 8


@pytest.mark.parametrize("seed", range(5))
def test_a_bound_is_the_last_risk_that_its_p_value_does_not_exclude(seed):
    risk = some_risk(seed)
    alphas = np.linspace(0.0005, 0.9995, 2000)
    for bound, p in (
        (hoeffding_bentkus_bound, hoeffding_bentkus_p),
        (betting_bound, lambda r, a: betting_p(r, a, 0.1)),
    ):
        end = bound(risk, 0.1)
        possible = np.array([p(risk, alpha) > 0.1 for alpha in alphas])
        assert not possible[alphas > end].any()
        assert alphas[possible][-1] <= end <= alphas[possible][-1] + 0.01


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_bound_lies_above_the_estimate_and_falls_with_confidence_and_runs(bound):
    few, many = some_risk(n=60), some_risk(n=600)
    for risk in (few, many):
        assert risk.lost.sum() / risk.at_stake.sum() < bound(risk, 0.2) < bound(risk, 0.05) <= 1
    assert bound(many, 0.1) < bound(few, 0.1)


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("lost", [0.0, 1.0])
def test_extremes_promise_nothing(bound, lost):
    assert bound(RunRisk.of([lost] * 50, [1.0] * 50, 1.0), 0.1) == pytest.approx(1.0 if lost else 0.05, abs=0.01)
    assert bound(RunRisk.of([0.0] * 50, [0.0] * 50, 1.0), 0.1) == 1


def test_lighter_runs_than_stated_promise_less():
    heavy, light = RunRisk.of([0] * 230, [1] * 230, 1), RunRisk.of([0] * 230, [1] * 230, 5)
    for bound in BOUNDS:
        assert bound(light, 0.1) > 2 * bound(heavy, 0.1)


def test_the_order_of_the_runs_matters_only_to_the_gambler():
    risk = some_risk(3)
    turned = RunRisk(risk.lost[::-1], risk.at_stake[::-1])
    assert hoeffding_bentkus_bound(turned, 0.1) == pytest.approx(hoeffding_bentkus_bound(risk, 0.1), rel=1e-9)


def test_both_risks_come_from_the_run_sums():
    sums = RunSums.of(["ACCEPT", "ACCEPT", "REJECT", "ASK"], [0, 1, 0, 0], [4, 2, 1, 3], [1, 1, 2, 2])
    loss, pollution = RunRisk.of_data_loss(sums, 8), RunRisk.of_pollution(sums, 8)
    np.testing.assert_array_equal(loss.lost, [0, 1 / 8])
    np.testing.assert_array_equal(loss.at_stake, [4 / 8, 4 / 8])
    np.testing.assert_array_equal(pollution.lost, [2 / 8, 0])
    np.testing.assert_array_equal(pollution.at_stake, [6 / 8, 0])
    assert len(loss) == 2


def test_clopper_pearson_in_closed_form():
    assert clopper_pearson(0, 100, 0.05) == pytest.approx(1 - 0.05**0.01, rel=1e-9)
    assert clopper_pearson(100, 100, 0.05) == 1
    with pytest.raises(ValueError, match="3 of 2 lumisections lost"):
        clopper_pearson(3, 2, 0.05)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0, 0], [1, 5], 4), r"a run of weight 5.0 exceeds the stated largest run weight 4; state a larger one"),
        (([2], [1], 4), "between nothing and all that is at stake"),
        (([math.nan], [1], 4), "between nothing and all that is at stake"),
        (([], [], 4), "must be columns of one length, not empty"),
        (([0], [1, 1], 4), "must be columns of one length"),
    ],
)
def test_contributions_without_sense_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        RunRisk.of(*columns)


def test_levels_and_counts_without_sense_are_refused():
    with pytest.raises(ValueError, match="delta = 95 must lie between 0 and 1, both excluded"):
        alpha_min(10, 95)
    with pytest.raises(ValueError, match="alpha = 0 must lie"):
        runs_needed(0, 0.1)
    with pytest.raises(ValueError, match="runs = -1 is negative"):
        alpha_min(-1, 0.1)
    for bound in BOUNDS:
        with pytest.raises(ValueError, match=r"delta = 0\.0 must lie"):
            bound(lossless(3), 0.0)
