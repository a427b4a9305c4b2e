"""What another working point would change in certified runs that nobody has signed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dqm.model.decisions import OPEN_DECISIONS
from dqm.model.verdicts import CODES, Decision, WorkingPoint

FLIPPING = (Decision.ACCEPT, Decision.ASK, Decision.REJECT)
"""What other thresholds may change: neither what nobody could score, nor what a person decided."""
ACCEPT, ASK, REJECT = (np.int8(CODES[each]) for each in FLIPPING)
NAMES = np.array([str(each) for each in CODES], dtype=object)
"""Name of each code."""


@dataclass(frozen=True, eq=False)
class OpenVerdicts:
    """What stands in certified runs that are not signed, as columns ``(n,)`` in order of the runs.

    ``run`` ``(R,)`` ascending and ``position`` of each lumisection's run in it; ``code`` of the decision that stands
    (see ``CODES``), ``free`` where it is the machine's and thresholds may change it, ``held`` where a guard keeps it
    from the machine, ``weight`` in the unit of the experiment.
    """

    run: NDArray[np.int64]
    position: NDArray[np.intp]
    code: NDArray[np.int8]
    free: NDArray[np.bool_]
    held: NDArray[np.bool_]
    badness: NDArray[np.float32]
    weight: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        run: NDArray[np.int64],
        code: NDArray[np.int8],
        said: NDArray[np.bool_],
        held: NDArray[np.bool_],
        badness: NDArray[np.float32],
        weight: NDArray[np.float64],
    ) -> OpenVerdicts:
        """From columns ``(n,)`` in order of the runs; ``said`` is what people decided."""
        runs, position = np.unique(run, return_inverse=True)
        free = ~said & np.isin(code, (ACCEPT, ASK, REJECT)) & np.isfinite(badness)
        return cls(runs, position, code, free, held, badness, weight)

    def __len__(self) -> int:
        return len(self.code)


@dataclass(frozen=True)
class Flips:
    """What another working point changes.

    ``table`` has the columns run, before, after, lumisections, weight: one row per run and kind of change, the run with
    most changes first. ``asked`` and ``would_ask`` count the lumisections that need a person, of ``lumisections``,
    before and after; ``runs`` is how many runs change.
    """

    table: pd.DataFrame
    lumisections: int
    asked: int
    would_ask: int
    runs: int


def flips(given: OpenVerdicts, point: WorkingPoint) -> Flips:
    """Decide ``n`` lumisections anew and compare.

    Cost: a few passes over columns and one over what changes, so that a million follow a slider.
    """
    after = _decided(given, point)
    changed = np.flatnonzero(given.code != after)
    before, now = given.code[changed].astype(np.intp), after[changed].astype(np.intp)
    kinds = len(CODES)
    cell = (given.position[changed] * kinds + before) * kinds + now
    size = len(given.run) * kinds * kinds
    count = np.bincount(cell, minlength=size)
    weight = np.bincount(cell, given.weight[changed], minlength=size)
    cells = np.flatnonzero(count)
    run = cells // kinds**2
    per_run = np.bincount(given.position[changed], minlength=len(given.run))
    order = np.lexsort((-count[cells], run, -per_run[run]))
    cells, run = cells[order], run[order]
    table = pd.DataFrame(
        {
            "run": given.run[run],
            "before": NAMES[cells // kinds % kinds],
            "after": NAMES[cells % kinds],
            "lumisections": count[cells],
            "weight": weight[cells],
        }
    )
    return Flips(table, len(given), _open(given.code), _open(after), int(np.count_nonzero(per_run)))


def _decided(given: OpenVerdicts, point: WorkingPoint) -> NDArray[np.int8]:
    """As ``WorkingPoint.decide``, in codes, where thresholds may change anything."""
    able = given.free & ~given.held
    after = np.where(given.free, ASK, given.code)
    after[able & (given.badness < point.accept_below)] = ACCEPT
    after[able & (given.badness >= point.reject_above)] = REJECT
    return after


def _open(code: NDArray[np.int8]) -> int:
    """How many lumisections need a person."""
    counts = np.bincount(code, minlength=len(CODES))
    return int(sum(counts[CODES[each]] for each in OPEN_DECISIONS))
