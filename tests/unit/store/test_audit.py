"""The audit chain only grows, and what breaks it is found; events are posted once, with what made them true."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.events import Event
from dqm.store.audit import BEGIN, Action
from dqm.store.database import DATABASE
from dqm.store.store import Store

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
CLAIM = Action("operator", "leader", "claim", "run 7", "n-1", AT, 7, {"until": "13:00", "ratio": 0.1})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "store") as made:
        yield made


def enter(store: Store, *actions: Action) -> None:
    with store.transaction() as change:
        for each in actions:
            change.record(each)


def all_at_once(store: Store, check: Callable[[object], None]) -> None:
    with store.transaction() as change:
        change.require(check)
        change.record(CLAIM)
        change.emit([Event("alerts.test", "nothing")])


def execute(store: Store, statement: str) -> None:
    connection = sqlite3.connect(store.path / DATABASE)
    with connection:
        connection.execute(statement)
    connection.close()


def test_entries_hold_what_was_done_and_their_chain(store: Store) -> None:
    enter(store, CLAIM, dataclasses.replace(CLAIM, nonce="n-2", run=None, subject="working point"))
    first, second = store.audit()
    assert (first.id, first.actor, first.fields, first.at) == (1, "operator", {"until": "13:00", "ratio": 0.1}, AT)
    assert (first.previous, second.previous) == (BEGIN, first.hash)
    assert store.audit(run=7) == [first]
    assert store.verify_audit() == 2
    assert store.snapshot == 0, "an action alone changes nothing that a snapshot holds"


def test_the_same_submission_counts_once(store: Store) -> None:
    enter(store, CLAIM)
    with pytest.raises(StoreError, match="this claim of run 7 was sent already; it counts once"):
        enter(store, CLAIM)
    assert len(store.audit()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'another'",
        "DELETE FROM audit",
        "REPLACE INTO audit SELECT id, at, 'another', role, action, subject, run, fields, nonce, previous, hash FROM audit",
        "INSERT INTO audit SELECT 9, at, actor, role, action, subject, run, fields, 'x', previous, hash FROM audit",
    ],
)
def test_the_table_refuses_everything_but_the_next_entry(store: Store, statement: str) -> None:
    enter(store, CLAIM)
    with pytest.raises(sqlite3.IntegrityError, match="the audit table is append-only"):
        execute(store, statement)
    assert store.verify_audit() == 1


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'another' WHERE id = 1", "DELETE FROM audit WHERE id = 1"]
)
def test_who_drops_the_triggers_breaks_the_chain(store: Store, statement: str) -> None:
    enter(store, CLAIM, dataclasses.replace(CLAIM, nonce="n-2"))
    for trigger in ("audit_update", "audit_delete"):
        execute(store, f"DROP TRIGGER {trigger}")
    execute(store, statement)
    with pytest.raises(StoreError, match=r"the audit chain breaks at entry [12]: it was altered"):
        store.verify_audit()


def test_a_check_under_the_write_lock_can_refuse_everything(store: Store) -> None:
    def refuse(connection: object) -> None:
        raise StoreError("someone else came first")

    with pytest.raises(StoreError, match="someone else came first"):
        all_at_once(store, refuse)
    assert (store.audit(), store.events()) == ([], [])


def test_an_event_is_posted_once(store: Store) -> None:
    event = Event("run.scored", "run 7", {"asked": 3}, 7)
    for events in ([event, event], [event, dataclasses.replace(event, data={"asked": 4})]):
        with store.transaction() as change:
            change.emit(events)
    found = store.events()
    assert [each.event.data["asked"] for each in found] == [3, 4]
    assert found[0].event == event
    assert found[0].event.id == event.id
    assert [each.id for each in store.events(after=found[0].id)] == [found[1].id]


def test_an_unknown_type_of_event_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown event type 'run.scord'.*run.scored"):
        Event("run.scord", "run 7")
