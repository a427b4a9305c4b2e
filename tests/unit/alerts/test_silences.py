"""Silence holds back and loses nothing; an acknowledgement ends with the anomaly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dqm.model.events import Event
from dqm.model.people_config import PeopleConfig
from dqm.services.people import ConfiguredPeople
from dqm.services.silences import acknowledge, end_silence, silence, silences_at
from dqm.store.store import Store
from pipelines.alerts.outside import Outside
from pipelines.alerts.relay import relay

OPENED = Event("anomaly.opened", "run 7", {"n": 1}, 7, "A")
UPDATED = Event("anomaly.updated", "run 7", {"n": 2}, 7, "A")
ENDED = Event("anomaly.resolved", "run 7", {"n": 3}, 7, "A")


class Desk:
    """A store, a clock and a receiver, and what people may do."""

    def __init__(self, store: Store, clock: Any, outside: Outside, config: Any, desk: Any) -> None:
        self.store, self.clock, self.outside, self.config, self.desk = store, clock, outside, config, desk
        self.count = 0

    def act(self, service: Any, *given: Any) -> None:
        """Act under the next nonce."""
        self.count += 1
        service(self.store, ConfiguredPeople(PeopleConfig()), "", *given, nonce=str(self.count), at=self.clock())

    def silence(self, hours: float = 1, run: int | None = None, subsystem: str = "*") -> None:
        """Silence for some hours."""
        self.act(silence, run, subsystem, self.clock() + timedelta(hours=hours), "known")

    def tell(self, *events: Event) -> list[str]:
        """Post events a minute later and relay; the types that arrived."""
        self.clock.pass_by(60)
        with self.store.transaction(at=self.clock()) as change:
            change.emit(events)
        before = len(self.desk.requests)
        relay(self.config, self.store, outside=self.outside)
        types = {event.id: event.type for event in (each.event for each in self.store.events())}
        return [types[each.headers["webhook-id"]] for each in self.desk.requests[before:]]

    def states(self) -> list[str]:
        """State of every delivery, oldest first."""
        return [each.state for each in self.store.deliveries.found()][::-1]


@pytest.fixture
def room(store: Store, clock: Any, outside: Outside, configured: Any, hook: Any, desk: Any) -> Desk:
    """One room with one receiver."""
    return Desk(store, clock, outside, configured(hook), desk)


def test_a_silence_holds_back_until_it_expires(room: Desk) -> None:
    room.silence(run=7)
    assert room.tell(OPENED, Event("run.scored", "run 7", {}, 7)) == []
    assert room.states() == ["held", "silenced"]
    (held,) = room.store.deliveries.found(["held"])
    assert held.error == "silence 1: run 7, every subsystem, by operator until 2026-11-25 13:00 UTC: known"
    assert held.attempts == 0
    room.clock.pass_by(3600)
    assert room.tell() == ["anomaly.opened"]


def test_only_the_last_word_is_told_when_a_silence_ends(room: Desk) -> None:
    room.silence()
    assert room.tell(OPENED, UPDATED) == []
    room.clock.pass_by(3600)
    assert room.tell() == ["anomaly.updated"]
    assert room.tell(ENDED) == ["anomaly.resolved"]


def test_what_began_and_ended_in_silence_is_not_told(room: Desk) -> None:
    room.silence()
    assert room.tell(OPENED, UPDATED, ENDED) == []
    room.clock.pass_by(3600)
    assert room.tell() == []
    assert room.states() == ["silenced"] * 3


def test_an_end_in_silence_of_what_was_told_before(room: Desk) -> None:
    assert room.tell(OPENED) == ["anomaly.opened"]
    room.silence()
    assert room.tell(ENDED) == []
    room.clock.pass_by(3600)
    assert room.tell() == ["anomaly.resolved"]


def test_a_silence_covers_its_run_and_subsystem_alone(room: Desk) -> None:
    """Mutant: a silence of everything that hides a night that failed."""
    room.silence(run=7, subsystem="A")
    other = [Event("anomaly.opened", "run 7", {}, 7, "B"), Event("anomaly.opened", "run 8", {}, 8, "A")]
    failed = Event("nightly.failed", "night 1")
    assert len(room.tell(OPENED, *other, failed)) == 3
    room.silence()
    assert room.tell(Event("anomaly.opened", "run 9", {}, 9, "C"), Event("nightly.failed", "night 2")) == [
        "nightly.failed"
    ]


def test_a_silence_that_is_ended_before_its_time(room: Desk) -> None:
    room.silence(run=7)
    assert room.tell(OPENED) == []
    (holding,) = silences_at(room.store, room.clock())
    room.act(end_silence, holding.id)
    assert silences_at(room.store, room.clock()) == ()
    assert room.tell() == ["anomaly.opened"]


def test_the_last_word_about_a_target_counts(room: Desk) -> None:
    room.silence(hours=5, run=7)
    room.clock.pass_by(60)
    room.silence(hours=1, run=7)
    assert [each.id for each in silences_at(room.store, room.clock())] == [2]
    room.clock.pass_by(3600)
    assert silences_at(room.store, room.clock()) == ()


def test_who_knows_of_an_anomaly_is_told_of_its_end_and_of_the_next(room: Desk) -> None:
    """Mutant: an acknowledgement that outlives what it was given for."""
    assert room.tell(OPENED) == ["anomaly.opened"]
    room.act(acknowledge, 7, "A", "on it")
    assert room.tell(UPDATED) == []
    assert room.tell(ENDED) == ["anomaly.resolved"]
    again = Event("anomaly.opened", "run 7", {"n": 4}, 7, "A")
    assert room.tell(again, Event("anomaly.updated", "run 7", {"n": 5}, 7, "A")) == [
        "anomaly.opened",
        "anomaly.updated",
    ]


def test_who_knows_of_everything_in_a_run(room: Desk) -> None:
    assert room.tell(OPENED) == ["anomaly.opened"]
    room.act(acknowledge, 7, "*", "on it")
    other = Event("anomaly.updated", "run 8", {}, 8, "A")
    assert room.tell(UPDATED, other) == ["anomaly.updated"]
    assert room.states() == ["done", "silenced", "done"]
