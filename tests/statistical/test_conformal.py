"""Conformal p-values and the fusion without labels are super-uniform on good lumisections."""

import numpy as np
import pytest
from scipy.stats import binom

from detectors.conformal import Conformal
from detectors.fusion import Fusion

TRIALS = 20_000


@pytest.mark.parametrize("ties", [False, True])
def test_p_values_are_super_uniform(ties: bool) -> None:
    """P(p ≤ t) ≤ t over fresh held-out samples of 99: within 4 σ of the binomial law, also with tied scores."""
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(TRIALS, 100)).astype(np.float32)
    if ties:
        scores = np.round(scores)
    p = np.array([Conformal.of(row[:99]).p(row[99:])[0] for row in scores])
    for t in (0.01, 0.1, 0.5):
        assert (p <= t).sum() <= binom.isf(1e-5, TRIALS, t)
    if not ties:
        assert (p <= 0.1).mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("correlation", [0.0, 0.6, 1.0])
def test_detectors_that_say_the_same_do_not_count_twice(correlation: float) -> None:
    """One p-value of three correlated Gaussian scores is uniform; summing −ln p as if independent would not be."""
    rng = np.random.default_rng(2)
    shared = rng.normal(size=(40_000, 1))
    each = rng.normal(size=(40_000, 3))
    scores = (np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * each).astype(np.float32)
    fusion = Fusion.fit(scores[:20_000], np.zeros(20_000), probability=(False,) * 3)
    p = np.exp(-fusion.score(scores[20_000:]))
    for t in (0.01, 0.05, 0.2):
        assert (p <= t).mean() == pytest.approx(t, rel=0.15)
