"""What a histogram is compared with: every kind of reference, matched conditions, other binnings, late labels."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from dqm.model.histograms import Axis
from dqm.model.labels import Label, Labels
from dqm.model.reference_config import ReferencesConfig
from dqm.model.tables import Column, QuantityTable, lumisection_index
from features.pasts import Around, MatchedPast, lines
from features.references import AdaptiveReference, compare

from .naive_histograms import chi2

FINE, COARSE, OTHER = Axis(8, 0.0, 8.0), Axis(4, 0.0, 8.0), Axis(3, 0.0, 8.0)
LEFT, RIGHT = np.array([9.0, 9, 5, 1, 1, 1, 1, 1]) * 10, np.array([1.0, 1, 1, 1, 1, 5, 9, 9]) * 10


def fed(
    given: list[np.ndarray],
    labels: list[int] | None = None,
    conditions: list[float] | None = None,
    delay: int = 0,
    **settings: object,
) -> MatchedPast:
    """A past of one lumisection a run, run numbers from 1."""
    past = MatchedPast(ReferencesConfig(**settings), delay)  # type: ignore[arg-type]
    for k, counts in enumerate(given):
        condition = np.array([conditions[k] if conditions else 0.0])
        label = np.array([labels[k] if labels else Label.UNKNOWN], dtype=np.int8)
        past.add(k + 1, counts[None], (FINE,), condition, label)
    return past


def ks(past: MatchedPast, counts: np.ndarray, axis: Axis = FINE, condition: float = 0.0) -> float:
    found = past.compare(counts[None], (axis,), np.array([condition]), lines(past.settings))
    return float(found["ks"][0]) if found else np.nan


def test_one_chosen_run_stays_the_reference() -> None:
    past = fed([RIGHT, LEFT, RIGHT, RIGHT], kind="run", run=2)
    assert ks(past, LEFT) == pytest.approx(0, abs=1e-7)
    assert ks(past, RIGHT) > 0.4
    assert np.isnan(ks(fed([RIGHT], kind="run", run=2), LEFT)), "runs before the chosen one have no reference"


def test_certified_runs_are_those_that_people_call_good() -> None:
    """Mutants: every run; BAD ones too; more than the last n."""
    labels = [Label.GOOD, Label.BAD, Label.UNKNOWN, Label.GOOD]
    past = fed([LEFT, RIGHT, RIGHT, LEFT * 2], labels, kind="certified", runs=3)
    given = LEFT + 3
    expected = compare(given[None], np.stack([LEFT, LEFT * 2]), FINE)
    found = past.compare(given[None], (FINE,), np.zeros(1), lines(past.settings))
    for name in ("ks", "emd", "pull"):
        np.testing.assert_array_equal(found[name], getattr(expected, name))
    last = fed([RIGHT, LEFT], [Label.GOOD] * 2, kind="certified", runs=1)
    assert ks(last, LEFT) == pytest.approx(0, abs=1e-7)


def test_late_labels_are_not_looked_at() -> None:
    labels = [Label.GOOD] * 3
    assert ks(fed([LEFT, LEFT, RIGHT], labels, delay=1, kind="certified", runs=1), LEFT) == pytest.approx(0, abs=1e-7)
    assert np.isnan(ks(fed([LEFT], labels, delay=1, kind="certified"), LEFT))
    assert ks(fed([RIGHT, LEFT], delay=5), LEFT) == pytest.approx(0, abs=1e-7), "the nearest looks at no label"


def test_the_adaptive_mean_leaves_bad_runs_out_and_has_its_own_chi2() -> None:
    past = fed([LEFT, RIGHT, LEFT * 3], [Label.UNKNOWN, Label.BAD, Label.GOOD], kind="adaptive", alpha=0.5)
    reference = AdaptiveReference.of(LEFT, 0.5).after(LEFT * 3)
    given = np.stack([LEFT + 4, RIGHT])
    found = past.compare(given, (FINE,), np.zeros(2), lines(past.settings))
    np.testing.assert_allclose(
        found["chi2"], [chi2(reference.mean, reference.spread, each) for each in given], rtol=1e-5
    )
    np.testing.assert_array_equal(found["pull"], compare(given, reference.counts()[None], FINE).pull)
    assert found["chi2"][1] > 10 > found["chi2"][0]
    assert np.isnan(past.compare(np.zeros((1, 8)), (FINE,), np.zeros(1), lines(past.settings))["chi2"]).all()


def test_the_adaptive_mean_counts_as_much_as_a_run() -> None:
    reference = AdaptiveReference.of(LEFT, 0.9)
    for _ in range(100):
        reference = reference.after(LEFT)
    np.testing.assert_allclose(reference.counts(), LEFT, rtol=1e-3)


def test_pile_up_is_matched() -> None:
    """Mutant: one past for all. At low pile-up the shape is LEFT, at high RIGHT."""
    runs, mu = [LEFT, RIGHT] * 3, [22.0, 58.0] * 3
    matched, mixed = fed(runs, conditions=mu, matched="pileup"), fed(runs)
    assert ks(matched, RIGHT, condition=51.0) == pytest.approx(0, abs=1e-7)
    assert ks(matched, RIGHT, condition=29.0) > 0.4
    assert ks(matched, LEFT, condition=5.0) == pytest.approx(0, abs=1e-7), "the nearest class lends its past"
    assert np.isnan(ks(matched, LEFT, condition=np.nan)), "without the condition nothing is compared"
    assert min(ks(mixed, LEFT), ks(mixed, RIGHT)) < 0.3


def test_another_binning_is_compared_where_it_nests_and_nowhere_else() -> None:
    """Mutant: bins compared by their number."""
    past = fed([LEFT])
    paired = LEFT.reshape(4, 2).sum(axis=1)
    assert ks(past, paired, COARSE) == pytest.approx(0, abs=1e-7)
    assert np.isnan(ks(past, np.ones(3), OTHER))
    past.add(2, paired[None], (COARSE,), np.zeros(1), np.zeros(1, dtype=np.int8))
    assert ks(past, LEFT, FINE) == pytest.approx(0, abs=1e-7), "the finer is brought to the coarser"
    named = Axis(8, 0.0, 8.0, labels=tuple("abcdefgh"))
    assert np.isnan(ks(past, LEFT, named))
    past.add(3, np.ones((1, 8, 4)), (COARSE, FINE), np.zeros(1), np.zeros(1, dtype=np.int8))
    assert np.isnan(ks(past, LEFT, FINE)), "a map is no histogram of one dimension"


def test_what_is_known_around_a_lumisection() -> None:
    index = lumisection_index([2, 1, 2], [1, 5, 3])
    table = QuantityTable(index, (Column("pileup", role="condition"),), np.array([[30.0], [40.0], [50.0]]))
    labels = Labels.of(index[:1], np.array([Label.GOOD]), "test")
    around = Around.of(table, labels, "pileup")
    code = np.array([(1 << 32) | 5, (2 << 32) | 1, (3 << 32) | 1])
    condition, label = around.at(code)
    np.testing.assert_array_equal(condition, [40, 30, np.nan])
    assert label.tolist() == [Label.UNKNOWN, Label.GOOD, Label.UNKNOWN]
    nothing = Around.of(table.take(np.zeros(3, dtype=bool)), None).at(code)
    assert np.isnan(nothing[0]).all()
    assert (nothing[1] == Label.UNKNOWN).all()


def test_a_chosen_run_must_be_named() -> None:
    for wrong in ({"kind": "run"}, {"run": 7}):
        with pytest.raises(ValidationError, match='kind = "run" and run = <its number> go together'):
            ReferencesConfig.model_validate(wrong)
