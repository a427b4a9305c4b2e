"""A trained model: detectors, what combines them, and the map from their answer to badness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.calibrate import Calibrator
from detectors.excursions import Excursions
from detectors.fusion import Fusion
from detectors.inputs import NotFittedError, Schema
from detectors.protocol import Detector
from detectors.selection import among_all, seen_part, seen_positions
from dqm.model.tables import FeatureTable


@dataclass(frozen=True)
class Companion:
    """A detector of a model, its registered ``kind``, and patterns of the ``columns`` that it sees.

    Without patterns it sees all columns but the bins of histograms (``detectors.selection``).
    """

    kind: str
    detector: Detector
    columns: tuple[str, ...] = ()

    def score(self, table: FeatureTable) -> NDArray[np.float32]:
        """What it says of every row of the whole table, ``(n,)``."""
        return self.detector.score(seen_part(table, self.columns))

    def explain(self, table: FeatureTable) -> NDArray[np.float32]:
        """What each column of the whole table adds, ``(n, d)``; 0 where it does not look."""
        return self.told(self.detector.explain, table, 0.0)

    def told(
        self, offer: Callable[[FeatureTable], NDArray[np.float32]], table: FeatureTable, elsewhere: float
    ) -> NDArray[np.float32]:
        """What it offers for every column that it sees, among all columns of the whole table, ``(n, d)``."""
        at = seen_positions(table.columns, self.columns)
        said = np.asarray(offer(seen_part(table, self.columns)), dtype=np.float32)
        return among_all(said, at, len(table.columns), elsewhere)


@dataclass(frozen=True)
class Model:
    """What gives badness: the ``detector`` of a registered ``kind``, or it and ``others`` through a ``fusion``.

    ``calibrator`` is None where the answer is a probability as it is. ``columns`` are what the first detector sees,
    ``whole`` all that is to be given, None where that is what the first sees. ``excursions`` tell what lies beyond all
    that it has learned from; None where nobody asked for it.
    """

    kind: str
    detector: Detector
    calibrator: Calibrator | None = None
    others: tuple[Companion, ...] = ()
    fusion: Fusion | None = None
    columns: tuple[str, ...] = ()
    whole: Schema | None = None
    excursions: Excursions | None = None

    def __post_init__(self) -> None:
        if bool(self.others) != (self.fusion is not None):
            raise ValueError(f"{1 + len(self.others)} detectors {'with' if self.fusion else 'without'} a fusion")

    @property
    def members(self) -> tuple[Companion, ...]:
        """Every detector with its kind, the first one first."""
        return (Companion(self.kind, self.detector, self.columns), *self.others)

    @property
    def titles(self) -> tuple[str, ...]:
        """A name of every detector: its kind, with a number from the second of a kind on."""
        kinds = [each.kind for each in self.members]
        seen = [kinds[:j].count(kind) for j, kind in enumerate(kinds)]
        return tuple(f"{kind}#{n + 1}" if n else kind for kind, n in zip(kinds, seen, strict=True))

    @property
    def schema(self) -> Schema:
        """Columns and extractor that the model expects; raises ``NotFittedError`` before it has learned any."""
        if self.whole is not None:
            return self.whole
        if self.detector.schema is None:
            raise NotFittedError(self.detector)
        return self.detector.schema

    def scores(self, table: FeatureTable) -> NDArray[np.float32]:
        """What every detector says, ``(n, k)``."""
        return np.stack([each.score(table) for each in self.members], axis=1)

    def combined(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Their answer together, ``(n,)``."""
        return scores[:, 0] if self.fusion is None else self.fusion.score(scores)

    def badness(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Badness in [0, 1] of combined scores, ``(n,)``."""
        return score if self.calibrator is None else self.calibrator.apply(score)

    def explain(self, table: FeatureTable, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each column adds to the anomaly, ``(n, d)`` ≥ 0.

        With several detectors each divides its share (``Fusion.shares``) among the columns as its own explanation
        does.
        """
        if self.fusion is None:
            return self.members[0].explain(table)
        whole = np.zeros(table.values.shape, dtype=np.float32)
        for each, share in zip(self.members, self.fusion.shares(scores).T, strict=True):
            part = each.explain(table)
            total = part.sum(axis=1, keepdims=True)
            whole += np.divide(part, total, out=np.zeros_like(part), where=total > 0) * share[:, None]
        return whole
