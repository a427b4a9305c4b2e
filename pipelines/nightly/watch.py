"""``dqm watch``: scores lumisections as their files appear, so that verdict and alert are there within seconds.

One process goes round: it looks at the files, and where any is new it ingests, scores what is due, certifies and tells,
with the stages of a night and under its lock, so that nights and a watch alternate. Verdicts of the run that still
grows are provisional (``dqm.services.growing``). A night afterwards finds the same scores, or makes them.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, perf_counter
from typing import Any

from dqm.formats.reading import ReadResult, read_input
from dqm.model.amounts import counted
from dqm.model.config import Config, InputConfig
from dqm.model.errors import ConfigError, InputError, LockedError
from dqm.model.findings import Finding, grouped
from dqm.services.growing import growing, provisional_runs
from dqm.store.store import Store
from dqm.store.stored import StoredModel
from pipelines.alerts.relay import relay
from pipelines.nightly.due import Due
from pipelines.nightly.lock import WATCH, locked
from pipelines.nightly.log import ERROR, INFO, SILENT, Log
from pipelines.nightly.stages import Stage, Stages
from pipelines.nightly.work import WHOLE, Work
from pipelines.run.arrivals import Arrivals, known_as, paths_of

INTERVAL = 1.0
"""Seconds from one look at the files to the next."""


@dataclass(frozen=True)
class Pass:
    """What one pass did: its stages, runs scored and those that could not be, lumisections by decision, deliveries, and
    what of the input is in quarantine where it was read.
    """

    seconds: float
    stages: tuple[Stage, ...]
    scored: int
    failed_runs: dict[int, str]
    decisions: dict[str, int]
    delivered: int
    quarantined: tuple[Finding, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a stage failed or a run could not be scored."""
        return bool(self.failed_runs) or any(each.failed for each in self.stages)

    def text(self) -> str:
        """For people, in one line; what failed in lines of its own."""
        decided = ", ".join(f"{n} {name}" for name, n in self.decisions.items() if n) or "nothing to decide"
        told = f"{counted(self.delivered, 'alert')} delivered in {self.seconds:.2f} s"
        head = f"{counted(self.scored, 'run')} scored; {decided}; {told}"
        lines = [f"{each.name} FAILED: {each.said}" for each in self.stages if each.failed]
        lines += [f"run {run} was not scored: {why}" for run, why in self.failed_runs.items()]
        return "\n".join([head, *lines, *(f"in quarantine: {each}" for each in grouped(self.quarantined))])


@dataclass(frozen=True)
class WatchSummary:
    """What a watch did: ``passes`` that had something to do, and how many of them ``failed`` in part."""

    passes: int
    failed: int
    seconds: float

    def text(self) -> str:
        """For people."""
        passes = f"{self.passes} {'pass' if self.passes == 1 else 'passes'}"
        return f"watched for {self.seconds:.1f} s: {passes}, something failed in {self.failed or 'none'}"


class Remembering:
    """Reads inputs, and remembers what each gave as long as all its files are byte for byte the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, ReadResult]] = {}
        self.files: Arrivals = Arrivals({})

    def __call__(self, described: InputConfig, config: Config) -> ReadResult:
        """What the input gives; raises as its reader does."""
        seen = {path: self.files.files.get(known_as(path)) for path in paths_of(described, config)}
        if not seen or None in seen.values():
            return read_input(described, config)
        name = described.model_dump_json()
        if name not in self._known or self._known[name][0] != seen:
            self._known.pop(name, None)
            self._known[name] = seen, read_input(described, config)
        return self._known[name][1]


class Watch:
    """The loop and what it knows: the files that were taken in, and those that were tried in vain."""

    def __init__(self, config: Config, store: Store, log: Log = SILENT) -> None:
        self.log = log
        self.config, self.store = config, store
        store.remember()
        self.taken = Arrivals.taken(store)
        self.seen, self._first, self._read = self.taken, True, Remembering()

    def look(self) -> Pass | None:
        """Do what is to be done now; None where there is nothing. Raises ``LockedError`` while a night is at work."""
        arrivals = Arrivals.of(self.config, self.seen)
        moved = arrivals.differ(self.seen) or (self.seen is not None and arrivals.missing != self.seen.missing)
        if not (moved or self._first or self._ended()):
            self._tell_again()
            return None
        with locked(self.store.path, WATCH):
            done = self._pass(arrivals)
        self.seen, self._first = arrivals, False
        return done

    def _pass(self, arrivals: Arrivals) -> Pass:
        begun, ended = perf_counter(), self._ended()
        stages = Stages(ended=self.log.stage)
        work = Work(self.config, self.store, WHOLE, 0, stages, live=True, read=self._read)
        self._read.files = arrivals
        work.ingest(arrivals, self.taken)
        if not stages.failed("ingest"):
            self.taken = arrivals
        stored, found = work.model(), Due((), ())
        if stored is not None:
            found = work.score(stored)
            if found.runs or ended or self._first:
                work.certify(stored, frozenset() if self._first else self._decidable(stored, found.runs | ended))
        work.tell()
        held = tuple(each for each in work.findings if each.severity == "quarantined")
        told = (work.scored, work.failed_runs, work.decisions, work.delivered, held)
        done = Pass(perf_counter() - begun, tuple(stages.found), *told)
        _log_pass(self.log, done, work.findings)
        return done

    def _ended(self) -> frozenset[int]:
        """The runs whose verdicts are provisional and that have ended since."""
        provisional = provisional_runs(self.store)
        if not provisional:
            return provisional
        return provisional - growing(self.store, self.config.nightly.run_ends_after, datetime.now(UTC))

    def _decidable(self, stored: StoredModel, runs: frozenset[int]) -> frozenset[int]:
        """Those of the runs that the model has scored."""
        manifest = stored.provenance["manifest"]
        return runs & {each.run for each in self.store.partitions("scores") if each.provenance["model"] == manifest}

    def _tell_again(self) -> None:
        """Try again what a receiver did not take, as soon as it is due."""
        due = self.store.deliveries.next_due()
        if due is not None and due <= datetime.now(UTC):
            with suppress(ConfigError):  # the pass that met it first said so
                relay(self.config, self.store)


def _log_pass(log: Log, done: Pass, findings: tuple[Finding, ...]) -> None:
    log.runs(done.failed_runs)
    log.findings(findings)
    counts = {"scored": done.scored, "delivered": done.delivered, "decisions": done.decisions}
    log.write("pass.ended", ERROR if done.failed else INFO, seconds=round(done.seconds, 3), **counts)


def watch(
    config: Config,
    store: Store,
    *,
    interval: float = INTERVAL,
    seconds: float | None = None,
    once: bool = False,
    stop: threading.Event | None = None,
    say: Callable[[str], None] = lambda text: None,
    log: Log = SILENT,
) -> WatchSummary:
    """Go round every ``interval`` seconds until ``stop`` is set, for ``seconds``, or ``once``.

    A night that holds the lock is waited for. Raises ``InputError`` for an interval or a time that is not positive.
    """
    for name, value in (("--interval", interval), ("--for", seconds)):
        if value is not None and not value > 0:
            raise InputError(f"{name} {value:g}: write a positive number of seconds")
    stop, begun, passes, failed = stop or threading.Event(), monotonic(), 0, 0
    round_, waiting = Watch(config, store, log), False
    log.write("watch.began")
    while not stop.is_set():
        try:
            done, waiting = round_.look(), False
        except LockedError as error:
            if once:
                raise
            if not waiting:
                say(f"waiting: {error}")
                log.write("watch.waits", said=str(error))
            done, waiting = None, True
        if done is not None:
            say(done.text())
            passes, failed = passes + 1, failed + done.failed
        left = interval if seconds is None else min(interval, begun + seconds - monotonic())
        if once or left <= 0:
            break
        stop.wait(left)
    summary = WatchSummary(passes, failed, monotonic() - begun)
    log.write("watch.ended", seconds=round(summary.seconds, 3), passes=passes, failed=failed)
    return summary


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; the pass that runs is finished first."""
    event = threading.Event()
    before = {each: signal.signal(each, lambda *_: event.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
