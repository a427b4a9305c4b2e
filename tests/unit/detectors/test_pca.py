"""The principal components: the Gaussian distance where nothing is missing, and the right column named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.checks import FEATURES, simulated_table
from detectors.pca import Pca
from dqm.model.labels import Label
from dqm.model.tables import FeatureTable

LOADING = np.random.default_rng(9).normal(size=(2, FEATURES))


def _correlated(rows: int, seed: int, noise: float = 0.2) -> FeatureTable:
    """Six columns that share two hidden numbers."""
    rng = np.random.default_rng(seed)
    table = simulated_table(rows, seed)
    values = np.zeros_like(table.values)
    values[:, :FEATURES] = rng.normal(size=(rows, 2)) @ LOADING + noise * rng.normal(size=(rows, FEATURES))
    return replace(table, values=values)


def _fitted(rows: int = 2000) -> Pca:
    return Pca().fit(_correlated(rows, seed=1), np.full(rows, Label.GOOD, dtype=np.int8), seed=1)


def _precision(state: dict[str, np.ndarray]) -> np.ndarray:
    """M of the docstring, in double precision, as the inverse of V λ Vᵀ + σ² (I − V Vᵀ)."""
    V, values = state["vectors"].astype(float), state["values"].astype(float)
    covariance = V * values[:-1] @ V.T + values[-1] * (np.eye(len(V)) - V @ V.T)
    return np.linalg.inv(covariance)


def _scaled(detector: Pca, table: FeatureTable) -> np.ndarray:
    state = detector.state()
    return (table.values[:, state["at"]] - state["centre"]) / state["spread"] / state["unit"]


def test_finds_the_number_of_hidden_numbers_and_none_in_noise() -> None:
    assert _fitted().state()["vectors"].shape == (FEATURES, 2)
    noise = Pca().fit(simulated_table(2000, seed=3), np.zeros(2000, dtype=np.int8), seed=1)
    assert noise.state()["vectors"].shape == (FEATURES, 0)


def test_equals_the_quadratic_form_and_its_reconstruction_shares() -> None:
    detector, fresh = _fitted(), _correlated(50, seed=2)
    M, z = _precision(detector.state()), _scaled(detector, fresh)
    np.testing.assert_allclose(detector.score(fresh), np.einsum("ni,ij,nj->n", z, M, z) / FEATURES, rtol=1e-3)
    np.testing.assert_allclose(detector.explain(fresh)[:, :FEATURES], (z @ M) ** 2 / np.diag(M), rtol=1e-2, atol=1e-3)


def test_sees_what_no_single_column_shows_and_names_the_column() -> None:
    """A shift of one and a half usual spreads that breaks the correlation."""
    detector, fresh = _fitted(), _correlated(400, seed=4)
    spread = detector.state()["spread"]
    for column in range(FEATURES):
        values = fresh.values.copy()
        values[:200, column] += 1.5 * spread[column]
        broken = replace(fresh, values=values)
        score = detector.score(broken)
        assert (score[:200, None] > score[200:]).mean() > 0.8
        assert (_shifted_far(detector, fresh, column).argmax(axis=1) == column).all()


def _shifted_far(detector: Pca, table: FeatureTable, column: int) -> np.ndarray:
    """Shares where one column is far off: the largest is its own, by theorem."""
    values = table.values.copy()
    values[:, column] += 30 * detector.state()["spread"][column]
    return detector.explain(replace(table, values=values))


def test_a_missing_value_is_put_where_the_others_expect_it() -> None:
    """The score over the others is then nearly their own Gaussian distance, with their own covariance."""
    detector, fresh = _fitted(), _correlated(200, seed=5)
    values = fresh.values.copy()
    values[:, 3] = np.nan
    M, z = _precision(detector.state()), _scaled(detector, fresh)
    others = [j for j in range(FEATURES) if j != 3]
    own = np.linalg.inv(np.linalg.inv(M)[np.ix_(others, others)])
    expected = np.einsum("ni,ij,nj->n", z[:, others], own, z[:, others]) / len(others)
    score = detector.score(replace(fresh, values=values))
    assert np.median(np.abs(score / expected - 1)) < 0.1
    assert (detector.explain(replace(fresh, values=values))[:, 3] == 0).all()


def test_what_the_others_let_expect_is_their_conditional_mean() -> None:
    """E[z_j | the others] = Σ_jo Σ_oo⁻¹ z_o, whatever stands in j itself. Mutant: a projection, in which j has a say."""
    detector, fresh = _fitted(), _correlated(50, seed=8)
    state, j = detector.state(), 2
    others = [k for k in range(FEATURES) if k != j]
    covariance = np.linalg.inv(_precision(state))
    mean = _scaled(detector, fresh)[:, others] @ np.linalg.solve(
        covariance[np.ix_(others, others)], covariance[others, j]
    )
    expected = mean * state["unit"][j] * state["spread"][j] + state["centre"][j]
    given = detector.reconstruct(fresh)
    assert np.allclose(given[:, j], expected, rtol=1e-3, atol=1e-3)
    values = fresh.values.copy()
    values[:, j] += 5 * state["spread"][j]
    assert np.allclose(detector.reconstruct(replace(fresh, values=values))[:, j], expected, rtol=1e-3, atol=2e-3)
    assert np.isnan(given[:, FEATURES:]).all()


def test_an_infinity_is_finite_and_the_worst() -> None:
    fresh = _correlated(3, seed=6)
    values = fresh.values.copy()
    values[0, 2], values[1, 2] = np.inf, 1e5
    score = _fitted().score(replace(fresh, values=values))
    assert np.isfinite(score).all()
    assert score[0] > score[1] > score[2]


def test_one_column_alone_is_its_squared_z() -> None:
    table = simulated_table(100, seed=7)
    values = np.full_like(table.values, np.nan)
    values[:, 0] = np.random.default_rng(1).normal(size=100)
    alone = replace(table, values=values)
    detector = Pca().fit(alone, np.zeros(100, dtype=np.int8), seed=1)
    np.testing.assert_allclose(detector.score(alone), _scaled(detector, alone)[:, 0] ** 2, rtol=1e-4)


def test_parameters_and_states_that_are_wrong_are_refused() -> None:
    with pytest.raises(ValueError, match=r"min_good = 20 must be at least 1, floor = 0\.001 above 0, noise = 0 in"):
        Pca(noise=0)
    state = _fitted(100).state()
    with pytest.raises(ValueError, match=r"components \(5, 2\) and eigenvalues \(3,\) do not suit 6 columns"):
        Pca.restore({}, state | {"vectors": np.zeros((5, 2))})
