"""Nearest of a few rows: equal to a loop, blind to what is missing, and not fooled by anomalies that are many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from detectors.checks import FEATURES, simulated_table
from detectors.nearest import SIZES, Nearest
from dqm.model.labels import Label

UNKNOWN = np.full(400, Label.UNKNOWN, dtype=np.int8)


def _fitted(**params: float) -> Nearest:
    return Nearest(samples=5, **params).fit(simulated_table(400, seed=1), UNKNOWN, seed=1)  # type: ignore[arg-type]


def test_equals_a_loop_over_rows_samples_and_sizes() -> None:
    """With missing values, which are left out of a distance that grows for it."""
    detector, fresh = _fitted(), simulated_table(30, seed=2)
    state = detector.state()
    z = (fresh.values[:, state["at"]] - state["centre"]) / state["spread"]
    assert np.isnan(z).any()
    score, shares = detector.score(fresh), detector.explain(fresh)
    for i, row in enumerate(z):
        known, found, away = ~np.isnan(row), [], []
        for size, unit in zip(SIZES, state["unit"], strict=True):
            for sample in state["rows"]:
                squares = np.where(known, (row - sample[:size]) ** 2, 0)
                best = squares.sum(axis=1).argmin()
                found.append(np.sqrt(squares[best].sum() * FEATURES / known.sum()) / unit)
                away.append(squares[best])
        assert score[i] == pytest.approx(np.mean(found), rel=1e-3)
        assert shares[i, :FEATURES] == pytest.approx(np.mean(away, axis=0), rel=1e-3, abs=1e-3)


def test_a_usual_row_scores_about_one() -> None:
    assert np.median(_fitted().score(simulated_table(300, seed=3))) == pytest.approx(1, abs=0.15)


def test_anomalies_that_are_many_and_alike_do_not_hide_each_other() -> None:
    """One row in fifty lies in a tight lump far off, where the nearest of all rows would call it the most usual."""
    table = simulated_table(400, seed=4)
    bad = np.arange(400) % 50 == 0
    values = table.values.copy()
    values[bad] = 6 + 0.01 * np.random.default_rng(1).normal(size=(8, FEATURES + 1))
    lumped = replace(table, values=values)
    assert roc_auc_score(bad, Nearest().fit(lumped, UNKNOWN, seed=1).score(lumped)) > 0.99


def test_an_infinity_lies_at_the_cut() -> None:
    fresh = simulated_table(2, seed=5)
    values = np.nan_to_num(fresh.values)
    values[0, 0], values[1, 0], values[1, 1:] = np.inf, 1e6, values[0, 1:]
    score = _fitted(cut=4.0).score(replace(fresh, values=values))
    assert np.isfinite(score).all()
    assert score[0] == score[1]


def test_fewer_rows_than_a_sample_are_all_in_it_and_none_say_nothing() -> None:
    few = simulated_table(3, seed=6)
    assert np.isfinite(Nearest().fit(few, UNKNOWN[:3], seed=1).score(few)).all()
    none = Nearest().fit(few.take(slice(0, 0)), UNKNOWN[:0], seed=1)
    assert np.isnan(none.score(few)).all()
    assert (none.explain(few) == 0).all()


def test_parameters_and_states_that_are_wrong_are_refused() -> None:
    with pytest.raises(ValueError, match=r"samples = 0 and min_good = 20 must be at least 1, cut = 10\.0"):
        Nearest(samples=0)
    state = _fitted().state()
    with pytest.raises(ValueError, match=r"sampled rows \(5, 50, 4\) and units \(3,\) do not suit 6 columns"):
        Nearest.restore({}, state | {"rows": state["rows"][:, :, :4]})
