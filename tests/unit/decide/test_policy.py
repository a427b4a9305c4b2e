"""The margin policy on hand-made pasts: budgets hold at the quantile, clamps, held lumisections, no evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dqm.decide.definitions import resampled_runs
from dqm.decide.policy import MarginPolicy
from dqm.model.past import Past
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import Decision, WorkingPoint

FREE = MarginPolicy(clamp=1.0, factor=1e9)
"""Without clamps, so that the evidence alone decides."""
DEFAULT = MarginPolicy()


def past(badness: list[float] | NDArray, label: list[int] | NDArray, rows: int = 1, held: object = None) -> Past:
    """One run for every ``rows`` lumisections, of equal weight."""
    n = len(badness)
    index = lumisection_index(100 + np.arange(n) // rows, 1 + np.arange(n) % rows)
    guarded = np.zeros(n, dtype=bool) if held is None else np.asarray(held, dtype=bool)
    return Past(index, np.float32(badness), np.int8(label), np.ones(n), guarded)


def overlapping(seed: int, runs: int = 30, rows: int = 12, held: float = 0.0) -> Past:
    """Good and bad overlap, runs differ in difficulty and weight; some labels and scores are missing."""
    rng = np.random.default_rng(seed)
    n = runs * rows
    label = rng.choice(np.array([-1, 0, 1], dtype=np.int8), n, p=[0.05, 0.8, 0.15])
    hard = np.repeat(rng.uniform(0.15, 0.45, runs), rows)
    middle = np.where(label == 1, 0.9, 0.1)
    badness = np.clip(middle + rng.normal(0, 1, n) * hard, 0, 1).round(3)
    badness[rng.random(n) < 0.03] = np.nan
    made = past(badness, label, rows, rng.random(n) < held)
    return replace(made, weight=np.repeat(rng.uniform(0.5, 2, runs), rows) * rng.uniform(0.5, 1.5, n))


def realised(given: Past, accept_below: float, reject_above: float, seed: int) -> tuple[NDArray, NDArray]:
    """Data loss and pollution over each of the 300 resampled pasts, one lumisection after the other."""
    runs = np.unique(given.run[(given.label >= 0) & np.isfinite(given.badness)])
    good, lost, accepted, polluted = (dict.fromkeys(runs.tolist(), 0.0) for _ in range(4))
    for run, b, y, w, held in zip(given.run, given.badness, given.label, given.weight, given.held, strict=True):
        if y < 0 or not np.isfinite(b):
            continue
        good[run] += w * (y == 0)
        lost[run] += w * (y == 0 and b >= np.float32(reject_above) and not held)
        accepted[run] += w * (b < np.float32(accept_below) and not held)
        polluted[run] += w * (y == 1 and b < np.float32(accept_below) and not held)
    counts = resampled_runs(len(runs), 300, seed)
    sums = [counts @ np.array(list(each.values())) for each in (good, lost, accepted, polluted)]
    with np.errstate(invalid="ignore"):
        return sums[1] / sums[0], np.nan_to_num(sums[3] / sums[2])


@pytest.mark.parametrize("held", [0.0, 0.15])
@pytest.mark.parametrize("budget", [0.003, 0.01, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_budgets_hold_at_the_quantile_and_not_one_step_further(seed: int, budget: float, held: float) -> None:
    """Mutants: the median instead of the upper quantile; held lumisections counted as rejected or accepted."""
    given = overlapping(seed, held=held)
    point = FREE.choose(given, budget, budget)
    loss, pollution = realised(given, point.accept_below, point.reject_above, FREE.seed)
    assert np.quantile(loss, 0.8) <= budget
    assert np.quantile(pollution, 0.8) <= budget
    seen = np.unique(given.badness[(given.label >= 0) & np.isfinite(given.badness)].astype(float))
    lower, higher = seen[seen < point.reject_above], seen[seen > point.accept_below]
    if point.accept_below == point.reject_above:
        return  # crossed thresholds meet in the middle: neither is as far as it might go
    assert np.quantile(realised(given, 0.0, lower[-1], FREE.seed)[0], 0.8) > budget
    assert np.quantile(realised(given, higher[0], 1.0, FREE.seed)[1], 0.8) > budget


def test_the_sweep_above_looks_at_points_that_did_not_cross() -> None:
    points = [FREE.choose(overlapping(seed), 0.01, 0.01) for seed in range(3)]
    assert any(each.accept_below < each.reject_above for each in points)


@pytest.mark.parametrize(("budget", "margin"), [(0.02, 0.05), (0.01, 0.05), (0.001, 0.01)])
def test_no_evidence_overrules_the_clamps(budget: float, margin: float) -> None:
    """Good and bad are far apart: ten budgets, or .05, are still the end."""
    point = DEFAULT.choose(past([0.3] * 200 + [0.7] * 200, [0] * 200 + [1] * 200), budget, budget)
    assert point.accept_below == pytest.approx(margin)
    assert point.reject_above == pytest.approx(1 - margin)


def test_each_budget_moves_its_own_threshold() -> None:
    given = overlapping(1)
    loose, tight = FREE.choose(given, 0.05, 0.01), FREE.choose(given, 0.002, 0.01)
    assert tight.reject_above > loose.reject_above
    assert tight.accept_below == loose.accept_below
    tight = FREE.choose(given, 0.05, 0.002)
    assert tight.accept_below < loose.accept_below
    assert tight.reject_above == loose.reject_above


def test_a_held_lumisection_breaks_no_budget() -> None:
    """One run in four is good and looks bad, and one in four is bad and looks good; a guard holds all of them."""
    badness, label = [0.0, 1.0, 1.0, 0.0] * 20, [0, 1, 0, 1] * 20
    free, held = past(badness, label), past(badness, label, held=[False, False, True, True] * 20)
    assert DEFAULT.choose(free, 0.01, 0.01).reject_above == np.inf
    assert DEFAULT.choose(free, 0.01, 0.01).accept_below == 0
    point = DEFAULT.choose(held, 0.01, 0.01)
    assert (point.accept_below, point.reject_above) == (0.05, 0.95)
    decision = point.decide(held.badness, held.held)
    assert decision.tolist() == [Decision.ACCEPT, Decision.REJECT, Decision.ASK, Decision.ASK] * 20


def test_a_clamped_threshold_keeps_its_budget_too() -> None:
    """Pollution falls again where much good comes above the bad.

    Mutant: the clamp after the choice, which would accept below .05 because below .9 the bad are diluted.
    """
    given = past([0.01] * 100 + [0.04] * 5 + [0.8] * 2000, [0] * 100 + [1] * 5 + [0] * 2000)
    assert FREE.choose(given, 0.01, 0.01).accept_below > 0.8
    point = DEFAULT.choose(given, 0.01, 0.01)
    assert 0.01 < point.accept_below <= 0.04


def nothing_known() -> dict[str, Past]:
    some = [0.0, 0.5, 1.0]
    return {
        "no lumisection": past([], []),
        "no label": past(some, [-1, -1, -1]),
        "no score": past([np.nan] * 3, [0, 1, 0]),
        "nothing good": past(some, [1, 1, 1]),
        "good unscored": past([np.nan, 0.5, 1.0], [0, 1, -1]),
    }


@pytest.mark.parametrize("name", nothing_known())
def test_without_evidence_only_a_broken_limit_is_decided(name: str) -> None:
    """Mutant: rejecting nothing at all, so that people are asked about what a documented limit calls bad."""
    point = DEFAULT.choose(nothing_known()[name], 0.01, 0.01)
    assert (point.accept_below, point.reject_above) == (0.0, 1.0)
    decided = point.decide(np.float32([0.0, 0.5, np.nextafter(np.float32(1), np.float32(0)), 1.0, np.nan]))
    assert decided.tolist() == [Decision.ASK] * 3 + [Decision.REJECT, Decision.UNKNOWN]


def test_people_overrule_a_limit_within_the_budget_only() -> None:
    """Good lumisections beyond a limit are lost up to the budget; beyond it people are asked, not overruled."""
    for called_good, reject in ((1, 0.95), (40, np.inf)):
        badness, label = [0.0] * 360 + [1.0] * 40, [0] * 360 + [0] * called_good + [1] * (40 - called_good)
        assert DEFAULT.choose(past(badness, label), 0.02, 0.02).reject_above == reject


def test_thresholds_that_cross_meet_in_the_middle() -> None:
    """Nothing at all lies between .3 and .7: each threshold alone may go all the way to the other class."""
    given = past([0.3] * 200 + [0.7] * 200, [0] * 200 + [1] * 200)
    point = FREE.choose(given, 0.01, 0.01)
    assert point.accept_below == point.reject_above
    assert 0.3 < point.reject_above <= 0.7
    assert point.decide(given.badness).tolist() == [Decision.ACCEPT] * 200 + [Decision.REJECT] * 200


def test_the_unit_of_the_weight_and_a_second_call_change_nothing() -> None:
    given = overlapping(2)
    point = DEFAULT.choose(given, 0.01, 0.01)
    assert DEFAULT.choose(given, 0.01, 0.01) == point
    assert DEFAULT.choose(replace(given, weight=given.weight * 1024), 0.01, 0.01) == point


def test_the_point_says_what_it_was_chosen_for_and_what_the_past_can_promise() -> None:
    given = overlapping(3, runs=20)
    point = DEFAULT.choose(given, 0.01, 0.02, 0.95)
    assert (point.data_loss_budget, point.pollution_budget, point.confidence) == (0.01, 0.02, 0.95)
    assert point.policy == repr(DEFAULT)
    assert point.runs == 20
    assert point.alpha_min == pytest.approx(1 - 0.05 ** (1 / 20))
    assert isinstance(point, WorkingPoint)


def test_a_past_of_unequal_columns_is_refused() -> None:
    given = past([0.1, 0.2], [0, 1])
    with pytest.raises(ValueError, match=r"columns of \[1, 2\] rows in one past"):
        replace(given, weight=np.ones(1))


def test_a_working_point_asks_what_is_held_and_knows_nothing_without_badness() -> None:
    """Accepted below, rejected from; a guard never hides that nothing was scored."""
    point = WorkingPoint(0.1, 0.9, 0.01, 0.01, 0.9, "by hand", 3, 0.5)
    badness = np.array([0.0, 0.1, 0.5, 0.9, 1.0, np.nan])
    assert point.decide(badness).tolist() == ["ACCEPT", "ASK", "ASK", "REJECT", "REJECT", "UNKNOWN"]
    held = np.array([True, True, True, False, True, True])
    assert point.decide(badness, held).tolist() == ["ASK", "ASK", "ASK", "REJECT", "ASK", "UNKNOWN"]


@pytest.mark.parametrize(("accept", "reject"), [(0.5, 0.4), (-0.1, 0.5), (np.nan, 1.0)])
def test_thresholds_that_are_no_pair_are_refused(accept: float, reject: float) -> None:
    with pytest.raises(ValueError, match=r"accept_below = .* must lie in \[0, reject_above"):
        WorkingPoint(accept, reject, 0.01, 0.01, 0.9, "by hand", 3, 0.5)


def test_a_past_without_anything_bad_accepts_nothing() -> None:
    """Mutant: no pollution was seen, so all is accepted: dead detectors would be golden."""
    found = DEFAULT.choose(past([0.001] * 40, [0] * 40), 0.01, 0.01)
    assert found.accept_below == 0
    assert DEFAULT.choose(past([0.001] * 40 + [0.99], [0] * 40 + [1]), 0.01, 0.01).accept_below > 0
