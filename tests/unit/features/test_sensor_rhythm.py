"""Oscillation and control index against what is known of sines, saws, noise and drifts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from features.sensors.columns import cell_count
from features.sensors.rhythm import rhythms, tables

CELLS, WIDTH, HORIZON = 256, 14.0625, 4
PERIOD, AMPLITUDE, HUNTING, CONTROL = range(4)


def told(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.empty((1, 4))
    rhythms(signal, np.array([len(signal)]), tables(CELLS), WIDTH, HORIZON, out)
    return out[0]


def seconds() -> NDArray[np.float64]:
    return np.arange(CELLS) * WIDTH


@pytest.mark.parametrize("period", [60.0, 137.0, 300.0, 900.0])
@pytest.mark.parametrize("drift", [0.0, 1e-3])
def test_period_and_amplitude_of_a_sine(period: float, drift: float) -> None:
    """Cell by cell: the mean over a cell is not taken here. A straight drift beside it changes nothing."""
    found = told(30 + drift * seconds() + 2.5 * np.sin(2 * np.pi * seconds() / period + 0.4))
    assert found[PERIOD] == pytest.approx(period, rel=0.01)
    assert found[AMPLITUDE] == pytest.approx(2.5, rel=0.1)
    assert found[HUNTING] > 0.95


def test_a_sawing_valve_hunts_and_noise_and_a_drift_do_not() -> None:
    """Mutant: the peak may lie at one cycle of the window, and every curved drift hunts."""
    rng = np.random.default_rng(1)
    saw = np.abs((seconds() / 400) % 2 - 1) + rng.normal(0, 0.02, CELLS)
    assert told(saw)[HUNTING] > 0.9
    assert told(rng.normal(0, 1, CELLS))[HUNTING] < 0.3
    assert told((seconds() / 3600) ** 2 * 5 + rng.normal(0, 0.01, CELLS))[HUNTING] < 0.2


def test_control_index_of_noise_is_small_and_of_an_oscillation_large() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 1, CELLS)
    assert told(noise)[CONTROL] < 0.1
    assert told(noise + 5 * np.sin(2 * np.pi * seconds() / 400))[CONTROL] > 0.7


def test_a_value_that_does_not_move_has_no_period() -> None:
    found = told(np.full(CELLS, 4.2))
    assert np.isnan(found[PERIOD])
    assert found[[AMPLITUDE, HUNTING]].tolist() == [0, 0]
    assert np.isnan(found[CONTROL])


def test_too_many_empty_cells_say_nothing() -> None:
    signal = np.sin(2 * np.pi * seconds() / 300)
    signal[:40] = np.nan
    assert told(signal)[PERIOD] == pytest.approx(300, rel=0.02)
    signal[:60] = np.nan
    assert np.isnan(told(signal)).all()


@pytest.mark.parametrize(
    ("window", "period", "cells"),
    [(3600, 1.0, 256), (3600, 10.0, 256), (600, 10.0, 32), (600, 20.0, 0), (600, None, 64)],
)
def test_cells_follow_the_cadence(window: float, period: float | None, cells: int) -> None:
    assert cell_count(window, period) == cells
