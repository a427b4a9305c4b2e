"""What ``dqm doctor`` sees of a store, and what a killed writer leaves behind."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqm.store.audit import Action
from dqm.store.database import DATABASE
from dqm.store.health import Check, health
from dqm.store.store import Store

Rows = Callable[..., pa.Table]


def checks(store: Store) -> dict[str, Check]:
    return {each.name: each for each in health(store.path)}


@pytest.fixture
def full(store: Store, rows: Rows) -> Store:
    with store.transaction() as change:
        change.put("quantities", 4, rows(4), {})
        change.put("quantities", 5, rows(5), {})
        change.publish("golden.json", b"{}\n", {})
    return store


def test_a_sound_store(full: Store) -> None:
    assert health(full.path) == [
        Check("store schema", True, "revision 0006, snapshot 1"),
        Check("store partitions", True, "2 as written"),
        Check("store publications", True, "1 as written"),
        Check("store leftovers", True, "none"),
        Check("quarantined input", True, "none"),
        Check("audit chain", True, "0 entries, unbroken"),
    ]


def test_replaced_partitions_are_no_leftovers(full: Store, rows: Rows) -> None:
    with full.transaction() as change:
        change.put("quantities", 4, rows(4, seed=1), {})
    assert checks(full)["store leftovers"].detail == "none"


@pytest.mark.parametrize("damage", ["truncated", "other values", "missing", "no parquet"])
def test_a_corrupt_partition_is_named(full: Store, rows: Rows, damage: str) -> None:
    partition = full.partitions("quantities")[0]
    file = full.path / partition.path
    if damage == "truncated":
        file.write_bytes(file.read_bytes()[:-50])
    elif damage == "other values":
        pq.write_table(rows(4, seed=1), file)
    elif damage == "missing":
        file.unlink()
    else:
        file.write_text("", encoding="utf-8")
    check = checks(full)["store partitions"]
    assert not check.ok
    assert check.detail.startswith("1 of 2 not as written: ")
    assert str(partition.path) in check.detail
    assert "make it again with: dqm ingest" in check.detail


def test_many_faults_are_counted(store: Store, rows: Rows) -> None:
    with store.transaction() as change:
        for run in range(5):
            change.put("quantities", run, rows(run), {})
    for each in store.partitions("quantities"):
        (store.path / each.path).unlink()
    assert checks(store)["store partitions"].detail.endswith("; and 2 more")


def test_an_altered_publication_is_named(full: Store) -> None:
    full.publication("golden.json").path.write_bytes(b"{ }\n")
    check = checks(full)["store publications"]
    assert not check.ok
    assert "golden.json-1: its bytes are not those that were published" in check.detail


@pytest.mark.parametrize(
    ("altered", "message"),
    [
        ("UPDATE audit SET actor = 'another' WHERE id = 1", "the audit chain breaks at entry 1: it was altered"),
        ("DELETE FROM audit WHERE id = 2", "golden.json version 2 was made of entries that are gone; restore"),
    ],
)
def test_a_broken_or_shortened_audit_chain_is_named(full: Store, altered: str, message: str) -> None:
    """A chain that lost its end is whole in itself; what was published of it knows better."""
    for number in ("1", "2"):
        with full.transaction() as change:
            change.record(Action("ada", "leader", "claim", "run 4", number, datetime(2026, 11, 25, tzinfo=UTC), 4))
    with full.transaction() as change:
        change.publish("golden.json", b'{"4": [[1, 2]]}\n', {"audit": full.audit()[-1].hash})
    assert checks(full)["audit chain"] == Check("audit chain", True, "2 entries, unbroken")
    with closing(sqlite3.connect(full.path / DATABASE)) as connection, connection:
        for trigger in ("audit_update", "audit_delete"):
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(altered)
    found = checks(full)["audit chain"]
    assert not found.ok
    assert found.detail.startswith(message)


def test_no_store_or_no_database(tmp_path: Path) -> None:
    (absent,) = health(tmp_path)
    assert not absent.ok
    assert "there is no store here" in absent.detail
    (tmp_path / DATABASE).write_bytes(b"no database, but long enough to be one " * 20)
    (strange,) = health(tmp_path)
    assert not strange.ok
    assert "file is not a database" in strange.detail


KILLED = """
import os, pathlib, signal, sys
import pyarrow as pa
import sqlalchemy as sa
from dqm.store import change as module
from dqm.store.store import Store

def die(*ignored):
    os.kill(os.getpid(), signal.SIGKILL)

def write(path, moment):
    store = Store.open(path)
    if moment == "written":
        module.Change.apply = die
    elif moment == "placed":
        module._record = die
    else:
        sa.event.listen(store._engine, "commit", die)
    with store.transaction() as change:
        change.put("quantities", 4, pa.table({"run": [4], "ls": [0]}), {})
        change.publish("golden.json", b"[]", {})

for path in sys.argv[1:]:
    child = os.fork()
    if not child:
        write(pathlib.Path(path), pathlib.Path(path).name)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_killed_writer_changes_nothing(full: Store, rows: Rows, tmp_path: Path) -> None:
    """Killed after its files are written, in place, entered but not committed: the old snapshot reads bit-equal.

    Mutant: two SQL transactions, one for the partitions and one for the snapshot.
    """
    before = full.read("quantities")
    full.close()
    moments = [Path(shutil.copytree(full.path, tmp_path / moment)) for moment in ("written", "placed", "recorded")]
    command = [sys.executable, "-c", KILLED, *map(str, moments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(-signal.SIGKILL)] * 3, done.stderr
    for moment in moments:
        with Store.open(moment) as store:
            assert_as_before(store, before, rows)


def assert_as_before(store: Store, before: pa.Table, rows: Rows) -> None:
    """Nothing of the killed change is seen, its files are told, and the same can be written again."""
    assert store.snapshot == 1
    assert store.read("quantities").equals(before)
    assert store.publication("golden.json").read() == b"{}\n"
    found = checks(store)
    assert all(each.ok for each in found.values())
    assert found["store leftovers"].detail.startswith("note: 2 files (")
    with store.transaction() as change:
        change.put("quantities", 4, rows(4, seed=1), {})
        change.publish("golden.json", b"[1]", {})
    assert store.publication("golden.json").read() == b"[1]"
