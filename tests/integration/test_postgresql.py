"""A store whose database is in a real PostgreSQL, where one is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from dqm.model.errors import StoreError
from dqm.store.audit import Action
from dqm.store.backup import backup
from dqm.store.health import health
from dqm.store.postgresql import Place
from dqm.store.store import Store
from tests.unit.services.shift import AT, RUN, Shift, fill

from .server import SERVER, new_database, programs, running

pytestmark = pytest.mark.slow
OF_SQLITE = (
    *("newer", "older", "upgrade", "locked", "sqlite", "replace", "corrupt", "no_store", "foreign_keys"),
    *("refuses_everything", "drops_the_triggers", "files_lie", "earlier_content", "refused_part", "asked_column"),
    *("flipped_bit", "missing_file"),
)
"""Words in the names of tests that look into the file of SQLite, or count what lies in the folder."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL is installed (no initdb); apt-get install postgresql brings one")
    with running(found) as url:
        yield url


@pytest.fixture
def store(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("DQM_DATABASE", new_database(server))
    with Store.create(tmp_path / "store", place=Place(url_env="DQM_DATABASE")) as made:
        yield made


def test_what_an_ingestion_saw_is_kept_and_what_was_replaced_is_pruned(store: Store) -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    for days in (100, 99):
        with store.transaction(at=now - timedelta(days=days)) as change:
            change.put("labels", 7, pa.table({"run": [7] * days, "ls": list(range(days))}), {})
            change.take_in({"/a.csv": [days, 1, "f" * 64]}, [])
    assert store.intake.files == {"/a.csv": [99, 1, "f" * 64]}
    assert len(store.pruning.remove(now - timedelta(days=90), now).superseded) == 1
    assert store.read("labels").num_rows == 99
    with pytest.raises(StoreError, match="what snapshot 1 held of run 7 was pruned on 2026-11-25"):
        store.read("labels", snapshot=1)


def test_people_decide_and_sign_in_a_folder_that_says_where_its_database_is(store: Store) -> None:
    fill(store)
    with Store.open(store.path) as again:
        Shift(again).signed()
        assert again.verify_audit() == 2
    assert Shift(store).standing().state == "SIGNED"
    assert not list(store.path.glob("*.sqlite*"))
    assert [each.ok for each in health(store.path)] == [True] * 6
    with pytest.raises(
        StoreError, match="its database is in PostgreSQL; copy that with pg_dump first, then the folder"
    ):
        backup(store, store.path.parent / "copy")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT INTO audit SELECT id + 5, at, actor, role, action, subject, run, fields, 'n', previous, hash FROM audit",
        "INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET actor = 'eve'",
    ],
)
def test_what_people_did_cannot_be_changed(store: Store, statement: str) -> None:
    with store.transaction(at=AT) as change:
        change.record(Action("ada", "shifter", "claim", "run 10", "1", AT, RUN, {"until": AT.isoformat()}))
    plain = os.environ["DQM_DATABASE"].replace("+psycopg", "")
    with psycopg.connect(plain) as connection, pytest.raises(psycopg.Error, match="append-only"):
        connection.execute(statement)
    assert store.verify_audit() == 1


def test_a_writer_waits_for_another_and_then_says_so(store: Store) -> None:
    with Store.open(store.path, wait=0.2) as impatient, store.transaction() as change:

        def meanwhile(_: object) -> None:
            with (
                pytest.raises(StoreError, match="another program is writing; try again later"),
                impatient.transaction(),
            ):
                pass

        change.require(meanwhile)


CROWD = """
import json, sys
from pathlib import Path
from pipelines.reliability.crowd import deciding
print(json.dumps(deciding(Path(sys.argv[1]), 5, 4).document()))
"""


def test_many_processes_decide_and_nothing_is_lost(store: Store, repository: Path) -> None:
    fill(store)
    command = [sys.executable, "-c", CROWD, str(store.path)]
    done = subprocess.run(command, cwd=repository, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"] == {"tried": 20, "failed": 0}, done.stdout
    assert 4 <= store.verify_audit() == len(store.audit())


def test_the_tests_of_the_store_pass_on_it(server: str, repository: Path) -> None:
    files = ["tests/unit/store/test_store.py", "tests/unit/store/test_audit.py", "tests/unit/alerts/test_relay.py"]
    others = f"not ({' or '.join(OF_SQLITE)})"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "tests.integration.server", *files, "-k", others]
    environment = os.environ | {SERVER: server, "PYTHONPATH": str(repository)}
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_another_database_than_the_configured_one_is_refused(store: Store, server: str) -> None:
    elsewhere = Place(f"{server}/other")
    with pytest.raises(StoreError, match=r"has another database than \[store\] names"):
        Store.open(store.path, place=elsewhere)
    with pytest.raises(StoreError, match="has another database already; name a new folder"):
        Store.create(store.path, place=elsewhere)
