"""Levels against earlier runs equal their loop; odd runs are refused, the nearest reference wins, σ has a floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from features.course import ENOUGH, course, logarithm
from features.levels import Levels, LevelSettings, levels, levels_within
from features.runs import Grouped

from . import naive_features

SETTINGS = LevelSettings()


def history(
    seed: int, runs: int = 36, d: int = 3, missing: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Runs of one to thirty rows with drifts, jumps of one column or all, runs without anything, a late column."""
    rng = np.random.default_rng(seed)
    count = rng.choice([1, 4, 5, 9, 13, 30], runs)
    run = np.repeat(np.arange(runs) * 3 + 100, count)
    centre = np.cumsum(rng.choice([0.0, 0.0, 0.0, 0.0, 0.02, -0.02, 0.02, -0.02, 1.5, -1.5], (runs, 1)), axis=0)
    alone = np.where(rng.random((runs, d)) < 0.1, rng.choice([-0.4, 0.4], (runs, d)), 0.0)
    y = (centre + alone)[np.repeat(np.arange(runs), count)] + rng.normal(0, 0.02, (len(run), d))
    y[rng.random(y.shape) < missing] = np.nan
    y[(run - 100) // 3 == 4] = np.nan
    y[(run - 100) // 3 < 7, d - 1] = np.nan
    return run, y


def assert_equal(found: Levels, expected: dict[str, NDArray[np.float64]]) -> None:
    for name, values in expected.items():
        assert_allclose(getattr(found, name), values, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("missing", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("seed", range(6))
def test_levels_equal_the_loop(seed: int, missing: float) -> None:
    """Mutants: references of 10, 3 and 2 runs; ``>=`` refusals; the farthest instead of the nearest reference."""
    run, y = history(seed, missing=missing)
    found = levels(y, Grouped.of(run), SETTINGS)
    assert_equal(found, naive_features.levels(y, run, SETTINGS))
    assert np.isfinite(found.z).any()


@pytest.mark.parametrize(
    "changed",
    [
        {"past_runs": 2},
        {"enough": 9},
        {"references": 1},
        {"floor": 0.5},
        {"step": 0.01},
        {"alone": 1.0},
        {"refusals": 0},
        {"guard": 0.5},
        {"far": 0.5},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_constant_is_the_loops(changed: dict[str, float]) -> None:
    settings = replace(SETTINGS, **changed)
    matters = False
    for seed in (11, 12, 13):
        run, y = history(seed, missing=0.1)
        found = levels(y, Grouped.of(run), settings)
        assert_equal(found, naive_features.levels(y, run, settings))
        usual = levels(y, Grouped.of(run), SETTINGS)
        matters |= any(
            not np.array_equal(getattr(found, name), getattr(usual, name), equal_nan=True) for name in ("z", "held")
        )
    assert matters


def test_levels_of_one_column_and_of_single_rows() -> None:
    run = np.arange(30)
    y = np.random.default_rng(0).normal(size=(30, 1))
    found = levels(y, Grouped.of(run), SETTINGS)
    assert np.isnan(found.z).all(), "a run of one row is no reference"
    assert (found.held == 1).all()
    eager = replace(SETTINGS, enough=1)
    assert_equal(levels(y, Grouped.of(run), eager), naive_features.levels(y, run, eager))


@pytest.mark.parametrize("seed", range(4))
def test_levels_within_a_condition_equal_the_loop(seed: int) -> None:
    run, y = history(seed, missing=0.1)
    condition = np.random.default_rng(seed).choice([0.0, 2.0, 7.0], len(run), p=[0.6, 0.3, 0.1])
    found = levels_within(y, condition, Grouped.of(run), replace(SETTINGS, enough=2))
    assert_equal(found, naive_features.levels_within(y, condition, run, replace(SETTINGS, enough=2)))


def steady(levels_of_runs: list[float], rows: int = 6) -> tuple[Grouped, NDArray[np.float64]]:
    """Two columns, one lumisection like the other, a level for every run."""
    run = np.repeat(np.arange(len(levels_of_runs)), rows)
    return Grouped.of(run), np.tile(np.repeat(levels_of_runs, rows)[:, None], (1, 2))


def test_sigma_has_a_floor() -> None:
    rows, y = steady([0.0] * 3 + [0.03])
    assert_allclose(levels(y, rows, SETTINGS).z[-1], 0.03 / SETTINGS.floor)


def test_a_run_that_stands_out_is_no_reference() -> None:
    rows, y = steady([0.0] * 4 + [2.0, 0.0])
    found = levels(y, rows, SETTINGS)
    assert found.held[rows.code == 4].all()
    assert (found.z[rows.code == 5] == 0).all()
    assert not found.held[rows.code == 5].any()


def test_a_change_that_stays_becomes_the_new_normal() -> None:
    """Five runs at the new level are refused, the sixth is taken; to the seventh it is the nearest reference."""
    rows, y = steady([0.0] * 4 + [2.0] * 7)
    found = levels(y, rows, SETTINGS)
    at_run = found.run_z[rows.first]
    assert (at_run[4:10] > SETTINGS.guard).all()
    assert at_run[10] == 0
    assert found.held[rows.code == 10].all(), "far from the longest reference: a person decides"


def test_one_lumisection_is_far_from_every_reference() -> None:
    rows, y = steady([0.0] * 5)
    y[-1, 1] = -1.0
    found = levels(y, rows, SETTINGS)
    assert_allclose(found.z[-1], [0.0, -1 / SETTINGS.floor])
    assert not found.held[-1]


def test_nothing_is_expected_of_a_lumisection_without_a_level() -> None:
    rows, y = steady([0.0] * 5)
    y[-1] = np.nan
    found = levels(y, rows, SETTINGS)
    for name in ("log_ratio", "z", "own", "expected"):
        assert np.isnan(getattr(found, name)[-1]).all(), name


@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("past_runs", [1, 10])
def test_course_equals_the_loop(missing: float, past_runs: int) -> None:
    """Mutant: short runs among the past."""
    rng = np.random.default_rng(5)
    count = rng.choice([1, 3, ENOUGH - 1, ENOUGH, ENOUGH + 5], 18)
    run = np.repeat(np.arange(18), count)
    v = np.round(rng.normal(size=(len(run), 2)), 1)
    v[rng.random(v.shape) < missing] = np.nan
    judged = rng.random(len(run)) < 0.97
    found = course(v, judged, Grouped.of(run), past_runs)
    expected = naive_features.course(v, judged, run, past_runs, ENOUGH)
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert_allclose(found[name], values, atol=1e-12, err_msg=name)


def test_logarithm_of_zero_is_the_floor() -> None:
    assert_allclose(logarithm(np.array([0.0, -1.0, 2.0, np.nan]), 1e-3), np.log([1e-3, 1e-3, 2.0, np.nan]))
