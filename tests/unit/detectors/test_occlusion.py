"""Shares by occlusion: equal to one column at a time, in any portions."""

import numpy as np
import pytest

from detectors import occlusion
from detectors.occlusion import shares_by_occlusion


def total(z: np.ndarray) -> np.ndarray:
    return (np.abs(z) * np.arange(1, z.shape[1] + 1)).sum(axis=1).astype(np.float32) - z[:, 0]


@pytest.mark.parametrize("at_once", [1, 7, 16_384])
def test_equals_one_column_at_a_time(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occlusion, "SCORED_AT_ONCE", at_once)
    random = np.random.default_rng(1)
    z, present = random.normal(size=(9, 3)).astype(np.float32), random.random((9, 3)) < 0.8
    shares = shares_by_occlusion(total, z, present)
    for j in range(3):
        usual = z.copy()
        usual[:, j] = 0
        np.testing.assert_array_equal(shares[:, j], np.maximum(total(z) - total(usual), 0) * present[:, j])


def test_no_rows_and_no_columns_have_no_shares() -> None:
    for shape in ((0, 3), (4, 0)):
        empty = np.zeros(shape, dtype=np.float32)
        assert shares_by_occlusion(lambda z: z.sum(axis=1), empty, empty > 0).shape == shape
