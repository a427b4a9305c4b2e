"""What a golden JSON published now would hold that the last one does not, and the other way round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dqm.model.amounts import agreeing, counted
from dqm.model.keys import LumiMask
from dqm.model.verdicts import CODES, GOLDEN, Decision
from dqm.services.effective import StandingVerdicts, standing_verdicts
from dqm.services.growing import provisional_runs
from dqm.services.history import spelled
from dqm.services.publish import last_golden, mask_of
from dqm.services.standing import standings
from dqm.store.store import Store

GONE = "not there"
"""What stands of a lumisection that was published and that the store holds no verdict of any more."""
PROVISIONAL = "provisional"
"""What stands of a lumisection whose run still grows: it is not published, whatever its verdict."""


@dataclass(frozen=True)
class Moved:
    """The lumisections of one run that enter the golden JSON, or leave it.

    ``ranges`` inclusive, ``lumisections`` of them with ``weight`` in the unit of the experiment (those that are gone
    weigh nothing here), ``now`` how many of them are what.
    """

    run: int
    enters: bool
    ranges: tuple[tuple[int, int], ...]
    lumisections: int
    weight: float
    now: dict[str, int]

    def text(self, unit: str = "") -> str:
        """In one line, with the unit of the weight."""
        states = ", ".join(f"{number} {state}" for state, number in self.now.items())
        deed = "enters" if self.enters else "leaves"
        weighed = f"{self.weight:.4g} {unit}".strip()
        return f"run {self.run}: LS {spelled(self.ranges)} {deed} ({self.lumisections} LS, {weighed}; now {states})"


@dataclass(frozen=True)
class Difference:
    """``before``: version of the last golden JSON, 0 where there is none; ``golden``: lumisections of a new one."""

    before: int
    golden: int
    moved: tuple[Moved, ...]

    def text(self, unit: str = "") -> str:
        """For people."""
        last = f"published in version {self.before}" if self.before else "nothing was published yet"
        golden = f"{counted(self.golden, 'lumisection')} {agreeing(self.golden, '[is|are]')}"
        if not self.moved:
            return f"{golden} golden, as {last}: nothing would change"
        head = f"{golden} golden; against what was {last}:" if self.before else f"{last}:"
        return "\n".join([head, *(each.text(unit) for each in self.moved)])

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**vars(self), "moved": [vars(each) for each in self.moved]}


def difference(store: Store, at: datetime) -> Difference:
    """What ``publish`` would change now; raises ``StoreError`` where the last golden JSON was altered or is missing."""
    found = standing_verdicts(store, standings(store, at).values())
    growing = np.isin(found.run, sorted(provisional_runs(store)))
    golden = np.isin(found.code, [CODES[each] for each in GOLDEN]) & ~growing
    now, last = LumiMask.of_lumisections(found.run[golden], found.ls[golden]), last_golden(store)
    before = mask_of(last)
    moved = [*_moved(found, growing, now - before, enters=True), *_moved(found, growing, before - now, enters=False)]
    moved.sort(key=lambda each: (each.run, each.enters))
    return Difference(last.version if last else 0, len(now), tuple(moved))


def _moved(found: StandingVerdicts, growing: NDArray[np.bool_], mask: LumiMask, *, enters: bool) -> Iterator[Moved]:
    words, numbers = [str(each) for each in Decision], mask.counts
    for run, ranges in mask.ranges.items():
        first, last = np.searchsorted(found.run, [run, run + 1])
        inside = first + np.flatnonzero(mask.contains(found.run[first:last], found.ls[first:last]))
        states = Counter(PROVISIONAL if growing[i] else words[found.code[i]] for i in inside.tolist())
        if gone := numbers[run] - len(inside):
            states[GONE] = gone
        yield Moved(run, enters, tuple(ranges), numbers[run], float(found.weight[inside].sum()), dict(states))
