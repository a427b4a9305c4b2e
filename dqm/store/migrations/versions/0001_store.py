"""The store as it began: snapshots, partitions, findings, working points, models, publications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
    )
    op.create_table(
        "partitions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.Column("valid_from", sa.Integer, nullable=False),
        sa.Column("valid_to", sa.Integer, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_partitions"),
        sa.ForeignKeyConstraint(["valid_from"], ["snapshots.id"], name="fk_partitions_valid_from"),
        sa.ForeignKeyConstraint(["valid_to"], ["snapshots.id"], name="fk_partitions_valid_to"),
    )
    op.create_index(
        "uq_partitions_current",
        "partitions",
        ["kind", "run"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("code", sa.String(80), nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("run", sa.Integer, nullable=True),
        sa.Column("ls", sa.Integer, nullable=True),
        *_snapshot("findings"),
    )
    op.create_table(
        "working_points",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        *_snapshot("working_points"),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("model_id", sa.String(100), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        *_snapshot("models"),
        sa.UniqueConstraint("model_id", name="uq_models_model_id"),
    )
    op.create_table(
        "publications",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        *_snapshot("publications"),
        sa.UniqueConstraint("name", "version", name="uq_publications_name_version"),
    )


def _snapshot(table: str) -> tuple[sa.Column[int], sa.PrimaryKeyConstraint, sa.ForeignKeyConstraint]:
    """The snapshot that brought a row, and the keys of its table."""
    return (
        sa.Column("snapshot", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshots.id"], name=f"fk_{table}_snapshot"),
    )


def downgrade() -> None:
    for table in ("publications", "models", "working_points", "findings", "partitions", "snapshots"):
        op.drop_table(table)
