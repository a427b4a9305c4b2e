"""The schema and its revisions: older, newer, none; and who waits for whom."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import dqm.store.migrations
from dqm.model.errors import SchemaTooNewError, StoreError
from dqm.store import database, schema
from dqm.store.change import Change
from dqm.store.store import Store

AT = datetime(2024, 5, 1, tzinfo=UTC)
SECOND = '''
"""A later revision."""
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0007", "0006", None, None


def upgrade():
    op.add_column("findings", sa.Column("note", sa.Text, nullable=True))
'''


@pytest.fixture
def newer_program(tmp_path: Path) -> Callable[[pytest.MonkeyPatch], None]:
    """Turn this program into one that knows a second revision."""
    source = Path(next(iter(dqm.store.migrations.__path__)))
    folder = shutil.copytree(source, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0007_note.py").write_text(SECOND, encoding="utf-8")
    return lambda patch: patch.setattr(database, "MIGRATIONS", str(folder))


def test_the_revisions_make_the_tables_of_the_schema(store: Store) -> None:
    """Mutant: a column in ``schema.py`` without a revision that adds it."""
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        index = connection.scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'uq_partitions_current'"))
    assert "UNIQUE" in index
    assert index.endswith("WHERE valid_to IS NULL")


def test_the_database_is_write_ahead_with_foreign_keys(store: Store) -> None:
    with store._engine.connect() as connection:
        asked = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "foreign_keys")]
        wait = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert [*asked, wait] == ["wal", 1, 30_000]


def test_create_opens_what_is_there(store: Store) -> None:
    with store.transaction() as change:
        change.publish("golden.json", b"{}", {})
    with Store.create(store.path) as again:
        assert again.snapshot == 1


def test_a_newer_store_is_refused_in_one_line(
    tmp_path: Path, newer_program: Callable[[pytest.MonkeyPatch], None]
) -> None:
    path = tmp_path / "certification"
    with pytest.MonkeyPatch.context() as patch:
        newer_program(patch)
        Store.create(path).close()
    expected = r"its schema is revision 0007, newer than 0006, the newest that this program knows; upgrade lumicert$"
    for enter in (Store.open, Store.create):
        with pytest.raises(SchemaTooNewError, match=expected) as caught:
            enter(path)
        assert "\n" not in str(caught.value)


def test_an_older_store_is_upgraded_only_when_asked(
    store: Store, newer_program: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction() as change:
        change.publish("golden.json", b"{}", {})
    newer_program(monkeypatch)
    expected = r"is revision 0006 and this program writes 0007; dqm ingest upgrades it, and so does .*upgrade=True\)"
    with pytest.raises(StoreError, match=expected):
        Store.open(store.path)
    with Store.open(store.path, upgrade=True) as upgraded:
        assert upgraded.publication("golden.json").read() == b"{}"
    with Store.open(store.path) as opened:
        assert database.found_revision(opened._engine) == "0007"


def test_the_newest_model_of_an_older_store_becomes_the_champion(tmp_path: Path) -> None:
    with Store.create(tmp_path / "certification") as store:
        with store.transaction() as change:
            for name in ("m-1", "m-2"):
                change.add_model(name, f"models/{name}", "f" * 64, {})
        with store._engine.begin() as connection:
            for table in ("aliases", "audit", "deliveries", "outbox", "nights", "intake", "verdict_aggregates"):
                connection.exec_driver_sql(f"DROP TABLE {table}")
            connection.exec_driver_sql("ALTER TABLE partitions DROP COLUMN pruned")
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with Store.open(store.path, upgrade=True) as upgraded:
        champion = upgraded.pointed("champion")
    assert champion is not None
    assert champion.model_id == "m-2"


def test_a_failed_upgrade_changes_nothing(
    store: Store, newer_program: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: no BEGIN of our own; the driver's begins before rows change, not before tables do."""
    newer_program(monkeypatch)
    second = Path(database.MIGRATIONS) / "versions" / "0007_note.py"
    second.write_text(SECOND + "    op.execute('SELECT * FROM nowhere')\n", encoding="utf-8")
    with pytest.raises(StoreError, match="no such table: nowhere"):
        Store.open(store.path, upgrade=True)
    with store._engine.connect() as connection:
        assert "note" not in [each["name"] for each in sa.inspect(connection).get_columns("findings")]


def test_missing_database(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        for upgrade in (False, True):
            with pytest.raises(
                StoreError, match=r"there is no store here \(no store.sqlite\); make one with: dqm ingest"
            ):
                Store.open(path, upgrade=upgrade)
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "certification"
    file.touch()
    with pytest.raises(StoreError, match="is a file and a store is a folder; name the folder"):
        Store.open(file)
    with pytest.raises(StoreError, match="no store can be made here: File exists; name another folder"):
        Store.create(file)


def test_a_database_of_something_else(tmp_path: Path) -> None:
    (tmp_path / database.DATABASE).touch()
    with pytest.raises(StoreError, match=r"put its copy back .* make one with: dqm ingest"):
        Store.open(tmp_path)
    (tmp_path / database.DATABASE).write_text("no database, but long enough to be one " * 20, encoding="utf-8")
    with pytest.raises(StoreError, match="file is not a database; its file is damaged: put the latest copy back"):
        Store.open(tmp_path)


def test_readers_see_the_old_snapshot_during_a_write(store: Store, rows: Callable[..., pa.Table]) -> None:
    """A reader neither waits for the writer nor sees anything of it before the commit."""
    with store.transaction() as change:
        change.put("quantities", 4, rows(4), {})
    with Store.open(store.path, wait=0) as reader, database.writing(store._engine) as connection:
        change = Change(store.path, AT)
        change.put("quantities", 4, rows(4, seed=1), {})
        change.apply(connection)
        assert reader.snapshot == 1
        assert reader.read("quantities").equals(rows(4))
    assert store.snapshot == 2
    assert store.read("quantities").equals(rows(4, seed=1))


def test_a_writer_waits_for_another_and_says_so(store: Store) -> None:
    """Mutant: a deferred BEGIN, which lets both begin."""

    def late() -> None:
        with Store.open(store.path, wait=0) as other, other.transaction() as change:
            change.publish("golden.json", b"late", {})

    with (
        database.writing(store._engine),
        pytest.raises(StoreError, match="database is locked; another program is writing; try again later"),
    ):
        late()
    assert store.snapshot == 0


def test_a_switch_to_the_log_that_somebody_holds_up_is_told_in_a_line(store: Store) -> None:
    """Mutant: no time limit for it."""
    file = store.path / database.DATABASE
    store.close()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="database is locked; another program is writing; try again later"):
            Store.open(store.path, wait=0)


WRITERS = """
import os, pathlib, sys
from dqm.store.store import Store

def write(path, name):
    with Store.create(path) as store:
        for number in range(20):
            with store.transaction() as change:
                change.publish("shared", f"{name} {number}".encode(), {})

children = []
for name in ("left", "right"):
    child = os.fork()
    if not child:
        write(pathlib.Path(sys.argv[1]), name)
        sys.exit()
    children.append(child)
for child in children:
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_two_writers_serialise(tmp_path: Path) -> None:
    """Two processes make one store and commit twenty times each: none is lost. Mutant: a deferred BEGIN."""
    command = [sys.executable, "-c", WRITERS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["0", "0"], "")
    with Store.open(tmp_path) as store:
        published = store.publications()
    assert [each.version for each in published] == list(range(1, 41))
    assert sorted(each.snapshot for each in published) == list(range(1, 41))
    expected = {f"{name} {number}".encode() for name in ("left", "right") for number in range(20)}
    assert {each.read() for each in published} == expected


@pytest.mark.parametrize("emptied", [True, False])
def test_no_new_store_is_made_over_one_that_lost_its_database(store: Store, *, emptied: bool) -> None:
    """Its decisions would be lost in silence, and ``golden.json-1`` written again."""
    with store.transaction() as change:
        change.publish("golden.json", b"{}", {})
    store.close()
    for path in store.path.glob("store.sqlite*"):
        path.unlink()
    if emptied:
        (store.path / "store.sqlite").touch()
    with pytest.raises(StoreError, match=r"its database is gone, .*; put a copy back with dqm restore COPY FOLDER"):
        Store.create(store.path)
    assert (store.path / "published" / "golden.json-1").read_bytes() == b"{}"


def test_damage_that_sqlite_does_not_notice_is_told_with_the_way_out(store: Store) -> None:
    night = store.nights.begin()
    store.nights.end(night, "finished", {})
    with contextlib.closing(sqlite3.connect(store.path / "store.sqlite")) as connection, connection:
        connection.execute("UPDATE nights SET summary = '{\x01'")
    with pytest.raises(
        StoreError, match=r"holds what nobody wrote \(.*\); .* put the latest copy back with dqm restore"
    ):
        store.nights.all()
    with contextlib.closing(sqlite3.connect(store.path / "store.sqlite")) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = CAST(x'435245415445ff' AS TEXT) WHERE name = 'nights'")
    with pytest.raises(StoreError, match="put the latest copy back with dqm restore"):
        Store.open(store.path)
