from __future__ import annotations

import numpy as np
import pytest

from detectors.resolution import recorded_resolution

RNG = np.random.default_rng(1)


@pytest.mark.parametrize("step", [10.0, 1.0, 0.1, 0.01, 0.001])
def test_steps_are_found_also_in_single_precision(step) -> None:
    values = RNG.integers(1, 900, size=500) * step
    assert recorded_resolution(values) == pytest.approx(step)
    assert recorded_resolution(values.astype(np.float32)) == pytest.approx(step)


def test_a_few_finer_values_do_not_count() -> None:
    values = np.append(RNG.integers(1, 90, size=97) * 0.1, [0.55, 0.123, 0.07])
    assert recorded_resolution(values) == pytest.approx(0.1)
    assert recorded_resolution(np.append(values, RNG.integers(1, 90, size=20) * 0.01 + 0.005)) == pytest.approx(0.001)


def test_a_continuous_column_has_no_step() -> None:
    assert recorded_resolution(RNG.normal(size=200)) == 0
    assert recorded_resolution(RNG.normal(size=200).astype(np.float32)) == 0


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [0.0, 0.0], [np.inf]])
def test_nothing_to_learn_from_has_no_step(values) -> None:
    assert recorded_resolution(np.array(values)) == 0


def test_infinities_and_missing_values_are_left_out() -> None:
    assert recorded_resolution(np.array([1.0, 2.0, 7.0, np.nan, np.inf, -np.inf])) == 1
