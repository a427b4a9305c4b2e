"""Change points, stretches judged against drift, transitions: beside brute force and on records that we made."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.change_points import change_points
from detectors.drift import Drift, Shifts, block_differences, cut_squares, statistic
from detectors.transitions import ramp, runs, with_transitions


def best_segmentation(x: np.ndarray, penalty: float, least: int) -> list[int]:
    """Optimal partition by dynamic programming over every last change."""

    def cost(a: int, b: int) -> float:
        return float(((x[a:b] - x[a:b].mean(axis=0)) ** 2).sum())

    n = len(x)
    best: list[tuple[float, list[int]]] = [(0.0, [])] + [(np.inf, [])] * n
    for end in range(least, n + 1):
        for begin in [0, *range(least, end - least + 1)]:
            total = best[begin][0] + cost(begin, end) + (penalty if begin else 0)
            if total < best[end][0]:
                best[end] = (total, [*best[begin][1], begin] if begin else [])
    return best[n][1]


@pytest.mark.parametrize("seed", range(4))
def test_change_points_are_the_optimal_partition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 2)) + np.repeat(rng.normal(0, 3, size=(4, 2)), 15, axis=0)
    assert change_points(x, penalty=8, least=5).tolist() == best_segmentation(x, 8, 5)


def test_change_points_of_too_little_and_of_gaps() -> None:
    assert change_points(np.ones((19, 1)), 5).tolist() == []
    with pytest.raises(ValueError, match=r"row 3 of column 1 is not finite; fill gaps before looking for changes"):
        change_points(np.where(np.arange(60).reshape(30, 2) == 7, np.nan, 0.0), 5)


def test_a_stretch_is_judged_by_drift_and_noise() -> None:
    drift = Drift(np.array([1.0, 4.0, 1.0, 1.0]), np.array([1.0, 0, 0, 0]), np.array([1.0, 1, 1, 2]))
    z = drift.z(np.array([2.0, 2.0, 0.0, 6.0]), readings=15)
    assert z == pytest.approx([2 / np.sqrt(2), 1, 0, 3])
    assert drift.z(np.array([2.0, 0, 0, 0]), readings=60)[0] == pytest.approx(2 / np.sqrt(1.5))
    assert statistic(z[None]) == pytest.approx([0 + 0 + 0 + (9 - 4) / 2])


def test_a_record_is_judged_stretch_by_stretch() -> None:
    rng = np.random.default_rng(1)
    standing = rng.normal(size=(300, 4))
    standing[120:220, 0] += 8
    drift = Drift(np.full(4, 0.5), np.full(4, 0.05), np.ones(4))
    z, changes = drift.judged(standing, penalty=40)
    assert changes.tolist() == [120, 220]
    assert (statistic(z) > 10).tolist() == [120 <= i < 220 for i in range(300)]


def test_differences_of_their_kind_count_more_than_others() -> None:
    rows = np.array([[1.0], [1.0], [3.0], [3.0]])
    alike = np.array([True, True, False, False])
    assert Shifts(rows, alike).variance(prior=2) == pytest.approx([(2 * 1 + 2 * 5) / 4])
    assert Shifts(rows, alike, weight=2).variance(prior=1) == pytest.approx([(1 * 1 + 1 * 5) / 2])
    assert Shifts(rows, np.zeros(4, dtype=bool)).variance(prior=1) == pytest.approx([5])


def test_a_stretch_that_was_not_good_does_not_widen_the_yardstick() -> None:
    rows = np.array([[1.0], [-1.0], [1.0], [100.0]])
    assert cut_squares(rows)[3, 0] == pytest.approx((3 * 1.4826) ** 2)


def test_blocks_are_compared_a_minute_apart() -> None:
    assert block_differences(np.arange(125.0)[:, None]).ravel().tolist() == [60, 60]


def test_runs() -> None:
    on = np.array([1, 1, 0, 1, 0, 1], dtype=bool)
    assert runs(on) == [(0, 2), (3, 4), (5, 6)]
    assert runs(np.zeros(0, dtype=bool)) == []


def naive_ramp(along: np.ndarray, step: int) -> tuple[int, float]:
    def squares(t0: int, t1: int) -> float:
        model = np.concatenate([np.zeros(t0), (np.arange(t1 - t0) + 0.5) / max(t1 - t0, 1), np.ones(len(along) - t1)])
        return float(((along - model) ** 2).sum())

    found = {(t0, t1): squares(t0, t1) for t0 in range(len(along) + 1) for t1 in range(t0 + 1, len(along) + 1)}
    best = min(found, key=lambda each: found[each])
    return best[0], squares(step, step) - found[best]


def test_ramp_is_the_best_of_all() -> None:
    rng = np.random.default_rng(5)
    along = np.clip((np.arange(40) - 12) / 15, 0, 1) + 0.1 * rng.normal(size=40)
    begin, saved = ramp(along, 20)
    assert (begin, saved) == (naive_ramp(along, 20)[0], pytest.approx(naive_ramp(along, 20)[1]))
    assert abs(begin - 12) <= 3


def test_transitions_belong_to_the_anomaly_and_steps_have_none() -> None:
    rng = np.random.default_rng(6)
    level = np.interp(np.arange(600), [0, 200, 260, 400, 440, 600], [0, 0, 5, 5, 0, 0])
    scaled = np.column_stack([level, np.zeros(600)]) + 0.5 * rng.normal(size=(600, 2))
    on = np.zeros(600, dtype=bool)
    on[230:420] = True
    ((begin, end),) = runs(with_transitions(on, scaled))
    assert abs(begin - 200) <= 8
    assert abs(end - 440) <= 8
    steps = np.where(on[:, None], 5.0, 0.0) + 0.5 * rng.normal(size=(600, 2))
    assert with_transitions(on, steps).tolist() == on.tolist()


def test_runs_at_the_border_of_a_record_stay() -> None:
    scaled = np.random.default_rng(7).normal(size=(100, 2))
    on = np.ones(100, dtype=bool)
    assert with_transitions(on, scaled).all()
    on[3:] = False
    assert with_transitions(on, scaled)[:3].all()
