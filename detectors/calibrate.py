"""From any score to badness in [0, 1], learned on out-of-fold scores of labelled past lumisections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.inputs import NotFittedError, checked_labels, checked_weight
from detectors.protocol import Scalar, State
from dqm.model.labels import Label

KNOTS_MOST = 4097
"""Knots of the rank; more say nothing that a straight line between them does not."""

Method = Literal["isotonic", "platt", "prior"]


@dataclass
class Calibrator:
    """A strictly increasing map of a score s to badness, p(s) = (1 − t) · c(s) + t · r(s), with t = ``tie_break``.

    c estimates p(bad | s): isotonic regression (Zadrozny and Elkan, KDD 2002), linear between its steps and clipped to
    [1/(2n), 1 − 1/(2n)] for n effective rows, n = (Σw)²/Σw²; with fewer than ``few`` rows of either class, where
    isotonic regression learns noise, a logistic curve in the rank with Platt's targets (N₊+1)/(N₊+2) and 1/(N₋+2); with
    one class only the constant (bad + 1)/(rows + 2). ``method`` tells which.

    r(s) in (0, 1) is the rank of s among the training scores, linear between them and running out as 1/s beyond, so
    that steps of c do not tie scores that the detector told apart: p never swaps two scores, and ties them only where
    float32 cannot hold the difference. Badness is off by at most t. A score that is NaN has badness NaN.
    """

    few: int = 30
    tie_break: float = 1e-3
    method: Method | Literal[""] = field(default="", init=False, compare=False)
    _curve: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 0)), init=False, repr=False, compare=False)
    _ranks: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 0)), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.few < 1 or not 0 < self.tie_break < 1:
            raise ValueError(f"few = {self.few} must be at least 1 and tie_break = {self.tie_break} lie in (0, 1)")

    def fit(self, score: ArrayLike, labels: ArrayLike, *, weight: ArrayLike | None = None) -> Self:
        """Learn from ``n`` scores; rows without a score, labelled UNKNOWN or of weight 0 are left out.

        Raises ``ValueError`` where shapes disagree or a label or weight is not valid.
        """
        s = np.asarray(score, dtype=np.float64)
        y, w = checked_labels(labels, len(s)), checked_weight(weight, len(s))
        rows = np.isfinite(s) & (y != Label.UNKNOWN) & (w > 0)
        s, bad, w = s[rows], y[rows] == Label.BAD, w[rows]
        self._ranks = _ranks(s)
        rarer = min(bad.sum(), (~bad).sum())
        if rarer >= self.few:
            self.method, self._curve = "isotonic", _isotonic(s, bad, w)
        elif rarer:
            self.method, self._curve = "platt", self._platt(bad, s, w)
        else:
            constant = (bad.sum() + 1) / (bad.size + 2)
            self.method, self._curve = "prior", np.array([[0.0], [constant]])
        return self

    def apply(self, score: ArrayLike) -> NDArray[np.float32]:
        """Badness of every score, ``(n,)`` float32 in [0, 1]."""
        if not self.method:
            raise NotFittedError(self)
        s = np.asarray(score, dtype=np.float64)
        badness = (1 - self.tie_break) * np.interp(s, *self._curve) + self.tie_break * self._rank(s)
        return np.where(np.isnan(s), np.nan, badness).astype(np.float32)

    def state(self) -> State:
        """``curve`` ``(2, k)``: scores and c; ``ranks`` ``(2, m)``: scores and r; ``method``."""
        if not self.method:
            raise NotFittedError(self)
        return {"curve": self._curve, "ranks": self._ranks, "method": self.method}

    @classmethod
    def restore(cls, params: Mapping[str, Scalar], state: State) -> Self:
        """The calibrator again, bit-equal; raises ``ValueError`` for a map that is not increasing or leaves [0, 1]."""
        calibrator = cls(**params)  # type: ignore[arg-type]  # the names and values are checked by the dataclass
        method = state["method"]
        if not isinstance(method, str) or method not in get_args(Method):
            raise ValueError(f"calibration method {method!r} is none of {', '.join(get_args(Method))}")
        calibrator.method = cast("Method", method)
        calibrator._curve, calibrator._ranks = _checked(state["curve"], 1), _checked(state["ranks"], 0)
        return calibrator

    def _rank(self, s: NDArray[np.float64]) -> NDArray[np.float64]:
        """r(s), strictly increasing over all numbers."""
        at, rank = self._ranks
        if not at.size:
            return 0.5 + np.arctan(s) / np.pi
        width = at[-1] - at[0] or 1.0
        below, above = np.maximum(at[0] - s, 0), np.maximum(s - at[-1], 0)
        inside = np.interp(s, at, rank)
        beyond = 1 - (1 - inside) * width / (width + above)
        return np.asarray(np.where(below > 0, inside * width / (width + below), beyond))

    def _platt(self, bad: NDArray[np.bool_], s: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logistic curve in the rank, ``(2, m)``; soft targets are two weighted rows each."""
        from sklearn.linear_model import LogisticRegression  # only where it is learned: applying needs NumPy alone

        target = np.where(bad, (bad.sum() + 1) / (bad.sum() + 2), 1 / ((~bad).sum() + 2))
        rank = np.tile(self._rank(s), 2)[:, None]
        classes = np.repeat([True, False], len(s))
        shares = np.concatenate([target * w, (1 - target) * w]) / w.mean()
        curve = LogisticRegression(C=1e3).fit(rank, classes, sample_weight=shares)
        at, ranks = self._ranks
        p = curve.predict_proba(ranks[:, None])[:, 1]
        falling = curve.coef_[0, 0] < 0  # a score that points the wrong way says nothing
        return np.array([at, np.full(at.shape, np.average(target, weights=w)) if falling else p])


def _ranks(s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distinct scores and their ranks i/(m+1), thinned to ``KNOTS_MOST``; shape ``(2, m)``."""
    distinct = np.unique(s)
    rank = np.arange(1, len(distinct) + 1) / (len(distinct) + 1)
    kept = np.unique(np.linspace(0, len(distinct) - 1, min(len(distinct), KNOTS_MOST)).round().astype(np.int64))
    return np.array([distinct[kept], rank[kept]])


def _isotonic(s: NDArray[np.float64], bad: NDArray[np.bool_], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thresholds of the isotonic regression of ``bad`` on ``s``, ``(2, k)``, clipped away from 0 and 1."""
    from sklearn.isotonic import IsotonicRegression  # only where it is learned: applying needs NumPy alone

    edge = float((w**2).sum() / (2 * w.sum() ** 2))
    fitted = IsotonicRegression(y_min=edge, y_max=1 - edge).fit(s, bad.astype(np.float64), sample_weight=w)
    return np.array([fitted.X_thresholds_, fitted.y_thresholds_], dtype=np.float64)


def _checked(knots: object, least: int) -> NDArray[np.float64]:
    """Knots ``(2, k)`` that increase in score and do not decrease in [0, 1]."""
    given = np.asarray(knots, dtype=np.float64)
    if given.ndim != 2 or given.shape[0] != 2 or given.shape[1] < least or not np.isfinite(given).all():
        raise ValueError(f"calibration knots of shape {given.shape}; finite ones of shape (2, k) are expected")
    x, y = given
    if (np.diff(x) <= 0).any() or (np.diff(y) < 0).any() or (y < 0).any() or (y > 1).any():
        raise ValueError("calibration knots must increase in score and must not decrease in badness within [0, 1]")
    return given
