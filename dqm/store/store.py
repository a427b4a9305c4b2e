"""The store as everybody sees it: ``create`` or ``open`` it, change it in a transaction, read a snapshot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import sqlalchemy as sa

from dqm.model.errors import StoreError, UnknownNameError
from dqm.model.findings import Finding
from dqm.model.verdicts import WorkingPoint
from dqm.store import audit, intake, outbox, schema, stored
from dqm.store.aggregates import Aggregates
from dqm.store.audit import Entry
from dqm.store.change import PUBLISHED, Change
from dqm.store.database import (
    DATABASE,
    database_engine,
    found_revision,
    reading,
    refuse_newer,
    refuse_other,
    upgrade,
    writing,
)
from dqm.store.deliveries import Deliveries
from dqm.store.newest import refresh
from dqm.store.nights import Nights
from dqm.store.outbox import Posted
from dqm.store.partitions import Kept, Partition, read
from dqm.store.postgresql import Place
from dqm.store.prune import Pruning
from dqm.store.stored import Publication, StoredModel, StoredWorkingPoint

WAIT = 30.0
"""Seconds for which a writer waits for another one before it gives up."""


class Store:
    """A folder of Parquet partitions and the database that says what is published.

    >>> with Store.open(path) as store, store.transaction() as change:  # doctest: +SKIP
    ...     change.publish("golden.json", data, {"model": model_id})
    """

    def __init__(self, path: Path, engine: sa.Engine) -> None:
        self.path, self._engine = path, engine
        self._kept: Kept | None = None

    @classmethod
    def create(cls, path: Path, *, wait: float = WAIT, place: Place | None = None) -> Self:
        """Make a store, or open the one that is there and bring its schema to the newest revision.

        ``place`` is where its database lies, if not in the folder; the folder says so from then on. Raises
        ``SchemaTooNewError`` for a store of a newer program, ``StoreError`` where none can be made, or where one
        lost its database: what people decided would be lost in silence, and its published versions written again.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path}: no store can be made here: {error.strerror}; name another folder") from error
        if place is not None:
            place.enter(path, holds_another=(path / DATABASE).exists())
        engine = database_engine(path, wait)
        refuse_newer(engine)
        if found_revision(engine) is None and (path / PUBLISHED).exists():
            raise StoreError(
                f"{path}: here was a store that published, and its database is gone, with what people decided; put a "
                "copy back with dqm restore COPY FOLDER, or name a new folder as [store] path"
            )
        upgrade(engine)
        return cls(path, engine)

    @classmethod
    def open(cls, path: Path, *, upgrade: bool = False, wait: float = WAIT, place: Place | None = None) -> Self:
        """Open a store; ``upgrade`` brings an older schema to the newest revision, without it that is refused.

        ``wait`` is how many seconds a writer waits for another; ``place`` where its database must lie, if that is to
        be checked. Raises ``StoreError`` where there is no store or an older one, or another one, and
        ``SchemaTooNewError`` for a store of a newer program.
        """
        if path.exists() and not path.is_dir():
            raise StoreError(f"{path} is a file and a store is a folder; name the folder")
        if not (path / DATABASE).is_file() and Place.of(path) is None:
            raise StoreError(f"{path}: there is no store here (no {DATABASE}); make one with: dqm ingest")
        if place is not None and Place.of(path) != place:
            raise StoreError(f"{path} has another database than [store] names; name a new folder as [store] path")
        if upgrade:
            return cls.create(path, wait=wait)
        engine = database_engine(path, wait)
        refuse_other(engine)
        return cls(path, engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    def remember(self) -> None:
        """Keep small partitions in memory once they were read: for a process that reads the same again and again."""
        self._kept = Kept()

    @contextmanager
    def transaction(self, *, at: datetime | None = None, based_on: int | None = None) -> Iterator[Change]:
        """Collect changes and commit them all as one snapshot when the block is left; ``at``: its moment, now.

        An exception in the block leaves what is published as it was, and changes that are none make no snapshot.
        Raises ``StoreError`` where another writer does not finish in time or the disk refuses, and where the newest
        snapshot is not the one that the changes are ``based_on``.
        """
        change = Change(self.path, at or datetime.now(UTC))
        try:
            yield change
            with writing(self._engine) as connection:
                if based_on is not None and _newest(connection) != based_on:
                    raise StoreError(f"{self.path} was changed meanwhile by another command; do it again")
                change.apply(connection)
            self.bring_up_to_date(change.published)
        finally:
            change.discard()

    @property
    def snapshot(self) -> int:
        """Number of the newest snapshot, 0 in an empty store."""
        with reading(self._engine) as connection:
            return _newest(connection)

    def runs(self, kind: str, snapshot: int | None = None) -> list[int]:
        """The runs of which a snapshot holds this kind, ascending; raises ``UnknownNameError`` for an unknown kind."""
        table = schema.partitions
        return [each.run for each in self._held((table.c.run, table.c.pruned), kind, snapshot)]

    def partitions(self, kind: str, snapshot: int | None = None, run: int | None = None) -> list[Partition]:
        """The partitions of one kind in a snapshot, ascending by run; of one run only where it is given."""
        return [_partition(row) for row in self._held((schema.partitions,), kind, snapshot, run)]

    def digests(self, kind: str, snapshot: int | None = None, run: int | None = None) -> dict[int, str]:
        """Digest of the partition of every run that a snapshot holds of one kind, ascending; of one run only where it
        is given. Far less work than the partitions where there are thousands."""
        table = schema.partitions
        rows = self._held((table.c.run, table.c.digest, table.c.pruned), kind, snapshot, run)
        return {each.run: each.digest for each in rows}

    def brought(self, kind: str, run: int) -> datetime:
        """When the current rows of a run were committed; raises ``UnknownNameError`` where there are none."""
        table, commit = schema.partitions, schema.snapshots
        query = sa.select(commit.c.at).join(table, table.c.valid_from == commit.c.id)
        found = self._rows(query.where(table.c.kind == kind, table.c.run == run, table.c.valid_to.is_(None)))
        if not found:
            raise UnknownNameError(f"run of {kind}", str(run), map(str, self.runs(kind)))
        at: datetime = found[0].at
        return at

    def history(self) -> list[Partition]:
        """Every partition that any snapshot ever held and that was not pruned, oldest first."""
        query = sa.select(schema.partitions).where(schema.partitions.c.pruned.is_(None))
        return [_partition(row) for row in self._rows(query.order_by(schema.partitions.c.id))]

    def read(
        self,
        kind: str,
        runs: Iterable[int] | None = None,
        columns: Sequence[str] | None = None,
        snapshot: int | None = None,
    ) -> pa.Table:
        """The rows of the given runs or of all, ascending by run; only the given columns are read from the disk.

        Raises ``UnknownNameError`` for a kind, run or column that is not there, ``StoreError`` where the snapshot holds
        nothing of this kind, a file is missing or damaged, or the columns of two runs differ.
        """
        held = {each.run: each for each in self.partitions(kind, snapshot)}
        wanted = sorted(held if runs is None else set(runs))
        for run in wanted:
            if run not in held:
                raise UnknownNameError(f"run of {kind}", str(run), map(str, held))
        if not wanted:
            empty = f"snapshot {self.snapshot if snapshot is None else snapshot} is empty"
            asked = "no run was asked for" if held else empty
            raise StoreError(f"{self.path}: no {kind} to read: {asked}; Store.runs({kind!r}) tells what there is")
        return read(self.path, [held[run] for run in wanted], columns, self._kept)

    def provenance(self, kind: str, run: int, snapshot: int | None = None) -> dict[str, str]:
        """What the rows of a run were made from; raises ``UnknownNameError`` where there are none."""
        held = {each.run: each for each in self.partitions(kind, snapshot)}
        if run not in held:
            raise UnknownNameError(f"run of {kind}", str(run), map(str, held))
        return dict(held[run].provenance)

    def findings(self) -> list[Finding]:
        """Everything that was ever found in the input, oldest first, each once."""
        columns = (schema.findings.c[name] for name in Finding.__slots__)
        return [Finding(**row._mapping) for row in self._rows(sa.select(*columns).order_by(schema.findings.c.id))]

    @property
    def intake(self) -> intake.Intake:
        """What the newest ingestion saw: files, and the findings that keep data away now."""
        with reading(self._engine) as connection:
            return intake.newest(connection)

    def quarantine(self) -> tuple[Finding, ...]:
        """What keeps data away now, as the newest ingestion found it; before any was entered, all that ever did."""
        found = self.intake
        if found.at is None:
            return tuple(each for each in self.findings() if each.severity == "quarantined")
        return found.findings

    def working_point(self) -> WorkingPoint | None:
        """The latest working point, None before the first one."""
        found = self.working_points()
        return found[-1].working_point if found else None

    def working_points(self) -> list[StoredWorkingPoint]:
        """All working points, in the order in which they were added."""
        with reading(self._engine) as connection:
            return stored.working_points(connection)

    def models(self) -> list[StoredModel]:
        """All models, in the order in which they were added; the last one is the newest."""
        with reading(self._engine) as connection:
            return stored.models(connection)

    def model(self, model_id: str) -> StoredModel:
        """One model; raises ``UnknownNameError`` with the nearest names."""
        found = {each.model_id: each for each in self.models()}
        if model_id not in found:
            raise UnknownNameError("model", model_id, found)
        return found[model_id]

    def pointed(self, alias: str) -> StoredModel | None:
        """The model that a name such as ``champion`` points to, None where it points to none."""
        with reading(self._engine) as connection:
            found = stored.pointed(connection, alias)
        return None if found is None else self.model(found)

    def challenger(self) -> StoredModel | None:
        """The model that may take over; None where none was trained since the last promotion."""
        found = self.pointed(schema.CHALLENGER)
        return None if found == self.pointed(schema.CHAMPION) else found

    def publications(self) -> list[Publication]:
        """Every version of everything published, by name and version."""
        with reading(self._engine) as connection:
            return stored.publications(connection, self.path)

    def publication(self, name: str, version: int | None = None) -> Publication:
        """The latest version of a published file or the given one; raises ``UnknownNameError`` where there is none."""
        found = self.publications()
        named = {each.version: each for each in found if each.name == name}
        if not named:
            raise UnknownNameError("publication", name, {each.name for each in found})
        wanted = max(named) if version is None else version
        if wanted not in named:
            raise UnknownNameError(f"version of {name}", str(wanted), map(str, named))
        return named[wanted]

    def bring_up_to_date(self, names: Collection[str]) -> None:
        """Let the plain files of these names hold the newest versions; raises ``StoreError`` where one cannot."""
        if not names:
            return
        try:
            with writing(self._engine) as connection:
                refresh(connection, self.path, names)
        except (OSError, StoreError) as error:
            copies = ", ".join(str(self.newest(each)) for each in names)
            way_out = "; the next night brings it up to date, and so does dqm publish"  # a StoreError has its own
            raise StoreError(
                f"the newest version is published, but its copy {copies} may be an older one: {error}"
                f"{'' if isinstance(error, StoreError) else way_out}"
            ) from error

    def newest(self, name: str) -> Path:
        """Where the newest version of a published file lies, whatever its number."""
        return self.path / PUBLISHED / name

    def audit(self, run: int | None = None, *, after: int = 0) -> list[Entry]:
        """What people and commands did, oldest first, of one run or of all, with numbers above ``after``."""
        with reading(self._engine) as connection:
            return audit.entries(connection, run=run, after=after)

    @property
    def last_entry(self) -> int:
        """Number of the newest audit entry, 0 where there is none."""
        with reading(self._engine) as connection:
            return audit.last(connection)

    def verify_audit(self) -> int:
        """Number of audit entries; raises ``StoreError`` where their chain is broken."""
        with reading(self._engine) as connection:
            return audit.verify(connection)

    def events(self, after: int = 0, kind: str = "", newest: int | None = None) -> list[Posted]:
        """Events that were posted, oldest first, with numbers above ``after``; of one type or all, the newest alone."""
        with reading(self._engine) as connection:
            return outbox.posted(connection, after=after, kind=kind, newest=newest)

    def latest_events(self, types: Iterable[str], *, runs: bool = True) -> list[Posted]:
        """The last event among ``types`` of every run and subsystem, oldest first; without ``runs`` about no run."""
        with reading(self._engine) as connection:
            return outbox.latest(connection, types, runs=runs)

    @property
    def engine(self) -> sa.Engine:
        """The database, for modules beside this one that read more of it."""
        return self._engine

    @property
    def nights(self) -> Nights:
        """The nights that ran."""
        return Nights(self._engine)

    @property
    def aggregates(self) -> Aggregates:
        """What was counted of verdicts when they were stored."""
        return Aggregates(self.path, self._engine)

    @property
    def pruning(self) -> Pruning:
        """What may go of the store."""
        return Pruning(self.path, self._engine)

    @property
    def deliveries(self) -> Deliveries:
        """Who is still to be told of which event, and who was."""
        return Deliveries(self._engine)

    def _within(self, snapshot: int | None) -> sa.ColumnElement[bool]:
        """Which partitions are part of a snapshot; raises ``StoreError`` for one that is still to come."""
        first, end = schema.partitions.c.valid_from, schema.partitions.c.valid_to
        if snapshot is None:
            return end.is_(None)
        if not 0 <= snapshot <= self.snapshot:
            raise StoreError(f"{self.path}: there is no snapshot {snapshot}; the newest is {self.snapshot}")
        return (first <= snapshot) & (end.is_(None) | (end > snapshot))

    def _held(
        self, columns: Sequence[Any], kind: str, snapshot: int | None, run: int | None = None
    ) -> Sequence[sa.Row[Any]]:
        """Columns of the partitions of one kind in a snapshot; raises where one was pruned."""
        if kind not in schema.KINDS:
            raise UnknownNameError("kind", kind, schema.KINDS)
        table = schema.partitions
        query = sa.select(*columns).where(table.c.kind == kind, self._within(snapshot)).order_by(table.c.run)
        rows = self._rows(query if run is None else query.where(table.c.run == run))
        for row in rows:
            if row.pruned is not None:
                raise StoreError(
                    f"{self.path}: what snapshot {snapshot} held of run {row.run} was pruned on {row.pruned:%Y-%m-%d}; "
                    f"a copy from before has it, and the newest snapshot is {self.snapshot}"
                )
        return rows

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with reading(self._engine) as connection:
            return connection.execute(query).all()


def _newest(connection: sa.Connection) -> int:
    return connection.scalar(sa.select(sa.func.max(schema.snapshots.c.id))) or 0


def _partition(row: Any) -> Partition:
    return Partition(row.kind, row.run, row.digest, row.rows, row.provenance)
