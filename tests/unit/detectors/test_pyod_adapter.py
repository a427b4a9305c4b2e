"""PyOD's models in our form: PyOD's own scores, in any batch, and a restored model that is the saved one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyod.models.knn import KNN

from detectors.checks import simulated_table
from detectors.pyod_adapter import MODELS, Pyod
from dqm.model.errors import UnknownNameError
from dqm.model.labels import Label

pytestmark = pytest.mark.slow  # fits and refits every model of PyOD that is allowed

UNKNOWN = np.full(120, Label.UNKNOWN, dtype=np.int8)


def _fitted(model: str, **params: int) -> Pyod:
    return Pyod(model=model, **params).fit(simulated_table(120, seed=1), UNKNOWN, seed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", MODELS)
def test_a_row_has_the_same_score_in_any_batch_and_after_restoring(model: str) -> None:
    detector, fresh = _fitted(model), simulated_table(50, seed=2)
    score = detector.score(fresh)
    assert len(np.unique(score)) > 20
    for rows in (slice(0, 1), slice(30, 31), slice(20, 50)):
        assert detector.score(fresh.take(rows)).tobytes() == score[rows].tobytes()
    assert Pyod.restore({"model": model}, detector.state()).score(fresh).tobytes() == score.tobytes()


def test_the_score_is_pyods_own() -> None:
    detector, fresh = _fitted("knn"), simulated_table(20, seed=3)
    state = detector.state()
    z = np.nan_to_num((fresh.values[:, state["at"]] - state["centre"]) / state["spread"])
    peer = KNN().fit(state["seen"].astype(float))
    np.testing.assert_allclose(detector.score(fresh), peer.decision_function(z), rtol=1e-4)


def test_the_model_sees_no_more_rows_than_it_may() -> None:
    assert _fitted("knn", rows=30).state()["seen"].shape == (30, 6)
    assert not np.array_equal(
        _fitted("knn", rows=30)._seen, Pyod("knn", rows=30).fit(simulated_table(120, seed=1), UNKNOWN, seed=2)._seen
    )


def test_few_rows_are_enough_and_none_say_nothing() -> None:
    few = simulated_table(3, seed=4)
    assert np.isfinite(Pyod("lof").fit(few, UNKNOWN[:3], seed=1).score(few)).all()
    none = Pyod("knn").fit(few.take(slice(0, 0)), UNKNOWN[:0], seed=1)
    assert np.isnan(none.score(few)).all()
    assert (none.explain(few) == 0).all()


def test_a_share_is_what_the_score_falls_by_at_the_median() -> None:
    detector, fresh = _fitted("knn"), simulated_table(20, seed=5)
    values = fresh.values.copy()
    values[:, 2] = detector.state()["centre"][2]
    fall = detector.score(fresh) - detector.score(replace(fresh, values=values))
    np.testing.assert_array_equal(detector.explain(fresh)[:, 2], np.maximum(fall, 0) * ~np.isnan(fresh.values[:, 2]))


@pytest.mark.parametrize(("model", "nearest"), [("ecod", "mcd"), ("iforst", "iforest")])
def test_a_model_whose_scores_hang_on_the_batch_is_refused_by_name(model: str, nearest: str) -> None:
    with pytest.raises(
        UnknownNameError, match=f"do not hang on the batch: '{model}'; nearest valid names: '{nearest}'"
    ):
        Pyod(model=model)


def test_parameters_and_states_that_are_wrong_are_refused() -> None:
    with pytest.raises(ValueError, match="rows = 3 must be at least 25"):
        Pyod(rows=3)
    state = _fitted("knn").state()
    with pytest.raises(ValueError, match=r"training rows \(120, 5\) do not suit 6 columns and rows = 5000"):
        Pyod.restore({"model": "knn"}, state | {"seen": state["seen"][:, :5]})
    with pytest.raises(ValueError, match="PyOD's knn fitted again gives other scores than when it was saved"):
        Pyod.restore({"model": "knn"}, state | {"witness": state["witness"] + 1})
