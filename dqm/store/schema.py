"""The SQL side of the store: which partitions a snapshot holds, and what must be atomic with them.

Every row names the snapshot that brought it. A partition is part of snapshot *s* where
``valid_from <= s`` and (``valid_to`` is NULL or ``s < valid_to``); of each kind and run one is current at most.
The same tables stand, frozen, in ``migrations/versions``; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

KINDS = (
    *("quantities", "histograms", "labels", "past", "scores", "explanations", "contributions", "verdicts"),
    *("sensors", "anomalies"),
)
"""What the partitions of the store may hold."""
BY_DAY = ("sensors", "anomalies")
"""Kinds whose partitions are UTC days, called 20261025, and no runs; their rows name none."""

CHAMPION = "champion"
"""The alias of the model that scores."""

CHALLENGER = "challenger"
"""The alias of a model that is to be compared with it."""


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A moment, kept as UTC without a zone, since SQLite knows none."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn a moment of any zone into UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Give the moment its zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _snapshot(name: str = "snapshot", *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey("snapshots.id"), nullable=nullable)


snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
)

partitions = sa.Table(
    "partitions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("provenance", sa.JSON, nullable=False),
    _snapshot("valid_from"),
    _snapshot("valid_to", nullable=True),
    sa.Column("pruned", UtcDateTime, nullable=True),
)
sa.Index(
    "uq_partitions_current",
    partitions.c.kind,
    partitions.c.run,
    unique=True,
    sqlite_where=partitions.c.valid_to.is_(None),
    postgresql_where=partitions.c.valid_to.is_(None),
)

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(80), nullable=False),
    sa.Column("severity", sa.String(20), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("run", sa.Integer, nullable=True),
    sa.Column("ls", sa.Integer, nullable=True),
    _snapshot(),
)

# Its fields are one JSON text: thresholds may be infinite and what is unknown NaN, which SQLite would turn into NULL.
working_points = sa.Table(
    "working_points",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    _snapshot(),
)

models = sa.Table(
    "models",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("model_id", sa.String(100), nullable=False, unique=True),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("provenance", sa.JSON, nullable=False),
    _snapshot(),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("alias", sa.String(40), nullable=False),
    sa.Column("model_id", sa.String(100), sa.ForeignKey("models.model_id"), nullable=False),
    _snapshot(),
)

publications = sa.Table(
    "publications",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("provenance", sa.JSON, nullable=False),
    _snapshot(),
    sa.UniqueConstraint("name", "version"),
)

# What people and commands did, in the order in which they did it. Triggers of the migration refuse every change of it.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(100), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("run", sa.Integer, nullable=True),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("nonce", sa.String(64), nullable=False, unique=True),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
sa.Index("ix_audit_run", audit.c.run)

# The newest ingestion, one row: the files that it saw and the numbers of its quarantined findings, both JSON.
intake = sa.Table(
    "intake",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("files", sa.Text, nullable=False),
    sa.Column("findings", sa.Text, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("event", sa.String(64), nullable=False, unique=True),
    sa.Column("type", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("run", sa.Integer, nullable=True),
    sa.Column("subsystem", sa.String(100), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("event", sa.Integer, sa.ForeignKey("outbox.id"), nullable=False),
    sa.Column("receiver", sa.String(100), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due", UtcDateTime, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.UniqueConstraint("event", "receiver"),
)
sa.Index("ix_deliveries_state_due", deliveries.c.state, deliveries.c.due)

nights = sa.Table(
    "nights",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("began", UtcDateTime, nullable=False),
    sa.Column("ended", UtcDateTime, nullable=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
)

# What a queue needs of the verdicts of a run, by the digest of their partition: true for ever, and of no snapshot.
# ``form`` is the way of counting; a program that counts otherwise adds its own rows. Its fields are one JSON text, as
# weights may be infinite.
verdict_aggregates = sa.Table(
    "verdict_aggregates",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("form", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("strip", sa.LargeBinary, nullable=False),
)
