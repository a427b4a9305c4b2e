"""What there is to do: every run with its state, its decisions and what is at stake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from dqm.decide.resolution import CODES
from dqm.model.decisions import OPEN_DECISIONS, RunState
from dqm.model.verdicts import Decision
from dqm.services.effective import partitions_that_stand, standing_verdicts
from dqm.services.growing import provisional_runs
from dqm.services.shown import Shown
from dqm.services.standing import Standing, standings
from dqm.store.store import Store


@dataclass(frozen=True)
class QueueRow:
    """One run: its state, who has claimed it until when, lumisections by what stands, and the weight.

    ``weight`` is that of the run, ``open_weight`` that of what still needs a person, in the unit of the experiment.
    ``escalations`` wait for an expert. ``last`` is its last entry, ``shown`` what a form sends back as ``expected``. A
    run that was not certified yet has no counts; one that still grew when it was is ``provisional``.
    """

    run: int
    state: RunState
    claimed_by: str
    claimed_until: datetime | None
    signed_by: str
    escalations: int
    counts: Mapping[Decision, int]
    weight: float
    open_weight: float
    last: int
    provisional: bool = False
    shown: str = ""

    @property
    def open(self) -> int:
        """Lumisections that still need a person."""
        return sum(self.counts.get(each, 0) for each in OPEN_DECISIONS)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**vars(self), "counts": {str(each): number for each, number in self.counts.items()}, "open": self.open}


def queue(store: Store, at: datetime) -> list[QueueRow]:
    """Every run, those first in which most weight still needs a person."""
    found = standings(store, at)
    verdicts = standing_verdicts(store, found.values())
    runs = np.array(list(found), dtype=np.int64)
    place = np.searchsorted(runs, verdicts.run)
    size = (len(runs), len(CODES))
    cell = place * len(CODES) + verdicts.code
    counts = np.bincount(cell, minlength=size[0] * size[1]).reshape(size)
    weight = np.bincount(cell, verdicts.weight, minlength=size[0] * size[1]).reshape(size)
    open_weight = weight[:, [CODES[each] for each in OPEN_DECISIONS]].sum(axis=1)
    provisional = provisional_runs(store)
    digests = {each.run: each.digest for each in partitions_that_stand(store, found.values())}
    rows = [
        replace(
            _row(each, counts[i].tolist(), float(weight[i].sum()), float(open_weight[i])),
            provisional=each.run in provisional,
            shown=str(Shown.of(each, digests.get(each.run, ""))),
        )
        for i, each in enumerate(found.values())
    ]
    return sorted(rows, key=lambda row: (-row.open_weight, -row.open, row.run))


def _row(found: Standing, counts: list[int], weight: float, open_weight: float) -> QueueRow:
    return QueueRow(
        run=found.run,
        state=found.state,
        claimed_by=found.holder.name if found.holder else "",
        claimed_until=found.until,
        signed_by=found.signed.actor if found.signed else "",
        escalations=len(found.escalations),
        counts={each: counts[code] for each, code in CODES.items() if counts[code]},
        weight=weight,
        open_weight=open_weight,
        last=found.last,
    )
