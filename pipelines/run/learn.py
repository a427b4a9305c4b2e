"""One step of the rolling schedule: learn from labelled past runs, and choose thresholds that hold on the next."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors import registry
from detectors.calibrate import Calibrator
from detectors.excursions import Excursions
from detectors.fusion import Fusion
from detectors.inputs import Schema
from detectors.model import Companion, Model
from detectors.protocol import Detector
from detectors.selection import seen_part
from dqm.decide.policy import MarginPolicy
from dqm.model.config import Config, ModelConfig
from dqm.model.errors import ConfigError, UnknownNameError
from dqm.model.labels import Label
from dqm.model.past import Past
from pipelines.run.evidence import Evidence
from pipelines.run.schedule import forward_folds

Make = Callable[[], Detector]
"""What makes an unfitted detector."""


@dataclass(frozen=True)
class Recipe:
    """What makes an unfitted detector that is fitted with a ``seed`` of its own on the ``columns`` that it sees."""

    make: Make
    seed: int
    columns: tuple[str, ...] = ()

    def __call__(self) -> Detector:
        """An unfitted detector."""
        return self.make()


FOLDS, SKIP = 8, 2
"""Forward folds of the past, and how many of the first are only learned from; fixed on development runs."""


MOST = np.nextafter(np.float32(1), np.float32(0))
"""Largest badness that a model can give: 1 is said by a documented limit alone."""

SURE = 1 - MarginPolicy.clamp
"""Badness from which what is beyond the past is not held: the lowest from which the policy rejects."""
TOLERABLE = 0.01
"""Share of good lumisections that the guard of single ones may ask about in the typical fold of the past."""


@dataclass(frozen=True)
class Trained:
    """A model, and what it said of the past when that was still the future."""

    model: Model
    past: Past

    def judge(self, evidence: Evidence) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score and badness of ``n`` lumisections, NaN where nothing judged them; beyond a limit they are ∞ and 1."""
        return answers(self.model, self.model.scores(evidence.table), evidence)

    def held(self, evidence: Evidence, badness: NDArray[np.float32]) -> NDArray[np.bool_]:
        """What a guard keeps from the machine, given what the model said of it, ``(n,)``."""
        return held(self.model, evidence, badness)


def answers(
    model: Model, scores: NDArray[np.float32], evidence: Evidence
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Score and badness ``(n,)`` of what the detectors of a model said ``(n, k)``."""
    score = model.combined(scores)
    return settled(score, evidence, np.inf), badness_of(model.badness(score), evidence)


def held(model: Model, evidence: Evidence, badness: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What a guard keeps from the machine ``(n,)``: one of the features', or the end of what the model has seen."""
    if model.excursions is None:
        return evidence.held
    return _held_beyond(model.excursions.beyond(evidence.table), evidence, badness)


def _held_beyond(beyond: NDArray[np.bool_], evidence: Evidence, badness: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The guard of the features, and what is ``beyond`` the past unless the model is sure that it is bad, ``(n,)``.

    So it costs asking instead of accepting and never a rejection, which would be work for nothing.
    """
    return np.asarray(evidence.held | (beyond & (badness < SURE)))


def badness_of(said: NDArray[np.float32], evidence: Evidence) -> NDArray[np.float32]:
    """Badness ``(n,)`` of what a model said: 1 beyond a limit, and nowhere else."""
    return settled(np.minimum(said, MOST), evidence, 1.0)


def settled(answer: NDArray[np.float32], evidence: Evidence, beyond: float) -> NDArray[np.float32]:
    """An answer where a broken limit speaks for itself and nothing speaks for data that cannot be used, ``(n,)``."""
    given = np.where(evidence.beyond, beyond, answer)
    return np.where(evidence.usable, given, np.nan).astype(np.float32)


def learn(
    evidence: Evidence,
    make: Make,
    *,
    seed: int,
    previous: Model | None = None,
    others: tuple[Make, ...] = (),
    excursion: float = 0.0,
) -> Trained:
    """Fit on all of the evidence, and on its forward folds for out-of-fold badness; ``others`` are fused in.

    What goes more than ``excursion`` times as far as all good lumisections that were learned from is held for a
    person, or more than as many times as the past bears (``tolerable``); 0: nothing is. In every fold of the past so
    are those that are not bad, so that thresholds are chosen for what is left to be accepted and are never above those
    without the guard.

    Lumisections beyond a limit teach the model nothing, they are answered without it; no more do those whose data
    cannot be used. A score that is a probability is badness as it is; any other is calibrated on the out-of-fold
    scores.
    """
    inner = replace(
        evidence, label=np.where(evidence.beyond | ~evidence.usable, np.int8(Label.UNKNOWN), evidence.label)
    )
    makers = (make, *others)
    parts = [replace(inner, table=seen_part(inner.table, _columns(each))) for each in makers]
    scores, fold = _out_of_fold(parts, makers, seed)
    starts = [None] * len(makers) if previous is None else [each.detector for each in previous.members]
    members = [
        Companion(registry.kind_of(each), each, _columns(m))
        for m, start, part in zip(makers, starts, parts, strict=True)
        for each in (_fitted(part, m(), _seed(m, seed), start),)
    ]
    weight = evidence.weight / evidence.chance
    model, badness = _joined(members, scores, fold, inner.label, weight)
    if any(len(each.table.columns) < len(inner.table.columns) for each in parts):
        model = replace(model, whole=Schema.of(inner.table))
    said, kept = badness_of(badness, evidence), evidence.held
    if excursion:
        good, farthest = inner.label == Label.GOOD, _farthest_out_of_fold(inner)
        times = tolerable(excursion, farthest, good & ~evidence.held, fold)
        model = replace(model, excursions=Excursions.of(inner.table, good, times, excursion))
        # No bad lumisection that the guard would have caught makes a threshold bolder: it may not catch the next.
        kept = _held_beyond((farthest > times) & (evidence.label != Label.BAD), evidence, said)
    index = evidence.table.index
    return Trained(model, Past(index, said, evidence.label, weight, kept))  # type: ignore[arg-type]  # a lumisection index


def tolerable(
    excursion: float, farthest: NDArray[np.float64], good: NDArray[np.bool_], fold: NDArray[np.int64]
) -> float:
    """The times from which on a guard may ask: ``excursion``, or more where the past did not bear that.

    ``farthest``, ``good`` and ``fold`` ``(n,)``: how many times the excursion of earlier folds a lumisection shows,
    whether it is good and free to be accepted, and its fold, −1 for none. In the middle of the folds, the upper of two,
    no more than ``TOLERABLE`` of the good ones go farther than what is given. Of thousands of columns that a few runs
    showed, one is always farther than ever before; one odd run among many is no reason to ask less.
    """
    levels = sorted(
        float(np.quantile(farthest[rows], 1 - TOLERABLE, method="higher"))
        for k in range(fold.max(initial=-1) + 1)
        if (rows := good & (fold == k)).any()
    )
    return max(excursion, levels[len(levels) // 2]) if levels else excursion


def _farthest_out_of_fold(inner: Evidence) -> NDArray[np.float64]:
    """How many times the excursions of the good lumisections of earlier folds each shows, ``(n,)``; 0 in the first."""
    farthest = np.zeros(len(inner))
    for before, now in forward_folds(inner.run, FOLDS, SKIP):
        past = inner.take(before)
        farthest[now] = Excursions.of(past.table, past.label == Label.GOOD, 1.0).farthest(inner.table.take(now))
    return farthest


def _out_of_fold(
    parts: list[Evidence], makers: tuple[Make, ...], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scores ``(n, k)`` by models of earlier folds, NaN where there is none, and the fold of every row, −1 for none.

    ``parts`` is the evidence in the columns that each of the detectors sees.
    """
    evidence = parts[0]
    scores = np.full((len(evidence), len(makers)), np.nan, dtype=np.float32)
    folds = [*forward_folds(evidence.run, FOLDS, SKIP)]
    fold = np.full(len(evidence), -1)
    for k, (_, now) in enumerate(folds):
        fold[now] = k

    def judge_fold(j: int, before: NDArray[np.bool_], now: NDArray[np.bool_]) -> None:
        fitted = _fitted(parts[j].take(before), makers[j](), _seed(makers[j], seed), None)
        scores[now, j] = fitted.score(parts[j].table.take(now))

    # Folds know nothing of each other, and the trees grow outside the interpreter's lock: the bits stay the same.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        work = [(j, *each) for each in reversed(folds) for j in range(len(makers))]  # the largest first
        for done in [pool.submit(judge_fold, *each) for each in work]:
            done.result()
    return scores, fold


def _joined(
    members: list[Companion],
    scores: NDArray[np.float32],
    fold: NDArray[np.int64],
    label: NDArray[np.int8],
    weight: NDArray[np.float64],
) -> tuple[Model, NDArray[np.float32]]:
    """The model of these detectors, and its badness of the past ``(n,)`` as it would have been told then.

    What combines several detectors is learned as well, so each fold is answered by a combination of the folds before
    it; the first fold has none and gives no evidence.
    """
    model = _combination(members, scores, label, weight)
    if len(members) == 1:
        return model, model.badness(scores[:, 0])
    badness = np.full(len(scores), np.nan, dtype=np.float32)
    for k in range(1, int(fold.max(initial=-1)) + 1):
        before, now = (fold >= 0) & (fold < k), fold == k
        then = _combination(members, scores[before], label[before], weight[before])
        badness[now] = then.badness(then.combined(scores[now]))
    return model, badness


def _combination(
    members: list[Companion], scores: NDArray[np.float32], label: NDArray[np.int8], weight: NDArray[np.float64]
) -> Model:
    """Detectors with a fusion and a calibrator, where they need one, of these out-of-fold scores."""
    first, *others = members
    fusion, score, probable = None, scores[:, 0], _speaks_of_probability(first.detector)
    if others:
        probability = tuple(_speaks_of_probability(each.detector) for each in members)
        fusion = Fusion.fit(scores, label, probability=probability, weight=weight)
        score, probable = fusion.score(scores), fusion.labelled
    calibrator = None if probable else Calibrator().fit(score, label, weight=weight)
    return Model(first.kind, first.detector, calibrator, tuple(others), fusion, first.columns)


def _speaks_of_probability(detector: Detector) -> bool:
    return bool(getattr(detector, "probability", False))


def _fitted(evidence: Evidence, detector: Detector, seed: int, previous: Detector | None) -> Detector:
    """Lumisections count equally in the fit: weighing them by luminosity or charge made thresholds transfer worse."""
    weight = 1 / evidence.chance
    return detector.fit(evidence.table, evidence.label, weight=weight, seed=seed, previous=previous)


def make_detector(config: ModelConfig) -> Recipe:
    """A maker of the unfitted detector that a configuration names; raises ``ConfigError`` where there is none such."""
    try:
        made = registry.make(config.kind, config.parameters)
    except (UnknownNameError, TypeError, ValueError) as error:
        raise ConfigError(f"detector of kind {config.kind!r}: {error}") from None
    # The registry is asked once: it looks through all installed packages.
    return Recipe(lambda: replace(made), config.seed, config.columns)


def make_others(config: Config) -> tuple[Recipe, ...]:
    """Makers of the detectors that a configuration fuses with its model."""
    return tuple(map(make_detector, config.fuse))


def _seed(make: Make, usual: int) -> int:
    """Its own seed, or the usual one."""
    return make.seed if isinstance(make, Recipe) else usual


def _columns(make: Make) -> tuple[str, ...]:
    """Patterns of the columns that its detector sees; none: the usual ones."""
    return make.columns if isinstance(make, Recipe) else ()
