"""PostgreSQL in the place of SQLite: where it is, and how writers queue up.

A store stays a folder: Parquet, models and published files lie in it, and ``database.json`` says where its SQL is, so
that whoever opens the folder, a worker or a page, needs nothing else. No password is written there: it comes from the
environment variable that the file names, or from where PostgreSQL looks by itself (``PGPASSWORD``, ``~/.pgpass``).
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from dqm.model.config import StoreConfig
from dqm.model.errors import StoreError

PLACE = "database.json"
"""The file of a store that says where its database is, if not in the folder."""
DRIVER = "postgresql+psycopg"
LOCK = int.from_bytes(hashlib.sha256(b"lumicert store").digest()[:8], "big", signed=True)
"""The number of the advisory lock of writers."""


@dataclass(frozen=True)
class Place:
    """Where the database of a store is: its ``url``, or the environment variable ``url_env`` that holds it."""

    url: str = ""
    url_env: str = ""

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """What a folder says; None where its database lies in it. Raises ``StoreError`` where it cannot be read."""
        path = folder / PLACE
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(f"{path}: does not say where the database of this store is; restore it") from error

    @classmethod
    def configured(cls, config: StoreConfig) -> Self | None:
        """What a configuration says; None where the database lies in the folder."""
        return cls(config.url, config.url_env) if config.url or config.url_env else None

    def address(self) -> sa.URL:
        """The URL; raises ``StoreError`` for a variable that is not set and for what is no URL of PostgreSQL."""
        text = self.url
        if self.url_env:
            text = os.environ.get(self.url_env, "")
            if not text:
                raise StoreError(f"the environment variable {self.url_env} is not set; it holds the URL of the store")
        try:
            found = sa.make_url(text)
        except ArgumentError:
            found = None
        if found is None or found.drivername != DRIVER:
            where = f"the environment variable {self.url_env}" if self.url_env else "[store] url"
            raise StoreError(f"{where} must begin with {DRIVER}://, as in {DRIVER}://dqm@db.example.org/dqm")
        return found

    def enter(self, folder: Path, *, holds_another: bool) -> None:
        """Let a folder say it; raises ``StoreError`` where it has another database already."""
        found = Place.of(folder)
        if found == self:
            return
        if found is not None or holds_another:
            raise StoreError(f"{folder} has another database already; name a new folder as [store] path")
        self.address()
        staged = folder / f"{PLACE}.part"
        staged.write_text(json.dumps(asdict(self)), encoding="utf-8")
        staged.replace(folder / PLACE)


def postgresql_engine(url: sa.URL, wait: float) -> sa.Engine:
    """The engine; a writer waits ``wait`` seconds for another one. Raises ``StoreError`` without the driver.

    A write transaction begins by taking an advisory lock that is exclusive in the database, and sees what was committed
    before it got it (READ COMMITTED): what is checked under the lock holds until the commit. A reader sees one moment
    (REPEATABLE READ).
    """
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 10})
    except ModuleNotFoundError as error:
        raise StoreError("a store in PostgreSQL needs its driver: pip install lumicert[postgres]") from error

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(wait * 1000)}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    return engine
