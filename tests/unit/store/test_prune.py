"""What may go of a store goes, and nothing else: not what is current, published, decided, or still to be told."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from dqm.model.errors import StoreError
from dqm.model.events import Event
from dqm.store.backup import backup
from dqm.store.change import Change
from dqm.store.deliveries import DEAD, DONE, Outcome
from dqm.store.health import health
from dqm.store.partitions import STAGING
from dqm.store.store import Store

Rows = Callable[..., pa.Table]
DAY = timedelta(days=1)
NOW = datetime(2024, 5, 1, tzinfo=UTC)
LONG_AGO, LATELY = NOW - 100 * DAY, NOW - 10 * DAY
BEFORE = NOW - 90 * DAY


def put(store: Store, rows: Rows, kind: str, seed: int, at: datetime, run: int = 4) -> Path:
    """Replace what the store holds of a run; where the file lies."""
    with store.transaction(at=at) as change:
        change.put(kind, run, rows(run, seed=seed), {"made": str(seed)})
    return store.partitions(kind, run=run)[0].path


def test_what_was_replaced_long_ago_goes_and_the_rest_stays(store: Store, rows: Rows) -> None:
    old = put(store, rows, "quantities", 0, LONG_AGO - DAY)
    middle = put(store, rows, "quantities", 1, LONG_AGO)  # replaced lately
    current = put(store, rows, "quantities", 2, LATELY)
    listed = store.pruning.found(BEFORE, NOW)
    assert (listed.superseded, (store.path / old).is_file()) == ((old,), True)
    assert store.pruning.remove(BEFORE, NOW) == listed
    assert [(store.path / each).is_file() for each in (old, middle, current)] == [False, True, True]
    assert [each.path for each in store.history()] == [middle, current]
    assert store.read("quantities", snapshot=2).num_rows == 5
    with pytest.raises(StoreError, match="what snapshot 1 held of run 4 was pruned on 2024-05-01; a copy from before"):
        store.read("quantities", snapshot=1)
    assert store.pruning.remove(BEFORE, NOW).superseded == ()
    assert backup(store, store.path.with_name("copy")).snapshot == 3
    assert all(each.ok for each in health(store.path))


def test_verdicts_and_spared_runs_stay(store: Store, rows: Rows) -> None:
    """Mutant: every kind is pruned; a signed run then has lost what was signed."""
    kept = [put(store, rows, "verdicts", 0, LONG_AGO), put(store, rows, "scores", 0, LONG_AGO, run=7)]
    put(store, rows, "verdicts", 1, LONG_AGO)
    put(store, rows, "scores", 1, LONG_AGO, run=7)
    assert store.pruning.remove(BEFORE, NOW, spared={7}).superseded == ()
    assert all((store.path / each).is_file() for each in kept)


def test_content_that_came_back_stays(store: Store, rows: Rows) -> None:
    path = put(store, rows, "labels", 0, LONG_AGO)
    other = put(store, rows, "labels", 1, LONG_AGO)
    assert put(store, rows, "labels", 0, LONG_AGO) == path
    assert store.pruning.remove(BEFORE, NOW).superseded == (other,)
    assert store.read("labels").num_rows == 5


def test_content_that_comes_back_after_it_went_is_written_again(store: Store, rows: Rows) -> None:
    path = put(store, rows, "labels", 0, LONG_AGO)
    put(store, rows, "labels", 1, LONG_AGO)
    store.pruning.remove(BEFORE, NOW)
    assert put(store, rows, "labels", 0, NOW) == path
    assert store.read("labels").num_rows == 5


def test_a_writer_that_counts_on_what_goes_is_told_to_do_it_again(store: Store, rows: Rows) -> None:
    """Mutant: the commit does not look; the current partition then has no file."""
    put(store, rows, "labels", 0, LONG_AGO)
    put(store, rows, "labels", 1, LONG_AGO)

    def write() -> None:
        with store.transaction() as change:
            change.put("labels", 4, rows(4, seed=0), {})
            store.pruning.remove(BEFORE, NOW)

    with pytest.raises(StoreError, match="was pruned meanwhile by another command; do it again"):
        write()
    assert store.read("labels").num_rows == 5


def test_leftovers_go_when_no_writer_can_be_at_work_on_them(store: Store) -> None:
    (store.path / STAGING).mkdir()
    old, new = store.path / STAGING / "old", store.path / STAGING / "new"
    for path, age in ((old, 2 * DAY), (new, DAY / 2)):
        path.write_bytes(b"half")
        moment = (NOW - age).timestamp()
        os.utime(path, (moment, moment))
    assert store.pruning.remove(BEFORE, NOW).leftovers == (Path(STAGING, "old"),)
    assert (old.exists(), new.exists()) == (False, True)


def test_published_files_stay(store: Store) -> None:
    for data in (b"{}", b"[]"):
        with store.transaction(at=LONG_AGO) as change:
            change.publish("golden.json", data, {})
    for each in store.publications():
        os.utime(each.path, (0, 0))
    assert store.pruning.remove(BEFORE, NOW).size == 0
    assert [each.read() for each in store.publications()] == [b"{}", b"[]"]


def told(store: Store, event: Event, at: datetime, state: str = DONE) -> None:
    """Post an event, and deliver it to one receiver."""
    with store.transaction(at=at) as change:
        change.emit([event])
    store.deliveries.spread(lambda each: ["desk"], at)
    for each in store.deliveries.due(["desk"], at, DAY):
        claimed = store.deliveries.claim(each, at + DAY)
        assert claimed is not None
        store.deliveries.enter(Outcome(claimed, state, at))


def test_deliveries_that_ended_go_and_are_not_made_again(store: Store) -> None:
    """Mutant: the event goes too; the next night posts and tells it again."""
    told(store, Event("run.scored", "run 1", {}, 1), LONG_AGO)
    told(store, Event("run.scored", "run 2", {}, 2), LONG_AGO, DEAD)
    told(store, Event("run.scored", "run 3", {}, 3), LATELY)
    assert store.pruning.found(BEFORE, NOW).deliveries == 1
    assert store.pruning.remove(BEFORE, NOW).deliveries == 1
    assert [each.posted.event.run for each in store.deliveries.found()] == [3, 2]
    with store.transaction() as change:
        change.emit([Event("run.scored", "run 1", {}, 1)])
    assert store.deliveries.spread(lambda each: ["desk"], NOW) == 0


def test_the_last_delivery_of_an_anomaly_stays(store: Store) -> None:
    for type_ in ("anomaly.opened", "anomaly.updated"):
        told(store, Event(type_, "run 1", {}, 1, "ECAL"), LONG_AGO)
    assert store.pruning.remove(BEFORE, NOW).deliveries == 1
    assert [each.posted.event.type for each in store.deliveries.found()] == ["anomaly.updated"]


def test_killed_between_marking_and_removing_the_next_time_does_the_rest(
    store: Store, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = put(store, rows, "labels", 0, LONG_AGO)
    put(store, rows, "labels", 1, LONG_AGO)

    def killed(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            store.pruning.remove(BEFORE, NOW)
    assert (store.path / old).is_file()
    os.utime(store.path / old, (0, 0))
    assert store.pruning.remove(BEFORE, NOW).leftovers == (old,)
    assert store.read("labels").num_rows == 5


def test_a_column_says_when_it_went(store: Store, rows: Rows) -> None:
    put(store, rows, "labels", 0, LONG_AGO)
    put(store, rows, "labels", 1, LONG_AGO)
    store.pruning.remove(BEFORE, NOW)
    with store._engine.connect() as connection:
        held = connection.execute(sa.text("SELECT pruned IS NOT NULL, provenance FROM partitions ORDER BY id")).all()
    assert [tuple(each) for each in held] == [(1, '{"made": "0"}'), (0, '{"made": "1"}')]


def test_a_change_without_partitions_looks_at_none(tmp_path: Path) -> None:
    Change(tmp_path, NOW)._refuse_pruned()
