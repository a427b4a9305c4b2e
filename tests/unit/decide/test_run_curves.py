"""Curves by run: their sums are the operating curve, their resamples the curve of the drawn runs."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.decide.operating import OperatingCurve
from dqm.decide.run_curves import RunCurves


def generated(n=400):
    rng = np.random.default_rng(4)
    label = rng.integers(-1, 2, n).astype(np.int8)
    badness = (rng.integers(0, 40, n) / 64 + 0.25 * (label == 1)).astype(np.float32)
    badness[::17] = np.nan
    return badness, label, rng.integers(0, 9, n) / 4, rng.integers(1, 12, n)


def test_the_runs_add_up_to_the_operating_curve():
    table = generated()
    curve = OperatingCurve.of(*table)
    runs = RunCurves.of(*table, curve.thresholds)
    np.testing.assert_array_equal(runs.thresholds, curve.thresholds)
    np.testing.assert_array_equal(runs.rejected_good.sum(axis=0), curve.rejected_good)
    np.testing.assert_array_equal(runs.accepted.sum(axis=0), curve.accepted)
    np.testing.assert_array_equal(runs.accepted_bad.sum(axis=0), curve.accepted_bad)
    np.testing.assert_array_equal(runs.below.sum(axis=0), curve.below)
    assert runs.good.sum() == curve.good_weight
    assert runs.lumisections.sum() == curve.lumisections
    assert (runs.lumisections - runs.scored).sum() == curve.unscored


def test_counting_runs_is_drawing_them():
    badness, label, weight, run = generated()
    grid = [0.0, 0.1, 0.25, 0.5, 0.9, np.inf]
    runs = RunCurves.of(badness, label, weight, run, grid)
    counts = np.random.default_rng(0).integers(0, 3, (5, len(runs))).astype(float)
    loss, pollution = runs.ratios(counts)
    for b, each in enumerate(counts):
        times = each[np.searchsorted(runs.run, run)] * (label >= 0)
        curve = OperatingCurve.of(badness, label, weight * times, run)
        np.testing.assert_allclose(loss[b], curve.loss(grid), rtol=1e-12)
        np.testing.assert_allclose(pollution[b], curve.pollution(grid), rtol=1e-12)


def test_bands_enclose_the_curve_and_are_undefined_where_it_is():
    table = generated()
    curve = OperatingCurve.of(*table)
    grid = [0.0, 0.2, 0.5, 0.8]
    bands = RunCurves.of(*table, grid).bands(seed=1, resamples=200)
    assert np.isnan(bands.pollution_lo[0])
    assert np.isnan(bands.pollution_hi[0])
    assert (bands.pollution_lo[1:] <= curve.pollution(grid[1:])).all()
    assert (curve.pollution(grid[1:]) <= bands.pollution_hi[1:]).all()
    assert (bands.data_loss_lo <= curve.loss(grid)).all()
    assert (curve.loss(grid) <= bands.data_loss_hi).all()


def test_what_has_no_sense_is_refused():
    with pytest.raises(ValueError, match="the grid holds no threshold"):
        RunCurves.of([0.5], [0], [1], [1], [])
    with pytest.raises(ValueError, match="one that is not a number"):
        RunCurves.of([0.5], [0], [1], [1], [0.1, np.nan])
    with pytest.raises(ValueError, match="level = 90 must lie between 0 and 1"):
        RunCurves.of([0.5], [0], [1], [1], [0.1]).bands(90, seed=0)
