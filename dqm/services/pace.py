"""How long people take for one stretch of lumisections, by what they entered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from dqm.store.audit import Entry

ASSUMED = 2.0
"""Minutes for one stretch where too little was entered to tell: an assumption, and told as one."""
LONGEST = 30.0
"""Minutes between two entries of one person in one run after which something else was done between."""
ENOUGH = 10
"""Decisions from which a pace is measured."""


@dataclass(frozen=True)
class Pace:
    """``minutes`` for one stretch, from so many ``decisions`` of people; 0 decisions: it is assumed."""

    minutes: float
    decisions: int

    def text(self) -> str:
        """Where the number comes from."""
        per = f"{self.minutes:.2g} minutes for each stretch that needs a person"
        if self.decisions:
            return f"{per}: the median of {self.decisions} decisions here"
        return f"{per} are assumed, until {ENOUGH} decisions here tell better"


def pace(entries: Iterable[Entry]) -> Pace:
    """The median of the minutes per range over all decisions that followed an entry of the same person in the run.

    What was not followed within ``LONGEST`` minutes, and what a clock that was set back makes negative, is left out.
    """
    before: dict[tuple[int | None, str], datetime] = {}
    found: list[float] = []
    for each in entries:
        minutes = (each.at - before.get((each.run, each.actor), each.at)).total_seconds() / 60
        if each.action == "decide" and 0 < minutes <= LONGEST:
            found.append(minutes / len(each.fields["ranges"]))
        if each.run is not None:
            before[each.run, each.actor] = each.at
    return Pace(median(found), len(found)) if len(found) >= ENOUGH else Pace(ASSUMED, 0)
