"""Anomalies in words: what leads, what it is called, and how far it lies from what was usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqm.decide.intervals import Stretch, united
from dqm.model.amounts import counted
from dqm.model.sensors import SECOND, AnomalyInterval, Sensor
from pipelines.sensors.alarm import Alarm
from pipelines.sensors.certain import Certain
from pipelines.sensors.usual import KINDS, SHARES, Usual, largest

MOST = 3
"""Drivers that are named."""
NAMED = ("hunting", "mistuning", "drift", "level", "anomaly")
"""Kinds, the more telling ones first."""
RHYTHMS = NAMED.index("drift")
"""Kinds before this one give the anomaly its name where they lie beyond what good data reach, on average over it."""
TELLING = 0.2
"""Of what the leading feature reaches: what another kind must reach, beside 1, to give the anomaly its name."""
WORDS = {
    "median": "median", "p5": "5th percentile", "p95": "95th percentile", "saturated": "share at its limit",
    "mad": "spread", "noise": "noise", "slope": "slope", "residual": "difference from its like in the loop",
    "amplitude": "amplitude of oscillation", "hunting": "share of oscillation in its movement",
    "control": "control error that could have been foreseen", "heat": "heat load",
    "heat_residual": "heat load against the other loops",
}  # fmt: skip
ENOUGH = 20.0
"""Beyond this u one feature does not lead another any further."""


@dataclass(frozen=True, eq=False)
class Leads:
    """Of w windows of a loop: the ``score``, and of every kind in ``NAMED`` the feature that leads, with its u and x,
    each ``(w, kinds)``; u is −1 where a loop has no such feature."""

    score: NDArray[np.float32]
    feature: NDArray[np.intp]
    beyond: NDArray[np.float32]
    x: NDArray[np.float64]

    @classmethod
    def of(cls, beyond: NDArray[np.float32], x: NDArray[np.float64], features: NDArray[np.intp], usual: Usual) -> Leads:
        """From u and x ``(w, k)`` of the features ``(k,)`` of a loop."""
        kinds = np.array([NAMED.index(KINDS[usual.features[i].what]) for i in features])
        ranked = np.where(np.isnan(beyond), np.float32(-1), beyond)
        shape = len(beyond), len(NAMED)
        lead, height, value = np.zeros(shape, np.intp), np.full(shape, -1, np.float32), np.full(shape, np.nan)
        rows = np.arange(len(beyond))
        for kind in np.unique(kinds).tolist():
            mine = np.flatnonzero(kinds == kind)
            top = mine[ranked[:, mine].argmax(axis=1)]
            lead[:, kind], height[:, kind], value[:, kind] = features[top], ranked[rows, top], x[rows, top]
        return cls(largest(beyond), lead, height, value)

    @classmethod
    def joined(cls, parts: Sequence[Leads]) -> Leads:
        """One after the other."""
        return cls(
            *(np.concatenate([getattr(each, name) for each in parts]) for name in ("score", "feature", "beyond", "x"))
        )


@dataclass(frozen=True, eq=False)
class Told:
    """What it takes to put stretches of a loop into words: its windows, what leads in them, and what is usual."""

    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    leads: Leads
    usual: Usual
    alarm: Alarm


def told(loop: str, found: Sequence[Stretch], told_by: Told) -> list[AnomalyInterval]:
    """Stretches of a loop as anomalies with kind, drivers and reason."""
    return [_interval(loop, each, told_by) for each in found]


def certain_intervals(
    sure: Sequence[Certain], merge: float, severity: float, sensors: Sequence[Sensor]
) -> list[AnomalyInterval]:
    """What is certain, joined by loop and kind; drivers are the sensors, the one with the longest stretch first."""
    known = {each.name: i for i, each in enumerate(sensors)}
    groups: dict[tuple[str, str], list[Certain]] = {}
    for each in sure:
        groups.setdefault((each.loop, each.kind), []).append(each)
    found = []
    for (loop, kind), those in groups.items():
        for one in united([Stretch(each.begin, each.end, severity) for each in those], merge):
            inside = [each for each in those if each.begin >= one.begin and (one.end is None or each.begin < one.end)]
            inside.sort(key=lambda each: (-_length(each), known.get(each.sensor, 0)))
            drivers = tuple(dict.fromkeys(each.sensor for each in inside))
            more = len(drivers) - 1
            also = f"; {counted(more, 'more sensor')} of the loop with it" if more else ""
            also += f"; {len(inside)} such stretches" if len(inside) > len(drivers) else ""
            reason = inside[0].reason + also
            found.append(AnomalyInterval(loop, one.begin, one.end, severity, kind, drivers[:MOST], reason))
    return found


def _length(each: Certain) -> float:
    return np.inf if each.end is None else float(each.end - each.begin)


def _interval(loop: str, stretch: Stretch, by: Told) -> AnomalyInterval:
    first = int(np.searchsorted(by.begin, stretch.begin))
    last = len(by.begin) if stretch.end is None else int(np.searchsorted(by.begin, stretch.end))
    feature, beyond = by.leads.feature[first:last], by.leads.beyond[first:last]
    features = by.usual.features
    height = np.clip(beyond, 0, ENOUGH)
    total = np.bincount(feature.ravel(), height.ravel(), minlength=len(features))
    sources: dict[str, float] = {}
    for i in np.flatnonzero(total).tolist():
        sources[features[i].source] = sources.get(features[i].source, 0.0) + float(total[i])
    drivers = sorted(sources, key=lambda name: -sources[name])
    mean = height.mean(axis=0)
    asked = np.where(np.arange(len(NAMED)) < RHYTHMS, 1.0, max(1.0, TELLING * float(mean.max())))
    telling = np.flatnonzero(mean >= asked)
    column = int(telling[0]) if len(telling) else int(mean.argmax())
    row = int(beyond[:, column].argmax())
    lead = int(feature[row, column])
    reason = _reason(lead, float(by.leads.x[first + row, column]), float(beyond[row, column]), by.usual)
    kind = NAMED[column]
    if kind == "level" and _drifting(slice(first, last), column, lead, by):
        kind = "drift"
    return AnomalyInterval(loop, stretch.begin, stretch.end, stretch.severity, kind, tuple(drivers[:MOST]), reason)


def _drifting(windows: slice, column: int, lead: int, by: Told) -> bool:
    """Whether the leading level moved steadily the same way over at least an hour: a rank correlation above 0.9."""
    x = by.leads.x[windows, column]
    rows = np.flatnonzero((by.leads.feature[windows, column] == lead) & np.isfinite(x))
    begin = by.begin[windows][rows]
    if len(rows) < 10 or begin[-1] - begin[0] < 3600 * SECOND:
        return False
    ranks = np.argsort(np.argsort(x[rows]))
    return bool(abs(np.corrcoef(rows, ranks)[0, 1]) > 0.9)


def _reason(i: int, x: float, beyond: float, usual: Usual) -> str:
    """What the feature was where it was most unusual, and what it is otherwise."""
    feature = usual.features[i]
    what, _, rest = feature.name.rpartition(":")[2].partition("@")
    over, _, beside = rest.partition(" ")
    said = f"{WORDS[what]} less what the other loops let expect," if beside else WORDS[what]
    unit = "" if feature.what in (*SHARES, "saturated") or not feature.unit else f" {feature.unit}"
    low, high = usual.ranges.edges(i)
    value = usual.ranges.shown(i, x)
    return (
        f"{feature.source}: {said} over {over} is {value:.4g}{unit}, in the past {low:.4g} to "
        f"{high:.4g}{unit}; {float(f'{beyond:.2g}'):g} times as far out as good data were"
    )
