"""Quantities against what earlier runs of the same conditions gave.

For each of ``d`` columns the level y of a lumisection, ln((N + ½) / w) for a count or rate N of weight w, is compared
with the medians of three references: the last run, the last three and the last ten. A detector that was repaired, or a
target that was changed, moves to a new level for good; the *nearest* reference takes that in, while a fault of one
lumisection is far from all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from features.medians import apart
from features.nearest import beside_nearest
from features.runs import MAD_TO_SIGMA, Grouped, local_median, nan_extreme, nan_median
from features.threads import threads_for


@dataclass(frozen=True)
class LevelSettings:
    """Constants of the comparison, fixed on development runs and the same for every experiment.

    ``past_runs`` of the longest reference; ``enough`` lumisections that a run needs to serve as reference;
    ``references`` runs that must have served before a run can be judged; ``floor`` smallest σ of y;
    ``step`` |common shift| of y, and ``alone`` σ of a single column, beyond which a run is no reference, unless
    ``refusals`` runs in a row were refused (then the change has come to stay); ``guard`` σ from the nearest reference
    beyond which a run is at a level never seen, and ``far`` σ from the longest beyond which it is at a level that only
    the last few runs share: either looks like a new condition and like a fault (or a slow drift) alike, so a person
    decides; ``reach`` neighbours.
    """

    past_runs: int = 10
    enough: int = 5
    references: int = 3
    floor: float = 0.003
    step: float = 0.9
    alone: float = 5.0
    refusals: int = 5
    guard: float = 4.0
    far: float = 6.0
    reach: int = 2


@dataclass(frozen=True)
class Levels:
    """How ``n`` lumisections stand to the past, for ``d`` columns; NaN where there is no weight or too little past.

    ``log_ratio`` ``(n, d)`` y − nearest reference; ``z`` ``(n, d)`` the same in σ of the past; ``own`` ``(n, d)`` y −
    own run median in σ; ``local`` ``(n, d)`` median of z over ``reach`` neighbours on either side; ``run_z`` ``(n,)``
    largest |z| of the run's own level; ``held`` ``(n,)`` 1 where a guard keeps it from the machine; ``expected``
    ``(n, d)`` the nearest reference.
    """

    log_ratio: NDArray[np.float64]
    z: NDArray[np.float64]
    own: NDArray[np.float64]
    local: NDArray[np.float64]
    run_z: NDArray[np.float64]
    held: NDArray[np.float64]
    expected: NDArray[np.float64]


@dataclass
class _Past:
    """What the references are made of while the runs go by: levels ``y`` ``(n, d)`` and those of the ``runs`` that
    serve, with the ``medians`` ``(m, d)`` of all."""

    settings: LevelSettings
    y: NDArray[np.float64]
    rows: Grouped
    medians: NDArray[np.float64]
    runs: list[int] = field(default_factory=list)
    refused: int = 0

    def references(self) -> NDArray[np.float64]:
        """Medians of the last ten, three and one reference runs, ``(3, d)``."""
        lengths = (self.settings.past_runs, 3, 1)
        return np.stack([nan_median(self.medians[self.runs[-k:]].T) for k in lengths])

    def sigma(self) -> NDArray[np.float64]:
        """Robust σ of single lumisections about their run's median over the reference runs, ``(d,)``."""
        recent = np.asarray(self.runs[-self.settings.past_runs :])
        first, count = self.rows.first[recent], self.rows.count[recent]
        threads_for(int(count.sum()) * self.y.shape[1])
        spread = MAD_TO_SIGMA * apart(self.y, self.medians[recent], first, count)
        return np.asarray(np.maximum(spread, self.settings.floor), dtype=np.float64)

    def learn(self, run: int, odd: bool) -> None:
        """Take a run as reference unless it stands out; several odd runs in a row are the new normal."""
        if odd and self.refused < self.settings.refusals:
            self.refused += 1
            return
        self.refused = 0
        self.runs.append(run)


def per_weight(amount: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """y = ln((N + ½) / w) of counts or rates ``(n, d)``; NaN without weight."""
    with np.errstate(invalid="ignore"):
        return np.log((amount + 0.5) / np.where(weight > 0, weight, np.nan)[:, None])


def relative(value: NDArray[np.float64], rows: Grouped) -> NDArray[np.float64]:
    """y = x / |x₀| of other quantities ``(n, d)``, x₀ the median of the first run that has them (1 where that is 0)."""
    by_run = rows.medians(value)
    earliest = np.argmax(np.isfinite(by_run), axis=0)
    first = np.nan_to_num(by_run[earliest, np.arange(value.shape[1])], nan=1.0)
    return value / np.where(first == 0, 1.0, np.abs(first))


def levels_within(
    y: NDArray[np.float64], condition: NDArray[np.float64], rows: Grouped, settings: LevelSettings
) -> Levels:
    """Compare levels ``(n, d)`` only with lumisections of the same ``condition`` ``(n,)``, such as a prescale index.

    The parts of a run under different conditions count as runs of their own.
    """
    order = np.lexsort((condition, rows.code))
    changes = (np.diff(condition[order], prepend=np.nan) != 0) | (np.diff(rows.code[order], prepend=-1) != 0)
    parts = Grouped.of(np.cumsum(changes))
    found = levels(y[order], parts, settings, condition[order][parts.first])
    back = np.argsort(order)
    return Levels(*(getattr(found, each.name)[back] for each in fields(Levels)))


def levels(
    y: NDArray[np.float64], rows: Grouped, settings: LevelSettings, condition: NDArray[np.float64] | None = None
) -> Levels:
    """Compare levels ``(n, d)`` with earlier runs; each run also sees itself to its end.

    A missing level is not compared and serves no reference; what no earlier run can be compared with is held. With a
    ``condition`` ``(m,)`` of every run only runs of the same one are compared.
    """
    n, d = y.shape
    valid: NDArray[np.bool_] = np.asarray(np.isfinite(y).any(axis=1))
    log_ratio, z, own, local, expected = (np.full((n, d), np.nan) for _ in range(5))
    found = Levels(log_ratio, z, own, local, np.full(n, np.nan), np.zeros(n), expected)
    pasts: dict[float, _Past] = {}
    y = np.ascontiguousarray(y, dtype=np.float64)
    medians = rows.medians(y)
    for run, (first, count) in enumerate(zip(rows.first, rows.count, strict=True)):
        here = slice(first, first + count)
        seen = valid[here]
        past = pasts.setdefault(0.0 if condition is None else float(condition[run]), _Past(settings, y, rows, medians))
        if not seen.any():
            continue
        odd = _compare(found, here, y[here], medians[run], past) if past.runs else False
        if seen.sum() >= settings.enough:
            past.learn(run, odd)
    np.copyto(found.local, local_median(found.z, rows, settings.reach))
    found.held[np.isnan(found.run_z)] = 1.0  # no earlier run to compare with
    return found


def _compare(found: Levels, here: slice, y: NDArray[np.float64], median: NDArray[np.float64], past: _Past) -> bool:
    """Write one run's rows of ``found`` and tell whether the run stands out too much to be a reference."""
    references, sigma, settings = past.references(), past.sigma(), past.settings
    shift = median - references
    nearest = _first_smallest(nan_extreme(np.abs(shift / sigma)))
    common = float(nan_median(shift[nearest]))
    single = np.abs(shift[nearest] - common)
    alone = nan_extreme(single / sigma) > settings.alone and nan_extreme(single) > abs(common)
    odd = bool(alone or abs(common) > settings.step)
    if len(past.runs) < settings.references:
        return odd
    threads_for(y.size)
    beside_nearest(
        y, references, median, sigma, found.log_ratio[here], found.z[here], found.own[here], found.expected[here]
    )
    run_z = float(nan_extreme(np.abs(shift[nearest] / sigma)))
    found.run_z[here] = run_z
    far_z = float(nan_extreme(np.abs(shift[0] / sigma)))
    found.held[here] = run_z > settings.guard or far_z > settings.far
    return odd


def _first_smallest(distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Position of the smallest along the first axis; a missing one is farthest."""
    return np.asarray(np.where(np.isnan(distance), np.inf, distance).argmin(axis=0))
