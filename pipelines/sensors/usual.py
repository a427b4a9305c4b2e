"""What the features of sensors usually do: learned from a past without labels, and how far beyond it a window lies.

Of a feature x (transformed so that its range is even: the logarithm of a width or an amplitude, the logit of a share)
with the median m of the past and the quantiles q₀, q₁ at 0.5% and 99.5%

    u = (x − m)/(q₁ − m) for x ≥ m, (m − x)/(m − q₀) else

is 1 at the edge of what is usual, and 0 for less of what is never worse for being less, as an oscillation. A feature
that never varied has a narrow range and counts as soon as it moves. What loops of a sector share (beam, supply) is
taken out as well: beside a feature of the level stands its difference from a + b·M, the straight line over the median M
of the same feature of the other loops, fitted on the past.

How far good data reach beyond their range differs from feature to feature. So each half of the past is judged by what
the other half says, and u is divided by the quantile at 99.95% of what it gives in windows that it did not learn from,
pooled over the loops, at least 1. The *score* of a loop in a window is the largest such u of all of its features. As
scores of the past are the largest of as many features, the number of features is taken into account where a score is
compared with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dqm.model.sensors import Sensor
from dqm.model.tables import FeatureTable

KINDS = {
    "median": "level", "p5": "level", "p95": "level", "saturated": "level", "mad": "anomaly", "noise": "anomaly",
    "slope": "drift", "residual": "drift", "amplitude": "hunting", "hunting": "hunting", "control": "mistuning",
    "heat": "level", "heat_residual": "level", "beside": "level",
}  # fmt: skip
"""What an anomaly is called by the feature that leads; others are not judged."""
WIDTHS, SHARES = ("mad", "noise", "amplitude"), ("hunting", "control")
UPWARD = ("saturated", "mad", *SHARES, "amplitude")
"""Features of which less is never worse."""
SHARED = ("median", "heat")
"""Features that are also taken beside the other loops of the sector."""
NEIGHBOURS = 4
"""Loops of a sector that have a feature before it is taken beside theirs."""
LOW, HIGH, REACH = 0.005, 0.995, 0.9995
ENOUGH = 40
"""Windows of the past in which a feature must be known."""
NARROWEST = 0.2
"""Of the usual range among the loops: no loop has a narrower one, lest it was calm by chance."""
EVEN = 0.5
"""Narrowest range of a logarithm or logit: what changes by less than a factor of 1.6 is no change of a width."""
MOST = 1e4
"""The largest u."""

Matrix = NDArray[np.float32]
Values = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Feature:
    """One judged column: ``at`` its position in the table, ``what`` it is, ``family`` its like in other loops."""

    name: str
    at: int
    what: str
    loop: str
    source: str
    family: str
    subsystem: str
    unit: str
    step: float
    """The smallest change that is a movement, in the unit; 0 where that is not known."""


@dataclass(frozen=True, eq=False)
class Judged:
    """The judged features of a table: d of them, and by family the positions of those that are taken beside others."""

    features: tuple[Feature, ...]
    beside: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, table: FeatureTable, sensors: Iterable[Sensor]) -> Judged:
        """From the names of the columns; the loop of a sensor without one is the sensor itself."""
        known = {each.name: each for each in sensors}
        loop = {name: each.loop or name for name, each in known.items()}
        found: list[Feature] = []
        for at, column in enumerate(table.columns):
            name = column.name.rpartition(":")[2]
            what = name.partition("@")[0]
            if what in KINDS:
                mine = loop.get(column.source, column.source)
                like = column.name.replace(mine, "*") if mine != column.source else column.name
                like = (
                    f"{column.subsystem}/{'*:' + name if column.source == mine and what.startswith('heat') else like}"
                )
                step = known[column.source].resolution if column.source in known else None
                place = (mine, column.source, like, column.subsystem, column.unit)
                found.append(Feature(column.name, at, what, *place, step or 0.0))
        groups: dict[str, list[int]] = {}
        for i, each in enumerate(found):
            if each.what in SHARED:
                groups.setdefault(each.family, []).append(i)
        return cls(tuple(found), tuple(tuple(each) for each in groups.values() if len(each) >= NEIGHBOURS))

    @cached_property
    def all(self) -> tuple[Feature, ...]:
        """Those of the table, then those beside others."""
        extra = []
        for i in (i for group in self.beside for i in group):
            one = self.features[i]
            extra.append(
                replace(one, name=f"{one.name} beside the other loops", what="beside", family=f"{one.family} beside")
            )
        return (*self.features, *extra)


@dataclass(frozen=True, eq=False)
class Ranges:
    """What a stretch of the past taught, each ``(d,)`` over ``Judged.all``: ``floor`` of widths, ``centre``, ``below``
    and ``above`` (distances from the centre to the edges of what is usual), ``lines`` ``(2, b)`` of what is beside."""

    judged: Judged
    floor: Values
    lines: Values
    centre: Values
    below: Values
    above: Values

    @classmethod
    def of(cls, judged: Judged, values: Matrix) -> Ranges:
        """From the windows of a past ``(w, columns of the table)``."""
        raw = values[:, [each.at for each in judged.features]]
        floor = _floors(judged, raw)
        lines = _lines(judged, raw)
        x = _transformed(judged, raw, floor, lines)
        low, centre, high = _quantiles(x, (LOW, 0.5, HIGH))
        known = np.isfinite(x).sum(axis=0) >= ENOUGH
        centre = np.where(known, centre, np.nan)
        below, above = (_widened(judged.all, each, centre) for each in (centre - low, high - centre))
        return cls(judged, floor, lines, centre, below, above)

    def transformed(self, values: Matrix) -> Values:
        """x of windows ``(w, columns of the table)``, ``(w, d)``."""
        return _transformed(self.judged, values[:, [each.at for each in self.judged.features]], self.floor, self.lines)

    def beyond(self, x: Values) -> Matrix:
        """u ``(w, d)`` of x; NaN where a feature is missing or has no past."""
        off = x - self.centre
        upward = np.array([each.what in UPWARD for each in self.judged.all])
        below = np.where(upward & (off < 0), 0.0, -off / self.below)  # NaN is not below: it stays NaN
        u = np.where(off >= 0, off / self.above, below)
        return np.minimum(u, MOST).astype(np.float32)

    def shown(self, i: int, x: float) -> float:
        """x of feature ``i`` in its unit."""
        what = self.judged.all[i].what
        if what in WIDTHS:
            width = float(np.exp(x) - self.floor[i])
            return width if width > 1e-6 * self.floor[i] else 0.0  # no width is negative, nor the rest of a rounding
        return float(1 / (1 + np.exp(-x))) if what in SHARES else x

    def edges(self, i: int) -> tuple[float, float]:
        """What is usual of feature ``i``, from and to, in its unit."""
        low, high = self.centre[i] - self.below[i], self.centre[i] + self.above[i]
        return self.shown(i, low), self.shown(i, high)


@dataclass(frozen=True, eq=False)
class Usual:
    """Ranges of the whole past, ``reach`` ``(d,)`` of each feature beyond them, and the loops with their features."""

    ranges: Ranges
    reach: Values
    loops: dict[str, Rows]

    @property
    def features(self) -> tuple[Feature, ...]:
        """All judged features, d of them."""
        return self.ranges.judged.all

    def beyond(self, x: Values) -> Matrix:
        """u of x ``(w, d)`` in units of the reach of good data, ``(w, d)``."""
        return (self.ranges.beyond(x) / self.reach).astype(np.float32)

    def scores(self, beyond: Matrix) -> NDArray[np.float32]:
        """Score of every loop ``(w, loops)``; NaN where none of its features is known."""
        return np.stack([largest(beyond[:, rows]) for rows in self.loops.values()], axis=1)


def learned_usual(table: FeatureTable, sensors: Sequence[Sensor], apart: int) -> tuple[Usual, NDArray[np.float32]]:
    """What a past teaches, and the scores that each half of it gets from the other ``(w, loops)``.

    ``apart`` windows between the halves are left out, as they look at both; their scores are NaN.
    """
    judged = Judged.of(table, sensors)
    half = len(table) // 2
    first, second = slice(0, half), slice(min(half + apart, len(table)), len(table))
    beyond = np.full((len(table), len(judged.all)), np.nan, dtype=np.float32)
    for mine, other in ((first, second), (second, first)):
        taught = Ranges.of(judged, table.values[other])
        beyond[mine] = taught.beyond(taught.transformed(table.values[mine]))
    reach = _reaches(judged.all, beyond)
    loops: dict[str, list[int]] = {}
    for i, each in enumerate(judged.all):
        loops.setdefault(each.loop, []).append(i)
    usual = Usual(Ranges.of(judged, table.values), reach, {name: np.array(at) for name, at in loops.items()})
    return usual, usual.scores((beyond / reach).astype(np.float32))


def largest(values: Matrix) -> NDArray[np.float32]:
    """The largest of every row, NaN where there is none."""
    found = np.fmax.reduce(values, axis=1, initial=np.float32(-1.0))
    return np.where(found < 0, np.float32(np.nan), found)


def _floors(judged: Judged, raw: Matrix) -> Values:
    """What is added to widths before their logarithm is taken: a tenth of the usual one or a step
    of the converter, so that zero is no surprise."""
    positive = np.where(raw > 0, raw, np.nan)
    (middle,) = _quantiles(positive, (0.5,))
    step = np.array([each.step for each in judged.features])
    return np.asarray(np.maximum(np.where(np.isfinite(middle), 0.1 * middle, 1e-9), step), dtype=np.float64)


def _lines(judged: Judged, raw: Matrix) -> Values:
    """Straight lines ``(2, b)`` of features over the median of their like, fitted twice, the second time to what lies
    within four median deviations of the first."""
    lines = []
    for group in judged.beside:
        shared = _shared(raw[:, group])
        for i in group:
            x, y = shared, raw[:, i].astype(np.float64)
            kept = np.isfinite(x) & np.isfinite(y)
            line = _line(x[kept], y[kept])
            off = np.abs(y - line[0] - line[1] * x)
            kept &= off <= 4 * np.median(off[kept]) if kept.any() else kept
            lines.append(_line(x[kept], y[kept]))
    return np.array(lines).reshape(-1, 2).T


def _line(x: Values, y: Values) -> tuple[float, float]:
    if len(x) < ENOUGH:
        return float("nan"), 0.0
    middle, spread = x.mean(), x.var()
    slope = float(((x - middle) * (y - y.mean())).mean() / spread) if spread > 0 else 0.0
    return float(y.mean() - slope * middle), slope


def _shared(values: Matrix) -> Values:
    """The median of every row, NaN where nothing is known."""
    (middle,) = _quantiles(values.T, (0.5,))
    return np.asarray(middle, dtype=np.float64)


def _transformed(judged: Judged, raw: Matrix, floor: Values, lines: Values) -> Values:
    """Features on scales on which their ranges are even, and those beside others, ``(w, d)``."""
    d = len(judged.features)
    x = np.empty((len(raw), len(judged.all)))
    x[:, :d] = raw
    widths = [i for i, each in enumerate(judged.features) if each.what in WIDTHS]
    x[:, widths] = np.log(np.maximum(x[:, widths], 0) + floor[widths])
    shares = [i for i, each in enumerate(judged.features) if each.what in SHARES]
    inside = np.clip(x[:, shares], 0.001, 0.999)
    x[:, shares] = np.log(inside / (1 - inside))
    at = d
    for group in judged.beside:
        shared = _shared(raw[:, group])
        for i in group:
            x[:, at] = raw[:, i] - (lines[0, at - d] + lines[1, at - d] * shared)
            at += 1
    return x


def _quantiles(x: NDArray[np.floating], q: Sequence[float]) -> Values:
    """Quantiles of the known values of every column, ``(q, d)``, the nearest ones; NaN where none is known."""
    ordered = np.sort(x.T, axis=1)  # what is not known comes last
    n = np.isfinite(ordered).sum(axis=1)
    found = np.full((len(q), len(n)), np.nan)
    if not ordered.shape[1]:
        return found
    rows = np.arange(len(n))
    for k, each in enumerate(q):
        at = np.rint(each * np.maximum(n - 1, 0)).astype(np.intp)
        found[k] = np.where(n > 0, ordered[rows, at], np.nan)
    return found


def _widened(features: Sequence[Feature], width: Values, centre: Values) -> Values:
    """Ranges, none of them much narrower than is usual among its like, and none of no width."""
    families = _families(features)
    even = np.array([EVEN * (each.what in (*WIDTHS, *SHARES)) for each in features])
    step = np.array([each.step * (each.what not in (*WIDTHS, *SHARES)) for each in features])
    least = np.maximum(np.maximum(1e-6 * np.abs(centre) + 1e-9, even), step)
    for members in families:
        known = width[members][width[members] > 0]
        if len(known):
            least[members] = np.maximum(least[members], NARROWEST * np.median(known))
    return np.asarray(np.maximum(width, least), dtype=np.float64)


def _reaches(features: Sequence[Feature], beyond: Matrix) -> Values:
    """How far good data reach beyond their range, ``(d,)``, the same for all of a family."""
    found = np.ones(len(features))
    for members in _families(features):
        values = beyond[:, members].ravel()
        values = values[np.isfinite(values)]
        if len(values):
            found[members] = max(1.0, float(np.quantile(values, REACH)))
    return found


def _families(features: Sequence[Feature]) -> list[Rows]:
    groups: dict[str, list[int]] = {}
    for i, each in enumerate(features):
        groups.setdefault(each.family, []).append(i)
    return [np.array(each) for each in groups.values()]
