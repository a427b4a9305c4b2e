"""How well a score tells signal from background: AUC, efficiency at fixed rejection, significance improvement.

Index letters: s of ``S`` signal events and b of ``B`` background events; ε_S(t), ε_B(t) their shares with a score ≥ t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from dqm.model.errors import InputError

LEAST_BACKGROUND = 100
"""Background events that must remain above a cut for its significance improvement to count."""


@dataclass(frozen=True)
class Merit:
    """What a score is worth. An event without a score is never selected; it stays in every denominator.

    ``auc``: share of pairs in which the signal event scores higher, ties one half. ``max_sic``: the largest
    significance improvement ε_S/√ε_B over the cuts that leave at least ``LEAST_BACKGROUND`` background events, with its
    statistical error ``max_sic_err``; None where no cut does. ``signal_at_max``, ``background_at_max``: ε_S there, and
    the number of background events. ``efficiency_at_1pct``: ε_S at the loosest cut with ε_B ≤ 1%.
    """

    auc: float
    max_sic: float | None
    max_sic_err: float | None
    signal_at_max: float | None
    background_at_max: int | None
    efficiency_at_1pct: float

    def metrics(self) -> dict[str, float | None]:
        """What a benchmark reports."""
        names = ("auc", "max_sic", "max_sic_err", "efficiency_at_1pct")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, eq=False)
class Cuts:
    """Events that remain at every threshold, from the tightest: ``(c,)`` each."""

    signal: NDArray[np.int64]
    background: NDArray[np.int64]

    @classmethod
    def of(cls, signal: NDArray[np.floating], background: NDArray[np.floating]) -> Cuts:
        """Every distinct score is a threshold."""
        ordered = [np.sort(part[~np.isnan(part)]) for part in (signal, background)]
        thresholds = np.unique(np.concatenate(ordered))[::-1]
        left = [len(part) - np.searchsorted(part, thresholds, side="left") for part in ordered]
        return cls(left[0], left[1])


def merit(signal: NDArray[np.floating], background: NDArray[np.floating]) -> Merit:
    """Compare scores of signal ``(S,)`` and background ``(B,)``; NaN = no score.

    The error is that of two binomial shares, δ²/SIC² = (1 − ε_S)/(S ε_S) + (1 − ε_B)/(4 B ε_B). A maximum over cuts of
    the same events is biased upwards by about as much. Raises ``InputError`` without an event of either kind.
    """
    if not len(signal) or not len(background):
        raise InputError(f"{len(signal)} signal and {len(background)} background events: a figure of merit needs both")
    cuts = Cuts.of(signal, background)
    share_s, share_b = cuts.signal / len(signal), cuts.background / len(background)
    one_percent = share_s[share_b <= 0.01].max(initial=0.0)
    counted = np.flatnonzero((cuts.background >= LEAST_BACKGROUND) & (cuts.signal > 0))
    auc = _auc(signal, background)
    if not counted.size:
        return Merit(auc, None, None, None, None, float(one_percent))
    improvement = share_s[counted] / np.sqrt(share_b[counted])
    at = counted[improvement.argmax()]
    error = np.sqrt((1 - share_s[at]) / cuts.signal[at] + (1 - share_b[at]) / (4 * cuts.background[at]))
    best = float(improvement.max())
    return Merit(
        auc,
        best,
        float(best * error),
        float(share_s[at]),
        int(cuts.background[at]),
        efficiency_at_1pct=float(one_percent),
    )


def efficiency_at_rejection(signal: NDArray[np.floating], background: NDArray[np.floating], rejection: float) -> float:
    """ε_S at the loosest cut that keeps at most one background event in ``rejection``.

    Raises ``ValueError`` for a rejection below 1.
    """
    if not rejection >= 1:
        raise ValueError(f"rejection = {rejection} must be at least 1: it is 1/ε_B")
    cuts = Cuts.of(signal, background)
    kept = cuts.background * rejection <= len(background)
    return float(cuts.signal[kept].max(initial=0) / max(len(signal), 1))


def _auc(signal: NDArray[np.floating], background: NDArray[np.floating]) -> float:
    """Mann and Whitney; an event without a score ranks below every other."""
    scores = np.nan_to_num(np.concatenate([signal, background]).astype(np.float64), nan=-np.inf)
    ranks = rankdata(scores)[: len(signal)]
    return float((ranks.sum() - len(signal) * (len(signal) + 1) / 2) / (len(signal) * len(background)))
