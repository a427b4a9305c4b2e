from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from detectors.boosted import Boosted
from detectors.checks import simulated_table, with_fault
from dqm.model.labels import Label
from dqm.model.tables import Column, FeatureTable

TRAIN, TRUTH = with_fault(simulated_table(600, seed=1), column=2, seed=1)
FRESH, FRESH_TRUTH = with_fault(simulated_table(200, seed=2), column=2, seed=2)


def _auc(detector: Boosted, truth: np.ndarray = FRESH_TRUTH) -> float:
    return float(roc_auc_score(truth, detector.score(FRESH)))


def test_contributions_add_up_to_the_log_odds() -> None:
    detector = Boosted(trees=30, members=1).fit(TRAIN, TRUTH, seed=1)
    p = detector.score(FRESH).astype(float)
    base = np.log(p / (1 - p)) - detector.contributions(FRESH).sum(axis=1)
    assert np.ptp(base) < 1e-4
    assert np.array_equal(detector.explain(FRESH), np.maximum(detector.contributions(FRESH), 0))


def test_unknown_labels_and_zero_weights_are_left_out() -> None:
    """Equal bits with and without the rows, so nothing of them is learned."""
    half = np.arange(600) < 300
    alone = Boosted(trees=30).fit(TRAIN.take(half), TRUTH[half], seed=1).score(FRESH)
    unknown = np.where(half, TRUTH, Label.UNKNOWN).astype(np.int8)
    assert np.array_equal(Boosted(trees=30).fit(TRAIN, unknown, seed=1).score(FRESH), alone)
    weightless = Boosted(trees=30).fit(TRAIN, TRUTH, weight=half.astype(float), seed=1)
    assert np.array_equal(weightless.score(FRESH), alone)


def test_the_unit_of_the_weight_does_not_matter() -> None:
    weight = 1.0 + np.arange(600) % 4
    first = Boosted(trees=30, l2=1.0).fit(TRAIN, TRUTH, weight=weight, seed=1).score(FRESH)
    second = Boosted(trees=30, l2=1.0).fit(TRAIN, TRUTH, weight=weight * 1024, seed=1).score(FRESH)
    assert np.array_equal(first, second)


def test_weights_are_used() -> None:
    """The same rows labelled both ways: the heavier label wins."""
    values = np.concatenate([TRAIN.values, TRAIN.values])
    table = replace(simulated_table(1200, seed=1), values=values)
    labels = np.concatenate([TRUTH, 1 - TRUTH]).astype(np.int8)
    heavy = np.repeat([9.0, 1.0], 600)
    assert _auc(Boosted(trees=20).fit(table, labels, weight=heavy, seed=1)) > 0.95
    assert _auc(Boosted(trees=20).fit(table, labels, weight=heavy[::-1], seed=1)) < 0.05


def test_conditions_are_used_only_when_asked_for() -> None:
    table, labels = with_fault(simulated_table(600, seed=3), column=6, seed=3)
    fresh, truth = with_fault(simulated_table(200, seed=4), column=6, seed=4)
    without, having = Boosted(trees=20), Boosted(trees=20, conditions=True, feature_fraction=1)
    assert abs(roc_auc_score(truth, without.fit(table, labels, seed=1).score(fresh)) - 0.5) < 0.2
    assert roc_auc_score(truth, having.fit(table, labels, seed=1).score(fresh)) > 0.95
    assert (without.contributions(fresh)[:, -1] == 0).all()


@pytest.mark.parametrize(("label", "prior"), [(Label.GOOD, 1 / 602), (Label.BAD, 601 / 602), (Label.UNKNOWN, 0.5)])
def test_one_class_gives_the_prior_and_says_so(label: Label, prior: float) -> None:
    detector = Boosted().fit(TRAIN, np.full(600, label, dtype=np.int8), seed=1)
    assert detector.one_class
    assert not [key for key in detector.state() if key.startswith("model_")]
    assert np.unique(detector.score(FRESH)).tolist() == [np.float32(prior)]
    assert (detector.explain(FRESH) == 0).all()


def test_one_class_keeps_the_previous_trees() -> None:
    previous = Boosted(trees=30).fit(TRAIN, TRUTH, seed=1)
    detector = Boosted(trees=30).fit(TRAIN, np.zeros(600, dtype=np.int8), seed=1, previous=previous)
    assert detector.one_class
    assert np.array_equal(detector.score(FRESH), previous.score(FRESH))


def test_a_constant_previous_model_means_a_fresh_fit() -> None:
    previous = Boosted(trees=30).fit(TRAIN, np.zeros(600, dtype=np.int8), seed=1)
    warm = Boosted(trees=30).fit(TRAIN, TRUTH, seed=1, previous=previous)
    assert np.array_equal(warm.score(FRESH), Boosted(trees=30).fit(TRAIN, TRUTH, seed=1).score(FRESH))


def test_too_few_rows_to_split_give_the_share_of_bad() -> None:
    few, labels = TRAIN.take(slice(0, 40)), TRUTH[:40]
    detector = Boosted().fit(few, labels, seed=1)
    assert not detector.one_class
    assert detector.score(FRESH) == pytest.approx(np.full(200, labels.mean()), rel=1e-5)
    restored = Boosted.restore({}, detector.state())
    assert np.array_equal(restored.score(FRESH), detector.score(FRESH))
    assert _auc(Boosted(forget=0.5).fit(TRAIN, TRUTH, seed=1, previous=detector)) > 0.9


def test_a_warm_start_grows_only_the_refreshing_trees() -> None:
    previous = Boosted(trees=30).fit(TRAIN, TRUTH, seed=1)
    warm = Boosted(trees=30, refresh_trees=5).fit(TRAIN, TRUTH, seed=2, previous=previous)
    for member in (1, 2, 3):
        assert str(warm.state()[f"model_{member}"]).count("\nTree=") == 35
        assert str(previous.state()[f"model_{member}"]).count("\nTree=") == 30


def test_a_warm_start_needs_as_many_members() -> None:
    previous = Boosted(trees=5, members=2).fit(TRAIN, TRUTH, seed=1)
    with pytest.raises(ValueError, match="members = 2 in the previous model, 3 here; fit afresh"):
        Boosted(trees=5).fit(TRAIN, TRUTH, seed=1, previous=previous)


def test_members_of_consecutive_seeds_are_averaged() -> None:
    together = Boosted(trees=20, members=3).fit(TRAIN, TRUTH, seed=4).score(FRESH)
    alone = [Boosted(trees=20, members=1).fit(TRAIN, TRUTH, seed=seed).score(FRESH) for seed in (4, 5, 6)]
    assert together == pytest.approx(np.mean(alone, axis=0), abs=1e-6)
    assert not np.array_equal(alone[0], alone[1])


@pytest.mark.parametrize("kind", ["deviation", "value"])
def test_the_score_never_falls_as_a_deviation_grows(kind: str) -> None:
    """Bad are the middle values: only a column of another kind than deviation may say so."""
    columns = (Column("x", kind=kind),)  # type: ignore[arg-type]
    x = np.linspace(-1, 1, 900)[:, None]
    table = FeatureTable(pd.RangeIndex(900), columns, x)
    middle = (np.abs(x[:, 0]) < 0.3).astype(np.int8)
    score = Boosted(trees=40).fit(table, middle, seed=1).score(table)
    assert (np.diff(score) >= -1e-6).all() == (kind == "deviation")


def test_forgetting_follows_a_truth_that_has_turned_round() -> None:
    previous = Boosted(trees=60).fit(TRAIN, TRUTH, seed=1)
    turned = (1 - TRUTH).astype(np.int8)
    settings = {"trees": 60, "refresh_trees": 1}
    keeping = Boosted(**settings).fit(TRAIN, turned, seed=1, previous=previous)
    forgetting = Boosted(forget=1.0, **settings).fit(TRAIN, turned, seed=1, previous=previous)
    assert _auc(keeping) > 0.9
    assert _auc(forgetting) < 0.1


def test_a_previous_model_of_other_conditions_is_refused() -> None:
    previous = Boosted(trees=5, conditions=True).fit(TRAIN, TRUTH, seed=1)
    with pytest.raises(ValueError, match="conditions = True in the previous model, False here; fit afresh"):
        Boosted(trees=5).fit(TRAIN, TRUTH, seed=1, previous=previous)


def test_without_feature_columns_there_is_only_the_prior() -> None:
    table = replace(TRAIN, columns=TRAIN.columns[-1:], values=TRAIN.values[:, -1:])
    detector = Boosted().fit(table, TRUTH, seed=1)
    assert detector.one_class
    assert np.isnan(detector.score(table)).all()


def test_another_seed_is_another_model() -> None:
    first, second = (Boosted(trees=20).fit(TRAIN, TRUTH, seed=seed).score(FRESH) for seed in (1, 2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"trees": 0}, "trees = 0 must be at least 1"),
        ({"leaves": 1}, "leaves = 1 must be at least 2"),
        ({"l2": -1.0}, "l2 = -1.0 must be at least 0"),
        ({"feature_fraction": 0.0}, r"feature_fraction = 0.0 must lie in \(0, 1\]"),
        ({"forget": 2.0}, r"forget = 2.0 must lie in \[0, 1\]"),
        ({"learning_rate": 0.0}, "learning_rate = 0.0 above 0"),
    ],
)
def test_parameters_out_of_range_are_refused(params: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Boosted(**params)
