"""Drift is seen either way, in runs and not in lumisections, and withdraws automation where that is wanted."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.past import Past
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import Decision, WorkingPoint
from pipelines.run.drift import check, medians, withdrawn

RNG = np.random.default_rng(4)


def past(runs: int = 40, ls: int = 20) -> Past:
    run = np.repeat(np.arange(runs), ls)
    level = np.exp(RNG.normal(-4, 0.5, runs))[run]
    badness = np.clip(level * RNG.lognormal(0, 0.3, len(run)), 0, 1).astype(np.float32)
    n = len(run)
    index = lumisection_index(run, np.tile(np.arange(ls), runs))
    return Past(index, badness, np.zeros(n, np.int8), np.ones(n), np.zeros(n, bool))


@pytest.mark.parametrize("factor", [0.02, 20.0])
def test_a_model_that_changes_its_mind_either_way_drifts(factor: float) -> None:
    found = check(past(), {100 + k: float(np.exp(RNG.normal(-4, 0.5)) * factor) for k in range(10)}, 1e-4)
    assert found is not None
    assert found.drifts
    assert "DRIFT" in found.text()


def test_alike_runs_seldom_alarm() -> None:
    """At a level of 5% about one in twenty draws of alike runs alarms: within 5 σ of the binomial."""
    alarms = sum(
        check(past(30, 3), {100 + k: float(np.exp(RNG.normal(-4, 0.5))) for k in range(10)}, 0.05).drifts  # type: ignore[union-attr]
        for _ in range(200)
    )
    assert abs(alarms - 10) < 5 * np.sqrt(200 * 0.05 * 0.95)


def test_too_little_says_nothing() -> None:
    assert check(past(9), dict.fromkeys(range(10), 0.1), 0.05) is None
    assert check(past(), {1: 0.1, 2: 0.1}, 0.05) is None


def test_what_has_no_badness_is_left_out() -> None:
    assert medians(np.array([2, 1, 2, 3]), np.array([0.1, 0.5, 0.3, np.nan])) == {1: 0.5, 2: pytest.approx(0.2)}
    assert medians(np.array([4, 4]), np.array([np.nan, np.nan])) == {}


def test_withdrawn_automation_leaves_broken_limits_alone() -> None:
    point = withdrawn(WorkingPoint(0.02, 0.9, 0.01, 0.01, 0.9, "p", 30, 0.07))
    assert point.decide(np.array([0.0, 0.95, 1.0])).tolist() == [Decision.ASK, Decision.ASK, Decision.REJECT]
    assert point.policy == "withdrawn: p"
