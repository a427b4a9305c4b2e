"""Blocks of one size: a row's bits do not depend on its batch."""

import numpy as np
import pytest
import torch

from detectors.batches import ROWS, in_blocks

WEIGHT = torch.from_numpy(np.random.default_rng(1).normal(size=(37, 23)).astype(np.float32))


def product(rows: np.ndarray) -> np.ndarray:
    """A matrix product and a nonlinearity: without blocks its last bits follow the number of rows."""
    return torch.tanh(torch.from_numpy(rows) @ WEIGHT).sum(dim=1).numpy()


@pytest.mark.parametrize("n", [0, 1, 7, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS])
def test_every_row_is_answered_once(n: int) -> None:
    rows = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    assert np.array_equal(in_blocks(lambda part: part.sum(axis=1), rows), rows.sum(axis=1))


def test_a_row_has_the_same_bits_in_any_batch() -> None:
    rows = np.random.default_rng(2).normal(size=(ROWS + 300, 37)).astype(np.float32)
    whole = in_blocks(product, rows)
    for part in (slice(0, 1), slice(5, 8), slice(ROWS - 3, ROWS + 9), slice(100, ROWS + 300)):
        assert in_blocks(product, rows[part]).tobytes() == whole[part].tobytes()


def test_several_arrays_go_together() -> None:
    a, b = np.ones((5, 2), np.float32), np.arange(5, dtype=np.float32)
    assert np.array_equal(in_blocks(lambda x, y: x.sum(axis=1) * y, a, b), 2 * b)
