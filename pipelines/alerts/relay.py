"""The relay: takes posted events to their receivers, each at least once, and gives up on none without saying so.

An attempt that fails is made again after a random wait in [0, min(longest, first · 2^(attempt − 1))] (full jitter), or
when the receiver asked to be tried, if that is later; after ``alerts.attempts`` the delivery is a dead letter.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dqm.model.alerts_config import AlertsConfig
from dqm.model.config import Config
from dqm.model.errors import ConfigError, UnknownNameError
from dqm.model.events import Event
from dqm.services.silences import Silence, acknowledged, silences_at
from dqm.store.deliveries import DEAD, DONE, HELD, PENDING, SILENCED, Delivery, Outcome
from dqm.store.store import Store
from pipelines.alerts.notice import Notice
from pipelines.alerts.outside import NotDeliveredError, Outside, within
from pipelines.alerts.receivers import Told, made, outside_of, usable, wants

RESTS_AFTER = 3
"""Attempts in a row without any answer after which a receiver is left alone until the next pass."""

GONE = "no receiver of this name is configured any more"


@dataclass(frozen=True)
class RelaySummary:
    """What one pass did: deliveries confirmed, failed attempts by receiver; then what is left in the store by state."""

    delivered: int
    failed: dict[str, str]
    given_up: int
    counts: dict[str, int]

    @property
    def complete(self) -> bool:
        """Whether nothing waits and nothing was given up in this pass."""
        return not self.counts[PENDING] and not self.given_up

    def text(self) -> str:
        """For people."""
        states = ", ".join(f"{self.counts[each]} {each}" for each in (PENDING, HELD, DEAD) if self.counts[each])
        lines = [f"delivered {self.delivered}" + (f"; left: {states}" if states else "; nothing left")]
        lines += [f"{name}: {error}" for name, error in self.failed.items()]
        return "\n".join(lines + (["dead letters: dqm alerts dead"] if self.counts[DEAD] else []))


@dataclass
class _Pass:
    """What a pass knows while it lasts."""

    silences: Sequence[Silence]
    known: frozenset[tuple[int | None, str]]
    delivered: int = 0
    given_up: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    silent: Counter[str] = field(default_factory=Counter)


def relay(
    config: Config,
    store: Store,
    *,
    wait: float = 0.0,
    outside: Outside | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> RelaySummary:
    """Send what is due, and for ``wait`` seconds what becomes due; returns what is left.

    Raises ``ConfigError`` for a receiver that can never work, when the others were told; what is for it waits.
    """
    alerts, way_out = config.alerts, outside or outside_of(config)
    told, wrong = usable(alerts, way_out)
    end = way_out.clock() + timedelta(seconds=wait)
    store.deliveries.spread(lambda event: [r.title for r in alerts.receiver if wants(r, event)], way_out.clock())
    given_up = store.deliveries.bury([each.title for each in alerts.receiver], GONE)
    now = _begun(store, way_out.clock())
    now.given_up = given_up
    while True:
        _all_due(alerts, store, told, way_out, now)
        if wrong:
            raise ConfigError(f"{wrong[0]}; what is for it waits, the others were told")
        due = store.deliveries.next_due()
        if due is None or due > end or way_out.clock() >= end:
            break
        sleep(max((due - way_out.clock()).total_seconds(), 0.01))
        now.silent.clear()
    return RelaySummary(now.delivered, now.failed, now.given_up, store.deliveries.counts())


def _begun(store: Store, at: datetime) -> _Pass:
    """Who is silent, and free what was held by silences that are over."""
    silences = silences_at(store, at)
    store.deliveries.release(lambda posted: _covering(silences, posted.event) is not None, at)
    return _Pass(silences, acknowledged(store))


def _all_due(alerts: AlertsConfig, store: Store, told: dict[str, Told], outside: Outside, now: _Pass) -> None:
    """Send what is due; the outcome of one is entered in the transaction that claims the next."""
    lease = timedelta(seconds=2 * alerts.total_timeout + 5)
    horizon = lease + timedelta(seconds=alerts.longest_delay)
    finished: Outcome | None = None
    for due in store.deliveries.due(told, outside.clock(), horizon):
        if now.silent[due.receiver] >= RESTS_AFTER:
            continue
        claimed = store.deliveries.claim(due, outside.clock() + lease, finished)
        finished = None
        if claimed is not None:
            finished = _hushed(claimed, outside.clock(), now)
            finished = finished or _attempted(alerts, claimed, told[claimed.receiver], outside, now)
    if finished is not None:
        store.deliveries.enter(finished)


def _hushed(claimed: Delivery, at: datetime, now: _Pass) -> Outcome | None:
    """What a silence or an acknowledgement makes of a delivery; None where it is to be sent."""
    event = claimed.posted.event
    if event.type == "anomaly.updated" and (event.run, event.subsystem) in now.known:
        return Outcome(claimed, SILENCED, at, "somebody knows of it", counted=False)
    covering = _covering(now.silences, event)
    if covering is None:
        return None
    if not event.type.startswith("anomaly."):
        return Outcome(claimed, SILENCED, at, covering.text(), counted=False)
    return Outcome(claimed, HELD, covering.until, covering.text(), counted=False)


def _attempted(alerts: AlertsConfig, claimed: Delivery, told: Told, outside: Outside, now: _Pass) -> Outcome:
    notice = Notice(claimed.posted.event, claimed.posted.at, alerts.source)
    try:
        _send(told, notice, outside)
    except NotDeliveredError as error:
        return _failed(alerts, claimed, error, outside.clock(), now)
    now.delivered += 1
    now.silent[claimed.receiver] = 0
    return Outcome(claimed, DONE, outside.clock())


def _failed(alerts: AlertsConfig, claimed: Delivery, error: NotDeliveredError, at: datetime, now: _Pass) -> Outcome:
    now.failed[claimed.receiver] = str(error)
    now.silent[claimed.receiver] = 0 if error.answered else now.silent[claimed.receiver] + 1
    if claimed.attempts >= alerts.attempts:
        now.given_up += 1
        return Outcome(claimed, DEAD, at, str(error))
    pause = delay(alerts, claimed, error.retry_after)
    return Outcome(claimed, PENDING, at + timedelta(seconds=pause), str(error))


def delay(alerts: AlertsConfig, claimed: Delivery, retry_after: float | None) -> float:
    """Seconds to the next attempt; the jitter is a digest of event, receiver and attempt, so it can be repeated."""
    text = f"{claimed.posted.event.id} {claimed.receiver} {claimed.attempts}"
    share = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32
    top = min(alerts.longest_delay, alerts.first_delay * 2.0 ** min(claimed.attempts - 1, 60))
    return max(share * top, min(retry_after or 0.0, alerts.longest_delay))


def _covering(silences: Sequence[Silence], event: Event) -> Silence | None:
    return next((each for each in silences if each.covers(event.run, event.subsystem)), None)


def probe(config: Config, name: str = "", outside: Outside | None = None) -> dict[str, str]:
    """Send ``alerts.test`` to all receivers or one, past store and filters; what went wrong by name, "" where nothing.

    Raises ``ConfigError`` for a receiver that can never work, ``UnknownNameError`` for one that is not configured.
    """
    way_out = outside or outside_of(config)
    told = {each.name: each for each in made(config.alerts, way_out)}
    if name and name not in told:
        raise UnknownNameError("receiver", name, told)
    at = way_out.clock()
    event = Event("alerts.test", "test of the receivers", {"at": at.isoformat()})
    notice = Notice(event, at, config.alerts.source)
    return {each: _said(told[each], notice, way_out) for each in ([name] if name else told)}


def _said(told: Told, notice: Notice, outside: Outside) -> str:
    try:
        _send(told, notice, outside)
    except NotDeliveredError as error:
        return str(error)
    return ""


def _send(told: Told, notice: Notice, outside: Outside) -> None:
    """Tell one receiver within the total time; whatever goes wrong is a ``NotDeliveredError`` that quotes no secret."""
    try:
        within(outside.total_timeout, lambda: told.receiver.send(notice, outside))
    except NotDeliveredError:
        raise
    except ConfigError as error:  # an address that came from the environment
        raise NotDeliveredError(str(error)) from None
    except Exception as error:  # noqa: BLE001 (a plug-in may fail in any way; the others are told all the same)
        raise NotDeliveredError(f"the receiver failed with {type(error).__name__}", answered=True) from None
