"""Comparisons with the past against hand-computed values and the definitions as loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln, ndtr, ndtri

from dqm.model.histograms import Axis
from features.beta_binomial import add_probability, log_factorials
from features.references import (
    AdaptiveReference,
    Comparison,
    PastRuns,
    compare,
    compare_nearest,
    median_shape,
    pulls,
)

from .naive_histograms import distances, pull

AXIS = Axis(6, 0.0, 3.0)
REFERENCE = np.array([0.0, 10.0, 200.0, 3000.0, 400.0, 5.0])


@pytest.mark.parametrize("scale", [0.01, 1.0, 1e3])
@pytest.mark.parametrize("total", [1, 7, 60])
def test_pulls_are_those_of_the_definition(total: int, scale: float) -> None:
    counts = np.random.default_rng(total).multinomial(total, np.full(6, 1 / 6), size=4)
    found = pulls(counts, REFERENCE * scale)
    past = REFERENCE * scale
    for row, one in zip(found, counts, strict=True):
        expected = [pull(int(d), total, r, past.sum(), 0.01)[1] for d, r in zip(one, past, strict=True)]
        np.testing.assert_allclose(np.abs(row), expected, rtol=2e-4, atol=2e-4)
        apart = one - total * past / past.sum()
        assert (np.sign(row)[np.abs(row) > 1e-3] == np.sign(apart)[np.abs(row) > 1e-3]).all()


def test_pulls_against_several_references_average_p() -> None:
    counts = np.random.default_rng(2).multinomial(200, np.full(6, 1 / 6), size=4)
    several = np.stack([REFERENCE, REFERENCE[::-1] * 3.0])
    each = [2 * ndtr(-np.abs(pulls(counts, one).astype(np.float64))) for one in several]
    np.testing.assert_allclose(np.abs(pulls(counts, several)), -ndtri((each[0] + each[1]) / 4), rtol=1e-3, atol=1e-3)
    assert np.array_equal(pulls(counts, REFERENCE[None]), pulls(counts, REFERENCE))


def test_a_value_computed_by_hand() -> None:
    """Two bins, reference 1 and 1 (scale 1 to 5e-9): D ~ BetaBinomial(2, 2, 2) has P = 3/10, 4/10, 3/10."""
    found = pulls(np.array([[2, 0]]), np.array([1.0, 1.0]))
    z = np.sqrt(stats.chi2.isf(0.75, 1))
    np.testing.assert_allclose(found, [[z, -z]], rtol=1e-5)
    both = compare(np.array([[2, 0]]), np.array([[1.0, 1.0]]), Axis(2, 0, 1))
    assert both.chi2[0] == pytest.approx(z**2, rel=1e-5)
    assert both.pull[0] == pytest.approx(np.sqrt(stats.chi2.isf(1 - 0.25**2, 1)), rel=1e-4)
    assert both.ks[0] == pytest.approx(0.5)


def test_references_are_averaged_as_probabilities() -> None:
    counts, past = np.array([[3, 9, 2, 1, 0, 1]]), np.stack([REFERENCE, REFERENCE[::-1] + 1])
    p = np.array(
        [[pull(int(d), 16, r, each.sum(), 0.01)[0] for d, r in zip(counts[0], each, strict=True)] for each in past]
    )
    z2 = stats.chi2.isf(p.mean(axis=0), 1)
    found = compare(counts, past, AXIS)
    assert found.chi2[0] == pytest.approx(z2.mean(), rel=1e-3)
    least = p.mean(axis=0).min()
    assert found.pull[0] == pytest.approx(np.sqrt(stats.chi2.isf(1 - (1 - least) ** 6, 1)), rel=1e-3)
    assert found.where[0] == p.mean(axis=0).argmin()


def test_distances_are_those_of_loops() -> None:
    counts = np.random.default_rng(0).poisson(3, (20, 6))
    found = compare(counts, REFERENCE[None], AXIS)
    shape, edges = REFERENCE / REFERENCE.sum(), AXIS.all_edges
    centres = (edges[1:] + edges[:-1]) / 2
    sigma = np.sqrt(shape @ (centres - shape @ centres) ** 2 + 0.25 / 12)
    for k, row in enumerate(counts):
        ks, area = distances(row.tolist(), REFERENCE.tolist(), edges.tolist())
        assert found.ks[k] == pytest.approx(ks, rel=1e-5)
        assert found.emd[k] == pytest.approx(area / sigma, rel=1e-5)


@pytest.mark.parametrize("entries", [10, 100, 1000, 100_000])
def test_low_statistics_widen_the_expectation(entries: int) -> None:
    """Copies of the reference, thinned: at most one in twenty has a largest pull beyond 4, however few they are."""
    rng = np.random.default_rng(entries)
    shape = np.exp(-0.5 * ((np.arange(100) - 50) / 12) ** 2)
    reference = rng.poisson(2000 * shape / shape.sum() * 500)[None]
    found = compare(rng.multinomial(entries, shape / shape.sum(), size=500), reference, Axis(100, 0, 1))
    assert (found.pull > 4).mean() < 0.05
    assert np.median(found.chi2) < 2


def test_a_thin_reference_raises_no_alarm_and_a_fault_does() -> None:
    rng = np.random.default_rng(1)
    shape = np.full(50, 1 / 50)
    good = rng.multinomial(5000, shape, size=100)
    thin = compare(good, rng.multinomial(40, shape, size=1), Axis(50, 0, 1))
    assert (thin.pull > 4).mean() < 0.05
    dead = good.copy()
    dead[:, 20:23] = 0
    seen = compare(dead, rng.multinomial(500_000, shape, size=1), Axis(50, 0, 1))
    assert (seen.pull > 6).all()
    assert np.isin(seen.where, [20, 21, 22]).all()


def test_what_cannot_be_compared_is_missing() -> None:
    counts = np.array(
        [[1.0, 2, 3, 4, 5, 6], [0] * 6, [1, 2, np.nan, 4, 5, 6], [1, 2, -3, 4, 5, 6], [np.inf, 0, 0, 0, 0, 0]]
    )
    found = compare(counts, REFERENCE[None], AXIS)
    for each in (found.chi2, found.pull, found.ks, found.emd):
        assert np.isfinite(each).tolist() == [True, False, False, False, False]
    assert found.where.tolist()[1:] == [-1] * 4
    nothing = compare(counts, np.zeros((1, 6)), AXIS)
    assert np.isnan(nothing.chi2).all()


def test_a_bad_run_among_the_references_moves_the_median_little() -> None:
    """Mutant: the sum of the runs."""
    good = [REFERENCE, REFERENCE * 2, REFERENCE * 3]
    bad = np.array([5000.0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(median_shape([*good, bad]), REFERENCE / REFERENCE.sum() * (REFERENCE.sum() * 6 + 5000))
    np.testing.assert_array_equal(median_shape([np.zeros(6)]), np.zeros(6))
    np.testing.assert_allclose(median_shape([np.array([4.0, 0]), np.array([0, 6.0])]), [5, 5])


def test_the_adaptive_reference_follows_a_slow_drift_and_not_a_step() -> None:
    rng = np.random.default_rng(4)
    bins = np.arange(40)

    def run(centre: float) -> np.ndarray:
        shape = np.exp(-0.5 * ((bins - centre) / 5) ** 2)
        return rng.poisson(20_000 * shape / shape.sum())

    reference = AdaptiveReference.of(run(15))
    seen = []
    for k in range(1, 120):
        counts = run(15 + 0.05 * k)
        seen.append(reference.chi2_of(counts[None])[0])
        reference = reference.after(counts)
    assert np.median(seen[40:]) < 3
    assert reference.chi2_of(run(15)[None])[0] > 5 * np.median(seen[40:])
    with pytest.raises(ValueError, match="a reference needs at least one count"):
        reference.after(np.zeros(40))


def test_the_adaptive_mean_by_hand() -> None:
    first = AdaptiveReference.of(np.array([4.0, 4.0]), alpha=0.5)
    second = first.after(np.array([0.0, 8.0]))
    # shapes (.5, .5) with variances 4/64, and (0, 1) with variances 1/64 and 8/64; weights halve at every step
    old, new = 0.5 * 0.5 * 16, np.array([0.5 * 64, 0.5 * 8])
    np.testing.assert_allclose(second.mean, (old * 0.5 + new * np.array([0, 1])) / (old + new))
    np.testing.assert_allclose(second.weight, old + new)


def test_the_nearest_reference_takes_a_new_shape_in() -> None:
    """Mutant: the average over the references, to which every run after a step is far."""
    old, new = np.array([100.0, 100, 0]), np.array([0.0, 100, 100])
    past = PastRuns(runs=[*[old] * 9, new])
    axis = Axis(3, 0, 3)
    given = np.array([[0, 50, 50], [50, 50, 0], [60, 0, 40], [0, 0, 0]])
    found = compare_nearest(given, past.references(), axis)
    each = [compare(given, one[None], axis) for one in past.references()]
    for name in ("chi2", "pull", "ks", "emd"):
        np.testing.assert_array_equal(getattr(found, name), np.min([getattr(one, name) for one in each], axis=0))
    assert found.ks[0] == found.ks[1] == 0
    assert found.ks[2] > 0.3
    assert np.isnan(found.ks[3])
    assert found.where[3] == -1


def test_references_of_past_runs() -> None:
    assert PastRuns(lengths=(3, 1)).references().shape == (0, 0)
    past = PastRuns(lengths=(3, 1), runs=[np.array([level, level]) for level in (2.0, 3.0, 4.0)])
    np.testing.assert_array_equal(past.references()[1], [4, 4])


@pytest.mark.parametrize("act", [compare, compare_nearest])
def test_without_chi2_all_else_is_the_same_to_the_bit(act: Callable[..., Comparison]) -> None:
    rng = np.random.default_rng(3)
    counts, past = rng.poisson(20, (50, 30)), rng.poisson(2000, (3, 30))
    whole, part = (act(counts, past, Axis(30, 0.0, 1.0), every_bin=each) for each in (True, False))
    assert np.isnan(part.chi2).all()
    for name in ("pull", "ks", "emd", "where"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(part, name))


def test_step_by_step_is_what_log_gammas_say() -> None:
    """Close to the most probable count factors are multiplied; far from it, and for weights, log-gammas are taken."""
    rng = np.random.default_rng(7)
    counts = rng.poisson(rng.uniform(0, 60, 40), (60, 40)).astype(float)
    counts[:, 5] += 300  # far
    past = rng.poisson(2500, 40).astype(float)
    near = np.zeros(counts.shape)
    add_probability(counts, past, 0.01, log_factorials(), near)
    total, scale = counts.sum(axis=1, keepdims=True), 1 / np.sqrt(1 + (past * 1e-4) ** 2)
    r, rest = past * scale, (past.sum() - past) * scale
    best = np.minimum(np.floor((total + 1) * r / (r + rest)), total)

    def term(d: np.ndarray) -> np.ndarray:
        return gammaln(d + r + 1) + gammaln(total - d + rest + 1) - gammaln(d + 1) - gammaln(total - d + 1)

    tables = np.minimum(np.exp(term(counts) - term(best)), 1)
    np.testing.assert_allclose(near, tables, rtol=1e-7, atol=1e-300)


@pytest.mark.parametrize("kind", ["thin", "full", "far", "weighted", "one bin"])
def test_the_rarest_bin_is_that_of_all_bins(kind: str) -> None:
    """What is left out by a bound is never the rarest: the same bits as with every bin."""
    rng = np.random.default_rng(len(kind))
    mean = {"thin": 0.3, "full": 4000.0, "far": 50.0, "weighted": 20.0, "one bin": 9.0}[kind]
    shape = np.exp(-(((np.arange(40) - 17) / 9) ** 2)) + 0.01
    counts = rng.poisson(mean * shape, (300, 40)).astype(np.float64)
    counts[:100, rng.integers(40)] += {"far": 700, "one bin": 9}.get(kind, 0)
    counts[100:200] = counts[100:200, ::-1]
    if kind == "weighted":
        counts[::2] *= 0.37
    references = np.stack([rng.poisson(scale * mean * shape) for scale in (1, 30, 1e4)] + [np.zeros(40)])
    axis = Axis(40, 0.0, 1.0)
    quick = compare_nearest(counts, references, axis, every_bin=False)
    whole = compare_nearest(counts, references, axis)
    for name in ("pull", "where", "ks", "emd"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(whole, name), err_msg=name)
    assert np.isnan(quick.chi2).all()
    assert len(np.unique(quick.where)) > 5
