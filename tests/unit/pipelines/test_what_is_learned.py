"""What reaches a detector, told by a detector: which runs, labels, weights, and when it starts from the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from detectors.boosted import Boosted
from detectors.model import Model
from dqm.model.labels import Label
from dqm.model.verdicts import Decision
from pipelines.run.evidence import Evidence
from pipelines.run.learn import FOLDS, SKIP, learn
from pipelines.run.rolling import AUDIT, Budget, Walker
from pipelines.run.schedule import Schedule, forward_folds

from .conftest import Fit, Telling
from .evidences import evidence

Telltale = Callable[[], Telling]
BUDGET = Budget(0.02, 0.02)
GIVEN = evidence(runs=24, rows=10)


def test_the_past_was_judged_while_it_was_the_future(telling: Telltale) -> None:
    """The score of ``Telling`` is the last run it knows: before the run that is judged, and NaN in the first folds."""
    past = learn(GIVEN, telling, seed=1).past
    inner = ~GIVEN.beyond
    judged = np.isfinite(past.badness) & inner
    assert (np.round(past.badness[judged] * 1000) < GIVEN.run[judged]).all()
    runs = np.unique(GIVEN.run)
    assert np.array_equal(judged, inner & np.isin(GIVEN.run, runs[len(runs) * SKIP // FOLDS :]))


def test_no_fit_sees_the_label_of_what_breaks_a_limit(telling: Telltale, diary: list[Fit]) -> None:
    """Mutant: the fit on everything gets the labels as they are."""
    learn(GIVEN, telling, seed=1)
    for fit in diary:
        rows = np.isin(GIVEN.run, fit.run)
        expected = np.where(GIVEN.beyond, Label.UNKNOWN, GIVEN.label)[rows]
        assert np.array_equal(fit.label, expected)


def test_only_the_fit_on_everything_continues_the_previous(telling: Telltale, diary: list[Fit]) -> None:
    """A fold that started from it would have seen its own future."""
    learn(GIVEN, telling, seed=1, previous=Model("", telling()))
    assert [fit.warm for fit in diary] == [False] * (FOLDS - SKIP) + [True]
    assert np.array_equal(diary[-1].run, GIVEN.run)


def test_a_fit_is_weighted_by_the_chance_of_a_look_alone(telling: Telltale, diary: list[Fit]) -> None:
    """Not by luminosity or charge."""
    chance = np.where(np.arange(len(GIVEN)) % 3 == 0, 0.02, 1.0)
    learn(replace(GIVEN, chance=chance), telling, seed=1)
    assert np.array_equal(diary[-1].weight, 1 / chance)


def test_nothing_known_is_learned_from_without_an_error() -> None:
    nothing = learn(GIVEN.take(np.zeros(len(GIVEN), dtype=bool)), Boosted, seed=1)
    assert not len(nothing.past)
    _, badness = nothing.judge(GIVEN)
    assert (badness == np.where(GIVEN.beyond, 1, 0.5)).all()


def test_before_the_first_label_everything_is_asked() -> None:
    """One warm-up block whose labels come a block late: the first step knows nothing."""
    schedule = Schedule(blocks=6, warm_up=1, label_delay=1)
    walk = Walker(lambda: Boosted(trees=3, members=1), schedule).walk(GIVEN, (BUDGET,))
    assert set(walk.decision[0][schedule.block(GIVEN.run) == 2]) == {Decision.ASK}


@pytest.mark.parametrize(("every", "warm"), [(1, [0, 0, 0, 0]), (2, [0, 1, 0, 1]), (3, [0, 1, 1, 0])])
def test_a_full_fit_every_so_many_steps(telling: Telltale, diary: list[Fit], every: int, warm: list[int]) -> None:
    """The last fit of every step is the one on everything; the folds before it always start afresh."""
    schedule = Schedule(blocks=6, warm_up=2, refit_every=every)
    Walker(telling, schedule).walk(GIVEN, (BUDGET,))
    block = schedule.block(GIVEN.run)
    known = [GIVEN.run[np.isin(block, blocks)] for _, blocks in schedule.steps()]
    last = np.cumsum([len(list(forward_folds(run, FOLDS, SKIP))) + 1 for run in known]) - 1
    assert all(np.array_equal(diary[at].run, run) for at, run in zip(last, known, strict=True))
    assert [diary[at].warm for at in last] == [bool(each) for each in warm]
    assert sum(fit.warm for fit in diary) == sum(warm)


class Certain(Telling):
    """Knows the truth: 1 above what good lumisections reach."""

    def score(self, table):  # type: ignore[no-untyped-def]
        return np.where(table.values[:, 0] > 5, np.float32(1), np.float32(0))


def test_a_look_without_being_asked_counts_fifty_times(diary: list[Fit]) -> None:
    """Labels after the warm-up are those asked or audited; the audited count 1 / AUDIT, the asked once."""
    given: Evidence = evidence(runs=60, rows=40)
    clear = given.table.values.copy()
    clear[:, 0] = np.where(given.label == 1, 9, 0)
    given = replace(given, table=replace(given.table, values=clear))
    schedule = Schedule(blocks=6, warm_up=3, label_delay=0)
    walk = Walker(lambda: Certain(diary), schedule).walk_asked(given, BUDGET)
    last = diary[-1]
    rows = np.isin(given.run, last.run)
    late, looked = (schedule.block(given.run) > 3)[rows], (walk.decision[0] == Decision.ASK)[rows]
    inner = ~given.beyond[rows]
    assert (last.label[late & ~looked] == Label.UNKNOWN).all()
    assert np.array_equal(last.label[inner & (looked | ~late)], given.label[rows][inner & (looked | ~late)])
    counted = last.weight[late & looked]
    assert set(counted) == {1.0, 1 / AUDIT}
    assert (last.weight[~late] == 1).all()
    audited = (counted == 1 / AUDIT).sum() / late.sum()
    assert 0.2 * AUDIT < audited < 3 * AUDIT
