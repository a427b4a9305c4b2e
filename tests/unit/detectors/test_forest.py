"""Isolation forest: a walk equals a loop, surprises are log-densities, faults are named, bad states are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from detectors.checks import FEATURES, simulated_table
from detectors.forest import Forest
from detectors.isolation import Trees, deepest
from detectors.protocol import State
from dqm.model.labels import Label

UNKNOWN = np.full(400, Label.UNKNOWN, dtype=np.int8)


def _fitted(**params: float) -> Forest:
    given = {"trees": 5, "size": 64} | params
    return Forest(**given).fit(simulated_table(400, seed=1), UNKNOWN, seed=1)  # type: ignore[arg-type]


def _path(state: State, tree: int, z: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """Node, child and pulls ``(k,)`` of every step of a row ``z`` ``(k,)`` in a tree."""
    column, steps, node = state["column"][tree], [], 0
    while (s := state["split"][tree, node]) >= 0:
        pulls = np.zeros(len(z))
        pulls[column] = state["weight"][tree, s] * z[column]
        right = pulls.sum() > state["threshold"][tree, s]
        child = 2 * s + 1 + int(right)
        steps.append((node, child, np.maximum(pulls if right else -pulls, 0)))
        node = child
    return steps


@pytest.mark.parametrize("columns", [3, 32])
def test_score_and_shares_equal_a_loop_over_rows_trees_and_steps(columns: int) -> None:
    """With missing values, which count as the median."""
    detector, fresh = _fitted(columns=columns), simulated_table(30, seed=2)
    state = detector.state()
    z = np.nan_to_num((fresh.values[:, state["at"]] - state["centre"]) / state["spread"])
    score, shares = detector.score(fresh), detector.explain(fresh)
    for i, row in enumerate(z.astype(np.float32)):
        found, told = [], np.zeros(FEATURES)
        for tree, value in enumerate(state["value"]):
            steps = _path(state, tree, row)
            found.append(value[steps[-1][1]])
            for node, child, pulls in steps:
                told += (value[child] - value[node]) * pulls / max(pulls.sum(), 1e-30) / detector.trees
        assert score[i] == pytest.approx(np.mean(found), rel=1e-4, abs=1e-4)
        assert shares[i, :FEATURES] == pytest.approx(np.maximum(told, 0), rel=1e-3, abs=1e-3)
        assert shares[i, FEATURES] == 0, "a condition is not judged"


def test_the_surprise_of_a_leaf_is_the_log_of_length_over_rows() -> None:
    """Along one column a tree is a histogram: e to the minus surprise is the density over the mean one.

    The lengths of the leaves then sum to 1: Σ (rows / size) · e^surprise = Σ length = 1.
    """
    z = np.random.default_rng(1).normal(size=(200, 1)).astype(np.float32)
    trees = Trees.grow(z, trees=20, size=200, columns=1, random=np.random.default_rng(2))
    for t in range(20):
        one = Trees(*(each[t : t + 1] for each in trees.state().values()))  # type: ignore[arg-type]
        assert np.exp(one.surprise(z).astype(float)).mean() == pytest.approx(1, abs=0.01)
        assert one.surprise(z).mean() == pytest.approx(one.value[0, 0], abs=1e-4), "a node has the mean of its rows"


def test_no_path_is_longer_than_the_logarithm_of_the_sample() -> None:
    state = _fitted(size=100).state()
    z = np.random.default_rng(3).normal(size=(50, FEATURES)).astype(np.float32)
    assert deepest(100) == 7
    assert max(len(_path(state, tree, row)) for tree in range(5) for row in z) == 7


def test_sparse_rows_and_a_tight_lump_far_off_are_found() -> None:
    table = simulated_table(400, seed=4)
    bad = np.arange(400) % 50 == 0
    values = table.values.copy()
    values[bad] = 6 + 0.01 * np.random.default_rng(1).normal(size=(8, FEATURES + 1))
    lumped = replace(table, values=values)
    assert roc_auc_score(bad, Forest(trees=50).fit(lumped, UNKNOWN, seed=1).score(lumped)) > 0.99


def test_what_breaks_a_correlation_is_found_though_every_value_is_usual() -> None:
    """Mutant: trees that see a single column, to which these rows are the most usual."""
    random = np.random.default_rng(6)
    table = simulated_table(400, seed=6)
    values = np.nan_to_num(table.values)
    values[:, :6] = random.normal(size=(400, 1)) + 0.1 * random.normal(size=(400, 6))
    bad = np.arange(400) % 20 == 0
    values[bad, :6] = np.repeat([0.8, -0.8], 3) + 0.1 * random.normal(size=(20, 6))
    broken = replace(table, values=values)
    score, blind = (Forest(trees=50, columns=q).fit(broken, UNKNOWN, seed=1).score(broken) for q in (6, 1))
    assert roc_auc_score(bad, score) > 0.9
    assert roc_auc_score(bad, blind) < 0.5


def test_a_column_that_never_varied_answers_to_a_change() -> None:
    values = np.nan_to_num(simulated_table(400, seed=6).values)
    values[:, 2] = 3.0
    table = replace(simulated_table(400, seed=6), values=values)
    detector = Forest(trees=50).fit(table, UNKNOWN, seed=1)
    changed = values.copy()
    changed[:, 2] = 4.0
    moved = replace(table, values=changed)
    assert np.median(detector.score(moved)) > np.quantile(detector.score(table), 0.95)
    assert (detector.explain(moved).argmax(axis=1) == 2).mean() > 0.9


def test_an_infinity_lies_at_the_cut() -> None:
    fresh = simulated_table(2, seed=5)
    values = np.nan_to_num(fresh.values)
    values[0, 0], values[1, 0], values[1, 1:] = np.inf, 1e6, values[0, 1:]
    score = _fitted(cut=4.0).score(replace(fresh, values=values))
    assert np.isfinite(score).all()
    assert score[0] == score[1]


def test_few_rows_make_small_trees_and_none_say_nothing() -> None:
    few = simulated_table(3, seed=6)
    assert np.isfinite(Forest(trees=5).fit(few, UNKNOWN[:3], seed=1).score(few)).all()
    one = few.take(slice(0, 1))
    assert Forest(trees=5).fit(one, UNKNOWN[:1], seed=1).score(few) == pytest.approx(0), "one row has no spread"
    none = Forest(trees=5).fit(few.take(slice(0, 0)), UNKNOWN[:0], seed=1)
    assert np.isnan(none.score(few)).all()
    assert (none.explain(few) == 0).all()
    restored = Forest.restore({"trees": 5}, none.state())
    assert np.isnan(restored.score(few)).all()


def test_parameters_that_are_wrong_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"trees = 0, columns = 64 and min_good = 20 must be at least 1, size = 256 at"
    ):
        Forest(trees=0)
    with pytest.raises(ValueError, match=r"size = 1 at least 2, cut = 10\.0 and floor = 0\.001 above 0"):
        Forest(size=1)


def test_states_that_are_wrong_are_refused() -> None:
    """A walk over them would not end, or leave the arrays."""
    state = _fitted().state()
    with pytest.raises(
        ValueError, match=r"splits \(5, 127\) with values \(5, 127\), columns \(5, 6\), weights \(5, 63, 2\)"
    ):
        Forest.restore({}, state | {"weight": state["weight"][:, :, :2]})
    with pytest.raises(ValueError, match=r"splits \(5, 126\) with values \(5, 127\)"):
        Forest.restore({}, state | {"split": state["split"][:, 1:]})
    back, beyond = state["split"].copy(), state["split"].copy()
    back[0, 3], beyond[0, 3] = 0, 63
    for changed in (
        {"split": back},
        {"split": beyond},
        {"column": state["column"] + 1},
        {"column": state["column"] - 1},
    ):
        with pytest.raises(
            ValueError, match="a split of the trees leads back or is not there, or one is over none of 6"
        ):
            Forest.restore({}, state | changed)
    with pytest.raises(ValueError, match="splits or columns of the trees are no whole numbers of 32 bits"):
        Forest.restore({}, state | {"split": np.full((5, 127), np.nan)})


@pytest.mark.parametrize("name", ["value", "weight", "threshold"])
def test_a_state_that_is_not_finite_is_refused(name: str) -> None:
    """Mutant: every row goes left at a threshold that is NaN, and a leaf at −∞ calls all that end there most usual."""
    state = _fitted().state()
    for wrong in (np.nan, -np.inf):
        with pytest.raises(ValueError, match="values, weights and thresholds of the trees must be finite"):
            Forest.restore({}, state | {name: np.full(np.shape(state[name]), wrong, dtype=np.float32)})
