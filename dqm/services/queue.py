"""What there is to do: every run with its state, its decisions and what is at stake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dqm.model.aggregates import RunAggregate
from dqm.model.decisions import OPEN_DECISIONS, RunState
from dqm.model.verdicts import Decision, Reason
from dqm.services.counting import NOTHING, counted_runs
from dqm.services.effective import partitions_that_stand
from dqm.services.growing import is_provisional
from dqm.services.shown import Shown
from dqm.services.standing import Standing, standings
from dqm.store.partitions import Partition
from dqm.store.store import Store


@dataclass(frozen=True)
class QueueRow:
    """One run: its state, who has claimed it until when, lumisections by what stands, and the weight.

    ``weight`` is that of the run, ``weights`` by what stands, ``open_weight`` that of what still needs a person, in the
    unit of the experiment. ``escalations`` wait for an expert. ``last`` is its last entry, ``shown`` what a form sends
    back as ``expected``. A run that was not certified yet has no counts; one that still grew when it was is
    ``provisional``. ``subsystem``, ``status``, ``reason`` and ``strip`` are those of a ``RunAggregate``: a status says
    why before a reason does. ``certified_at`` and ``data_at`` are when its verdicts and its data came.
    """

    run: int
    state: RunState
    claimed_by: str
    claimed_until: datetime | None
    signed_by: str
    escalations: int
    counts: Mapping[Decision, int]
    weights: Mapping[Decision, float]
    weight: float
    open_weight: float
    last: int
    provisional: bool
    shown: str
    subsystem: str
    status: str
    reason: Reason | None
    strip: bytes
    certified_at: datetime | None
    data_at: datetime | None

    @property
    def open(self) -> int:
        """Lumisections that still need a person."""
        return sum(self.counts.get(each, 0) for each in OPEN_DECISIONS)

    @property
    def lumisections(self) -> int:
        """Lumisections of the run that have a verdict."""
        return sum(self.counts.values())

    def document(self) -> dict[str, Any]:
        """For ``--json``; the strip is a picture and no part of it."""
        named = {name: {str(each): number for each, number in getattr(self, name).items()} for name in _BY_DECISION}
        reason = None if self.reason is None else asdict(self.reason)
        return {**vars(self), **named, "reason": reason, "open": self.open, "strip": None}


_BY_DECISION = ("counts", "weights")


def queue(store: Store, at: datetime, remembered: MutableMapping[str, RunAggregate] | None = None) -> list[QueueRow]:
    """Every run, those first in which most weight still needs a person.

    ``remembered`` holds what was counted before, for a process that asks again and again; it is filled.
    """
    found = standings(store, at)
    partitions = {each.run: each for each in partitions_that_stand(store, found.values())}
    counted = counted_runs(store, found, partitions, {} if remembered is None else remembered)
    came = store.aggregates.brought("verdicts")
    data = _latest([store.aggregates.brought(kind) for kind in ("quantities", "histograms")])
    rows = []
    for run, each in found.items():
        held = partitions.get(run)
        at_last = came[run, held.digest] if held else None
        rows.append(_row(each, held, counted.get(run, NOTHING), at_last, data.get(run)))
    return sorted(rows, key=lambda row: (-row.open_weight, -row.open, row.run))


def _row(
    found: Standing, held: Partition | None, counted: RunAggregate, certified: datetime | None, data: datetime | None
) -> QueueRow:
    return QueueRow(
        run=found.run,
        state=found.state,
        claimed_by=found.holder.name if found.holder else "",
        claimed_until=found.until,
        signed_by=found.signed.actor if found.signed else "",
        escalations=len(found.escalations),
        counts=counted.counts,
        weights=counted.weights,
        weight=counted.weight,
        open_weight=counted.open_weight,
        last=found.last,
        provisional=held is not None and is_provisional(held),
        shown=str(Shown.of(found, held.digest if held else "")),
        subsystem=counted.subsystem,
        status=counted.status,
        reason=counted.reason,
        strip=counted.strip,
        certified_at=certified,
        data_at=data,
    )


def _latest(came: Iterable[Mapping[tuple[int, str], datetime]]) -> dict[int, datetime]:
    """When anything of a run came last."""
    found: dict[int, datetime] = {}
    for each in came:
        for (run, _), at in each.items():
            found[run] = max(at, found.get(run, at))
    return found
