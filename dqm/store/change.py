"""What one transaction changes: collected first, put in place at the end, visible by the one SQL commit.

Files are written under a temporary name as they are given, so that memory holds one partition at a time, and renamed
while the write lock is held. A process that dies before the commit leaves files that no snapshot names: harmless.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from dqm.model.aggregates import RunAggregate
from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.events import Event
from dqm.model.findings import Finding
from dqm.model.verdicts import WorkingPoint
from dqm.store import aggregates, audit, intake, outbox, schema
from dqm.store.partitions import STAGING, Partition, content_digest, write

PUBLISHED = "published"
"""Folder of the published files, inside the store."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class _Publishing:
    """A file that waits for its version."""

    staged: Path
    sha256: str
    size: int
    provenance: dict[str, str]


class Change:
    """The changes of one transaction; ``Store.transaction`` makes it and commits it."""

    def __init__(self, folder: Path, at: datetime) -> None:
        self._folder, self._at = folder, _with_zone(at)
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._staged: dict[Path, Path] = {}
        self._aggregates: dict[str, RunAggregate] = {}
        self._findings: dict[Finding, None] = {}
        self._working_points: list[tuple[WorkingPoint, datetime]] = []
        self._models: dict[str, dict[str, Any]] = {}
        self._told: list[tuple[str, str, str]] = []
        self._aliases: dict[str, str] = {}
        self._publishing: dict[str, _Publishing] = {}
        self._events: list[Event] = []
        self._actions: list[audit.Action] = []
        self._checks: list[Callable[[sa.Connection], None]] = []
        self._about: Callable[[int], Mapping[str, str]] = lambda run: {}
        self._seen: tuple[intake.Files, tuple[Finding, ...] | None] | None = None
        self.entered: tuple[audit.Entry, ...] = ()

    def require(self, check: Callable[[sa.Connection], None]) -> None:
        """Let ``check`` look at the store when the write lock is held; what it raises leaves everything as it was.

        It may record, emit and publish what depends on what it sees. It may read through the store as well: nobody
        else can have written since.
        """
        self._checks.append(check)

    def record(self, action: audit.Action) -> None:
        """Enter what a person or a command did; raises ``RepeatedError``, at the commit, for a nonce used before.

        After the commit ``entered`` holds the entries.
        """
        self._actions.append(action)

    def emit(self, events: Iterable[Event]) -> None:
        """Post events to be told when all else is committed; an event that was posted already is not posted again."""
        self._events += events

    def made_from(self, about: Callable[[int], Mapping[str, str]]) -> None:
        """Add what ``about`` says of a run to the provenance of all that is put of it from now on."""
        self._about = about

    def put(self, kind: str, run: int, table: pa.Table, provenance: Mapping[str, str]) -> None:
        """Replace what the store holds of a run; the same content again changes nothing, its first evidence stays.

        Raises ``UnknownNameError`` for an unknown kind, ``ValueError`` where the rows are of another run or the run was
        put already in this transaction, ``TypeError`` for a column type that the store does not keep.
        """
        if kind not in schema.KINDS:
            raise UnknownNameError("kind", kind, schema.KINDS)
        if (kind, run) in self._partitions:
            raise ValueError(f"run {run} of {kind!r} is put twice in one transaction; join its rows first")
        if kind not in schema.BY_DAY:
            _refuse_other_runs(kind, run, table)
        made_from = {**self._about(int(run)), **provenance}
        partition = Partition(kind, int(run), content_digest(table), table.num_rows, made_from)
        if not (self._folder / partition.path).exists():
            self._staged[partition.path] = staged = self._staging()
            write(table, staged)
        self._partitions[kind, run] = partition
        if kind == aggregates.KIND and aggregates.NEEDED.issubset(table.column_names):
            self._aggregates[partition.digest] = aggregates.aggregate_of(table)

    def digests(self, kind: str) -> dict[int, str]:
        """The digests of what is put of a kind in it, as new content or the same as before, by run."""
        return {run: each.digest for (of, run), each in self._partitions.items() if of == kind}

    def add_findings(self, findings: Iterable[Finding]) -> None:
        """Add what was found in the input; a finding that the store holds already is not added again."""
        self._findings.update(dict.fromkeys(findings))

    def take_in(self, files: intake.Files, findings: Iterable[Finding] | None = None) -> None:
        """Say which files an ingestion saw, and all that it found; without ``findings`` those before it go on."""
        self._seen = files, None if findings is None else tuple(findings)

    def add_working_point(self, working_point: WorkingPoint, at: datetime | None = None) -> None:
        """Append a working point, valid from ``at``; nothing happens where it is the latest one already.

        Raises ``ValueError`` for a moment without a zone.
        """
        self._working_points.append((working_point, _with_zone(at or self._at)))

    def add_model(self, model_id: str, folder: str, fingerprint: str, provenance: Mapping[str, str]) -> None:
        """Add a trained model: its bundle folder and the fingerprint of the features it was trained on.

        Raises ``ValueError``, at the commit, where the store knows another model of this name.
        """
        row = {"model_id": model_id, "folder": folder, "fingerprint": fingerprint, "provenance": dict(provenance)}
        if self._models.setdefault(model_id, row) != row:
            raise ValueError(_other_model(model_id))

    def tell_of_model(self, model_id: str, key: str, value: str) -> None:
        """Add to the provenance of a model; raises ``UnknownNameError``, at the commit, where there is none such."""
        self._told.append((model_id, key, value))

    def point(self, alias: str, model_id: str) -> None:
        """Let a name such as ``champion`` point to a model; nothing happens where it does already."""
        self._aliases[alias] = model_id

    def publish(self, name: str, data: bytes, provenance: Mapping[str, str]) -> None:
        """Publish a file as the next version of its name; nothing happens where the latest version has these bytes.

        Raises ``ValueError`` for a name that is no plain file name or was published already in this transaction.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} cannot name a publication; take up to 100 letters, digits, '.', '_' or '-', "
                "the first one a letter or a digit"
            )
        if name in self._publishing:
            raise ValueError(f"{name!r} is published twice in one transaction; publish the last one only")
        staged = self._staging()
        with staged.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        self._publishing[name] = _Publishing(staged, hashlib.sha256(data).hexdigest(), len(data), dict(provenance))

    @property
    def published(self) -> tuple[str, ...]:
        """The names that are published in it, as another version or as before."""
        return tuple(self._publishing)

    def apply(self, connection: sa.Connection) -> None:
        """Put the files in place and enter all rows; where a snapshot would hold anything new, make one."""
        for check in self._checks:
            check(connection)
        self._refuse_pruned()
        inserts = {
            schema.partitions: self._new_partitions(connection),
            schema.findings: self._new_findings(connection),
            schema.working_points: self._new_working_points(connection),
            schema.models: self._new_models(connection),
            schema.aliases: self._new_aliases(connection),
            schema.publications: self._new_publications(connection),
        }
        self._place(inserts[schema.publications])  # even if nothing is new: a lost file that was put again comes back
        if any(inserts.values()):
            newest: int = connection.scalar(sa.select(sa.func.max(schema.snapshots.c.id))) or 0
            _record(connection, newest + 1, self._at, inserts)
        self._tell(connection)
        aggregates.enter(connection, self._aggregates)
        if self._seen is not None:
            intake.enter(connection, self._at, *self._seen)
        self.entered = tuple(audit.append(connection, action) for action in self._actions)
        outbox.post(connection, self._events, self._at)

    def _refuse_pruned(self) -> None:
        """Raise ``StoreError`` where a file that was there when its content was put was pruned since."""
        for each in self._partitions.values():
            if each.path not in self._staged and not (self._folder / each.path).exists():
                raise StoreError(f"{self._folder / each.path} was pruned meanwhile by another command; do it again")

    def discard(self) -> None:
        """Remove the temporary files that were not put in place."""
        for staged in [*self._staged.values(), *(each.staged for each in self._publishing.values())]:
            staged.unlink(missing_ok=True)

    def _staging(self) -> Path:
        folder = self._folder / STAGING
        folder.mkdir(exist_ok=True)
        return folder / uuid.uuid4().hex

    def _new_partitions(self, connection: sa.Connection) -> list[dict[str, Any]]:
        table = schema.partitions
        current = sa.select(table.c.kind, table.c.run, table.c.digest).where(table.c.valid_to.is_(None))
        known = {(kind, run): digest for kind, run, digest in connection.execute(current)}
        return [asdict(each) for key, each in self._partitions.items() if known.get(key) != each.digest]

    def _new_findings(self, connection: sa.Connection) -> list[dict[str, Any]]:
        if not self._findings:
            return []
        columns = [schema.findings.c[name] for name in Finding.__slots__]
        known = {Finding(**row._mapping) for row in connection.execute(sa.select(*columns))}
        return [asdict(each) for each in self._findings if each not in known]

    def _new_working_points(self, connection: sa.Connection) -> list[dict[str, Any]]:
        table, rows = schema.working_points, []
        latest = connection.scalar(sa.select(table.c.digest).order_by(table.c.id.desc()).limit(1))
        for each, at in self._working_points:
            if each.digest != latest:
                rows.append({"digest": each.digest, "fields": json.dumps(asdict(each)), "at": at})
            latest = each.digest
        return rows

    def _new_models(self, connection: sa.Connection) -> list[dict[str, Any]]:
        new = []
        for model_id, row in self._models.items():
            columns = [schema.models.c[name] for name in row]
            found = (
                connection.execute(sa.select(*columns).where(schema.models.c.model_id == model_id)).mappings().first()
            )
            if found is None:
                new.append(row)
            elif dict(found) != row:
                raise ValueError(_other_model(model_id))
        return new

    def _tell(self, connection: sa.Connection) -> None:
        table = schema.models
        for model_id, key, value in self._told:
            known = connection.scalar(sa.select(table.c.provenance).where(table.c.model_id == model_id))
            if known is None:
                raise UnknownNameError("model", model_id, connection.scalars(sa.select(table.c.model_id)))
            said = sa.update(table).where(table.c.model_id == model_id).values(provenance={**known, key: value})
            connection.execute(said)

    def _new_aliases(self, connection: sa.Connection) -> list[dict[str, Any]]:
        table, rows = schema.aliases, []
        known = {*connection.scalars(sa.select(schema.models.c.model_id)), *self._models}
        for alias, model_id in self._aliases.items():
            query = sa.select(table.c.model_id).where(table.c.alias == alias).order_by(table.c.id.desc())
            if model_id not in known:
                raise UnknownNameError("model", model_id, known)
            if connection.scalar(query.limit(1)) != model_id:
                rows.append({"alias": alias, "model_id": model_id})
        return rows

    def _new_publications(self, connection: sa.Connection) -> list[dict[str, Any]]:
        table, rows = schema.publications, []
        for name, each in self._publishing.items():
            query = (
                sa.select(table.c.version, table.c.sha256).where(table.c.name == name).order_by(table.c.version.desc())
            )
            version, sha256 = connection.execute(query.limit(1)).first() or (0, "")
            if sha256 != each.sha256:
                row = {"name": name, "version": version + 1, "provenance": each.provenance}
                rows.append(row | {"sha256": each.sha256, "size": each.size})
        return rows

    def _place(self, publications: list[dict[str, Any]]) -> None:
        """Rename the files to what the rows will call them, and wait until the folders are on the disk."""
        moves = dict(self._staged)
        for row in publications:
            moves[Path(PUBLISHED, f"{row['name']}-{row['version']}")] = self._publishing[row["name"]].staged
        for path, staged in moves.items():
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        for folder in {parent for path in moves for parent in path.parents}:
            _sync(self._folder / folder)


def _record(connection: sa.Connection, snapshot: int, at: datetime, inserts: Mapping[sa.Table, list[Any]]) -> None:
    """Enter the rows of a new snapshot and end the partitions that it replaces."""
    connection.execute(schema.snapshots.insert(), {"id": snapshot, "at": at})
    table = schema.partitions
    replaced = [{"old_kind": row["kind"], "old_run": row["run"]} for row in inserts[table]]
    if replaced:
        same = (table.c.kind == sa.bindparam("old_kind")) & (table.c.run == sa.bindparam("old_run"))
        connection.execute(table.update().where(same, table.c.valid_to.is_(None)).values(valid_to=snapshot), replaced)
    for into, rows in inserts.items():
        brought = "valid_from" if into is table else "snapshot"
        if rows:
            connection.execute(into.insert(), [row | {brought: snapshot} for row in rows])


def _refuse_other_runs(kind: str, run: int, table: pa.Table) -> None:
    if not 0 <= run < 2**31:
        raise ValueError(f"run numbers must lie in [0, 2^31): found {run}")
    if "run" not in table.column_names:
        raise ValueError(f"a partition of {kind!r} needs the column 'run'; found {table.column_names}")
    others = [each for each in pc.unique(table["run"]).to_pylist() if each != run]
    if others:
        raise ValueError(f"the rows put as run {run} of {kind!r} hold run {others[0]}; split them by run first")


def _with_zone(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"the time {at} has no zone; give one, for example datetime.now(UTC)")
    return at


def _other_model(model_id: str) -> str:
    return f"the store knows another model called {model_id!r}; a model never changes: give this one its own name"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
