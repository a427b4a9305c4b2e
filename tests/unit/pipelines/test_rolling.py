"""The walk-forward: no decision has seen a label that was not there yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.boosted import Boosted
from detectors.protocol import Detector
from detectors.robust_z import RobustZ
from dqm.decide.policy import MarginPolicy
from dqm.model.verdicts import Decision
from pipelines.run.evidence import Evidence
from pipelines.run.learn import Trained
from pipelines.run.rolling import Budget, Walk, Walker
from pipelines.run.schedule import Schedule

from .evidences import evidence

BUDGETS = (Budget(0.02, 0.02), Budget(0.1, 0.05))
MACHINE = {Decision.ACCEPT, Decision.REJECT}
SCHEDULES = {
    "usual": Schedule(blocks=6, warm_up=2, label_delay=1),
    "no delay": Schedule(blocks=6, warm_up=3, label_delay=0),
    "late and short": Schedule(blocks=7, warm_up=3, label_delay=2, window=2),
    "warm starts": Schedule(blocks=6, warm_up=2, label_delay=1, refit_every=2),
}


def trees() -> Boosted:
    return Boosted(trees=8, members=1, refresh_trees=2, learning_rate=0.4)


def walker(make: Callable[[], Detector] = RobustZ, schedule: str = "usual") -> Walker:
    return Walker(make, SCHEDULES[schedule], MarginPolicy(resamples=40, points=50))


def random_labels(given: Evidence, rows: NDArray[np.bool_], seed: int) -> Evidence:
    noise = np.random.default_rng(seed).choice([-1, 0, 1], len(given), p=[0.1, 0.45, 0.45]).astype(np.int8)
    return replace(given, label=np.where(rows, noise, given.label))


def assert_equal_in(a: Walk, b: Walk, rows: NDArray[np.bool_]) -> None:
    for name in ("score", "badness"):
        x, y = getattr(a, name)[rows], getattr(b, name)[rows]
        assert np.array_equal(x, y, equal_nan=True), f"{name} saw a label"
    for one, other in zip(a.decision, b.decision, strict=True):
        assert (one[rows] == other[rows]).all(), "decision saw a label"


def assert_blind(who: Walker, given: Evidence) -> None:
    """Whatever people will say of a block, of the delayed ones and of all later ones, it is decided the same."""
    before, block = who.walk(given, BUDGETS), who.schedule.block(given.run)
    assert set(before.decision[1].tolist()) >= MACHINE, "nothing to see where nothing is decided"
    for now, known in who.schedule.steps():
        after = who.walk(random_labels(given, block >= known.stop, seed=now), BUDGETS)
        assert_equal_in(before, after, block <= now)


@pytest.mark.parametrize("make", [RobustZ, pytest.param(trees, marks=pytest.mark.slow)])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_decision_has_seen_a_later_label(make: Callable[[], Detector], schedule: str) -> None:
    """Mutant: a schedule that learns from the block it certifies, or from the delayed one (see below)."""
    assert_blind(walker(make, schedule), evidence())


@dataclass(frozen=True)
class Eager(Schedule):
    """Says that labels come late, and learns from ``ahead`` blocks that nobody has labelled yet."""

    ahead: int = 1

    def steps(self) -> Iterator[tuple[int, range]]:
        for block, known in super().steps():
            yield block, range(known.start, known.stop + self.ahead)


@pytest.mark.parametrize("ahead", [1, 2])
def test_a_walk_that_learns_too_early_is_caught(ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant of ``test_no_decision_has_seen_a_later_label``: one block ahead is the delayed, two the certified."""
    honest = Schedule(blocks=6, warm_up=2, label_delay=1)
    eager = Eager(blocks=6, warm_up=2, label_delay=1, ahead=ahead)
    walk = Walker.walk
    monkeypatch.setattr(Walker, "walk", lambda self, *given: walk(replace(self, schedule=eager), *given))
    with pytest.raises(AssertionError, match="saw a label"):
        assert_blind(replace(walker(trees), schedule=honest), evidence())


def assert_asks_honestly(who: Walker, given: Evidence) -> None:
    """Labels of lumisections that were neither asked nor audited have no effect on anything."""
    before, block = who.walk_asked(given, BUDGETS[1]), who.schedule.block(given.run)
    alone = np.isin(before.decision[0].astype(str), list(MACHINE)) & (block > who.schedule.warm_up)
    assert alone.sum() > 100
    for seed in range(2):
        after = who.walk_asked(random_labels(given, alone, seed), BUDGETS[1])
        assert_equal_in(before, after, np.ones(len(given), dtype=bool))
        assert after.points == before.points, "working point saw a label"


@pytest.mark.parametrize("make", [RobustZ, pytest.param(trees, marks=pytest.mark.slow)])
@pytest.mark.parametrize("schedule", ["usual", "warm starts"])
def test_what_nobody_looked_at_teaches_nothing(make: Callable[[], Detector], schedule: str) -> None:
    """Mutant: a walk that learns from every label (see below)."""
    assert_asks_honestly(walker(make, schedule), evidence())


def test_a_walk_that_learns_what_nobody_looked_at_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant of ``test_what_nobody_looked_at_teaches_nothing``: it puts the labels back before it learns."""
    learned, asked = Walker._learned, Walker.walk_asked
    full: list[Evidence] = []

    def remember(self: Walker, given: Evidence, budget: Budget) -> Walk:
        full[:] = [given]
        return asked(self, given, budget)

    def peek(self: Walker, past: Evidence, step: int, before: Trained | None) -> Trained:
        return learned(self, full[0].take(np.isin(full[0].run, past.run)), step, before)

    monkeypatch.setattr(Walker, "walk_asked", remember)
    monkeypatch.setattr(Walker, "_learned", peek)
    with pytest.raises(AssertionError, match="saw a label"):
        assert_asks_honestly(walker(trees), evidence())


def test_the_warm_up_is_left_to_people() -> None:
    who, given = walker(), evidence()
    found, warm = who.walk(given, BUDGETS), who.schedule.block(given.run) <= who.schedule.warm_up
    assert np.isnan(found.badness[warm]).all()
    assert set(found.decision[0][warm]) == {""}
    assert "" not in found.decision[0][~warm]
    assert [len(each) for each in found.points] == [4, 4]


def test_a_walk_repeats_itself_bit_for_bit() -> None:
    who, given = walker(trees), evidence()
    assert_equal_in(who.walk(given, BUDGETS), who.walk(given, BUDGETS), np.ones(len(given), dtype=bool))


def test_held_is_asked_and_a_limit_rejects() -> None:
    who, given = walker(), evidence()
    late = who.schedule.block(given.run) > who.schedule.warm_up
    found = who.walk(given, BUDGETS)
    assert set(found.decision[1][late & given.held]) == {Decision.ASK}
    assert (found.badness[late & given.beyond] == 1).all()
    assert np.isposinf(found.score[late & given.beyond]).all()


def test_an_audit_costs_work_and_is_drawn_whatever_the_machine_says() -> None:
    who, given = walker(), evidence()
    asked, plain = who.walk_asked(given, BUDGETS[1]), who.walk(given, BUDGETS[1:])
    first = who.schedule.block(given.run) == who.schedule.warm_up + 1
    audited = (asked.decision[0] != plain.decision[0]) & first
    assert audited.any()
    assert set(asked.decision[0][audited]) == {Decision.ASK}
    assert set(plain.decision[0][audited]) <= MACHINE


def test_a_block_without_runs_is_passed_over() -> None:
    who, given = walker(), evidence()
    block = who.schedule.block(given.run)
    block[block == 5] = 4
    found = who.walk(given, BUDGETS, block)
    assert len(found.points[0]) == 3
    assert "" not in found.decision[0][block > 2]


def test_only_some_blocks_come_out_as_in_the_whole_walk() -> None:
    """Mutant: a step that is left out although a warm start needs it."""
    given = evidence()
    for schedule in ("usual", "warm starts"):
        who = walker(trees, schedule)
        whole, some = who.walk(given, BUDGETS), who.walk(given, BUDGETS, only=range(5, 7))
        reported = who.schedule.block(given.run) >= 5
        assert_equal_in(whole, some, reported)
        assert whole.points[0][-1] == some.points[0][-1]
    alone = walker(trees).walk(given, BUDGETS, only=range(6, 7))
    assert set(alone.decision[0][who.schedule.block(given.run) < 6].tolist()) == {""}
