"""The pieces that the networks share, against plain loops."""

import numpy as np
import torch

from detectors.networks import ElementWeights, Standardise
from detectors.scaling import Scaling


def test_weights_are_a_mean_over_elements_of_means_over_what_is_present() -> None:
    rng = np.random.default_rng(1)
    for number in (np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 0, 2, 1, 0])):
        present = rng.random((50, 6)) < 0.6
        present[0] = False
        found = ElementWeights(number)(torch.from_numpy(present.astype(np.float32))).numpy()
        for row, given in zip(found, present, strict=True):
            elements = set(number[given])
            expected = [
                1 / (given[number == number[j]].sum() * len(elements)) if given[j] else 0.0 for j in range(len(number))
            ]
            assert np.allclose(row, expected)
        assert np.allclose(found.sum(axis=1), present.any(axis=1))


def test_scaled_values_are_those_of_the_scaling() -> None:
    scaling = Scaling(np.array([0, 2]), np.array([5.0, -1.0]), np.array([2.0, 0.5]))
    rows = np.array([[7, 9, np.nan], [np.inf, 9, -1.5], [4, np.nan, -np.inf]], dtype=np.float32)
    z, present = Standardise(scaling, 3, 10.0)(torch.from_numpy(rows))
    assert z.tolist() == [[1, 0], [10, -1], [-0.5, -10]]
    assert present.tolist() == [[1, 0], [1, 1], [1, 1]]
