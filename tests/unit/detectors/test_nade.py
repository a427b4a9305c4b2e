"""NADE as a detector: densities per unit, missing values, conditions, coins, draws, export and refusals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from detectors.checks import simulated_table
from detectors.inputs import NotFittedError
from detectors.nade import Nade
from detectors.nade_density import drawn_orders
from detectors.training import History
from dqm.model.tables import Column, FeatureTable

pytestmark = pytest.mark.slow  # fits networks; the theorems of the network itself stand in test_nade_network

QUICK = {"epochs": 6, "hidden": 16, "components": 3}


def table(values: np.ndarray, roles: str = "") -> FeatureTable:
    """Columns ``x0``, ``x1``, …; ``roles`` has a letter for each, c = condition."""
    marks = roles or "f" * values.shape[1]
    columns = tuple(Column(f"x{j}", role="condition" if mark == "c" else "feature") for j, mark in enumerate(marks))
    return FeatureTable(pd.RangeIndex(len(values)), columns, values.astype(np.float32), extractor="made up")


def correlated(n: int, seed: int) -> np.ndarray:
    """Two columns in units far from 1, the second following from the first: x1 = 1000 + 50·x0 ± 5."""
    rng = np.random.default_rng(seed)
    first = 0.01 * rng.normal(size=n)
    return np.stack([first, 1000 + 5000 * first + 5 * rng.normal(size=n)], axis=1)


def fitted(values: np.ndarray, roles: str = "", seed: int = 1, **params) -> Nade:
    return Nade(**(QUICK | params)).fit(table(values, roles), np.zeros(len(values), dtype=np.int8), seed=seed)


@pytest.mark.parametrize("scale", ["robust", "standard"])
def test_log_density_is_per_unit_of_the_columns(scale) -> None:
    """A sum over t of x = a + b sinh t, with dx/dt: the Jacobian of scaling and asinh is in log p."""
    detector = fitted(correlated(400, 1), scale=scale, orders=2)
    t, step = np.linspace(-7, 7, 60, retstep=True)
    first, second = 0.01 * np.sinh(t), 1000 + 50 * np.sinh(t)
    grid = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(detector.log_density(table(grid)).astype(float)).reshape(60, 60)
    slope = np.outer(0.01 * np.cosh(t), 50 * np.cosh(t))
    assert (density * slope).sum() * step**2 == pytest.approx(1, abs=0.01)


def test_units_change_the_density_and_not_the_score() -> None:
    """Columns in units a power of two away: log p moves by the logarithms, score and shares not by a bit."""
    values, units = correlated(300, 2), np.array([8.0, 0.5])
    here, there = (fitted(given, resolution=False) for given in (values, values * units))
    assert np.array_equal(here.score(table(values)), there.score(table(values * units)))
    moved = here.log_density(table(values)) - there.log_density(table(values * units))
    np.testing.assert_allclose(moved, np.log(units).sum(), atol=1e-3)


def test_with_one_order_the_surprises_sum_to_the_density() -> None:
    values = correlated(300, 3)
    values[::7, 0] = np.nan
    detector = fitted(values, orders=1, orderless=False)
    np.testing.assert_allclose(
        detector.surprise(table(values)).sum(axis=1), -detector.log_density(table(values)), atol=1e-4
    )


def test_several_orders_are_averaged_as_densities() -> None:
    """EoNADE: p is the mean of the densities in each order; every order here has a network of its own."""
    values = correlated(300, 4)
    detector = fitted(values, orders=3, orderless=False)
    module, raw = detector.density(), torch.from_numpy(values.astype(np.float32))
    with torch.no_grad():
        each = [terms.sum(dim=1).double().numpy() for terms in module.terms(raw, torch.zeros(300, 0))]
    spread = np.log(detector.state()["features_spread"]).sum()
    expected = np.log(np.mean(np.exp(each), axis=0)) - spread
    np.testing.assert_allclose(detector.log_density(table(values)), expected, atol=1e-4)
    assert len({round(float(one[0]), 6) for one in each}) == 3


def test_orders_come_in_pairs() -> None:
    orders = drawn_orders(5, 4, torch.Generator().manual_seed(1))
    assert orders[0].tolist() == [0, 1, 2, 3]
    assert orders[1].tolist() == [3, 2, 1, 0]
    assert orders[3].tolist() == orders[2].tolist()[::-1]
    assert (np.sort(orders, axis=1) == np.arange(4)).all()


def test_a_missing_value_leaves_the_marginal_and_counts_as_typical_in_the_score() -> None:
    """In an order that takes it last, ∫ p(x0, x1) dx1 = p(x0); trapezoids over raw values."""
    detector = fitted(correlated(400, 5), orders=1, orderless=False)
    first, second = np.linspace(-0.02, 0.02, 5), 1000 + 50 * np.sinh(np.linspace(-8, 8, 400))
    grid = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1)
    joint = np.exp(detector.log_density(table(grid.reshape(-1, 2))).astype(float)).reshape(5, -1)
    asked = table(np.stack([first, np.full(5, np.nan)], axis=1))
    marginal = np.trapezoid(joint, second)
    np.testing.assert_allclose(np.exp(detector.log_density(asked)), marginal, rtol=0.01)
    spread = detector.state()["features_spread"]
    typical = float(detector.state()["typical"][1])
    expected = -detector.log_density(asked) - math.log(spread[0]) + typical
    np.testing.assert_allclose(detector.score(asked), expected, atol=1e-4)
    assert (detector.explain(asked)[:, 1] == 0).all()


def test_a_broken_correlation_is_seen_where_no_column_alone_shows_it() -> None:
    values = correlated(600, 6)
    detector = fitted(values, epochs=15, rate=2e-2, orders=2)
    broken = np.array([[0.012, 940.0], [0.012, 1060.0]])
    odd, usual = detector.score(table(broken))
    assert odd > usual + 5


def test_conditions_explain_and_are_not_judged() -> None:
    """x0 follows the condition: the same value is usual at one and odd at another; what conditions say is no share."""
    rng = np.random.default_rng(7)
    condition = rng.uniform(-2, 2, size=600)
    values = np.stack([3 * condition + 0.1 * rng.normal(size=600), condition], axis=1)
    detector = fitted(values, "fc", epochs=15, rate=2e-2, orders=2)
    odd, usual = detector.score(table(np.array([[3.0, -1.0], [3.0, 1.0]]), "fc"))
    assert odd > usual + 5
    assert (detector.explain(table(values, "fc"))[:, 1] == 0).all()
    blind = fitted(values, "fc", conditions=False)
    odd, usual = blind.score(table(np.array([[3.0, -1.0], [3.0, 1.0]]), "fc"))
    assert odd == usual


def test_a_missing_condition_is_allowed() -> None:
    values = np.random.default_rng(8).normal(size=(200, 3))
    values[::3, 2] = np.nan
    detector = fitted(values, "ffc")
    assert np.isfinite(detector.score(table(values, "ffc"))).all()


def test_coins_of_six_bits_sum_to_one_and_learn() -> None:
    rng = np.random.default_rng(9)
    first = rng.random(500) < 0.3
    bits = np.stack([first, first ^ (rng.random(500) < 0.05), *(rng.random((4, 500)) < 0.5)], axis=1)
    detector = fitted(bits, family="bernoulli", epochs=40, rate=2e-2, orders=2)
    states = np.array([[(state >> bit) & 1 for bit in range(6)] for state in range(64)])
    density = np.exp(detector.log_density(table(states)).astype(float))
    assert density.sum() == pytest.approx(1, abs=1e-5)
    equal = density[states[:, 0] == states[:, 1]].sum()
    assert equal == pytest.approx(0.95, abs=0.04)


def test_coins_refuse_other_values_by_name() -> None:
    bits = np.zeros((30, 2))
    bits[4, 1] = 0.5
    with pytest.raises(ValueError, match=r"column 'x1' holds 0\.5 in row 4, and bernoulli knows 0 and 1 only"):
        fitted(bits, family="bernoulli")
    detector = fitted(np.zeros((30, 2)), family="bernoulli")
    with pytest.raises(ValueError, match=r"column 'x1' holds 0\.5 in row 4"):
        detector.score(table(bits))


def test_samples_have_the_moments_of_the_data() -> None:
    values = correlated(800, 10)
    detector = fitted(values, epochs=15, rate=2e-2, orders=2)
    drawn = detector.sample(8000, seed=1).astype(float)
    np.testing.assert_allclose(drawn.mean(axis=0), values.mean(axis=0), atol=0.15 * values.std(axis=0).max(initial=0))
    assert abs(drawn[:, 0].mean()) < 0.002
    assert np.corrcoef(drawn.T)[0, 1] > 0.95
    np.testing.assert_allclose(drawn.std(axis=0), values.std(axis=0), rtol=0.15)
    assert np.array_equal(detector.sample(50, seed=2), detector.sample(50, seed=2))


def test_samples_follow_given_conditions_and_leave_unknown_columns_out() -> None:
    rng = np.random.default_rng(11)
    condition = rng.uniform(-2, 2, size=500)
    values = np.stack([3 * condition + 0.1 * rng.normal(size=500), np.full(500, np.nan), condition], axis=1)
    detector = fitted(values, "ffc", epochs=15, rate=2e-2, orders=2)
    drawn = detector.sample(400, seed=1, conditions=np.full((400, 1), 1.5))
    assert np.median(drawn[:, 0]) == pytest.approx(4.5, abs=0.3)
    assert np.isnan(drawn[:, 1]).all()
    with pytest.raises(ValueError, match=r"conditions of shape \(3, 2\) for 3 rows of 1 condition columns"):
        detector.sample(3, seed=1, conditions=np.zeros((3, 2)))


def test_no_component_is_narrower_than_half_the_recorded_step() -> None:
    """Whole counts: the density at a count is at most that of the step, however often it repeats."""
    counts = np.random.default_rng(12).integers(10, 12, size=(300, 1))
    detector = fitted(counts, epochs=40, floor=1e-6, orders=1)
    peak = float(detector.log_density(table(np.array([[11.0]])))[0])
    assert peak < -math.log(0.5 * math.sqrt(2 * math.pi))


def with_a_condition() -> tuple[Nade, np.ndarray]:
    """Three features in several units, some values missing, and a condition; and the raw values."""
    values = np.random.default_rng(13).normal(size=(200, 4)) * [1, 10, 0.1, 1] + [0, 1e4, 0, 0]
    values[::9, 1] = np.nan
    return fitted(values, "fffc"), values.astype(np.float32)


def test_the_module_gives_the_log_density_of_raw_values() -> None:
    detector, raw = with_a_condition()
    with torch.no_grad():
        found = detector.density()(torch.from_numpy(raw[:, :3]), torch.from_numpy(raw[:, 3:])).numpy()
    np.testing.assert_allclose(found, detector.log_density(table(raw, "fffc")), atol=1e-4)


@pytest.mark.parametrize("params", [{}, {"orderless": False, "orders": 2}])
def test_the_module_for_export_says_what_the_detector_says(params) -> None:
    values = np.insert(correlated(200, 1), 1, np.linspace(0, 1, 200), axis=1)  # a condition in the middle
    detector, given = fitted(values, "fcf", **params), table(values, "fcf")
    given.values[::7, 0], given.values[::5, 2], given.values[3] = np.nan, np.inf, np.nan
    with torch.no_grad():
        score, log_probability = detector.export_module()(torch.from_numpy(given.values))
    np.testing.assert_allclose(score, detector.score(given), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(log_probability, detector.log_density(given), rtol=1e-5, atol=1e-5)
    assert torch.isnan(score[3])


def test_nothing_known_is_nothing_to_export() -> None:
    detector = fitted(np.full((30, 2), np.nan, dtype=np.float32), "ff")
    with pytest.raises(ValueError, match="all feature columns were missing in training"):
        detector.export_module()


@pytest.mark.parametrize("params", [{}, {"orderless": False, "orders": 2}, {"family": "laplace", "layers": 1}])
def test_restored_in_equal_bits_by_its_state(params) -> None:
    given = simulated_table(150, seed=14)
    detector = Nade(**(QUICK | params)).fit(given, np.zeros(150, dtype=np.int8), seed=1)
    again = Nade.restore(QUICK | params, detector.state())
    assert again.log_density(given).tobytes() == detector.log_density(given).tobytes()
    assert again.surprise(given).tobytes() == detector.surprise(given).tobytes()
    assert again.sample(20, seed=3).tobytes() == detector.sample(20, seed=3).tobytes()


def test_a_warm_start_goes_on_in_the_scaling_of_the_previous_one() -> None:
    values = correlated(300, 15)
    previous = fitted(values)
    moved = table(values + np.array([0.0, 30.0]))
    warm = Nade(**QUICK).fit(moved, np.zeros(300, dtype=np.int8), seed=2, previous=previous)
    assert np.array_equal(warm.state()["features_centre"], previous.state()["features_centre"])
    other = Nade(**(QUICK | {"hidden": 8})).fit(moved, np.zeros(300, dtype=np.int8), seed=2, previous=previous)
    assert not np.array_equal(other.state()["features_centre"], previous.state()["features_centre"])


def test_training_can_be_watched_and_leaves_its_course() -> None:
    seen: list[int] = []
    detector = Nade(**(QUICK | {"epochs": 3}))
    detector.watch = lambda at, most, loss: seen.append(at)
    detector.fit(table(correlated(60, 16)), np.zeros(60, dtype=np.int8), seed=1)
    assert seen == [1, 2, 3]
    assert isinstance(detector.history[0], History)
    assert len(detector.history[0].learned) == 3


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_a_handful_of_rows_is_learned_from_and_none_judge_nothing(rows) -> None:
    detector = fitted(correlated(rows, 17))
    score = detector.score(table(correlated(5, 18)))
    assert np.isnan(score).all() if rows == 0 else np.isfinite(score).all()
    assert (detector.explain(table(correlated(5, 18))) >= 0).all()


def test_what_is_not_fitted_says_so() -> None:
    for ask in (Nade().log_density, Nade().surprise):
        with pytest.raises(NotFittedError, match="this Nade is not fitted"):
            ask(table(correlated(3, 19)))
    with pytest.raises(NotFittedError, match="this Nade is not fitted"):
        Nade().sample(3, seed=1)


def test_parameters_out_of_range_are_refused() -> None:
    for params, message in (
        ({"family": "cauchy"}, "family = 'cauchy' is none of gaussian, laplace, bernoulli"),
        ({"scale": "log"}, "scale = 'log' is none of robust, standard"),
        ({"orders": 0}, "orders = 0 must be at least 1"),
        ({"dropout": 1.0}, r"dropout = 1\.0 must lie in \[0, 1\): with 1 no unit would be left to learn from"),
        ({"floor": 0.0}, r"floor = 0\.0 must be above 0"),
        ({"epochs": 0}, "epochs = 0 must be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            Nade(**params)


def test_a_foreign_state_is_refused() -> None:
    state = fitted(correlated(60, 20)).state()
    with pytest.raises(ValueError, match=r"orders \(2, 2\) are not 2 permutations of 2 features"):
        Nade.restore(QUICK, state | {"orders": np.zeros((2, 2), dtype=np.int64)})
    with pytest.raises(ValueError, match=r"typical surprises \(3,\) do not suit 2 features"):
        Nade.restore(QUICK, state | {"typical": np.zeros(3)})
    with pytest.raises(ValueError, match="array 'start' has shape"):
        Nade.restore(QUICK | {"hidden": 9}, state)
    with pytest.raises(KeyError, match="net_0_start"):
        Nade.restore(QUICK, {key: value for key, value in state.items() if key != "net_0_start"})
