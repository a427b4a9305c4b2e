"""``dqm nightly``: ingest what arrived, score what is due, decide and publish in one commit, tell, report.

A night may be killed anywhere: what it committed stands, what it did not is done by the next one. Run twice, the second
night finds nothing to do and publishes the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import time_ns
from typing import Any

from dqm.model.config import Config
from dqm.model.events import Event
from dqm.store.deliveries import DEAD
from dqm.store.nights import FAILED, FINISHED
from dqm.store.store import Store
from pipelines.alerts.relay import relay
from pipelines.nightly.due import due, runs_since
from pipelines.nightly.lock import locked
from pipelines.nightly.log import ERROR, INFO, SILENT, WARNING, Log
from pipelines.nightly.stages import FORESEEN, Stages
from pipelines.nightly.summary import NightSummary
from pipelines.nightly.work import WHOLE, NightRequest, Work
from pipelines.run.arrivals import Arrivals
from pipelines.run.score import champion, held_runs
from pipelines.sensors.foreseen import foreseen


def nightly(
    config: Config,
    store: Store,
    request: NightRequest = WHOLE,
    started: Callable[[str], None] = lambda name: None,
    log: Log = SILENT,
) -> NightSummary:
    """Run one night; raises ``LockedError`` where another one runs. Everything else is in the summary."""
    with locked(store.path, "night"):
        night = store.nights.begin()
        log = log.of(night=night)
        log.write("night.began")
        try:
            work = Work(config, store, request, night, Stages(started, log.stage))
            with work.workers:
                summary = work.run()
        except BaseException as error:
            said = {"error": f"{type(error).__name__}: {error}"}
            log.write("night.ended", ERROR, state=FAILED, said=said["error"])
            store.nights.end(night, FAILED, said, events=[_ended(night, "nightly.failed", said)])
            _told(config, store)
            raise
        state = FAILED if any(each.failed for each in summary.stages) else FINISHED
        _log_end(log, summary, state)
        type_ = "nightly.failed" if summary.failed else "nightly.finished"
        document = summary.document()
        told = {name: document[name] for name in ("seconds", "scored", "failed_runs", "decisions", "quarantined")}
        told |= {"stages": {each.name: each.state for each in summary.stages}}
        store.nights.end(night, state, document, events=[_ended(night, type_, told)])
        _told(config, store)
        return replace(summary, dead=store.deliveries.counts()[DEAD])


def _log_end(log: Log, done: NightSummary, state: str) -> None:
    log.runs(done.failed_runs)
    log.findings(done.findings)
    level = ERROR if done.failed else WARNING if done.quarantined else INFO
    counts = {"scored": done.scored, "delivered": done.delivered, "quarantined": done.quarantined}
    log.write("night.ended", level, state=state, seconds=round(done.seconds, 3), **counts, decisions=done.decisions)


def _told(config: Config, store: Store) -> None:
    """Send how the night ended; what cannot be sent waits for the next relay and takes nothing else down."""
    with suppress(*FORESEEN):
        relay(config, store)


def _ended(night: int, type_: str, said: dict[str, Any]) -> Event:
    return Event(type_, f"night {night}", said | {"night": night})


def dry_run(config: Config, store: Store, request: NightRequest = WHOLE) -> str:
    """What a night would do now, as text; nothing is written. Runs that are still to be ingested are not known yet."""
    then = Arrivals.taken(store)
    arrivals = Arrivals.of(config, then)
    changed, gone = arrivals.differ(then), set(arrivals.gone(then))
    lines = [f"files that are new, changed or gone: {len(changed)}"]
    lines += [f"  {each}{' (gone)' if each in gone else ''}" for each in changed[:20]]
    lines += [f"  … and {len(changed) - 20} more"] if len(changed) > 20 else []
    lines += [f"not found: {each}" for each in arrivals.missing]
    lines += foreseen(config, store, time_ns())
    held_runs(store, request.runs)  # says where none of them is known
    try:
        stored, bundle = champion(store)
    except FORESEEN as error:
        return "\n".join([*lines, f"nothing can be scored: {error}"])
    found = due(config, store, bundle)
    if request.runs:
        found = found.within(request.runs)
    if request.since is not None:
        found = found.within(runs_since(store, request.since))
    lines += [f"model: {stored.model_id}", f"to score of what is ingested: {found.text()}"]
    return "\n".join(lines)
