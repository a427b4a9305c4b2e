"""Dead and hot cells on maps of known faults, on thin maps, and beside a loop over cells."""

from __future__ import annotations

import numpy as np
import pytest

from features.maps import ALPHA, SIGMA, TOLERANCE, compare_maps, marked_cells

REFERENCE = np.outer(np.linspace(1, 3, 8), np.linspace(2, 1, 12)) * 1e4
SHAPE = REFERENCE / REFERENCE.sum()


def maps(n: int, entries: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(entries * SHAPE, (n, *SHAPE.shape))


def naive(one: np.ndarray, reference: np.ndarray) -> tuple[int, int, int]:
    """Dead cells, hot cells and the largest connected dead part, cell by cell."""
    answering = sum(reference[c] for c in np.ndindex(one.shape) if one[c] > 0)
    dead, hot = set(), 0
    for c in np.ndindex(one.shape):
        expected = one.sum() * reference[c] / answering
        if one[c] == 0 and reference[c] > 0 and np.exp(-expected) < ALPHA / one.size:
            dead.add(c)
        hot += one[c] > expected + SIGMA * (expected + (TOLERANCE * expected) ** 2 + 1) ** 0.5
    largest, left = 0, set(dead)
    while left:
        part, grow = set(), [left.pop()]
        while grow:
            y, x = cell = grow.pop()
            part.add(cell)
            near = {(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)} & left
            left -= near
            grow += near
        largest = max(largest, len(part))
    return len(dead), hot, largest


def test_cells_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(1)
    given = maps(40, 20_000)
    for one in given:
        y, x = rng.integers(0, 6), rng.integers(0, 9)
        one[y : y + rng.integers(0, 3), x : x + rng.integers(1, 4)] = 0
        one[rng.integers(0, 8), rng.integers(0, 12)] *= rng.integers(1, 6)
    found = compare_maps(given, REFERENCE)
    expected = np.array([naive(one, REFERENCE) for one in given]) / 96
    for k, name in enumerate(("dead", "hot", "region")):
        np.testing.assert_allclose(getattr(found, name), expected[:, k], rtol=1e-6)
    assert expected.max(axis=0).min() > 0


@pytest.mark.parametrize("entries", [10, 100, 1000, 10_000, 1_000_000])
def test_good_maps_have_neither_however_few_their_counts(entries: int) -> None:
    found = compare_maps(maps(400, entries), REFERENCE)
    for each in (found.dead, found.hot, found.region):
        assert (each > 0).mean() <= 0.005


def test_a_dead_half_does_not_make_the_other_half_hot() -> None:
    """Mutant: expectations from the total, which the half that answers then exceeds twofold."""
    given = maps(50, 100_000)
    given[:, :4] = 0
    found = compare_maps(given, REFERENCE)
    np.testing.assert_array_equal(found.dead, 0.5)
    np.testing.assert_array_equal(found.region, 0.5)
    np.testing.assert_array_equal(found.hot, 0)


def test_two_dead_corners_are_two_regions() -> None:
    given = maps(1, 1_000_000)
    given[0, :2, :3] = given[0, -1:, -1:] = 0
    found = compare_maps(given, REFERENCE)
    assert found.dead[0] == np.float32(7 / 96)
    assert found.region[0] == np.float32(6 / 96)


def test_cells_that_never_answered_are_not_dead() -> None:
    hole = REFERENCE.copy()
    hole[3, 3] = 0
    given = maps(5, 1_000_000)
    given[:, 3, 3] = 0
    assert not compare_maps(given, hole).dead.any()


def test_what_cannot_be_compared_is_missing() -> None:
    given = maps(5, 10_000).astype(float)
    given[1], given[2, 0, 0], given[3, 0, 0], given[4, 0, 0] = 0, np.nan, -1, np.inf
    found = compare_maps(given, REFERENCE)
    for each in (found.dead, found.hot, found.region):
        assert np.isfinite(each).tolist() == [True, False, False, False, False]
    for reference in (np.zeros((8, 12)), np.full((8, 12), np.nan), -REFERENCE):
        assert np.isnan(compare_maps(given, reference).dead).all()
    assert len(compare_maps(given[:0], REFERENCE).dead) == 0


def test_marked_cells_are_those_that_are_counted() -> None:
    given = maps(1, 1e6)[0]
    given[2:4, 5:8], given[6, 1] = 0, 10 * given[6, 1]
    found, shares = marked_cells(given, REFERENCE), compare_maps(given[None], REFERENCE)
    assert [tuple(each) for each in np.argwhere(found.dead)] == [(y, x) for y in (2, 3) for x in (5, 6, 7)]
    assert [tuple(each) for each in np.argwhere(found.hot)] == [(6, 1)]
    assert found.dead.mean() == pytest.approx(shares.dead[0])
    assert found.hot.mean() == pytest.approx(shares.hot[0])
    assert found.expected[~found.dead].sum() == pytest.approx(given.sum())


@pytest.mark.parametrize("broken", [0.0, -1.0, np.nan])
def test_cells_of_what_is_no_map_are_refused(broken: float) -> None:
    wrong = np.full(REFERENCE.shape, broken)
    with pytest.raises(ValueError, match="the map holds no count, or a cell that is no count"):
        marked_cells(wrong, REFERENCE)
    with pytest.raises(ValueError, match="the reference holds no count"):
        marked_cells(REFERENCE, wrong)
