"""What is to be expected: what this run has, what recent runs usually had, what all runs usually had."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.presence import expected


def column(*present: int) -> np.ndarray:
    return np.array(present, dtype=bool)[:, None]


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        ((1, 1, 1, 1, 0, 0), (1, 1, 1, 1, 1, 1)),  # gone: missed
        ((0, 0, 0, 0, 1, 0, 0), (1, 0, 0, 0, 1, 0, 0)),  # there once by mistake: not asked for ever after
        ((1, 1, 0, 0, 0, 0, 0), (1, 1, 1, 1, 1, 0, 0)),  # gone for longer than it was there
        ((0, 0, 0, 0, 0, 0, 1, 1, 0), (1, 0, 0, 0, 0, 0, 1, 1, 1)),  # new and usual lately
    ],
)
def test_examples(present: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    found = expected(column(*present), recent=3)[:, 0]
    assert found[1:].tolist() == [bool(each) for each in wanted[1:]]


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 3))), st.integers(1, 5))
def test_it_is_what_a_loop_counts(present: np.ndarray, recent: int) -> None:
    found = expected(present, recent)
    for run, row in enumerate(present):
        for j, there in enumerate(row):
            before = present[:run, j]
            lately = before[-recent:]
            usual = any(2 * part.sum() >= max(len(part), 1) for part in (before, lately))
            assert found[run, j] == (there or usual)


def test_no_run_expects_nothing() -> None:
    assert expected(np.zeros((0, 2), dtype=bool), 3).shape == (0, 2)
