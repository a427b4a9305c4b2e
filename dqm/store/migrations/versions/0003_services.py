"""What people did (append-only), what is to be told (outbox and deliveries) and the nights that ran.

``audit`` can only grow: its triggers refuse UPDATE and DELETE, and an INSERT that would replace a row or leave a gap in
the numbers. SQLite's REPLACE deletes without asking a trigger of DELETE, so the trigger of INSERT refuses it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

REFUSED = "the audit table is append-only"

SQLITE = (
    f"CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
    f"CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
    "CREATE TRIGGER audit_insert BEFORE INSERT ON audit "
    "WHEN NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM audit) "
    "OR EXISTS (SELECT 1 FROM audit WHERE nonce = NEW.nonce) "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
)

POSTGRESQL = (
    f"CREATE FUNCTION audit_refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$ LANGUAGE plpgsql",
    "CREATE FUNCTION audit_next() RETURNS trigger AS $$ BEGIN "
    "IF NEW.id <> (SELECT coalesce(max(id), 0) + 1 FROM audit) THEN "
    f"RAISE EXCEPTION '{REFUSED}'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql",
    "CREATE TRIGGER audit_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_insert BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_next()",
)


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("run", sa.Integer, nullable=True),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sa.UniqueConstraint("nonce", name="uq_audit_nonce"),
    )
    op.create_index("ix_audit_run", "audit", ["run"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("run", sa.Integer, nullable=True),
        sa.Column("subsystem", sa.String(100), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("event", name="uq_outbox_event"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("event", sa.Integer, nullable=False),
        sa.Column("receiver", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.DateTime, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["event"], ["outbox.id"], name="fk_deliveries_event"),
        sa.UniqueConstraint("event", "receiver", name="uq_deliveries_event_receiver"),
    )
    op.create_index("ix_deliveries_state_due", "deliveries", ["state", "due"])
    op.create_table(
        "nights",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("began", sa.DateTime, nullable=False),
        sa.Column("ended", sa.DateTime, nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nights"),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("what people decided is never dropped; restore a copy of the store instead")
