"""The walk-forward: every block is scored by a model, and decided with thresholds, of the blocks before it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from dqm.decide.policy import MarginPolicy
from dqm.model.labels import Label
from dqm.model.verdicts import Decision, WorkingPoint
from pipelines.run.evidence import Evidence
from pipelines.run.learn import Make, Trained, learn
from pipelines.run.schedule import Schedule

AUDIT = 0.02
"""Share of the lumisections that people look at whatever the machine says, when only asked ones get labels."""


@dataclass(frozen=True)
class Budget:
    """Largest data loss and pollution, fractions of the weight."""

    data_loss: float
    pollution: float


@dataclass(frozen=True)
class Walk:
    """What a walk gave for ``n`` lumisections.

    ``badness`` ``(n,)`` is NaN in the warm-up and where nothing scored, ``score`` ``(n,)`` what the detector said
    before it was calibrated, infinite beyond a documented limit; ``decision[b]`` ``(n,)`` holds a ``Decision`` for
    every budget b, an empty string in the warm-up; ``points[b]`` one working point a step.
    """

    score: NDArray[np.float32]
    badness: NDArray[np.float32]
    decision: tuple[NDArray[np.object_], ...]
    points: tuple[tuple[WorkingPoint, ...], ...]
    seconds: float


@dataclass(frozen=True)
class Walker:
    """How to walk: a maker of detectors and of ``others`` to fuse with it, the schedule, the policy and the seed.

    ``excursion`` as ``learn`` takes it.
    """

    make: Make
    schedule: Schedule = field(default_factory=Schedule)
    policy: MarginPolicy = field(default_factory=MarginPolicy)
    seed: int = 1
    others: tuple[Make, ...] = ()
    excursion: float = 0.0

    def walk(
        self,
        evidence: Evidence,
        budgets: tuple[Budget, ...],
        block: NDArray[np.int64] | None = None,
        only: range | None = None,
    ) -> Walk:
        """Certify block by block with every past label; what certifies a block has seen no label of it.

        ``block`` ``(n,)`` counts from 1; None = the schedule's equal parts of the runs. Blocks that are not among
        ``only`` are left as in the warm-up, unless a later step starts from them; the others come out the same.
        """
        begun = perf_counter()
        block = self.schedule.block(evidence.run) if block is None else block
        score, badness = np.full((2, len(evidence)), np.nan, dtype=np.float32)
        decision = tuple(np.full(len(evidence), "", dtype=object) for _ in budgets)
        points: tuple[list[WorkingPoint], ...] = tuple([] for _ in budgets)
        before: Trained | None = None
        for step, (now, known) in enumerate(self.schedule.steps()):
            rows = block == now
            idle = only is not None and now not in only and self.schedule.refit_every == 1
            if idle or not rows.any():
                continue
            before = self._learned(evidence.take(np.isin(block, known)), step, before)
            present = evidence.take(rows)
            score[rows], badness[rows] = before.judge(present)
            held = before.held(present, badness[rows])
            for which, budget in enumerate(budgets):
                point = self.policy.choose(before.past, budget.data_loss, budget.pollution)
                points[which].append(point)
                decision[which][rows] = point.decide(badness[rows], held)
        return Walk(score, badness, decision, tuple(map(tuple, points)), perf_counter() - begun)

    def walk_asked(self, evidence: Evidence, budget: Budget, block: NDArray[np.int64] | None = None) -> Walk:
        """The same where, after the warm-up, only what people were asked gets a label, and a random audit.

        Audited lumisections are asked whatever the machine says, so they cost work, and stand for those that it decided
        alone by their chance of being drawn; without them a wrong automatic decision could never come to light.
        """
        begun = perf_counter()
        block = self.schedule.block(evidence.run) if block is None else block
        audited = np.random.default_rng(self.seed).random(len(evidence)) < AUDIT
        seen = evidence.label.copy()
        seen[block > self.schedule.warm_up] = Label.UNKNOWN
        chance = np.ones(len(evidence))
        score, badness = np.full((2, len(evidence)), np.nan, dtype=np.float32)
        decision = np.full(len(evidence), "", dtype=object)
        points, before = [], None
        for step, (now, known) in enumerate(self.schedule.steps()):
            rows = block == now
            if not rows.any():
                continue
            so_far = replace(evidence, label=seen, chance=chance)
            before = self._learned(so_far.take(np.isin(block, known)), step, before)
            present = evidence.take(rows)
            score[rows], badness[rows] = before.judge(present)
            points.append(self.policy.choose(before.past, budget.data_loss, budget.pollution))
            machine = points[-1].decide(badness[rows], before.held(present, badness[rows]))
            asked = np.isin(machine.astype(str), [Decision.ASK, Decision.UNKNOWN])
            decision[rows] = np.where(audited[rows] & ~asked, Decision.ASK, machine)
            seen[rows] = np.where(asked | audited[rows], present.label, np.int8(Label.UNKNOWN))
            chance[rows] = np.where(asked, 1.0, AUDIT)
        return Walk(score, badness, (decision,), (tuple(points),), perf_counter() - begun)

    def _learned(self, past: Evidence, step: int, before: Trained | None) -> Trained:
        afresh = before is None or step % self.schedule.refit_every == 0
        previous = None if afresh or before is None else before.model
        return learn(past, self.make, seed=self.seed, previous=previous, others=self.others, excursion=self.excursion)
