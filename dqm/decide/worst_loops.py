"""Which loops an operator looks at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dqm.model.sensors import SECOND, AnomalyInterval


@dataclass(frozen=True, slots=True)
class WorstLoop:
    """A loop with alarms: their number, hours and kinds, the largest severity, ``burden`` = Σ severity × hours, and the
    reason of the anomaly with the largest share of it."""

    loop: str
    anomalies: int
    hours: float
    severity: float
    burden: float
    kinds: str
    reason: str


def worst_loops(intervals: Sequence[AnomalyInterval], now: int) -> list[WorstLoop]:
    """The loops with alarms, the one with the largest burden first.

    What is suppressed, or carried by a common cause, does not count.
    ``now`` in ns of UTC is where an anomaly that goes on is counted to.
    """
    loops: dict[str, list[AnomalyInterval]] = {}
    for each in intervals:
        if each.alarms:
            loops.setdefault(each.loop, []).append(each)
    found = []
    for loop, those in loops.items():
        hours = [hours_of(each, now) for each in those]
        burden = [each.severity * long for each, long in zip(those, hours, strict=True)]
        top = those[int(np.argmax(burden))]
        kinds = ", ".join(dict.fromkeys(each.kind for each in those))
        severity = max(each.severity for each in those)
        found.append(WorstLoop(loop, len(those), sum(hours), severity, sum(burden), kinds, top.reason))
    return sorted(found, key=lambda each: (-each.burden, each.loop))


def hours_of(interval: AnomalyInterval, now: int) -> float:
    """How long it lasted, to ``now`` where it goes on."""
    return ((now if interval.end is None else interval.end) - interval.begin) / SECOND / 3600
