"""The connection to SQL and the revision of its schema.

Whatever only SQLite understands stands in ``_prepare_sqlite``, what only PostgreSQL does in ``dqm.store.postgresql``;
everything else is SQLAlchemy's own language.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from dqm.model.errors import SchemaTooNewError, StoreError
from dqm.store.postgresql import Place, postgresql_engine

DATABASE = "store.sqlite"
MIGRATIONS = "dqm.store:migrations"
"""Where Alembic finds the revisions: a folder inside the package, so that the wheel carries it."""
DAMAGED = ("malformed", "not a database", "decode")
"""Words by which SQLite says that the file is not as it was written."""
COPY = "its file is damaged: put the latest copy back with dqm restore COPY FOLDER"


def database_engine(folder: Path, wait: float) -> sa.Engine:
    """The engine of the store in ``folder``; a writer waits ``wait`` seconds for another one.

    No connection is kept: none can be inherited by a forked worker, which SQLite forbids.
    """
    place = Place.of(folder)
    if place is not None:
        return postgresql_engine(place.address(), wait)
    url = sa.URL.create("sqlite", database=str(folder / DATABASE))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    _prepare_sqlite(engine, wait)
    return engine


def _prepare_sqlite(engine: sa.Engine, wait: float) -> None:
    """Write-ahead log, busy timeout, foreign keys, and a write lock taken at the begin of a write transaction.

    A deferred transaction that reads first and writes later fails at once where another writer came between; taken at
    the begin, the lock makes writers queue up.
    """

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, record: object) -> None:
        connection.isolation_level = None  # transactions begin below, and with them DDL
        connection.execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")
        _write_ahead(connection, wait)
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _write_ahead(connection: Any, wait: float) -> None:
    """Switch to the write-ahead log; SQLite does not wait for another that switches at the same moment, so we do.

    A database that has it already is only asked, which needs no lock.
    """
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    deadline = time.monotonic() + wait
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that only reads; raises ``StoreError`` where the database cannot be used."""
    with _explained(engine), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """The one write transaction: committed on leaving, rolled back on an exception; raises ``StoreError``."""
    with _explained(engine), engine.execution_options(writes=True).begin() as connection:
        yield connection


@contextmanager
def _explained(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"{engine.url.database}: {error.orig}; {_way_out(error)}") from error
    except (UnicodeDecodeError, JSONDecodeError) as error:  # damage that SQLite itself does not notice
        raise StoreError(f"{engine.url.database}: holds what nobody wrote ({error}); {COPY}") from error


def _way_out(error: DBAPIError) -> str:
    if _waited(error):
        return "another program is writing; try again later"
    return COPY if any(each in str(error.orig) for each in DAMAGED) else "see: dqm doctor"


def _waited(error: DBAPIError) -> bool:
    """Whether it went wrong because another writer did not finish in time."""
    return any(word in str(error.orig) for word in ("locked", "lock timeout"))


def found_revision(engine: sa.Engine) -> str | None:
    """Revision of the schema in the database, None where it has none."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """Revision of the schema that this program writes."""
    return _revisions(MIGRATIONS)[0]


def refuse_newer(engine: sa.Engine) -> None:
    """Raise ``SchemaTooNewError`` where the schema is of a revision that this program does not know."""
    _refuse_newer(engine, found_revision(engine))


def refuse_other(engine: sa.Engine) -> None:
    """The same, and raise ``StoreError`` where the schema is missing or of an earlier revision than this program's."""
    found, newest = found_revision(engine), newest_revision()
    _refuse_newer(engine, found)
    if found is None:
        raise StoreError(
            f"{engine.url.database}: holds no store: the database is empty. If one was here, put its copy back "
            "(it holds what people decided); otherwise make one with: dqm ingest"
        )
    if found != newest:
        raise StoreError(
            f"{engine.url.database}: its schema is revision {found} and this program writes {newest}; "
            "dqm ingest upgrades it, and so does Store.open(path, upgrade=True)"
        )


def _refuse_newer(engine: sa.Engine, found: str | None) -> None:
    if found is not None and found not in _revisions(MIGRATIONS):
        raise SchemaTooNewError(
            f"{engine.url.database}: its schema is revision {found}, newer than {newest_revision()}, the newest that "
            "this program knows; upgrade lumicert"
        )


def upgrade(engine: sa.Engine) -> None:
    """Bring the schema to the newest revision, in one transaction; two that try at once do it one after the other."""
    config = _config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@cache
def _revisions(migrations: str) -> tuple[str, ...]:
    """The revisions of a program, newest first; Alembic runs their files to know them, so they are asked once."""
    config = _config()
    config.set_main_option("script_location", migrations)
    return tuple(each.revision for each in ScriptDirectory.from_config(config).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    config.set_main_option("path_separator", "os")
    return config
