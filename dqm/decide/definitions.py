"""Data loss, pollution and workload: what the decisions of the machine cost, and how well a number is known.

With weights w, decisions by the machine and truth by people::

    data loss  = Σw[REJECT ∧ good] / Σw[good]
    pollution  = Σw[ACCEPT ∧ bad] / Σw[ACCEPT]        false-positive form: Σw[ACCEPT ∧ bad] / Σw[bad]
    workload   = share of lumisections, of runs, of time that is ASK or UNKNOWN

The literature calls both forms of the second one pollution, so they are always given together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dqm.decide.truth import Truth
from dqm.model.verdicts import Decision


@dataclass(frozen=True)
class Outcome:
    """What the decisions on a set of lumisections cost, all over the lumisections whose truth is known.

    ``data_loss`` fraction of the good weight that was rejected, None without good weight; ``pollution`` fraction of the
    accepted weight that is bad, None when nothing is accepted; ``false_positive`` fraction of the bad weight that was
    accepted, None without bad weight; ``rejection_rate`` fraction of the weight left to people, as the literature
    counts work, None without weight. ``workload`` fraction of the lumisections that is ASK or UNKNOWN,
    ``workload_runs`` fraction of the runs with at least one such lumisection, ``workload_minutes`` fraction of the time
    (None when no times were given); None where there is nothing to count.

    ``good_weight``, ``rejected_good_weight``, ``bad_weight``, ``accepted_weight``, ``accepted_bad_weight`` are the sums
    behind them, in the unit of the weight; ``lumisections``, ``asked``, ``runs``, ``asked_runs`` the counts;
    ``unscored`` the number of lumisections that are asked because they are UNKNOWN; ``without_truth`` the number that
    is in no denominator because nobody knows what they are.
    """

    data_loss: float | None
    pollution: float | None
    false_positive: float | None
    rejection_rate: float | None
    workload: float | None
    workload_runs: float | None
    workload_minutes: float | None
    good_weight: float
    rejected_good_weight: float
    bad_weight: float
    accepted_weight: float
    accepted_bad_weight: float
    lumisections: int
    asked: int
    unscored: int
    runs: int
    asked_runs: int
    without_truth: int


def outcome(
    decision: ArrayLike, label: ArrayLike, weight: ArrayLike, run: ArrayLike, minutes: ArrayLike | None = None
) -> Outcome:
    """Judge the decisions of the machine on ``n`` lumisections, given as columns ``(n,)``.

    Sums are exactly rounded (Shewchuk's ``math.fsum``), so that no order of the rows changes a bit of the result.
    ``minutes`` is the length of each lumisection. Raises ``ValueError`` for columns of different length, for labels or
    weights that are none, and for decisions that are not the machine's.

    >>> outcome(["ACCEPT", "ACCEPT", "ASK", "REJECT"], [0, 1, 1, 0], [6, 2, 1, 2], [1, 1, 2, 2]).pollution
    0.25
    """
    truth = Truth.of(label, weight, run)
    accepted, rejected, unscored = _decided(decision, truth)
    asked, good = ~(accepted | rejected), ~truth.bad
    good_weight, bad_weight = _total(truth, good), _total(truth, truth.bad)
    rejected_good, accepted_bad = _total(truth, rejected & good), _total(truth, accepted & truth.bad)
    accepted_weight = _total(truth, accepted)
    asked_runs = int(np.count_nonzero(truth.per_run(asked, weighted=False)))
    return Outcome(
        data_loss=_share(rejected_good, good_weight),
        pollution=_share(accepted_bad, accepted_weight),
        false_positive=_share(accepted_bad, bad_weight),
        rejection_rate=_share(_total(truth, asked), math.fsum(truth.weight)),
        workload=_share(int(asked.sum()), len(truth)),
        workload_runs=_share(asked_runs, len(truth.runs)),
        workload_minutes=None if minutes is None else _share_of_time(minutes, asked, truth),
        good_weight=good_weight,
        rejected_good_weight=rejected_good,
        bad_weight=bad_weight,
        accepted_weight=accepted_weight,
        accepted_bad_weight=accepted_bad,
        lumisections=len(truth),
        asked=int(asked.sum()),
        unscored=int(unscored.sum()),
        runs=len(truth.runs),
        asked_runs=asked_runs,
        without_truth=int((~truth.known).sum()),
    )


@dataclass(frozen=True, eq=False)
class RunSums:
    """What each of ``R`` runs adds to every numerator and denominator, so that a bootstrap is one matrix product.

    All of shape ``(R,)``, only over lumisections of known truth: ``run``; ``good``, ``rejected_good``, ``bad``,
    ``accepted``, ``accepted_bad`` in the unit of the weight; ``lumisections`` and ``asked`` as counts.
    """

    run: NDArray[np.int64]
    good: NDArray[np.float64]
    rejected_good: NDArray[np.float64]
    bad: NDArray[np.float64]
    accepted: NDArray[np.float64]
    accepted_bad: NDArray[np.float64]
    lumisections: NDArray[np.float64]
    asked: NDArray[np.float64]

    @classmethod
    def of(cls, decision: ArrayLike, label: ArrayLike, weight: ArrayLike, run: ArrayLike) -> RunSums:
        """Sum ``n`` lumisections, given as columns ``(n,)``, by run; raises as ``outcome`` does."""
        truth = Truth.of(label, weight, run)
        accepted, rejected, _ = _decided(decision, truth)
        return cls(
            run=truth.runs,
            good=truth.per_run(~truth.bad),
            rejected_good=truth.per_run(rejected & ~truth.bad),
            bad=truth.per_run(truth.bad),
            accepted=truth.per_run(accepted),
            accepted_bad=truth.per_run(accepted & truth.bad),
            lumisections=truth.per_run(np.ones(len(truth), dtype=bool), weighted=False),
            asked=truth.per_run(~(accepted | rejected), weighted=False),
        )

    def __len__(self) -> int:
        return len(self.run)


class Interval(NamedTuple):
    """The two ends of an interval, as fractions."""

    lo: float
    hi: float


@dataclass(frozen=True)
class Intervals:
    """Two-sided intervals of the quantities of ``Outcome`` of the same names, as fractions.

    An interval is None where the quantity is undefined in every resample; resamples in which it is undefined
    (nothing accepted, no good weight) are otherwise left out of it. ``level`` is the two-sided coverage aimed at.
    """

    data_loss: Interval | None
    pollution: Interval | None
    false_positive: Interval | None
    workload: Interval | None
    workload_runs: Interval | None
    level: float


def resampled_runs(runs: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each of ``R`` runs is drawn in ``B`` bootstrap samples of R runs: counts ``(B, R)``."""
    if runs < 1 or resamples < 1:
        raise ValueError(f"a bootstrap of {resamples} resamples over {runs} runs is empty; both must be at least 1")
    draws = np.random.default_rng(seed).multinomial(runs, np.full(runs, 1 / runs), size=resamples)
    return draws.astype(np.float64)


def bootstrap_intervals(sums: RunSums, level: float = 0.9, resamples: int = 1000, *, seed: int) -> Intervals:
    """Percentile intervals from drawing whole runs with replacement (Efron & Tibshirani 1993, chapter 13).

    Without any run every interval is None. Raises ``ValueError`` unless ``level`` lies in (0, 1).
    """
    if not len(sums):
        return Intervals(None, None, None, None, None, _checked(level))
    return intervals_of(sums, resampled_runs(len(sums), resamples, seed), level)


def intervals_of(sums: RunSums, counts: NDArray[np.float64], level: float = 0.9) -> Intervals:
    """The same for given resamples ``counts`` ``(B, R)``, for who judges the same runs many times.

    The totals of all ``B`` resamples are the product of run counts ``(B, R)`` and run sums ``(R, columns)``.
    """
    _checked(level)
    columns = (
        *(sums.good, sums.rejected_good, sums.bad, sums.accepted, sums.accepted_bad),
        *(sums.lumisections, sums.asked, (sums.asked > 0).astype(np.float64)),
    )
    totals = counts @ np.column_stack(columns)
    good, rejected_good, bad, accepted, accepted_bad, lumisections, asked, asked_runs = totals.T
    return Intervals(
        data_loss=_interval(rejected_good, good, level),
        pollution=_interval(accepted_bad, accepted, level),
        false_positive=_interval(accepted_bad, bad, level),
        workload=_interval(asked, lumisections, level),
        workload_runs=_interval(asked_runs, np.full(len(counts), float(len(sums))), level),
        level=level,
    )


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level = {level} must lie between 0 and 1; 0.9 is the usual one")
    return level


def _decided(decision: ArrayLike, truth: Truth) -> tuple[NDArray[np.bool_], ...]:
    """Which of the lumisections of known truth are accepted, rejected and unscored, each ``(k,)``."""
    column = truth.rows(decision, "decision")
    each = (Decision.ACCEPT, Decision.REJECT, Decision.UNKNOWN, Decision.ASK)
    accepted, rejected, unscored, ask = (np.asarray(column == str(name), dtype=bool) for name in each)
    other = ~(accepted | rejected | unscored | ask)
    if other.any():
        raise ValueError(
            f"decision {str(column[other][0])!r} is not the machine's; loss, pollution and workload judge only "
            f"{', '.join(sorted(each))}: give the decisions as they were before a person changed them"
        )
    return accepted, rejected, unscored


def _total(truth: Truth, which: NDArray[np.bool_]) -> float:
    return math.fsum(truth.weight[which])


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _share_of_time(minutes: ArrayLike, asked: NDArray[np.bool_], truth: Truth) -> float | None:
    length = truth.rows(minutes, "minutes").astype(np.float64)
    if not (np.isfinite(length) & (length >= 0)).all():
        raise ValueError("minutes must be finite and not negative; leave them out where the calendar is incomplete")
    return _share(math.fsum(length[asked]), math.fsum(length))


def _interval(part: NDArray[np.float64], whole: NDArray[np.float64], level: float) -> Interval | None:
    defined = whole > 0
    if not defined.any():
        return None
    ends = np.quantile(part[defined] / whole[defined], [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(ends[0]), float(ends[1]))
