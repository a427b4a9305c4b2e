"""ECOD and COPOD: PyOD's scores on the training rows, and a score of its own for every other row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD

from detectors.checks import FEATURES, simulated_table
from detectors.ecdf import Copod, Ecod
from dqm.model.labels import Label
from dqm.model.tables import FeatureTable

UNKNOWN = np.full(300, Label.UNKNOWN, dtype=np.int8)


def _complete(rows: int, seed: int) -> FeatureTable:
    table = simulated_table(rows, seed)
    values = np.exp(np.nan_to_num(table.values))
    values[:, 1] = np.round(values[:, 1])
    values[:, 2] *= -1
    return replace(table, values=values)


@pytest.mark.parametrize(("ours", "theirs"), [(Ecod, ECOD), (Copod, COPOD)])
def test_on_complete_training_rows_both_are_equal(ours: type[Ecod], theirs: type) -> None:
    table = _complete(300, seed=1)
    score = ours().fit(table, UNKNOWN, seed=1).score(table)
    peer = theirs().fit(table.values[:, :FEATURES].astype(float))
    np.testing.assert_allclose(score, peer.decision_scores_, rtol=1e-5)


def test_theirs_hangs_on_the_batch_and_ours_does_not() -> None:
    """Why PyOD's are not simply adapted."""
    table, fresh = _complete(300, seed=1), _complete(40, seed=2)
    peer = ECOD().fit(table.values[:, :FEATURES].astype(float))
    X = fresh.values[:, :FEATURES].astype(float)
    assert not np.allclose(peer.decision_function(X)[:5], peer.decision_function(X[:5]))
    ours = Ecod().fit(table, UNKNOWN, seed=1)
    assert np.array_equal(ours.score(fresh)[:5], ours.score(fresh.take(slice(0, 5))))


def test_missing_values_count_like_the_mean_of_the_others() -> None:
    table = _complete(300, seed=1)
    detector = Ecod().fit(table, UNKNOWN, seed=1)
    values = table.values[:2].copy()
    values[0, 3:FEATURES] = np.nan
    asked = replace(table.take(slice(0, 2)), values=values)
    assert detector.score(asked)[0] == pytest.approx(2 * detector.explain(asked)[0, :3].sum(), rel=1e-6)
    assert (detector.explain(asked)[0, 3:] == 0).all()


def test_farther_beyond_the_training_rows_is_worse_and_infinity_the_worst() -> None:
    table = _complete(300, seed=1)
    values = np.repeat(table.values[:1], 3, axis=0)
    values[:, 0] = [1e3, 1e4, np.inf]
    for detector in (Ecod(), Copod()):
        score = detector.fit(table, UNKNOWN, seed=1).score(replace(table.take(slice(0, 3)), values=values))
        assert np.isfinite(score).all()
        assert (np.diff(score) > 1).all()


def test_the_side_of_the_skew_decides_in_copod() -> None:
    """Of a column skewed to the right a small value is no surprise, or half of one."""
    table = _complete(300, seed=1)
    values = np.repeat(np.median(table.values, axis=0)[None], 2, axis=0)
    values[0, 0], values[1, 0] = table.values[:, 0].min(), table.values[:, 0].max()
    asked = replace(table.take(slice(0, 2)), values=values)
    shares = Copod().fit(table, UNKNOWN, seed=1).explain(asked)[:, 0]
    assert shares == pytest.approx([np.log(300) / 2, np.log(300)], rel=1e-5)


def test_parameters_and_states_that_are_wrong_are_refused() -> None:
    with pytest.raises(ValueError, match="min_good = 0 must be at least 1"):
        Ecod(min_good=0)
    state = Ecod().fit(_complete(300, seed=1), UNKNOWN, seed=1).state()
    with pytest.raises(ValueError, match=r"skews \(2,\) do not suit 6 columns"):
        Ecod.restore({}, state | {"skew": np.zeros(2)})
