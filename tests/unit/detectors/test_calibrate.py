from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detectors.calibrate import KNOTS_MOST, Calibrator
from detectors.inputs import NotFittedError
from dqm.model.labels import Label

FINITE = st.floats(-(2.0**100), 2.0**100, width=32)


def _simulated(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose true probability of BAD is s², s uniform."""
    rng = np.random.default_rng(seed)
    score = rng.random(n).astype(np.float32)
    return score, (rng.random(n) < score**2).astype(np.int8)


def test_isotonic_badness_is_the_probability() -> None:
    """5,000 rows in bins of 0.1: the standard error of a bin is at most √(0.25/400) = 0.025; three of them, plus t."""
    calibrator = Calibrator().fit(*_simulated(5000, seed=1))
    assert calibrator.method == "isotonic"
    s = np.linspace(0.05, 0.95, 10)
    assert np.abs(calibrator.apply(s) - s**2).max() < 0.076


def test_distinct_scores_keep_their_order_and_stay_distinct() -> None:
    score, labels = _simulated(2000, seed=2)
    ordered = np.sort(score)
    distinct = np.unique(ordered)
    badness = Calibrator().fit(score, labels).apply(distinct)
    assert (np.diff(badness) > 0).all()


@given(
    score=hnp.arrays(np.float32, st.integers(1, 60), elements=FINITE),
    bits=st.integers(0, 2**60 - 1),
    asked=hnp.arrays(np.float32, st.integers(2, 20), elements=st.floats(width=32, allow_nan=False)),
)
def test_badness_lies_in_0_1_and_never_swaps_two_scores(score: np.ndarray, bits: int, asked: np.ndarray) -> None:
    labels = np.array([(bits >> i) & 1 for i in range(len(score))], dtype=np.int8)
    for few in (1, 30):
        badness = Calibrator(few=few).fit(score, labels).apply(np.sort(asked))
        assert ((badness >= 0) & (badness <= 1)).all()
        assert (np.diff(badness) >= 0).all()


def test_steps_are_clipped_away_from_0_and_1() -> None:
    score = np.arange(200.0)
    labels = (score >= 100).astype(np.int8)
    calibrator = Calibrator(tie_break=1e-9).fit(score, labels)
    assert calibrator.apply([0.0, 199.0]) == pytest.approx([1 / 400, 1 - 1 / 400], rel=1e-5)
    # Half the rows with next to no weight: as good as 100 rows.
    weight = np.where(np.arange(200) % 2, 1.0, 1e-9)
    assert Calibrator(tie_break=1e-9).fit(score, labels, weight=weight).apply([0.0])[0] == pytest.approx(
        1 / 200, rel=1e-3
    )


def test_few_bad_rows_give_a_smooth_curve_in_the_rank() -> None:
    score = np.arange(100.0)
    labels = (score >= 90).astype(np.int8)
    calibrator = Calibrator().fit(score, labels)
    badness = calibrator.apply(score)
    assert calibrator.method == "platt"
    assert badness[:70].max() < 0.1 < 0.7 < badness[98]
    assert np.array_equal(Calibrator().fit(np.exp(score / 9), labels).apply(np.exp(score / 9)), badness)


def test_a_score_that_points_the_wrong_way_gives_the_share_of_bad() -> None:
    score = np.arange(100.0)
    badness = Calibrator().fit(score, (score < 10).astype(np.int8)).apply(score)
    assert np.ptp(badness) <= 1.001e-3
    assert badness.mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(("label", "prior"), [(Label.GOOD, 1 / 52), (Label.BAD, 51 / 52), (Label.UNKNOWN, 0.5)])
def test_one_class_gives_the_prior(label: Label, prior: float) -> None:
    calibrator = Calibrator().fit(np.arange(50.0), np.full(50, label, dtype=np.int8))
    assert calibrator.method == "prior"
    assert calibrator.apply(np.arange(50.0)) == pytest.approx(np.full(50, prior), abs=1e-3)
    assert (np.diff(calibrator.apply([-5.0, 0.0, 0.5, 7.0])) > 0).all()


def test_rows_without_score_label_or_weight_are_left_out() -> None:
    score, labels = _simulated(500, seed=3)
    more = np.concatenate([score, [np.nan, 0.1, 0.2]]), np.concatenate([labels, [1, -1, 1]])
    weight = np.concatenate([np.ones(502), [0.0]])
    expected = Calibrator().fit(score, labels).apply(score)
    assert np.array_equal(Calibrator().fit(*more, weight=weight).apply(score), expected)


def test_what_was_not_scored_has_no_badness() -> None:
    """Mutant: NaN as 0 would accept lumisections that nothing judged."""
    calibrator = Calibrator().fit(*_simulated(500, seed=4))
    assert np.isnan(calibrator.apply([np.nan, 0.5])).tolist() == [True, False]
    assert calibrator.apply([-np.inf, np.inf]) == pytest.approx([0, 1], abs=0.1)


def test_restored_in_equal_bits() -> None:
    score, labels = _simulated(5000, seed=5)
    calibrator = Calibrator(few=10, tie_break=1e-4).fit(score, labels)
    restored = Calibrator.restore({"few": 10, "tie_break": 1e-4}, calibrator.state())
    assert restored.apply(score).tobytes() == calibrator.apply(score).tobytes()
    assert calibrator.state()["ranks"].shape == (2, KNOTS_MOST)


def test_applying_needs_numpy_alone(repository: Path) -> None:
    script = """
import sys
import numpy as np
from detectors.calibrate import Calibrator
knots = np.array([[0.0, 1.0], [0.1, 0.9]])
Calibrator.restore({}, {"curve": knots, "ranks": knots, "method": "isotonic"}).apply([0.5])
sys.exit(any(name.split(".")[0] in ("sklearn", "scipy", "lightgbm") for name in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=repository, check=False).returncode == 0


def test_a_foreign_state_is_refused() -> None:
    state = Calibrator().fit(*_simulated(500, seed=6)).state()
    with pytest.raises(ValueError, match="method 'magic' is none of isotonic, platt, prior"):
        Calibrator.restore({}, state | {"method": "magic"})
    for knots in (np.zeros((2, 0)), np.zeros(3), np.full((2, 2), np.nan)):
        with pytest.raises(ValueError, match=r"finite ones of shape \(2, k\) are expected"):
            Calibrator.restore({}, state | {"curve": knots})
    for knots in ([[0, 1], [0.9, 0.1]], [[1, 0], [0.1, 0.9]], [[0, 1], [0, 2]]):
        with pytest.raises(ValueError, match="must increase in score"):
            Calibrator.restore({}, state | {"curve": np.array(knots, dtype=float)})


def test_parameters_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"few = 30 must be at least 1 and tie_break = 0 lie in \(0, 1\)"):
        Calibrator(tie_break=0)


def test_unfitted_is_refused() -> None:
    for ask in (lambda: Calibrator().apply([0.5]), Calibrator().state):
        with pytest.raises(NotFittedError, match="this Calibrator is not fitted"):
            ask()
