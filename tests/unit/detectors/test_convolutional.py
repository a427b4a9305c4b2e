"""The convolutional autoencoder: histograms of any sizes, maps, and columns that are none."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from detectors.convolutional import Convolutional, _Frame, interpolation, shapes
from detectors.elements import Histogram
from dqm.model.labels import Label
from dqm.model.tables import Column, FeatureTable, lumisection_index

pytestmark = pytest.mark.slow  # every fit takes seconds

BINS = 24
COLUMNS = (
    *(Column(f"A/pt:bin{j}") for j in range(BINS)),
    *(Column(f"A/eta:bin{j}") for j in range(10)),
    *(Column(f"B/map:bin{x},{y}") for y in range(6) for x in range(8)),
    Column("rate"),
)


def simulated(n: int, seed: int) -> NDArray[np.float32]:
    """√p of a peak that moves with one number and of another that widens with it, of an even map, and a rate."""
    rng = np.random.default_rng(seed)
    moved = rng.uniform(-1, 1, size=(n, 1))
    peak = np.exp(-0.5 * ((np.arange(BINS) - 12 - 3 * moved) / 3) ** 2)
    wide = np.exp(-0.5 * ((np.arange(10) - 5) / (2 + moved)) ** 2)
    even = np.ones((n, 48))
    parts = []
    for shape, counts in ((peak, 4000), (wide, 2000), (even, 8000)):
        drawn = rng.poisson(counts * shape / shape.sum(axis=1, keepdims=True))
        parts.append(np.sqrt(drawn / drawn.sum(axis=1, keepdims=True)))
    return np.concatenate([*parts, 10 + moved + 0.1 * rng.normal(size=(n, 1))], axis=1).astype(np.float32)


def table(values: NDArray[np.float32]) -> FeatureTable:
    n = len(values)
    return FeatureTable(lumisection_index(np.ones(n), 1 + np.arange(n)), COLUMNS, values)


@pytest.fixture(scope="module")
def known() -> Convolutional:
    rows = table(simulated(400, seed=1))
    return Convolutional(epochs=25, channels=4, batch=128).fit(rows, np.full(400, Label.GOOD, dtype=np.int8), seed=1)


@pytest.mark.parametrize(
    ("at", "element"),
    [
        (slice(8, 11), slice(0, BINS)),
        (slice(BINS + 3, BINS + 5), slice(BINS, BINS + 10)),
        (slice(40, 44), slice(BINS + 10, BINS + 58)),
        (slice(-1, None), slice(-1, None)),
    ],
)
def test_a_fault_in_any_histogram_or_beside_them_is_found(known: Convolutional, at: slice, element: slice) -> None:
    """Bins that went dead lead their histogram; a rate that left its place leads alone."""
    values = simulated(200, seed=2)
    values[:50, at] = 0
    score, shares = known.score(table(values)), known.explain(table(values))
    assert np.median(score[:50]) > 2 * np.median(score[50:])
    faulty = np.zeros(len(COLUMNS), dtype=bool)
    faulty[at] = True
    assert faulty[element][shares[:50, element].argmax(axis=1)].mean() > 0.7


def test_an_element_that_is_missing_leaves_the_others_judged(known: Convolutional) -> None:
    values = simulated(100, seed=3)
    full = np.median(known.score(table(values)))
    values[:, BINS : BINS + 10] = np.nan
    partly = known.score(table(values))
    assert np.isfinite(partly).all()
    assert 0.3 < np.median(partly) / full < 3
    assert not known.explain(table(values))[:, BINS : BINS + 10].any()


def test_bits_of_a_row_alone_and_among_others(known: Convolutional) -> None:
    rows = table(simulated(300, seed=4))
    order = np.random.default_rng(1).permutation(300)
    assert known.explain(rows.take(order)).tobytes() == known.explain(rows)[order].tobytes()
    assert known.score(rows.take(slice(77, 78))).tobytes() == known.score(rows)[77:78].tobytes()


def test_columns_that_are_no_bins_make_one_line() -> None:
    given = [Column("a"), Column("h:bin1"), Column("h:bin0"), Column("b:p5")]
    assert shapes(given) == [Histogram("h", (2, 1), (2,)), Histogram("", (0, 3), (2,))]


def test_histograms_of_the_grid_s_size_pass_unchanged_and_others_nearly_keep_a_straight_line() -> None:
    given = [Histogram("a", (0, 1, 2, 3, 4, 5, 6, 7), (8,)), Histogram("b", tuple(range(8, 13)), (5,))]
    frame = _Frame(given, 64)
    rows = torch.arange(26.0).reshape(2, 13)
    grid = frame(rows)
    assert grid.shape == (2, 2, 8)
    assert torch.equal(grid[:, 0], rows[:, :8])
    assert torch.equal(frame.back(grid)[:, :8], rows[:, :8])
    middle = frame.back(grid)[:, 9:12]
    assert torch.allclose(middle, rows[:, 9:12], atol=0.02)


def test_every_bin_counts_where_there_are_more_than_the_grid_has() -> None:
    for given, wanted in ((10, 4), (64, 8), (3, 8), (1, 4)):
        matrix = interpolation(given, wanted)
        assert matrix.shape == (wanted, given)
        assert torch.allclose(matrix.sum(1), torch.ones(wanted))
        assert bool((matrix.sum(0) > 0).all())


def test_hyper_parameters_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="length = 3 and side = 16 at least 4"):
        Convolutional(length=3)
