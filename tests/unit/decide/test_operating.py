"""The operating curve against the definitions at every threshold, and the solver against all pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dqm.decide.definitions import outcome
from dqm.decide.operating import OperatingCurve
from dqm.model.verdicts import WorkingPoint

from . import naive_decide as naive

BUDGETS = [(0.0, 0.0), (0.01, 0.01), (0.1, 0.3), (0.5, 0.05), (1.0, 1.0)]


def generated(seed, n=24, kind=np.float32):
    """Few distinct badnesses (ties), some not scored, some weightless, some of unknown truth; weights are dyadic."""
    rng = np.random.default_rng(seed)
    label = rng.choice([-1, 0, 0, 0, 1, 1], n).astype(np.int8)
    badness = (rng.integers(0, 9, n) / 10 + 0.1 * (label == 1)).astype(kind)
    badness[rng.random(n) < 0.1] = np.nan
    return badness, label, rng.integers(0, 9, n) / 4, rng.integers(1, 5, n)


def working_point(low, high):
    return WorkingPoint(low, high, 0.01, 0.01, 0.9, "hindsight", 1, 0.9)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(12))
def test_the_curve_is_what_the_working_point_would_cost_to_the_bit(seed, kind):
    badness, label, weight, run = generated(seed, kind=kind)
    curve = OperatingCurve.of(badness, label, weight, run)
    candidates = [0.0, 0.05, 0.3, *curve.values.tolist(), 1.0, math.inf]
    for low in candidates:
        for high in (each for each in candidates if each >= low):
            found = outcome(working_point(low, high).decide(badness), label, weight, run)
            assert curve.loss(high) == found.data_loss
            assert curve.workload(low, high) == found.workload
            np.testing.assert_equal(float(curve.pollution(low)), np.nan if found.pollution is None else found.pollution)


@pytest.mark.parametrize("budgets", BUDGETS)
@pytest.mark.parametrize("seed", range(15))
def test_no_pair_within_the_budgets_asks_less(seed, budgets):
    table = generated(seed, n=14)
    chosen = OperatingCurve.of(*table).least_workload(*budgets)
    spent = naive.rows(*table, *chosen)
    assert (naive.data_loss(spent) or 0) <= budgets[0]
    assert (naive.pollution(spent) or 0) <= budgets[1]
    assert naive.workload(spent) == naive.least_workload(*table, *budgets)
    working_point(*chosen)


def test_a_hand_computed_optimum():
    badness, label = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0, 0, 1, 0, 1, 1]
    curve = OperatingCurve.of(badness, label, [1] * 6, [1] * 6)
    assert curve.least_workload(0, 0) == (0.3, 0.5)
    assert curve.workload(0.3, 0.5) == 2 / 6


def test_pollution_that_falls_again_is_followed_to_its_largest_threshold():
    badness, label = [0.1, 0.2, 0.3, 0.4], [1, 0, 0, 1]
    curve = OperatingCurve.of(badness, label, [1, 1, 8, 1], [1] * 4)
    np.testing.assert_allclose(curve.pollution([0.2, 0.3, 0.4]), [1, 1 / 2, 1 / 10])
    assert curve.least_workload(0, 0.1) == (0.4, 0.4)


def test_equal_badness_falls_on_one_side():
    curve = OperatingCurve.of([0.5] * 4, [0, 0, 0, 1], [1] * 4, [1] * 4)
    assert curve.least_workload(0.1, 0.1) == (0, math.inf)
    assert curve.least_workload(0.0, 0.25) == (math.inf, math.inf)
    assert curve.least_workload(1.0, 0.0) == (0, 0.5)


def test_of_all_points_without_work_the_one_farthest_from_both_budgets_is_taken():
    badness = np.arange(1, 11) / 16
    label = np.array([0, 0, 0, 1, 0, 1, 0, 1, 1, 1])
    curve = OperatingCurve.of(badness, label, np.ones(10), np.ones(10, dtype=int))
    chosen = curve.least_workload(0.5, 0.5)
    assert chosen.accept_below == chosen.reject_above
    admissible = [t for t in (*badness, math.inf) if curve.loss(t) <= 0.5 and not curve.pollution(t) > 0.5]
    spent = [max(curve.loss(t), np.nan_to_num(curve.pollution(t))) for t in admissible]
    assert chosen.accept_below == max(t for t, s in zip(admissible, spent, strict=True) if s == min(spent))


def test_separable_data_leaves_no_work_and_costs_nothing():
    curve = OperatingCurve.of([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], [1] * 4, [1] * 4)
    assert curve.least_workload(0.0, 0.0) == (0.8, 0.8)
    assert curve.least_workload(0.01, 0.01) == (0.8, 0.8)


def test_without_truth_or_score_everything_is_open():
    empty = OperatingCurve.of([], [], [], [])
    assert empty.least_workload(0.01, 0.01) == (0, math.inf)
    assert np.isnan(empty.workload(0, 1))
    unscored = OperatingCurve.of([np.nan, np.inf], [0, 1], [1, 1], [1, 1])
    assert unscored.unscored == 2
    assert unscored.workload(*unscored.least_workload(1, 1)) == 1


def test_pairs_broadcast_and_crossed_thresholds_are_no_pair():
    curve = OperatingCurve.of(*generated(3, 200))
    grid = curve.thresholds
    surface = curve.workload(grid[:, None], grid[None, :])
    assert surface.shape == (len(grid), len(grid))
    np.testing.assert_array_equal(np.isnan(surface), np.tri(len(grid), k=-1, dtype=bool))


def test_a_thinned_curve_keeps_its_ends_and_its_numbers():
    rng = np.random.default_rng(0)
    n = 5000
    badness = rng.random(n).astype(np.float32)
    curve = OperatingCurve.of(badness, (rng.random(n) < badness).astype(np.int8), rng.random(n), rng.integers(1, 50, n))
    thin = curve.thinned()
    assert len(thin.thresholds) <= 400
    assert thin.thresholds[0] == curve.thresholds[0]
    assert thin.thresholds[-1] == math.inf
    np.testing.assert_array_equal(thin.loss(thin.thresholds), curve.loss(thin.thresholds))
    np.testing.assert_array_equal(thin.pollution(thin.thresholds), curve.pollution(thin.thresholds))
    low, high = thin.thresholds[:-1], thin.thresholds[1:]
    np.testing.assert_array_equal(thin.workload(low, high), curve.workload(low, high))
    assert curve.thinned(10**6) is curve
    within = thin.least_workload(0.05, 0.05)
    assert curve.workload(*within) >= curve.workload(*curve.least_workload(0.05, 0.05))
    assert curve.loss(within.reject_above) <= 0.05
    assert curve.pollution(within.accept_below) <= 0.05


def test_what_has_no_sense_is_refused():
    with pytest.raises(ValueError, match=r"badness -0\.5 is negative; calibrate"):
        OperatingCurve.of([-0.5], [0], [1], [1])
    with pytest.raises(ValueError, match=r"badness of shape \(2,\) for 1 labels"):
        OperatingCurve.of([0.5, 0.5], [0], [1], [1])
    curve = OperatingCurve.of([0.5], [0], [1], [1])
    with pytest.raises(ValueError, match=r"pollution_budget = 2 is not a fraction.*0\.01 means 1%"):
        curve.least_workload(0.01, 2)
    with pytest.raises(ValueError, match="3 points shows nothing"):
        curve.thinned(3)
