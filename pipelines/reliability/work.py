"""The three kinds of work that are interrupted: a night, decisions of people, the relay. Each may be done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np

from dqm.model.config import Config
from dqm.model.errors import RefusedError, RepeatedError
from dqm.model.events import Event
from dqm.services import decide, publish, runs, silences, working_points
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from features.asked import asked_of
from pipelines.alerts.producing import last_anomalies
from pipelines.alerts.receivers import outside_of
from pipelines.alerts.relay import relay
from pipelines.nightly.night import nightly
from pipelines.reliability.people import AT, PEOPLE
from pipelines.reliability.season import Season

LATER = timedelta(hours=1)
"""By then every lease of a relay that died has ended."""
ALERTS = 15
"""Events that wait in the store of the relay."""


@dataclass(frozen=True)
class Work:
    """Something that is interrupted: ``prepare`` makes the place for it, ``do`` does it, as often as it is called.

    A receiver is told of events of some ``types``.
    """

    name: str
    prepare: Callable[[Season], None]
    do: Callable[[Config, Store], object]
    types: tuple[str, ...] = ("*",)


def _before_a_night(season: Season) -> None:
    """One run was certified; now the run before it comes late and the one after it comes new."""
    season.arrive(season.pieces[1:2])
    config = season.config()
    with Store.open(config.store_path) as store:
        nightly(config, store)
    season.arrive(season.pieces)


def _before_decisions(season: Season) -> None:
    season.arrive(season.pieces)
    config = season.config()
    with Store.open(config.store_path) as store:
        nightly(config, store)


def _before_the_relay(season: Season) -> None:
    with Store.open(season.config().store_path) as store, store.transaction(at=AT) as change:
        change.emit([Event("anomaly.opened", f"run {i}", {"n": i}, i, "A") for i in range(ALERTS)])


def decisions(config: Config, store: Store) -> None:
    """What a shift does to one run: claim, decide, escalate, sign, reopen, publish, and its leader beside it."""
    run = store.runs("verdicts")[0]
    verdicts = verdicts_from_arrow(store.read("verdicts", [run]))
    ls = np.asarray(verdicts.index.get_level_values("ls")).tolist()
    rest, first, whole = [(ls[1], ls[-1])], [(ls[0], ls[0])], [(ls[0], ls[-1])]
    point = store.working_point()
    if point is None:
        raise RefusedError("the store has no working point")
    asked = asked_of(config.features, config.limits)
    proposed = replace(point, accept_below=0.0123)
    acts: tuple[Callable[..., object], ...] = (
        partial(runs.claim, store, PEOPLE, "ada", run),
        partial(decide.decide, store, PEOPLE, "ada", run, rest, "GOOD", "noise", "quiet"),
        partial(decide.decide, store, PEOPLE, "ada", run, first, "BAD", "noise"),
        partial(runs.escalate, store, PEOPLE, "ada", run, first, "is it?"),
        partial(publish.publish, store, PEOPLE, "eve", asked=asked),
        partial(decide.decide, store, PEOPLE, "eve", run, whole, "GOOD", "harmless"),
        partial(runs.sign, store, PEOPLE, "eve", run, asked=asked),
        partial(publish.publish, store, PEOPLE, "lea", asked=asked),
        partial(runs.reopen, store, PEOPLE, "lea", run, "once more"),
        partial(decide.decide, store, PEOPLE, "lea", run, rest, "BAD", "calibration"),
        partial(publish.publish, store, PEOPLE, "lea", asked=asked),
        partial(working_points.propose, store, PEOPLE, "eve", proposed, "careful"),
        partial(_approve, store),
        partial(silences.silence, store, PEOPLE, "ada", run, "ECAL", AT + timedelta(hours=8), "known"),
        partial(silences.acknowledge, store, PEOPLE, "ada", *open_anomaly(store, run)),
    )
    for number, act in enumerate(acts):
        try:
            act(nonce=f"form {number}", at=AT)
        except RepeatedError:  # done before the process died
            continue


def open_anomaly(store: Store, run: int) -> tuple[int, str]:
    """Run and subsystem of an anomaly that the night opened, of this run where there is one."""
    found = sorted(key for key, last in last_anomalies(store).items() if last.type != "anomaly.resolved")
    if not found:
        raise RefusedError("the night opened no anomaly to acknowledge")
    return next((key for key in found if key[0] == run), found[0])


def _approve(store: Store, **form: Any) -> object:
    """Approve what was proposed last."""
    return working_points.approve(store, PEOPLE, "lea", working_points.proposals(store)[-1].entry.id, **form)


def tell(config: Config, store: Store) -> None:
    """Send what is due."""
    relay(config, store)


def settle(config: Config, store: Store) -> None:
    """Send what is left when all leases have ended."""
    outside = replace(outside_of(config), clock=lambda: datetime.now(UTC) + LATER)
    relay(config, store, outside=outside)


NIGHT = Work("nightly", _before_a_night, nightly, ("data.*", "golden.*", "nightly.*"))
DECISIONS = Work("decisions", _before_decisions, decisions)
RELAY = Work("relay", _before_the_relay, tell)
WORKS = (NIGHT, DECISIONS, RELAY)
