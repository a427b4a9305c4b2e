"""What a queue needs to know of a run, in a few hundred bytes: counted once, whoever looks.

A lumisection is a code here (``CODES``), a run is its lumisections in ascending order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dqm.model.decisions import OPEN_DECISIONS
from dqm.model.verdicts import CODES, REJECTED, Decision, Reason

URGENCY = (
    *(Decision.UNKNOWN, Decision.DISPUTED, Decision.NEEDS_REVIEW, Decision.ASK),
    *(Decision.REJECT, Decision.BAD, Decision.EXCLUDED, Decision.ACCEPT, Decision.GOOD),
)
"""Which state is drawn where several share a pixel: the one that most needs to be seen comes first."""
PIXELS = 156
"""Most pixels of a strip."""

Told = tuple[str, str, tuple[Reason, ...]]
"""What a verdict says beside its decision: leading subsystem, status, reasons."""


@dataclass(frozen=True)
class RunAggregate:
    """What stands of one run: ``lumisections``, by decision ``counts`` and ``weights`` in the unit of the experiment.

    ``subsystem``, ``status`` and ``reason`` are those of the worst range, the open one of most weight or, where nothing
    is open, the rejected one: the most frequent subsystem and status, and what contributed most where no status says
    why. "" and None where there is no such range. ``strip`` holds one code per pixel, see ``strip_of``.
    """

    lumisections: int
    counts: Mapping[Decision, int]
    weights: Mapping[Decision, float]
    subsystem: str
    status: str
    reason: Reason | None
    strip: bytes

    @classmethod
    def of(
        cls,
        ls: NDArray[np.int64],
        code: NDArray[np.int8],
        weight: NDArray[np.float64],
        told: Callable[[NDArray[np.intp]], Iterable[Told]],
    ) -> Self:
        """Count a run given as columns ``(n,)``, ascending by ``ls``; ``told`` says the rest of the rows it is asked.

        Only the rows of one range are asked, since reasons cost most of the time.
        """
        counts = np.bincount(code, minlength=len(CODES)).tolist()
        weights = np.bincount(code, weight, minlength=len(CODES)).tolist()
        rows = _worst(ls, code, weight)
        subsystem, status, reason = _leading(list(told(rows))) if len(rows) else ("", "", None)
        return cls(
            lumisections=len(code),
            counts={each: counts[at] for each, at in CODES.items() if counts[at]},
            weights={each: weights[at] for each, at in CODES.items() if counts[at]},
            subsystem=subsystem,
            status=status,
            reason=reason,
            strip=strip_of(code),
        )

    @property
    def weight(self) -> float:
        """Weight of the run."""
        return sum(self.weights.values(), 0.0)

    @property
    def open_weight(self) -> float:
        """Weight that still needs a person."""
        return sum(self.weights.get(each, 0.0) for each in OPEN_DECISIONS)

    def unknown(self, status: str) -> RunAggregate:
        """The same run where nothing that was said of it counts any more, for the reason ``status``."""
        counts, weights = {Decision.UNKNOWN: self.lumisections}, {Decision.UNKNOWN: self.weight}
        strip = bytes([CODES[Decision.UNKNOWN]]) * len(self.strip)
        return RunAggregate(self.lumisections, counts, weights, "", status, None, strip)


def strip_of(code: NDArray[np.int8], most: int = PIXELS) -> bytes:
    """Lumisections ``(n,)`` in their order as at most so many pixels, one code each.

    Where several share a pixel it has the most urgent one, so that a single bad one stays visible.
    """
    if not len(code):
        return b""
    cells = min(most, len(code))
    rank = _RANK[code]
    pooled = np.minimum.reduceat(rank, np.arange(cells) * len(rank) // cells)
    return _BY_RANK[pooled].tobytes()


_BY_RANK = np.array([CODES[each] for each in URGENCY], dtype=np.int8)
_RANK = np.argsort(_BY_RANK).astype(np.int8)


def strongest(reasons: Iterable[Reason], lumisections: int, most: int) -> tuple[Reason, ...]:
    """The main reasons of a range: contributions are means over it, values those where they contributed most.

    Broken limits come first, whose contribution is infinite; then guards, which have none; then by contribution.
    """
    total: dict[tuple[str, str], float] = {}
    value: dict[tuple[str, str], float] = {}
    for each in sorted(reasons, key=lambda one: -_comparable(one.contribution)):
        key = each.feature, each.subsystem
        value.setdefault(key, each.value)
        total[key] = total.get(key, 0.0) + each.contribution
    merged = [Reason(*key, value[key], each / lumisections) for key, each in total.items()]
    return tuple(sorted(merged, key=_rank, reverse=True)[:most])


def _rank(each: Reason) -> tuple[bool, bool, float]:
    return math.isinf(each.contribution), each.contribution == 0, _comparable(each.contribution)


def _comparable(contribution: float) -> float:
    return -math.inf if math.isnan(contribution) else contribution


def _worst(ls: NDArray[np.int64], code: NDArray[np.int8], weight: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows of the open range of most weight, then of most lumisections, or else of such a rejected one."""
    edges = np.flatnonzero((np.diff(ls) != 1) | (np.diff(code) != 0)) + 1
    begin = np.concatenate([np.zeros(min(len(ls), 1), dtype=np.intp), edges])
    size = np.diff(begin, append=len(ls))
    for decisions in (OPEN_DECISIONS, REJECTED):
        among = np.flatnonzero(np.isin(code[begin], [CODES[each] for each in decisions]))
        if len(among):
            with np.errstate(over="ignore", invalid="ignore"):
                lost = np.nan_to_num(np.add.reduceat(np.nan_to_num(weight), begin)[among])
            at = among[np.lexsort((-size[among], -lost))[0]]
            return np.arange(begin[at], begin[at] + size[at])
    return np.zeros(0, dtype=np.intp)


def _leading(told: Sequence[Told]) -> tuple[str, str, Reason | None]:
    """Subsystem, status and main reason of a range; a status is a reason."""
    subsystem, status = (Counter(each[at] for each in told).most_common(1)[0][0] for at in (0, 1))
    reasons = () if status else strongest((one for each in told for one in each[2]), len(told), 1)
    return str(subsystem), str(status), reasons[0] if reasons else None
