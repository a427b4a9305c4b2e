"""The published scores of sensor benchmarks, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.benchmarks.nab_scorer import ScoredFile, best_threshold, nab_score, probation, worth
from pipelines.benchmarks.skab_metrics import change_measures, row_measures


def marks(length: int, *at: int) -> np.ndarray:
    found = np.zeros(length, dtype=bool)
    found[list(at)] = True
    return found


def sigma(place: float) -> float:
    return 2 / (1 + math.exp(5 * place)) - 1


def test_rows_are_pooled_over_files() -> None:
    one = (np.array([1, 1, 0, 0], dtype=bool), np.array([1, 0, 1, 0], dtype=bool))
    two = (np.array([1, 0], dtype=bool), np.array([1, 0], dtype=bool))
    found = row_measures([one, two])
    assert (found.f1, found.far, found.mar) == pytest.approx((2 * 2 / (2 * 2 + 1 + 1), 100 / 3, 100 / 3))
    with pytest.raises(ValueError, match=r"0 bad and 2 good rows; rates need some of either"):
        row_measures([(np.zeros(2, dtype=bool), np.ones(2, dtype=bool))])


def test_a_change_found_at_once_is_worth_all_and_one_missed_nothing() -> None:
    seconds = np.arange(300.0)
    found = change_measures([(seconds, marks(300, 100, 200), marks(300, 100))])
    assert (found.nab_standard, found.points, found.missed, found.false) == (50, 2, 1, 0)
    silent = change_measures([(seconds, marks(300, 100, 200), marks(300))])
    assert silent.nab_standard == 0


def test_a_late_hit_is_worth_less_and_a_false_one_costs() -> None:
    seconds = np.arange(300.0)
    found = change_measures([(seconds, marks(300, 100), marks(300, 160, 50, 120 + 60, 299))])
    # at the end of the window the published function gives −0.11; three false detections cost 0.11 each
    assert found.nab_standard == pytest.approx(100 * (-0.11 - 3 * 0.11 + 1) / 2)
    middle = change_measures([(seconds, marks(300, 100), marks(300, 130))])
    assert middle.nab_standard == pytest.approx(100 * ((1 - 0.11) / 2 + 1) / 2, abs=0.1)


def test_only_the_first_detection_of_a_window_counts() -> None:
    seconds = np.arange(300.0)
    assert change_measures([(seconds, marks(300, 100), marks(300, 100, 110, 159))]).nab_standard == 100


def test_windows_that_meet_are_cut() -> None:
    """The second window begins where the first ends, at 160, and is 10 s long."""
    seconds = np.arange(300.0)
    found = change_measures([(seconds, marks(300, 100, 110), marks(300, 100, 165))])
    assert (found.missed, found.false) == (0, 0)
    assert found.nab_standard == pytest.approx(100 * (1 + 0.445 + 2) / 4, abs=0.1)


def test_without_a_change_point_there_is_no_score() -> None:
    with pytest.raises(ValueError, match=r"no change point in any file"):
        change_measures([(np.arange(3.0), marks(3), marks(3))])


def test_probation_is_bounded() -> None:
    assert (probation(4032), probation(22_695)) == (604, 750)


def test_worth_inside_outside_and_in_probation() -> None:
    value, owner = worth(ScoredFile(np.zeros(100), ((40, 49),)))
    assert owner[:15].tolist() == [-2] * 15
    assert owner[[15, 39, 40, 49, 50]].tolist() == [-1, -1, 0, 0, -1]
    assert value[40] == pytest.approx(1)
    assert value[49] == pytest.approx(sigma(-0.1) / sigma(-1))
    assert value[20] == -0.11
    assert value[52] == pytest.approx(0.11 * sigma(3 / 9))
    assert value[99] == -0.11


def test_perfect_silent_and_noisy() -> None:
    silent, perfect = np.zeros(100), np.zeros(100)
    perfect[40] = 1
    noisy = perfect.copy()
    noisy[[20, 30]] = 1
    windows = ((40, 49),)
    scores = [nab_score([ScoredFile(score, windows)], 0.5).standard for score in (silent, perfect, noisy)]
    assert scores == pytest.approx([0, 100, 100 * (2 - 0.22) / 2])


def test_detections_in_probation_do_not_count() -> None:
    score = np.zeros(100)
    score[3] = 1
    assert nab_score([ScoredFile(score, ((40, 49),))], 0.5).false_alarms == 0


def test_best_threshold_is_the_best_of_all() -> None:
    rng = np.random.default_rng(1)
    files = [ScoredFile(np.round(rng.random(120), 2), ((40, 60), (90, 99))), ScoredFile(rng.random(80), ())]
    best = best_threshold(files)
    tried = [nab_score(files, t).standard for each in files for t in each.score]
    assert best.standard == pytest.approx(max([*tried, 0.0]))


def test_best_threshold_of_a_useless_detector_is_silence() -> None:
    score = np.zeros(100)
    score[[20, 21, 22]] = 1
    assert best_threshold([ScoredFile(score, ((99, 99),))]).standard == pytest.approx(0, abs=1e-9)


def test_no_window_no_score() -> None:
    with pytest.raises(ValueError, match=r"no window in any file"):
        nab_score([ScoredFile(np.zeros(10), ())], 1)
