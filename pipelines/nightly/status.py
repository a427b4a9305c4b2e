"""``dqm status``: whether the nights run, what is waiting, and what is published."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dqm.model.amounts import counted
from dqm.model.errors import InputError
from dqm.model.events import Event
from dqm.model.findings import grouped
from dqm.services.history import moment
from dqm.services.publish import GOLDEN, last_golden
from dqm.store.deliveries import DEAD
from dqm.store.nights import FINISHED, RUNNING, Night
from dqm.store.schema import CHAMPION
from dqm.store.store import Store
from pipelines.nightly.stages import FAILED

SHOWN = 10
"""Kinds of quarantined findings that are listed."""


@dataclass(frozen=True)
class Status:
    """What an operator asks first. Moments are UTC, ``hours`` since the last finished night; None where there is none.

    ``overdue`` where that is longer ago than was allowed.
    """

    snapshot: int
    runs: int
    scored: int
    champion: str
    challenger: str
    golden: int
    golden_path: str
    nights: dict[str, int]
    last_finished: datetime | None
    hours: float | None
    overdue: bool
    deliveries: dict[str, int]
    quarantined: int
    quarantine: tuple[str, ...]
    trouble: tuple[str, ...] = ()
    """What the newest night did not do, or that it has not ended, a line each; empty where all was done."""

    @property
    def dead(self) -> int:
        """Alerts that were given up and that nobody has dealt with."""
        return self.deliveries[DEAD]

    def text(self) -> str:
        """For people."""
        night = "no night has finished yet"
        if self.last_finished is not None and self.hours is not None:
            ago = f"{self.hours:.1f} hours ago" if self.hours >= 0 else f"{-self.hours:.1f} hours AHEAD of this clock"
            night = f"last finished night {moment(self.last_finished)}, {ago}"
        waiting = ", ".join(f"{n} {state}" for state, n in self.deliveries.items() if n) or "nothing to tell"
        lines = [
            f"{'OVERDUE: ' if self.overdue else ''}{night}",
            "nights: " + (", ".join(f"{n} {state}" for state, n in self.nights.items()) or "none"),
            *self.trouble,
            f"snapshot {self.snapshot}: {counted(self.runs, 'run')}, {self.scored} scored; "
            f"golden JSON version {self.golden}" + (f": {self.golden_path}" if self.golden else ""),
            f"champion {self.champion or 'none'}" + (f", challenger {self.challenger}" if self.challenger else ""),
            f"alerts: {waiting}" + ("; somebody was NOT TOLD: dqm alerts dead" if self.dead else ""),
            f"quarantined findings: {self.quarantined}",
            *(f"  {each}" for each in self.quarantine[:SHOWN]),
        ]
        lines += [f"  … and {len(self.quarantine) - SHOWN} more kinds"] if len(self.quarantine) > SHOWN else []
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def status(store: Store, within: float | None = None, now: datetime | None = None) -> Status:
    """How things stand; ``within`` so many hours a night must have finished."""
    at = now or datetime.now(UTC)
    nights = store.nights.all()
    finished = store.nights.last(FINISHED)
    ended = finished.ended if finished else None
    hours = None if ended is None else (at - ended) / timedelta(hours=1)
    # A clock that was set back makes a night end in the future: as good a reason to look as one that is missing.
    overdue = within is not None and (hours is None or not -1 < hours <= within)
    golden = last_golden(store)
    quarantine = store.quarantine()
    champion, challenger = store.pointed(CHAMPION), store.challenger()
    return Status(
        snapshot=store.snapshot,
        runs=len(store.runs("quantities")),
        scored=len(store.runs("scores")),
        champion=champion.model_id if champion else "",
        challenger=challenger.model_id if challenger else "",
        golden=golden.version if golden else 0,
        golden_path=str(store.newest(GOLDEN)) if golden else "",
        nights=dict(Counter(each.state for each in nights)),
        last_finished=ended,
        hours=hours,
        overdue=overdue,
        deliveries=store.deliveries.counts(),
        quarantined=len(quarantine),
        quarantine=tuple(grouped(quarantine)),
        trouble=tuple(_trouble(nights[-1])) if nights else (),
    )


def _trouble(newest: Night) -> list[str]:
    """What of the newest night was not done, and where it is written; nothing where all was."""
    if newest.state == RUNNING:
        return [
            f"night {newest.id} began {moment(newest.began)} and has not ended: at work, or killed; dqm nightly tells"
        ]
    said = newest.summary
    reasons = [f"  {each['name']}: {each['said']}" for each in said.get("stages", ()) if each["state"] == FAILED]
    reasons += [f"  run {run} was not scored: {why}" for run, why in said.get("failed_runs", {}).items()]
    reasons += [f"  {said['error']}"] if said.get("error") else []
    if not reasons:
        return []
    report = [f"  report: {said['report']}"] if said.get("report") else []
    return [f"the newest night, {newest.id}, did NOT do all:", *reasons[:SHOWN], *report]


def watched(store: Store, within: float, now: datetime | None = None) -> Status:
    """The independent dead-man timer: how things stand, and ``nightly.missed`` posted where a night is overdue.

    Raises ``InputError`` for no positive number of hours.
    """
    if not within > 0:
        raise InputError(f"--within {within:g}: write a positive number of hours, e.g. 26")
    at = now or datetime.now(UTC)
    found = status(store, within, at)
    if found.overdue:
        running = store.nights.last(RUNNING)
        about = {
            "since": found.last_finished.isoformat() if found.last_finished else "",
            "within_hours": within,
            "day": f"{at:%Y-%m-%d}",
            "running": running.id if running else None,
        }
        with store.transaction() as change:
            change.emit([Event("nightly.missed", "nightly", about)])
    return found
