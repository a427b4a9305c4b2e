"""The flow: a density that integrates to 1, learns what it is shown, and is the same for equal seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from detectors.checks import FEATURES, simulated_table
from detectors.flow import Flow
from dqm.model.labels import Label
from dqm.model.tables import FeatureTable

pytestmark = pytest.mark.slow  # fits flows

SMALL = {"transforms": 1, "hidden": 16, "epochs": 8}


def _two_columns(rows: int, seed: int) -> FeatureTable:
    """The second column follows the first."""
    table = simulated_table(rows, seed)
    rng = np.random.default_rng(seed)
    first = rng.normal(size=rows)
    values = np.stack([first, first + 0.3 * rng.normal(size=rows)], axis=1)
    return FeatureTable(table.index, table.columns[:2], values, table.extractor)


def _fitted(rows: int = 1000, **params: int) -> Flow:
    labels = np.full(rows, Label.UNKNOWN, dtype=np.int8)
    return Flow(**{**SMALL, **params}).fit(_two_columns(rows, seed=1), labels, seed=1)


@pytest.fixture(scope="module")
def learned() -> Flow:
    return _fitted(epochs=12, batch=64)


def test_the_density_integrates_to_one(learned: Flow) -> None:
    state = learned.state()
    edge = np.linspace(-12, 12, 121)
    z = np.stack(np.meshgrid(edge, edge), axis=-1).reshape(-1, 2)
    grid = FeatureTable(
        simulated_table(len(z), 1).index, learned.schema.columns, z * state["spread"] + state["centre"], "simulated"
    )
    density = np.exp(-2 * learned.score(grid).astype(float))
    assert density.sum() * (edge[1] - edge[0]) ** 2 == pytest.approx(1, abs=0.05)


def test_sees_what_no_single_column_shows(learned: Flow) -> None:
    usual = _two_columns(300, seed=2)
    values = usual.values.copy()
    values[:, 1] *= -1
    broken = learned.score(replace(usual, values=values))
    assert (broken[:, None] > learned.score(usual)).mean() > 0.75


def test_torchs_own_generator_is_left_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    _fitted(rows=100, epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_a_warm_start_goes_on_from_the_previous_weights() -> None:
    table, labels = _two_columns(300, seed=1), np.zeros(300, dtype=np.int8)
    first = Flow(**SMALL).fit(table, labels, seed=1)
    still = Flow(**{**SMALL, "epochs": 1, "rate": 1e-9}).fit(table, labels, seed=2, previous=first)
    np.testing.assert_allclose(still.score(table), first.score(table), atol=1e-4)
    other = Flow(**{**SMALL, "hidden": 8, "epochs": 1}).fit(table, labels, seed=2, previous=first)
    assert other.state()["net_transform_transforms_0_hyper_0_weight"].shape[0] == 8


def test_a_warm_start_with_other_columns_known_is_a_cold_one() -> None:
    """Mutant: shapes compared alone, which hands the weights of one column to another."""
    table, labels = _two_columns(300, seed=1), np.zeros(300, dtype=np.int8)
    known = [replace(table, values=np.where([j == 0, j == 1], table.values, np.nan)) for j in (0, 1)]
    first = Flow(**SMALL).fit(known[0], labels, seed=1)
    one = Flow(**{**SMALL, "epochs": 1}).fit(known[1], labels, seed=2, previous=first)
    cold = Flow(**{**SMALL, "epochs": 1}).fit(known[1], labels, seed=2)
    assert one.score(known[1]).tobytes() == cold.score(known[1]).tobytes()


def test_missing_is_the_median_infinite_the_cut_and_nothing_to_learn_from_nothing_to_say() -> None:
    detector, fresh = _fitted(rows=200, epochs=2), _two_columns(3, seed=2)
    values = fresh.values.copy()
    values[0, 0], values[1, 0] = np.nan, detector.state()["centre"][0]
    values[1, 1], values[2, 1] = values[0, 1], np.inf
    asked = replace(fresh, values=values)
    score = detector.score(asked)
    assert score[0] == score[1] < score[2] < np.inf
    assert detector.explain(asked)[0, 0] == 0
    none = Flow(**SMALL).fit(fresh.take(slice(0, 0)), np.zeros(0, dtype=np.int8), seed=1)
    assert np.isnan(none.score(fresh)).all()
    assert (none.explain(fresh) == 0).all()
    assert np.isnan(Flow.restore({}, none.state()).score(fresh)).all()


def test_one_column_alone_is_learned() -> None:
    table = simulated_table(300, seed=1)
    values = np.full_like(table.values, np.nan)
    values[:, 0] = np.nan_to_num(table.values[:, 0])
    alone = replace(table, values=values)
    shares = Flow(**SMALL).fit(alone, np.zeros(300, dtype=np.int8), seed=1).explain(alone)
    assert (shares[:, 1:FEATURES] == 0).all()
    assert shares[:, 0].max() > 0


def test_parameters_and_states_that_are_wrong_are_refused() -> None:
    with pytest.raises(ValueError, match="bins = 1 must be at least 2"):
        Flow(bins=1)
    with pytest.raises(ValueError, match=r"noise = 0 and floor = 0\.001 must be above 0"):
        Flow(noise=0)
    with pytest.raises(ValueError, match="epochs = 0 must be at least 1"):
        Flow(epochs=0)
    state = _fitted(rows=100, epochs=1).state()
    with pytest.raises(ValueError, match="where the network has"):
        Flow.restore({**SMALL, "hidden": 8}, state)
