"""T² + Q, control charts and the forecaster on sensors that we simulate, beside slow formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from detectors.control_charts import ControlCharts
from detectors.elements import histograms
from detectors.forecaster import Forecaster, lag_places
from detectors.t2_q import T2Q
from dqm.model.tables import Column, FeatureTable, lumisection_index
from features.lags import lagged


def table(values: np.ndarray) -> FeatureTable:
    rows = lumisection_index(np.ones(len(values)), 1 + np.arange(len(values)))
    return FeatureTable(rows, tuple(Column(f"s{j}") for j in range(values.shape[1])), values)


def shared(rows: int, seed: int = 1) -> np.ndarray:
    """Four sensors that follow one plant, with noise of their own."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 1)) * [1, 2, -1, 0.5] + 0.1 * rng.normal(size=(rows, 4))


def unknown(given: FeatureTable) -> np.ndarray:
    return np.full(len(given), -1, dtype=np.int8)


def test_t2_q_is_both_charts_over_their_limits() -> None:
    given = table(shared(400))
    detector = T2Q().fit(given, unknown(given), seed=1)
    z, _ = detector._scaling.z(given, 10.0)
    z = z / detector._unit
    along = z @ detector._vectors
    t2 = (along**2 / detector._values[:-1]).sum(axis=1)
    q = ((z - along @ detector._vectors.T) ** 2).sum(axis=1)
    limits = np.quantile(t2, 0.99), np.quantile(q, 0.99)
    assert detector._vectors.shape == (4, 1)
    assert detector.score(given) == pytest.approx((t2 / limits[0] + q / limits[1]) / 4, rel=1e-3)


def test_t2_q_sees_along_and_beside() -> None:
    given = table(shared(400))
    detector = T2Q().fit(given, unknown(given), seed=1)
    beside, along = np.zeros((1, 4)), 9 * np.array([[1, 2, -1, 0.5]])
    beside[0, 2] = 3.0
    usual = np.quantile(detector.score(given), 0.99)
    assert detector.score(table(beside))[0] > 10 * usual
    assert detector.score(table(along))[0] > 5 * usual
    assert detector.explain(table(beside))[0].argmax() == 2


def test_t2_q_refuses_a_limit_that_is_no_quantile_and_a_state_that_is_not_its_own() -> None:
    with pytest.raises(ValueError, match=r"limit = 1\.0 must lie between 0 and 1: it is a quantile"):
        T2Q(limit=1.0)
    given = table(shared(100))
    state = T2Q().fit(given, unknown(given), seed=1).state()
    with pytest.raises(ValueError, match=r"limits \[1\.0, 0\.0\] are not two numbers above 0"):
        T2Q.restore({}, state | {"limits": np.array([1.0, 0.0])})


def test_control_charts_are_one_at_their_own_limit() -> None:
    values = np.random.default_rng(2).normal(size=(2000, 3)) * [1, 50, 0.01]
    given = table(values)
    score = ControlCharts().fit(given, unknown(given), seed=1).score(given)
    assert (score > 1).mean() == pytest.approx(0.03, abs=0.005)
    values[7, 1] = 1e4
    detector = ControlCharts().fit(given, unknown(given), seed=1)
    assert detector.explain(table(values))[7].argmax() == 1


def test_control_charts_refuse_what_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"min_good = 20 must be at least 1, floor = 0 above 0 and limit = 0\.99"):
        ControlCharts(floor=0)
    given = table(shared(100))
    state = ControlCharts().fit(given, unknown(given), seed=1).state()
    with pytest.raises(ValueError, match=r"limits of shape \(2,\) do not suit 4 charts"):
        ControlCharts.restore({}, state | {"limits": np.ones(2)})


def test_lags_are_placed_by_name() -> None:
    columns = [Column(name) for name in ("a:lag0", "b", "a:lag2", "c:lag1")]
    assert lag_places(columns).tolist() == [[0, -1, 2], [1, -1, -1], [-1, 3, -1]]


def test_lags_of_a_sensor_are_a_line() -> None:
    (line,) = histograms([Column("a:lag0"), Column("b"), Column("a:lag1")])
    assert (line.element, line.at, line.shape) == ("a", (0, 2), (2,))


def walked(rows: int = 400, seed: int = 3) -> FeatureTable:
    """Two sensors whose next reading follows from the last, the second from the first."""
    rng = np.random.default_rng(seed)
    x = np.zeros((rows, 2))
    for t in range(1, rows):
        x[t] = [0.9 * x[t - 1, 0], 0.9 * x[t - 1, 0]] + 0.1 * rng.normal(size=2)
    return lagged(table(x), 4)


@pytest.mark.slow
def test_forecaster_learns_what_follows() -> None:
    given = walked()
    detector = Forecaster(epochs=12, hidden=8, batch=64).fit(given, unknown(given), seed=1)
    fresh = walked(seed=4).take(slice(10, 400))
    usual = detector.score(fresh)
    assert usual.mean() == pytest.approx(1, abs=0.35)
    odd = fresh.values.copy()
    odd[:, 0] += 0.8 * np.sign(-odd[:, 0])  # still within the range of the sensor
    broken = detector.score(replace(fresh, values=odd))
    assert (broken > np.quantile(usual, 0.99)).mean() > 0.9
    shares = detector.explain(replace(fresh, values=odd))
    assert (shares.argmax(axis=1) == 0).mean() > 0.9
    assert (shares[:, [1, 2, 3, 5, 6, 7]] == 0).all()


def test_forecaster_leaves_missing_sensors_out_of_the_covariance() -> None:
    given = walked(300)
    detector = Forecaster(epochs=2, hidden=4).fit(given, unknown(given), seed=1)
    network = detector._network
    assert network is not None
    rows = given.values[20:24].copy()
    rows[:, 0] = np.nan
    with torch.no_grad():
        residual, covariance, _ = network(torch.from_numpy(rows))
        whole = network(torch.from_numpy(given.values[20:24]))[1]
    assert residual[:, 0].tolist() == [0.0] * 4
    assert covariance[:, 1, 1].numpy() == pytest.approx(whole[:, 1, 1].numpy())
    assert covariance[:, 0, 1].tolist() == [0.0] * 4
    alone = (residual[:, 1] ** 2 / whole[:, 1, 1]).numpy()
    assert detector.score(replace(given.take(slice(20, 24)), values=rows)) == pytest.approx(alone, rel=1e-4)


def test_forecaster_has_no_score_where_the_newest_reading_is_missing() -> None:
    given = walked(120)
    detector = Forecaster(epochs=1, hidden=4).fit(given, unknown(given), seed=1)
    rows = given.take(slice(20, 22))
    rows.values[0, [0, 4]] = np.nan
    assert np.isnan(detector.score(rows)).tolist() == [True, False]


def test_forecaster_without_any_newest_reading_says_nothing() -> None:
    given = walked(120)
    given.values[:, [0, 4]] = np.nan
    detector = Forecaster(epochs=1, hidden=4).fit(given, unknown(given), seed=1)
    assert np.isnan(detector.score(given)).all()
    assert not detector.explain(given).any()


def test_forecaster_refuses_sizes_that_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"hidden = 0 and min_good = 20 must be at least 1, cut = 30\.0 above 0"):
        Forecaster(hidden=0)
