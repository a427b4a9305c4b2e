"""What is prepared once for all budgets, against loops that judge every lumisection anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dqm.decide.definitions import RunSums, bootstrap_intervals, intervals_of, outcome, resampled_runs
from dqm.decide.ordered_past import OrderedPast
from dqm.decide.policy import MarginPolicy
from dqm.model.past import Past
from dqm.model.verdicts import WorkingPoint

from .test_policy import overlapping, past

PAIRS = ((0.0, 1.0), (0.05, 0.95), (0.5, 0.5), (0.123, np.inf), (0.3, 0.6), (1.0, 1.0))


def known_of(given: Past) -> Past:
    """The lumisections with both a label and a badness."""
    rows = (given.label >= 0) & np.isfinite(given.badness)
    return Past(given.index[rows], given.badness[rows], given.label[rows], given.weight[rows], given.held[rows])


def point_of(accept: float, reject: float) -> WorkingPoint:
    return WorkingPoint(accept, reject, 0.01, 0.01, 0.9, "", 1, 1.0)


@pytest.mark.parametrize("held", [0.0, 0.2])
@pytest.mark.parametrize("pair", PAIRS)
def test_two_slices_say_what_the_decisions_one_by_one_say(pair: tuple[float, float], held: float) -> None:
    """Mutants: `side="right"` in `below`; guarded lumisections left out of the denominators."""
    given = overlapping(4, held=held)
    kept, point = known_of(given), point_of(*pair)
    decision = point.decide(kept.badness, kept.held)
    found, sums = OrderedPast.of(given).outcome(point)
    slow = RunSums.of(decision, kept.label, kept.weight, kept.run)
    for name, column in vars(slow).items():
        np.testing.assert_allclose(getattr(sums, name), column, rtol=1e-12, atol=1e-12, err_msg=name)
    expected = outcome(decision, kept.label, kept.weight, kept.run)
    for name, value in vars(expected).items():
        assert getattr(found, name) == (None if value is None else pytest.approx(value, abs=1e-12)), name
    assert OrderedPast.of(given).workload(*pair) == pytest.approx(expected.workload)


def test_intervals_of_given_resamples_are_those_of_the_seed() -> None:
    kept = known_of(overlapping(5))
    sums = OrderedPast.of(kept).sums(point_of(0.05, 0.95))
    counts = resampled_runs(len(sums), 40, 3)
    assert intervals_of(sums, counts, 0.8) == bootstrap_intervals(sums, 0.8, 40, seed=3)
    with pytest.raises(ValueError, match=r"level = 1\.0 must lie between 0 and 1"):
        intervals_of(sums, counts, 1.0)


def slow_choice(policy: MarginPolicy, given: Past, loss: float, pollution: float) -> tuple[float, float]:
    """Every threshold that may be taken, judged by a loop over the runs of the past as the grid compares it."""
    kept = known_of(given)
    badness, runs = kept.badness.astype(np.float64), np.unique(kept.run)
    counts = resampled_runs(len(runs), policy.resamples, policy.seed)
    highest, lowest = min(policy.clamp, policy.factor * pollution), 1 - min(policy.clamp, policy.factor * loss)
    grid = np.unique([*badness, 0.0, highest, lowest, 1.0])

    def quantile(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
        sums = [np.array([kept.weight[(kept.run == run) & each].sum() for run in runs]) for each in (part, whole)]
        with np.errstate(invalid="ignore"):
            return float(np.quantile(np.nan_to_num((counts @ sums[0]) / (counts @ sums[1])), policy.quantile))

    def lost(t: float) -> float:
        return quantile((kept.label == 0) & (badness >= t) & ~kept.held, kept.label == 0)

    def polluted(t: float) -> float:
        accepted = (badness < t) & ~kept.held
        return quantile(accepted & (kept.label == 1), accepted)

    rejecting = [t for t in grid if t > 0 and t >= lowest and lost(t) <= loss]
    accepting = [t for t in grid if t <= highest and polluted(t) <= pollution]
    accept, reject = max(accepting, default=0.0), min(rejecting, default=np.inf)
    return (accept, reject) if accept <= reject else ((accept + reject) / 2,) * 2


@pytest.mark.parametrize("constants", [{}, {"clamp": 1.0, "factor": 1e9}, {"clamp": 0.4, "factor": 20.0}])
@pytest.mark.parametrize("seed", range(2))
def test_one_preparation_answers_for_every_budget_as_the_loop_does(seed: int, constants: dict[str, float]) -> None:
    """Mutants: a clamp of tight budgets that is looked up in the grid of loose ones; `>=` for `>` beside it."""
    policy = MarginPolicy(**constants, resamples=40)  # type: ignore[arg-type]  # all of them are floats
    given = overlapping(seed, runs=7, rows=7, held=0.1)
    prepared = policy.over(given)
    for loss, pollution in ((0.001, 0.004), (0.004, 0.001), (0.05, 0.02), (0.2, 0.3)):
        found = prepared.choose(loss, pollution)
        assert (found.accept_below, found.reject_above) == slow_choice(policy, given, loss, pollution)
        assert found == policy.choose(given, loss, pollution)


def test_a_past_that_nobody_could_learn_from_has_no_margins() -> None:
    bad = past([0.1, 0.9], [1, 1])
    assert MarginPolicy().over(bad).choose(0.01, 0.01).accept_below == 0.0
    assert len(OrderedPast.of(replace(bad, label=np.int8([-1, -1])))) == 0
