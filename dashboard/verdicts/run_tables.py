"""What the pages say of runs, as small records: one summary per run, and the ranges of equal decision within one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dqm.model.aggregates import strongest
from dqm.model.keys import LumiMask
from dqm.model.verdicts import GOLDEN, REJECTED, Decision, Reason, Verdicts
from features.words import in_words

WORK = frozenset(Decision) - GOLDEN - REJECTED
"""What a person still has to look at."""
GROUPS: dict[str, frozenset[Decision]] = {
    Decision.ACCEPT: GOLDEN,
    Decision.ASK: WORK - {Decision.UNKNOWN},
    Decision.REJECT: REJECTED,
    Decision.UNKNOWN: frozenset({Decision.UNKNOWN}),
}
"""The four shares of a run and the decisions that count in each; every decision counts in exactly one."""


@dataclass(frozen=True, eq=False)
class RunSummary:
    """One run: ``lumisections`` and ``weight`` in total and, by the keys of ``GROUPS``, ``counts`` and ``weights``.

    ``subsystem`` and ``reason`` are the most frequent leading ones of what waits, otherwise of what was rejected; ""
    where there is neither.
    """

    run: int
    lumisections: int
    weight: float
    counts: dict[str, int]
    weights: dict[str, float]
    subsystem: str
    reason: str

    @property
    def waiting(self) -> int:
        """Lumisections that need a person."""
        return self.counts[Decision.ASK] + self.counts[Decision.UNKNOWN]

    @property
    def waiting_weight(self) -> float:
        """Weight that needs a person."""
        return self.weights[Decision.ASK] + self.weights[Decision.UNKNOWN]


@dataclass(frozen=True)
class Range:
    """Neighbouring lumisections ``first`` to ``last`` with one decision.

    ``lumisections`` of them, with ``weight`` in the unit of the experiment and ``badness`` the largest; ``subsystem``
    and ``status`` the most frequent ones. The contributions of ``reasons`` are means over the range, their values those
    of the lumisection where they contributed most.
    """

    first: int
    last: int
    lumisections: int
    decision: str
    weight: float
    badness: float
    subsystem: str
    status: str
    reasons: tuple[Reason, ...]


def summaries(verdicts: Verdicts) -> tuple[RunSummary, ...]:
    """Every run, what needs people first: by the weight that waits, then by lumisections, then the newest."""
    run = np.asarray(verdicts.index.get_level_values("run"))
    ls = np.asarray(verdicts.index.get_level_values("ls"))
    order = np.lexsort((ls, run))
    edges = np.flatnonzero(np.diff(run[order])) + 1
    found = [_summary(verdicts, rows) for rows in np.split(order, edges) if len(rows)]
    return tuple(sorted(found, key=lambda each: (-each.waiting_weight, -each.waiting, -each.run)))


def ranges(verdicts: Verdicts, most: int = 5) -> tuple[Range, ...]:
    """The verdicts of one run as ranges of equal decision, with the ``most`` strongest contributions of each."""
    ls = np.asarray(verdicts.index.get_level_values("ls"))
    order = np.argsort(ls)
    changed = (np.diff(ls[order]) != 1) | (verdicts.decision[order][1:] != verdicts.decision[order][:-1])
    return tuple(_range(verdicts, ls, rows, most) for rows in np.split(order, np.flatnonzero(changed) + 1) if len(rows))


def ranges_in(ls: NDArray[np.int64], rows: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """The lumisections of some rows as ranges."""
    chosen = ls[rows]
    return tuple(LumiMask.of_lumisections(np.zeros(len(chosen), dtype=np.int64), chosen).ranges.get(0, ()))


def _summary(verdicts: Verdicts, rows: NDArray[np.intp]) -> RunSummary:
    decision, weight = verdicts.decision[rows], verdicts.weight[rows]
    names = decision.astype(str)
    inside = {group: np.isin(names, [str(each) for each in members]) for group, members in GROUPS.items()}
    told = inside[Decision.ASK] | inside[Decision.UNKNOWN]
    if not told.any():
        told = inside[Decision.REJECT]
    subsystem, reason = _leading(verdicts, rows[told])
    return RunSummary(
        run=int(verdicts.index.get_level_values("run")[rows[0]]),
        lumisections=len(rows),
        weight=float(weight.sum()),
        counts={group: int(which.sum()) for group, which in inside.items()},
        weights={group: float(weight[which].sum()) for group, which in inside.items()},
        subsystem=subsystem,
        reason=reason,
    )


def _leading(verdicts: Verdicts, rows: NDArray[np.intp]) -> tuple[str, str]:
    """The most frequent pair of leading subsystem and reason; a status is a reason."""
    pairs = Counter((str(verdicts.subsystem[i]), _reason(verdicts, i)) for i in rows.tolist())
    return pairs.most_common(1)[0][0] if pairs else ("", "")


def _reason(verdicts: Verdicts, row: int) -> str:
    status, reasons = str(verdicts.status[row]), verdicts.reasons[row]
    return status or (in_words(reasons[0], measured=False) if reasons else "")


def _range(verdicts: Verdicts, ls: NDArray[np.int64], rows: NDArray[np.intp], most: int) -> Range:
    badness = verdicts.badness[rows]
    return Range(
        first=int(ls[rows[0]]),
        last=int(ls[rows[-1]]),
        lumisections=len(rows),
        decision=str(verdicts.decision[rows[0]]),
        weight=float(verdicts.weight[rows].sum()),
        badness=float(np.nanmax(badness)) if np.isfinite(badness).any() else float("nan"),
        subsystem=Counter(str(verdicts.subsystem[i]) for i in rows).most_common(1)[0][0],
        status=Counter(str(verdicts.status[i]) for i in rows).most_common(1)[0][0],
        reasons=strongest([each for i in rows.tolist() for each in verdicts.reasons[i]], len(rows), most),
    )
