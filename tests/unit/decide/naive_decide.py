"""Brute-force oracles of ``dqm.decide``: loops over lumisections and exact fractions instead of sorted sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from numpy.typing import ArrayLike, NDArray

Rows = Sequence[tuple[str, int, float, int]]
"""Decision, label, weight and run of every lumisection."""


def data_loss(rows: Rows) -> float | None:
    lost = sum(Fraction(w) for d, y, w, _ in rows if d == "REJECT" and y == 0)
    good = sum(Fraction(w) for _, y, w, _ in rows if y == 0)
    return float(lost) / float(good) if good else None


def pollution(rows: Rows) -> float | None:
    bad = sum(Fraction(w) for d, y, w, _ in rows if d == "ACCEPT" and y == 1)
    accepted = sum(Fraction(w) for d, y, w, _ in rows if d == "ACCEPT" and y != -1)
    return float(bad) / float(accepted) if accepted else None


def false_positive(rows: Rows) -> float | None:
    accepted = sum(Fraction(w) for d, y, w, _ in rows if d == "ACCEPT" and y == 1)
    bad = sum(Fraction(w) for _, y, w, _ in rows if y == 1)
    return float(accepted) / float(bad) if bad else None


def workload(rows: Rows) -> float | None:
    known = [d for d, y, _, _ in rows if y != -1]
    return sum(d in ("ASK", "UNKNOWN") for d in known) / len(known) if known else None


def workload_runs(rows: Rows) -> float | None:
    runs = {run for _, y, _, run in rows if y != -1}
    asking = {run for d, y, _, run in rows if y != -1 and d in ("ASK", "UNKNOWN")}
    return len(asking) / len(runs) if runs else None


def decisions(badness: ArrayLike, accept_below: float, reject_above: float) -> list[str]:
    def one(value: float) -> str:
        if not math.isfinite(value):
            return "UNKNOWN"
        if value < accept_below:
            return "ACCEPT"
        return "REJECT" if value >= reject_above else "ASK"

    return [one(float(value)) for value in badness]


def rows(
    badness: NDArray, label: NDArray, weight: NDArray, run: NDArray, accept_below: float, reject_above: float
) -> Rows:
    decided = decisions(badness, accept_below, reject_above)
    return list(zip(decided, label.tolist(), weight.tolist(), run.tolist(), strict=True))


def least_workload(
    badness: NDArray, label: NDArray, weight: NDArray, run: NDArray, loss_budget: float, pollution_budget: float
) -> float | None:
    """The smallest workload of all pairs of thresholds whose loss and pollution are within budget."""
    observed = sorted({float(b) for b in badness if math.isfinite(b)})
    candidates = [0.0, *observed, math.inf]
    found = []
    for low in candidates:
        for high in candidates:
            if low <= high:
                tried = rows(badness, label, weight, run, low, high)
                if (data_loss(tried) or 0) <= loss_budget and (pollution(tried) or 0) <= pollution_budget:
                    found.append(workload(tried))
    return min(found, key=lambda each: math.inf if each is None else each)
