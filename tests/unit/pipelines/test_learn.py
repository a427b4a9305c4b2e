"""One step of the schedule: limits speak for themselves, guards go to the past, badness of the past is out of fold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from detectors.boosted import Boosted
from detectors.excursions import MOST_TIMES, Excursions
from detectors.robust_z import RobustZ
from dqm.decide.policy import MarginPolicy
from dqm.model.config import ModelConfig
from dqm.model.tables import Column
from dqm.model.verdicts import Decision
from pipelines.run.evidence import Evidence
from pipelines.run.learn import FOLDS, SKIP, SURE, Recipe, badness_of, learn, make_detector, tolerable
from pipelines.run.schedule import forward_folds
from pipelines.run.train import guard_note

from .evidences import evidence


def trees() -> Boosted:
    return Boosted(trees=5, members=1)


@pytest.mark.parametrize("make", [RobustZ, trees])
def test_a_broken_limit_has_badness_one(make: type[RobustZ]) -> None:
    given = evidence()
    trained = learn(given, make, seed=1)
    score, badness = trained.judge(given)
    assert given.beyond.any()
    assert (badness[given.beyond] == 1).all()
    assert np.isposinf(score[given.beyond]).all()
    assert np.isfinite(score[~given.beyond]).all()
    assert (trained.past.badness[given.beyond] == 1).all(), "even in the folds that are only learned from"


def test_a_model_that_is_sure_says_less_than_a_limit() -> None:
    """Mutant: a model whose 1 is taken for a broken limit, which is rejected where nothing else may be."""
    given = evidence()
    badness = badness_of(np.ones(len(given), dtype=np.float32), given)
    assert np.array_equal(badness == 1, given.beyond)
    assert badness.min() > 0.999


@pytest.mark.parametrize("make", [RobustZ, trees])
def test_what_is_beyond_a_limit_teaches_the_model_nothing(make: type[RobustZ]) -> None:
    """Mutant: ``evidence`` for ``inner`` in the fit."""
    given = evidence()
    flipped = replace(given, label=np.where(given.beyond, 1 - given.label, given.label).clip(0, 1).astype(np.int8))
    inner = learn(replace(given, label=given.label.clip(0, 1)), make, seed=1)
    assert np.array_equal(inner.judge(given)[1], learn(flipped, make, seed=1).judge(given)[1])


def test_held_goes_to_the_past_and_a_broken_limit_needs_no_guard() -> None:
    given = evidence()
    both = given.table.values.copy()
    both[3, -2:] = 1
    given = replace(given, table=replace(given.table, values=both))
    past = learn(given, RobustZ, seed=1).past
    assert np.array_equal(past.held, (both[:, -2] == 1) & (both[:, -1] != 1))
    assert not past.held[3]
    assert np.array_equal(past.label, given.label)
    assert past.index.equals(given.table.index)


def test_badness_of_the_past_is_out_of_fold() -> None:
    """Mutant: scores of the detector that was fitted on everything."""
    given = evidence()
    past = learn(given, trees, seed=1).past
    first = np.ones(len(given), dtype=bool)
    for before, now in forward_folds(given.run, FOLDS, SKIP):
        first &= ~now
        inner = given.take(before)
        said = np.where(inner.beyond, -1, inner.label).astype(np.int8)
        score = trees().fit(inner.table, said, seed=1).score(given.table.take(now))
        assert np.array_equal(past.badness[now], np.where(given.beyond[now], np.float32(1), score))
    assert np.isnan(past.badness[first & ~given.beyond]).all()


def test_a_rare_look_stands_for_many() -> None:
    given = evidence()
    chance = np.where(np.arange(len(given)) % 5 == 0, 0.02, 1.0)
    past = learn(replace(given, chance=chance), RobustZ, seed=1).past
    assert np.array_equal(past.weight, given.weight / chance)


def test_only_what_is_no_probability_is_calibrated() -> None:
    assert learn(evidence(), trees, seed=1).model.calibrator is None
    trained = learn(evidence(), RobustZ, seed=1)
    assert trained.model.calibrator is not None
    known: NDArray[np.float32] = trained.past.badness[np.isfinite(trained.past.badness)]
    assert known.min() >= 0
    assert known.max() <= 1


@pytest.mark.parametrize("label", [-1, 0, 1])
@pytest.mark.parametrize("make", [RobustZ, trees])
def test_labels_of_one_kind_are_no_obstacle(make: type[RobustZ], label: int) -> None:
    given = evidence(runs=6)
    only: Evidence = replace(given, label=np.full(len(given), label, dtype=np.int8))
    trained = learn(only, make, seed=1)
    assert len(trained.judge(given)[1]) == len(given)


def test_several_detectors_become_one_badness() -> None:
    given = evidence(runs=30, rows=30)
    trained = learn(given, trees, seed=1, others=(RobustZ,))
    model = trained.model
    assert [each.kind for each in model.members] == ["boosted", "robust-z"]
    assert model.fusion is not None
    _, badness = trained.judge(given)
    inner = ~given.beyond
    assert roc_auc_score(given.label[inner] == 1, badness[inner]) > 0.9
    shares = model.explain(given.table, model.scores(given.table))
    assert shares.shape == given.table.values.shape
    assert (shares >= 0).all()


def test_the_past_of_a_fusion_knows_no_later_label() -> None:
    """Mutant: the fusion of everything answers for the past. Later labels are turned round; earlier badness stays."""
    given = evidence(runs=30, rows=30)
    half = np.median(np.unique(given.run))
    turned = np.where((given.run > half) & (given.label >= 0), 1 - given.label, given.label).astype(np.int8)
    plain, other = (
        learn(each, RobustZ, seed=1, others=(trees,)).past.badness for each in (given, replace(given, label=turned))
    )
    folds = [now for _, now in forward_folds(given.run, FOLDS, SKIP)]
    early = np.logical_or.reduce([now for now in folds[1:] if given.run[now].max() <= half])
    assert np.isfinite(plain[early]).all()
    assert np.array_equal(plain[early], other[early])
    assert np.isnan(plain[folds[0] & ~given.beyond]).all(), "nothing before it could combine the detectors"


def test_the_registry_is_asked_once_and_every_detector_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks through all installed packages, which was half of the time of a walk."""
    make = make_detector(ModelConfig(kind="robust-z"))
    monkeypatch.setattr("detectors.registry.make", None)
    one, other = make(), make()
    assert one is not other
    assert one == other == RobustZ()


def test_detectors_are_made_as_configured() -> None:
    boosted = make_detector(ModelConfig(trees=7))()
    assert isinstance(boosted, Boosted)
    assert boosted.trees == 7
    assert isinstance(make_detector(ModelConfig(kind="robust-z"))(), RobustZ)


def test_a_fused_detector_has_a_seed_of_its_own() -> None:
    given = evidence(runs=20, rows=20)
    one, other = (
        learn(given, RobustZ, seed=1, others=(Recipe(trees, seed),)).model.others[0].detector for seed in (1, 2)
    )
    assert not np.array_equal(one.score(given.table), other.score(given.table))


def with_distance(given: Evidence, seed: int = 5) -> Evidence:
    """The evidence with a column that says how far from the usual something is, in σ; it tells nothing of the label."""
    values = np.random.default_rng(seed).normal(size=(len(given), 1)).clip(-3, 3)
    columns = (Column("hits.z", "counts.z", "ecal", "detail", "sigma"), *given.table.columns)
    both = np.concatenate([values, given.table.values], axis=1)
    return replace(given, table=replace(given.table, columns=columns, values=both))


def planted(given: Evidence, rows: list[int], value: float = 20.0) -> Evidence:
    """The evidence where some lumisections are so far from the usual."""
    values = given.table.values.copy()
    values[rows, 0] = value
    return replace(given, table=replace(given.table, values=values))


def test_beyond_the_past_is_held_where_the_model_is_not_sure() -> None:
    """Mutants: no guard; held also what breaks a limit; a rejection that becomes work."""
    given = with_distance(evidence())
    trained = learn(given, trees, seed=1, excursion=1.5)
    quiet, broken = int(np.flatnonzero(~given.beyond & ~given.held)[0]), int(np.flatnonzero(given.beyond)[0])
    far = planted(given, [quiet, broken])
    for said, expected in ((0.001, True), (SURE - 0.01, True), (SURE, False), (np.nan, False)):
        badness = np.full(len(far), said, dtype=np.float32)
        badness[far.beyond] = 1
        held = trained.held(far, badness)
        assert (held[quiet], held[broken]) == (expected, False)
        assert np.array_equal(np.delete(held, quiet), np.delete(far.held, quiet))
    point = replace(MarginPolicy().choose(trained.past, 0.01, 0.01), accept_below=1.0, reject_above=1.0)
    badness = trained.judge(far)[1]
    assert point.decide(badness, trained.held(far, badness))[quiet] == Decision.ASK


def test_without_the_guard_nothing_changes() -> None:
    given = with_distance(evidence())
    trained = learn(given, trees, seed=1)
    far = planted(given, [3])
    assert trained.model.excursions is None
    assert np.array_equal(trained.held(far, trained.judge(far)[1]), far.held)
    assert np.array_equal(trained.past.held, given.held)


def test_the_past_knows_what_was_beyond_then() -> None:
    """Thresholds are chosen as if the guard had stood. Mutant: the excursions of everything, which hide later ones."""
    given = with_distance(evidence())
    last = given.run.max()
    rows = [*np.flatnonzero((given.run == last) & (given.label == 0) & ~given.held & ~given.beyond)[:3].tolist()]
    before = np.flatnonzero((given.run == np.unique(given.run)[-12]) & (given.label == 0) & ~given.held)[:1].tolist()
    far = planted(given, rows + before)
    past = learn(far, trees, seed=1, excursion=1.5).past
    sure = past.badness >= SURE
    assert past.held[rows].tolist() == [not each for each in sure[rows]]
    assert past.held.sum() > given.held.sum()
    assert learn(far, trees, seed=1).past.held.sum() == given.held.sum()


def test_the_guard_never_makes_a_threshold_bolder() -> None:
    """Mutant: bad lumisections that the guard holds are no pollution of the past. On real runs that accepted 1.8% bad."""
    given = with_distance(evidence(runs=60, rows=30, seed=3))
    bad = np.flatnonzero((given.label == 1) & ~given.beyond & ~given.held)
    far = planted(given, bad.tolist())
    said = [learn(far, trees, seed=1, excursion=each).past for each in (0.0, 1.5)]
    assert not said[1].held[bad].any()
    points = [MarginPolicy(resamples=50).choose(each, 0.02, 0.02) for each in said]
    assert points[1].accept_below <= points[0].accept_below
    assert points[1].reject_above == points[0].reject_above


def test_bad_and_unlabelled_lumisections_set_no_bar() -> None:
    """Mutant: every row. What people called bad would teach the guard how far good ones go."""
    given = with_distance(evidence())
    far = planted(given, np.flatnonzero(given.label != 0).tolist())
    model = learn(far, trees, seed=1, excursion=1.5).model
    assert model.excursions is not None
    assert model.excursions.above[0] <= 3.0


def test_of_many_columns_that_few_runs_showed_one_is_always_far() -> None:
    """The guard stands where the typical part of the past bears it. Mutant: asks about every good lumisection."""
    given = evidence(runs=30, rows=12)
    many = np.random.default_rng(2).standard_t(2, size=(len(given), 400))
    columns = tuple(Column(f"hits{j}.z", "counts.z", "ecal", "detail", "sigma") for j in range(400))
    wide = replace(
        given,
        table=replace(
            given.table,
            columns=(*columns, *given.table.columns),
            values=np.concatenate([many, given.table.values], axis=1).astype(np.float32),
        ),
    )
    good = (wide.label == 0) & ~wide.held
    trained = learn(wide, trees, seed=1, excursion=1.5)
    found = trained.model.excursions
    assert found is not None
    assert found.asked == 1.5
    assert found.times > 3
    assert (trained.past.held & good).mean() < 0.05
    fresh = np.abs(np.random.default_rng(3).standard_t(2, size=many.shape))
    naive = Excursions.of(wide.table, wide.label == 0, 1.5)
    new = replace(wide.table, values=np.concatenate([fresh, given.table.values], axis=1).astype(np.float32))
    assert naive.beyond(new)[good].mean() > 0.3
    assert found.beyond(new)[good].mean() < 0.05
    said = guard_note(found)
    assert f"asks from {found.times:.3g} times the largest past excursion on instead of 1.5" in said
    assert f"fewer than these {len(found.at)} columns" in said


def test_one_odd_part_of_the_past_moves_no_guard() -> None:
    """Mutant: the largest of all folds, or the share of all good lumisections together."""
    fold = np.repeat(np.arange(-1, 6), 100)
    farthest, good = np.full(len(fold), 0.9), np.ones(len(fold), dtype=bool)
    farthest[fold == 2] = 50
    farthest[(fold == 4) & (np.arange(len(fold)) % 2 == 0)] = 7
    assert tolerable(1.5, farthest, good, fold) == 1.5
    farthest[fold == 5] = np.linspace(0, 4, 100)
    assert tolerable(1.5, farthest, good, fold) == pytest.approx(4, abs=0.1)
    assert tolerable(1.5, farthest, good & (fold < 5), fold) == 1.5
    assert tolerable(1.5, farthest, good & (fold < 0), fold) == 1.5


def test_a_guard_that_stands_where_it_is_wanted_is_not_told() -> None:
    """Mutant: a note at every training."""
    trained = learn(with_distance(evidence()), trees, seed=1, excursion=1.5)
    assert trained.model.excursions is not None
    assert guard_note(trained.model.excursions) == guard_note(None) == ""
    off = replace(trained.model.excursions, times=MOST_TIMES)
    assert "asks of nothing instead of 1.5" in guard_note(off)
