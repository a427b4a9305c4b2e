"""k scores into one answer, with labels and without."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from detectors.conformal import Conformal
from detectors.fusion import Fusion
from detectors.model import Model
from detectors.robust_z import RobustZ

RNG = np.random.default_rng(3)
N = 3000
BAD = RNG.random(N) < 0.2
LABEL = BAD.astype(np.int8)
SEES = (RNG.normal(size=N) + 2.5 * BAD).astype(np.float32)
HALF = (RNG.normal(size=N) + 1.5 * BAD).astype(np.float32)
BLIND = RNG.normal(size=N).astype(np.float32)
SCORES = np.stack([SEES, HALF, BLIND], axis=1)
NONE = (False, False, False)


def test_p_values_count_who_is_as_anomalous() -> None:
    found = Conformal.of([3.0, 1.0, np.nan, 2.0]).p([0.0, 2.0, 2.5, 9.0, np.nan])
    assert found[:4].tolist() == [1.0, 0.75, 0.5, 0.25]
    assert np.isnan(found[4])


def test_together_they_know_more_and_the_blind_one_has_no_say() -> None:
    fusion = Fusion.fit(SCORES[:2000], LABEL[:2000], probability=NONE)
    assert fusion.labelled
    fused, truth = fusion.score(SCORES[2000:]), BAD[2000:]
    assert roc_auc_score(truth, fused) > max(roc_auc_score(truth, SCORES[2000:, j]) for j in range(3)) + 0.01
    assert fusion.weights[2] < 0.2 * fusion.weights[0]
    assert log_loss(truth, fused) < log_loss(truth, np.full(len(truth), truth.mean()))
    assert abs(fused.mean() - truth.mean()) < 0.03, "it is a probability"


def test_a_detector_that_points_the_wrong_way_is_not_turned_round() -> None:
    fusion = Fusion.fit(np.stack([SEES, -SEES], axis=1), LABEL, probability=(False, False))
    assert fusion.weights[1] == 0


def test_a_probability_speaks_in_log_odds() -> None:
    q = 1 / (1 + np.exp(-(SEES - 1.25) * 2.5))
    fusion = Fusion.fit(np.stack([q, BLIND], axis=1).astype(np.float32), LABEL, probability=(True, False))
    assert fusion.evidence(np.array([[0.5, 0.0]], dtype=np.float32))[0, 0] == pytest.approx(0)
    assert fusion.weights[0] > 0.3


@pytest.mark.parametrize("bad", [0, 29])
def test_few_labels_weigh_nothing(bad: int) -> None:
    label = np.zeros(N, dtype=np.int8)
    label[np.flatnonzero(BAD)[:bad]] = 1
    fusion = Fusion.fit(SCORES, label, probability=NONE)
    assert not fusion.labelled
    assert (fusion.score(SCORES) >= 0).all()


def test_shares_are_what_each_adds() -> None:
    fusion = Fusion.fit(SCORES, LABEL, probability=NONE)
    shares = fusion.shares(np.array([[9, 0, 0], [0, 9, 0], [-9, -9, -9], [np.nan, 0, 0]], dtype=np.float32))
    assert (shares >= 0).all()
    assert shares[:2].argmax(axis=1).tolist() == [0, 1]
    assert shares[2].tolist() == [0, 0, 0]
    assert shares[3, 0] == 0


def test_a_missing_score_is_no_answer() -> None:
    for label in (LABEL, np.zeros(N, dtype=np.int8)):
        fusion = Fusion.fit(SCORES, label, probability=NONE)
        assert np.isnan(fusion.score(np.array([[np.nan, 9, 9]], dtype=np.float32)))[0]


def test_a_quiet_detector_has_no_veto() -> None:
    """Mutant: p clipped at 10⁻¹² on one side only: the quietest score then outweighs the loudest."""
    scores = RNG.normal(size=(1000, 2)).astype(np.float32)
    fusion = Fusion.fit(scores, np.zeros(1000), probability=(False, False))
    loud_and_quiet, usual = fusion.score(np.array([[9, -9], [0, 0]], dtype=np.float32))
    assert loud_and_quiet >= usual - 0.01


def test_a_detector_that_always_says_the_same_breaks_nothing() -> None:
    scores = np.stack([SEES[~BAD], np.ones((~BAD).sum(), dtype=np.float32)], axis=1)
    fusion = Fusion.fit(scores, np.zeros(len(scores)), probability=(False, False))
    assert fusion.weights.tolist() == [2.0]
    assert np.isfinite(fusion.score(scores)).all()
    assert Fusion.restore(fusion.state()).score(scores).tobytes() == fusion.score(scores).tobytes()


def test_nothing_known_of_their_dependence_is_the_most_careful_answer() -> None:
    fusion = Fusion.fit(SCORES[:2], np.zeros(2), probability=NONE)
    assert fusion.weights.tolist() == [3.0]
    assert Fusion.fit(SCORES[:0], np.zeros(0), probability=NONE).score(SCORES[:1]).shape == (1,)


def test_a_foreign_state_is_refused() -> None:
    state = Fusion.fit(SCORES, LABEL, probability=NONE).state()
    assert (
        Fusion.restore(state).score(SCORES).tobytes()
        == Fusion.fit(SCORES, LABEL, probability=NONE).score(SCORES).tobytes()
    )
    with pytest.raises(ValueError, match=r"weights of shape \(2,\) do not suit 3 detectors"):
        Fusion.restore(state | {"weights": np.ones(2)})
    with pytest.raises(ValueError, match="must be finite, and those of detectors not negative"):
        Fusion.restore(state | {"weights": np.array([1.0, -1.0, 1.0, 0.0])})
    with pytest.raises(KeyError, match="good_2"):
        Fusion.restore({key: value for key, value in state.items() if key != "good_2"})


def test_scores_must_be_those_of_the_detectors() -> None:
    with pytest.raises(ValueError, match=r"scores of shape \(3000, 3\) from 2 detectors"):
        Fusion.fit(SCORES, LABEL, probability=(False, False))
    with pytest.raises(ValueError, match="1 detectors with a fusion"):
        Model("robust-z", RobustZ(), fusion=Fusion.fit(SCORES, LABEL, probability=NONE))
