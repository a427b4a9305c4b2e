"""A PostgreSQL server of our own, and as a plug-in of pytest (``-p``) every new store in a database of it.

The server runs as an unprivileged user, in a temporary folder, on a free port of 127.0.0.1, and ends with the block.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SERVER = "DQM_TEST_POSTGRESQL"
"""Names the server for the plug-in: its URL without a database."""


def programs() -> Path | None:
    """The folder of the programs of PostgreSQL, the newest version; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda each: int(each.parts[4]))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None


def unprivileged() -> str | None:
    """Who runs the server: whoever runs the tests, or somebody harmless where that is root."""
    if os.getuid():
        return None
    known = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@contextmanager
def running(bin_: Path) -> Iterator[str]:
    """The URL of a server without a database, as ``postgresql+psycopg://dqm@127.0.0.1:PORT``."""
    folder = Path(tempfile.mkdtemp(prefix="dqm-postgresql-"))
    user = unprivileged()
    if user:
        shutil.chown(folder, user)
    rights: dict[str, Any] = {"user": user, "cwd": folder}
    data = str(folder / "data")
    try:
        made = [bin_ / "initdb", "-A", "trust", "-U", "dqm", "-D", data, "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run(made, check=True, capture_output=True, **rights)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        command = [bin_ / "postgres", "-D", data, "-p", port, *settings]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **rights) as server:
            assert server.stderr is not None
            said = []
            for line in server.stderr:
                said.append(line)
                if "ready to accept connections" in line:
                    break
            assert server.poll() is None, "".join(said)
            try:
                yield f"postgresql+psycopg://dqm@127.0.0.1:{port}"
            finally:
                server.send_signal(signal.SIGINT)
                server.communicate(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str) -> str:
    """The URL of a new, empty database."""
    import psycopg

    name = f"dqm_{uuid.uuid4().hex}"
    with psycopg.connect(server.replace("+psycopg", "") + "/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.fixture(autouse=True)
def _stores_in_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a plug-in: whatever makes a store makes it in a new database."""
    from dqm.store.database import DATABASE
    from dqm.store.postgresql import Place
    from dqm.store.store import Store

    create = Store.create.__func__  # type: ignore[attr-defined]  # a class method

    def created(cls: type[Store], path: Path, **more: Any) -> Store:
        if more.get("place") is None and Place.of(path) is None and not (path / DATABASE).exists():
            more["place"] = Place(new_database(os.environ[SERVER]))
        made: Store = create(cls, path, **more)
        return made

    monkeypatch.setattr(Store, "create", classmethod(created))
