"""Several detectors, one answer: what each says of a lumisection, on one scale, combined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, ndtr, ndtri

from detectors.conformal import Conformal
from detectors.inputs import checked_labels, checked_weight
from detectors.protocol import State
from dqm.model.labels import Label

FEW = 30
"""Lumisections of either class below which nothing is learned of how much a detector is worth."""

RIDGE = 1e-3
"""Shrinkage of the weights, per effective lumisection."""

LEAST_P = 1e-12


@dataclass(frozen=True, eq=False)
class Fusion:
    """k scores of a lumisection into one, from scores of past lumisections that no detector had learned from.

    Every score becomes a conformal p-value among good lumisections (``references``), evidence e_j = −ln p_j ≥ 0. A
    detector that gives a probability q itself speaks in log-odds, e_j = ln q/(1 − q), for its p-value would tie all
    that lie beyond the held-out good.

    With labels the answer is p(bad) = 1 / (1 + exp(−b − Σ_j a_j e_j)), a_j ≥ 0: logistic regression that cannot turn
    a detector round (stacking: Wolpert, Neural Networks 5 (1992) 241). Without enough of them, it is −ln of one p-value
    in which detectors that say the same do not count twice: T = Σ_j Φ⁻¹(1 − p_j), p = 1 − Φ(T / √(Σ_ij C_ij)), C the
    correlation of the normal scores over held-out good lumisections (Stouffer's sum with Strube's variance,
    Psychological Bulletin 97 (1985) 334); ``labelled`` tells which, ``weights`` are a_1 … a_k, b, or the √ΣC.
    """

    references: tuple[Conformal, ...]
    probability: tuple[bool, ...]
    labelled: bool
    weights: NDArray[np.float64]

    EDGE: ClassVar[float] = 1e-6

    @classmethod
    def fit(
        cls,
        scores: NDArray[np.float32],
        labels: ArrayLike,
        *,
        probability: tuple[bool, ...],
        weight: ArrayLike | None = None,
    ) -> Self:
        """From out-of-fold ``scores`` ``(n, k)``; rows that lack a score, are UNKNOWN or weigh 0 are left out.

        ``probability[j]`` tells that detector j gives p(bad). Raises ``ValueError`` where shapes disagree.
        """
        if scores.ndim != 2 or scores.shape[1] != len(probability):
            raise ValueError(f"scores of shape {scores.shape} from {len(probability)} detectors")
        y, w = checked_labels(labels, len(scores)), checked_weight(weight, len(scores))
        rows = np.isfinite(scores).all(axis=1) & (y != Label.UNKNOWN) & (w > 0)
        s, bad, w = scores[rows], y[rows] == Label.BAD, w[rows]
        references = tuple(Conformal.of(column) for column in s[~bad].T)
        plain = cls(references, probability, False, np.ones(1))
        if min(bad.sum(), (~bad).sum()) >= FEW:
            return cls(references, probability, True, _logistic(plain.evidence(s), bad, w / w.mean()))
        return cls(references, probability, False, plain._spread(s[~bad]))

    def score(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """p(bad) in [0, 1], or −ln p ≥ 0 where nothing was labelled, ``(n,)``; NaN where any score is missing."""
        if self.labelled:
            return np.asarray(expit(self.evidence(scores) @ self.weights[:-1] + self.weights[-1]), dtype=np.float32)
        total = self._z(scores).sum(axis=1)
        return np.asarray(-np.log(np.maximum(ndtr(-total / self.weights[0]), LEAST_P)), dtype=np.float32)

    def evidence(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """e ``(n, k)``: −ln p, or the log-odds of a detector that gives a probability."""
        found = -np.log(self._p(scores))
        for j, speaks in enumerate(self.probability):
            if speaks:
                q = np.clip(scores[:, j].astype(np.float64), self.EDGE, 1 - self.EDGE)
                found[:, j] = np.log(q) - np.log1p(-q)
        return found

    def shares(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each detector adds to the anomaly, ``(n, k)`` ≥ 0: a_j · e_j above its usual value, 0 where missing."""
        if self.labelled:
            usual = np.array([np.median(self._usual(j)) for j in range(len(self.references))])
            found = (self.evidence(scores) - usual) * self.weights[:-1]
        else:
            found = -np.log(self._p(scores))
        return np.asarray(np.nan_to_num(np.maximum(found, 0)), dtype=np.float32)

    def state(self) -> State:
        """``good_1`` … the held-out scores of each detector; ``weights``; ``labelled``; ``probability``."""
        held_out = {f"good_{j}": each.good for j, each in enumerate(self.references, start=1)}
        flags = {"labelled": np.array(self.labelled), "probability": np.array(self.probability, dtype=bool)}
        return {**held_out, **flags, "weights": self.weights}

    @classmethod
    def restore(cls, state: State) -> Self:
        """The fusion again, bit-equal; raises ``KeyError`` or ``ValueError`` for a state that is not one."""
        probability = np.asarray(state["probability"])
        labelled, weights = bool(np.asarray(state["labelled"])), np.asarray(state["weights"], dtype=np.float64)
        k = len(probability)
        if probability.dtype != bool or weights.shape != ((k + 1,) if labelled else (1,)):
            raise ValueError(f"weights of shape {weights.shape} do not suit {k} detectors")
        if not np.isfinite(weights).all() or (weights[:k] < 0).any() or (not labelled and weights[0] < 1):
            raise ValueError("weights of a fusion must be finite, and those of detectors not negative")
        references = tuple(Conformal.of(np.asarray(state[f"good_{j}"])) for j in range(1, k + 1))
        return cls(references, tuple(map(bool, probability)), labelled, weights)

    def _p(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.stack([each.p(column) for each, column in zip(self.references, scores.T, strict=True)], axis=1)

    def _usual(self, j: int) -> NDArray[np.float64]:
        """Evidence of detector j over its held-out good scores; 0 where there are none."""
        good = self.references[j].good
        if not len(good):
            return np.zeros(1)
        columns = np.zeros((len(good), len(self.references)), dtype=np.float32)
        columns[:, j] = good
        return self.evidence(columns)[:, j]

    def _z(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Normal scores Φ⁻¹(1 − p), ``(n, k)``; p is kept as far from 1 as it is from 0, so that none has a veto."""
        p = self._p(scores)
        for j, each in enumerate(self.references):
            least = 1 / (len(each.good) + 2)
            p[:, j] = np.clip(p[:, j], least, 1 - least)
        return np.asarray(-ndtri(p))

    def _spread(self, good: NDArray[np.float32]) -> NDArray[np.float64]:
        """√Σ_ij C_ij ``(1,)``: from √k if k detectors know nothing of each other to k if they say the same."""
        k = len(self.references)
        z = self._z(good) if len(good) > k else np.zeros((1, k))
        if (np.ptp(z, axis=0) == 0).any():  # nothing is known of their dependence: the most careful answer
            return np.array([float(k)])
        return np.array([np.sqrt(max(np.corrcoef(z, rowvar=False).sum(), 1.0))]) if k > 1 else np.ones(1)


def _logistic(evidence: NDArray[np.float64], bad: NDArray[np.bool_], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """a ``(k,)`` ≥ 0 and b of the logistic regression, ``(k + 1,)``."""
    n, k = evidence.shape
    X = np.column_stack([evidence, np.ones(n)])

    def loss(a: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        t = X @ a
        each = np.logaddexp(0, t) - bad * t
        slope = X.T @ (w * (expit(t) - bad)) / n
        slope[:k] += 2 * RIDGE * a[:k]
        return float((w * each).mean() + RIDGE * (a[:k] ** 2).sum()), slope

    start = np.append(np.full(k, 1.0 / k), -1.0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * k + [(None, None)])
    return np.asarray(found.x, dtype=np.float64)
