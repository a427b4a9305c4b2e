"""``dqm prune``: what a store need not keep, removed or only listed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from dqm.model.errors import InputError
from dqm.model.people import Person
from dqm.services.standing import standings
from dqm.services.submission import Judgement, submit
from dqm.store.store import Store
from pipelines.nightly.lock import locked
from pipelines.nightly.work import REPORTS
from pipelines.run.summary_cache import FOLDER

ACTION = "prune"
SHOWN = 10
LEAST_DAYS = 1.0
"""Days for which what was replaced stays at least: a reader may be at work on the snapshot before."""


@dataclass(frozen=True)
class PruneSummary:
    """What went, or would go (``dry``): files by kind, relative to the store, their ``size``, and ``deliveries``."""

    dry: bool
    reports: tuple[str, ...]
    superseded: tuple[str, ...]
    leftovers: tuple[str, ...]
    cache: tuple[str, ...]
    size: int
    deliveries: int

    def text(self) -> str:
        """For people."""
        words = {
            "reports": "reports of nights",
            "superseded": "files of content that was replaced",
            "leftovers": "files that an interrupted write left",
            "cache": "files of the cache",
        }
        lines = ["nothing was changed; this would go:" if self.dry else "this went:"]
        for name, what in words.items():
            files: tuple[str, ...] = getattr(self, name)
            lines.append(f"{len(files):6d} {what}")
            if self.dry:
                lines += [f"         {each}" for each in files[:SHOWN]]
                lines += [f"         … and {len(files) - SHOWN} more"] if len(files) > SHOWN else []
        lines += [f"{self.deliveries:6d} deliveries of alerts that ended", f"{self.size / 1e6:.1f} MB of files"]
        return "\n".join(lines)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def prune(
    store: Store,
    person: Person,
    *,
    nights: int,
    days: float,
    cache: bool = False,
    dry: bool = False,
    now: datetime | None = None,
) -> PruneSummary:
    """Keep the reports of the newest ``nights``, and what was replaced or told in the last ``days``.

    Nothing of a signed run goes. What goes is entered in the audit under ``person`` before it does. Raises
    ``InputError`` for fewer nights or days than may be asked for, ``LockedError`` while a night is at work.
    """
    if nights < 1:
        raise InputError(f"--keep-nights {nights}: keep 1 at least")
    if not days >= LEAST_DAYS:
        raise InputError(f"--older-than {days:g}: somebody may be reading it; name {LEAST_DAYS:g} day at least")
    at = now or datetime.now(UTC)
    with locked(store.path, "prune"):
        signed = {run for run, each in standings(store, at).items() if each.signed}
        reports = sorted((store.path / REPORTS).glob("night-*.html"))[:-nights]
        cached = sorted(each for each in (store.path / FOLDER).rglob("*") if each.is_file()) if cache else []
        size = sum(each.stat().st_size for each in (*reports, *cached))
        found = store.pruning.found(at - timedelta(days=days), at, signed)
        files = len(reports) + len(cached) + len(found.superseded) + len(found.leftovers)
        if not dry and (files or found.deliveries):
            asked = {"nights": nights, "days": days, "cache": cache, "files": files, "deliveries": found.deliveries}
            submit(store, person, uuid4().hex, at, lambda desk: Judgement(ACTION, "store", asked, "pruned the store"))
            found = store.pruning.remove(at - timedelta(days=days), at, signed)
            for each in (*reports, *cached):
                each.unlink(missing_ok=True)

    def relative(files: list[Path]) -> tuple[str, ...]:
        return tuple(str(each.relative_to(store.path)) for each in files)

    return PruneSummary(
        dry=dry,
        reports=relative(reports),
        superseded=tuple(map(str, found.superseded)),
        leftovers=tuple(map(str, found.leftovers)),
        cache=relative(cached),
        size=size + found.size,
        deliveries=found.deliveries,
    )
