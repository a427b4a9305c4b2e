"""Data loss, pollution and workload on tables that can be checked by hand, and against exact fractions."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.decide.definitions import RunSums, bootstrap_intervals, outcome, resampled_runs
from dqm.model.verdicts import Decision

from . import naive_decide as naive

HAND = [
    # decision, label, weight, run
    ("ACCEPT", 0, 10.0, 1),
    ("ACCEPT", 0, 20.0, 1),
    ("ACCEPT", 1, 2.0, 1),
    ("REJECT", 0, 1.0, 2),
    ("REJECT", 1, 5.0, 2),
    ("ASK", 0, 9.0, 2),
    ("UNKNOWN", 1, 3.0, 3),
    ("ACCEPT", -1, 100.0, 3),
    ("ASK", -1, 100.0, 4),
    ("ASK", 0, 0.0, 5),
    ("ACCEPT", 0, 0.0, 6),
]


def columns(rows):
    decision, label, weight, run = zip(*rows, strict=True)
    return np.array(decision, dtype=object), np.array(label, np.int8), np.array(weight), np.array(run)


def generated(rng, n=60):
    decision = rng.choice(["ACCEPT", "REJECT", "ASK", "UNKNOWN"], n).astype(object)
    weight = rng.random(n) * rng.integers(0, 3, n)
    return decision, rng.integers(-1, 2, n).astype(np.int8), weight, rng.integers(1, 9, n)


def test_a_hand_computed_table():
    found = outcome(*columns(HAND), minutes=[1, 1, 1, 1, 1, 1, 2, 50, 50, 0, 0])
    assert found.data_loss == 1 / 40
    assert found.pollution == 2 / 32
    assert found.false_positive == 2 / 10
    assert found.rejection_rate == 12 / 50
    assert found.workload == 3 / 9
    assert found.workload_runs == 3 / 5
    assert found.workload_minutes == 3 / 8
    assert (found.good_weight, found.rejected_good_weight, found.bad_weight) == (40, 1, 10)
    assert (found.accepted_weight, found.accepted_bad_weight) == (32, 2)
    assert (found.lumisections, found.asked, found.unscored, found.without_truth) == (9, 3, 1, 2)
    assert (found.runs, found.asked_runs) == (5, 3)


def test_the_machines_own_decisions_are_understood():
    decision = np.array([Decision.ACCEPT, Decision.REJECT], dtype=object)
    assert outcome(decision, [0, 1], [1, 1], [1, 1]).data_loss == 0
    assert outcome(list(decision), [0, 1], [1, 1], [1, 1]).pollution == 0


@pytest.mark.parametrize("seed", range(30))
def test_every_quantity_equals_its_definition_in_exact_fractions(seed):
    decision, label, weight, run = generated(np.random.default_rng(seed))
    rows = list(zip(decision, label.tolist(), weight.tolist(), run.tolist(), strict=True))
    found = outcome(decision, label, weight, run)
    for name in ("data_loss", "pollution", "false_positive", "workload", "workload_runs"):
        assert getattr(found, name) == getattr(naive, name)(rows), name


def test_no_order_of_the_rows_changes_a_bit():
    rng = np.random.default_rng(5)
    table = generated(rng, 500)
    expected = outcome(*table)
    for _ in range(5):
        shuffled = rng.permutation(500)
        assert outcome(*(column[shuffled] for column in table)) == expected


def test_what_cannot_be_said_is_none():
    nothing = outcome([], [], [], [])
    assert (nothing.data_loss, nothing.pollution, nothing.workload, nothing.workload_runs) == (None,) * 4
    asked = outcome(["ASK", "UNKNOWN"], [0, 1], [1, 1], [1, 2])
    assert (asked.pollution, asked.data_loss, asked.workload, asked.workload_minutes) == (None, 0, 1, None)
    weightless = outcome(["REJECT"], [0], [0], [1])
    assert (weightless.data_loss, weightless.workload) == (None, 0)


def test_unknown_truth_alone_changes_only_its_number():
    table = columns(HAND)
    known = outcome(*(column[table[1] >= 0] for column in table))
    assert known.without_truth == 0
    assert known.data_loss == outcome(*table).data_loss
    assert known.workload_runs == outcome(*table).workload_runs


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ((["GOOD"], [0], [1], [1]), "decision 'GOOD' is not the machine's.*ACCEPT, ASK, REJECT, UNKNOWN"),
        ((["ACCEPT"], [2], [1], [7]), r"label 2 in row 0 \(run 7\).*use 0 good, 1 bad, -1 unknown"),
        ((["ACCEPT"], [0], [-1], [7]), r"weight -1.0 in row 0 \(run 7\).*weighs 0"),
        ((["ACCEPT"], [0], [np.nan], [7]), r"weight nan in row 0 \(run 7\)"),
        ((["ACCEPT"], [0, 1], [1, 1], [1, 1]), r"decision of shape \(1,\) for 2 labels"),
        ((["ACCEPT"], [0], [1, 1], [1]), "label, weight and run must be columns of one length"),
    ],
)
def test_columns_that_cannot_be_judged_are_refused(table, message):
    with pytest.raises(ValueError, match=message):
        outcome(*table)


def test_minutes_must_be_times():
    with pytest.raises(ValueError, match="minutes must be finite and not negative"):
        outcome(["ASK"], [0], [1], [1], minutes=[np.nan])


def test_run_sums_by_hand():
    sums = RunSums.of(*columns(HAND))
    np.testing.assert_array_equal(sums.run, [1, 2, 3, 5, 6])
    np.testing.assert_array_equal(sums.good, [30, 10, 0, 0, 0])
    np.testing.assert_array_equal(sums.rejected_good, [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(sums.bad, [2, 5, 3, 0, 0])
    np.testing.assert_array_equal(sums.accepted, [32, 0, 0, 0, 0])
    np.testing.assert_array_equal(sums.accepted_bad, [2, 0, 0, 0, 0])
    np.testing.assert_array_equal(sums.lumisections, [3, 3, 1, 1, 1])
    np.testing.assert_array_equal(sums.asked, [0, 1, 1, 1, 0])


def test_the_bootstrap_equals_drawing_runs_one_by_one():
    table = generated(np.random.default_rng(8), 300)
    found = bootstrap_intervals(RunSums.of(*table), level=0.8, resamples=40, seed=3)
    runs = np.unique(table[3][table[1] >= 0])
    losses, workloads = [], []
    for counts in resampled_runs(len(runs), 40, 3).astype(int):
        drawn = np.concatenate(
            [np.flatnonzero(table[3] == run) for run, times in zip(runs, counts, strict=True) for _ in range(times)]
        )
        each = outcome(*(column[drawn] for column in table))
        losses.append(each.data_loss)
        workloads.append(each.workload)
    np.testing.assert_allclose(found.data_loss, np.quantile(losses, [0.1, 0.9]), rtol=1e-12)
    np.testing.assert_allclose(found.workload, np.quantile(workloads, [0.1, 0.9]), rtol=1e-12)


def test_the_bootstrap_is_reproducible_and_ordered():
    sums = RunSums.of(*generated(np.random.default_rng(1), 400))
    first, again = bootstrap_intervals(sums, seed=1), bootstrap_intervals(sums, seed=1)
    assert first == again
    assert first != bootstrap_intervals(sums, seed=2)
    for name in ("data_loss", "pollution", "false_positive", "workload", "workload_runs"):
        interval = getattr(first, name)
        assert 0 <= interval.lo <= getattr(outcome(*generated(np.random.default_rng(1), 400)), name) <= interval.hi <= 1


def test_intervals_of_what_is_never_defined_are_none():
    asked = bootstrap_intervals(RunSums.of(["ASK", "ASK"], [0, 0], [1, 1], [1, 2]), seed=0)
    assert asked.pollution is None
    assert asked.false_positive is None
    assert asked.workload == (1, 1)
    assert bootstrap_intervals(RunSums.of([], [], [], []), seed=0).workload is None


def test_a_bootstrap_without_sense_is_refused():
    sums = RunSums.of(["ASK"], [0], [1], [1])
    with pytest.raises(ValueError, match=r"level = 90 must lie between 0 and 1; 0\.9"):
        bootstrap_intervals(sums, level=90, seed=0)
    with pytest.raises(ValueError, match="0 resamples over 1 runs is empty"):
        bootstrap_intervals(sums, resamples=0, seed=0)
