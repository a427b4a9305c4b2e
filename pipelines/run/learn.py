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
from detectors.protocol import Detector
from dqm.model.config import ModelConfig
from dqm.model.errors import ConfigError, UnknownNameError
from dqm.model.labels import Label
from dqm.model.past import Past
from pipelines.run.evidence import Evidence
from pipelines.run.schedule import forward_folds

FOLDS, SKIP = 8, 2
"""Forward folds of the past, and how many of the first are only learned from; fixed on development runs."""


@dataclass(frozen=True)
class Trained:
    """A model, the map from its score to badness, and what it said of the past when that was still the future."""

    detector: Detector
    calibrator: Calibrator | None
    past: Past

    def judge(self, evidence: Evidence) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score and badness of ``n`` lumisections, NaN where nothing judged them; beyond a limit they are ∞ and 1."""
        return judged(self.detector.score(evidence.table), self.calibrator, evidence)


def judged(
    score: NDArray[np.float32], calibrator: Calibrator | None, evidence: Evidence
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Score and badness, where a broken limit speaks for itself and nothing speaks for data that cannot be used."""
    badness = score if calibrator is None else calibrator.apply(score)
    answers = np.where(evidence.beyond, np.array([[np.inf], [1]]), np.stack([score, badness]))
    answers = np.where(evidence.usable, answers, np.nan).astype(np.float32)
    return answers[0], answers[1]


def learn(evidence: Evidence, make: Callable[[], Detector], *, seed: int, previous: Detector | None = None) -> Trained:
    """Fit on all of the evidence, and on its forward folds for out-of-fold badness.

    Lumisections beyond a limit teach the model nothing, they are answered without it; no more do those whose data
    cannot be used. A score that is a probability
    is badness as it is; any other is calibrated on the out-of-fold scores.
    """
    inner = replace(
        evidence, label=np.where(evidence.beyond | ~evidence.usable, np.int8(Label.UNKNOWN), evidence.label)
    )
    score = np.full(len(evidence), np.nan, dtype=np.float32)

    def judge_fold(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> None:
        score[now] = _fitted(inner.take(before), make(), seed, None).score(evidence.table.take(now))

    # Folds know nothing of each other, and the trees grow outside the interpreter's lock: the bits stay the same.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        largest_first = reversed([*forward_folds(evidence.run, FOLDS, SKIP)])
        for done in [pool.submit(judge_fold, *fold) for fold in largest_first]:
            done.result()
    detector = _fitted(inner, make(), seed, previous)
    weight = evidence.weight / evidence.chance
    calibrator = None
    if not getattr(detector, "probability", False):
        calibrator = Calibrator().fit(score, inner.label, weight=weight)
    _, badness = judged(score, calibrator, evidence)
    past = Past(evidence.table.index, badness, evidence.label, weight, evidence.held)  # type: ignore[arg-type]
    return Trained(detector, calibrator, past)


def _fitted(evidence: Evidence, detector: Detector, seed: int, previous: Detector | None) -> Detector:
    """Lumisections count equally in the fit: weighing them by luminosity or charge made thresholds transfer worse."""
    weight = 1 / evidence.chance
    return detector.fit(evidence.table, evidence.label, weight=weight, seed=seed, previous=previous)


def make_detector(config: ModelConfig) -> Callable[[], Detector]:
    """A maker of the unfitted detector that a configuration names; raises ``ConfigError`` where there is none such."""

    def make() -> Detector:
        try:
            return registry.make(config.kind, config.parameters)
        except (UnknownNameError, TypeError, ValueError) as error:
            raise ConfigError(f"[model] kind = {config.kind!r}: {error}") from None

    make()  # a mistake is told before the work begins
    return make
