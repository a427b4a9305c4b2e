"""Deviations from references, combined without counting dependent ones twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.checks import simulated_table
from detectors.reference import Reference
from dqm.model.labels import Label
from dqm.model.tables import Column, FeatureTable, lumisection_index

MEASURES = ("ks", "emd", "pull")


def _compared(rows: int, seed: int, elements: int = 4) -> FeatureTable:
    """Three deviations of every element, all of one hidden number, beside one plain value."""
    hidden = np.abs(np.random.default_rng(seed).normal(size=(rows, elements)))
    values = np.concatenate([hidden, hidden * 2, hidden**2, np.full((rows, 1), 5.0)], axis=1)
    names = [f"E{i}:{measure}" for measure in MEASURES for i in range(elements)]
    columns = (*(Column(name, subsystem=name[:2], kind="deviation") for name in names), Column("level"))
    return FeatureTable(lumisection_index(np.ones(rows), np.arange(rows)), columns, values)


def _fitted(elements: int = 4) -> Reference:
    return Reference().fit(_compared(1000, 1, elements), np.full(1000, Label.GOOD, dtype=np.int8), seed=1)


def test_one_deviation_alone_has_its_empirical_p() -> None:
    table = _compared(1000, 1, 1)
    score = _fitted(1).score(table)
    hidden = table.values[:, 0]
    p = np.array([(hidden >= each).mean() for each in hidden])
    np.testing.assert_allclose(score[p < 0.9], -np.log10(p[p < 0.9]), rtol=1e-4)


def test_usual_rows_are_called_as_rarely_as_p_says() -> None:
    """Also though three deviations of every element are one: within 5 σ of a binomial."""
    score = _fitted().score(_compared(20_000, 2))
    for p in (0.05, 0.01):
        called = (score > -np.log10(p)).mean()
        assert called < p + 5 * np.sqrt(p * (1 - p) / 1000)


def test_only_deviations_are_looked_at_where_there_are_any() -> None:
    table = _compared(50, 3)
    values = table.values.copy()
    values[:, -1] = 1e9
    detector = _fitted()
    assert np.array_equal(detector.score(replace(table, values=values)), detector.score(table))
    assert (detector.explain(table)[:, -1] == 0).all()


def test_a_small_deviation_is_no_reason_and_one_hopeless_element_leads() -> None:
    table = _compared(2, 4)
    values = np.full_like(table.values, 0.5)
    values[0, :12], values[1, 6] = 0.0, 50.0
    asked = replace(table, values=values)
    score, shares = _fitted().score(asked), _fitted().explain(asked)
    assert score[0] < 0.5 < 3 < score[1]
    assert shares[1].argmax() == 6


def test_missing_says_nothing_and_infinite_the_most() -> None:
    table = _compared(3, 5)
    values = table.values.copy()
    values[0, 1:12], values[1, 0], values[2, :12] = np.nan, np.inf, np.nan
    asked = replace(table, values=values)
    score, shares = _fitted().score(asked), _fitted().explain(asked)
    assert score[0] == pytest.approx(shares[0, 0], rel=1e-3)
    assert 7 < score[1] < np.inf
    assert np.isnan(score[2])
    assert (shares[2] == 0).all()


def test_without_deviations_every_feature_is_judged_on_both_sides() -> None:
    table = simulated_table(200, seed=6)
    values = table.values.copy()
    values[0, 2], values[1, 2] = 9, -9
    asked = replace(table, values=values)
    shares = Reference().fit(table, np.zeros(200, dtype=np.int8), seed=1).explain(asked)
    assert shares[:2].argmax(axis=1).tolist() == [2, 2]


def test_parameters_that_are_wrong_are_refused() -> None:
    with pytest.raises(ValueError, match="min_good = 0 must be at least 1"):
        Reference(min_good=0)
