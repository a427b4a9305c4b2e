"""Names that point to a model and can be pointed to another one; the newest model becomes the champion."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "aliases",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("alias", sa.String(40), nullable=False),
        sa.Column("model_id", sa.String(100), nullable=False),
        sa.Column("snapshot", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_aliases"),
        sa.ForeignKeyConstraint(["model_id"], ["models.model_id"], name="fk_aliases_model_id"),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshots.id"], name="fk_aliases_snapshot"),
    )
    op.execute(
        "INSERT INTO aliases (alias, model_id, snapshot) "
        "SELECT 'champion', model_id, snapshot FROM models ORDER BY id DESC LIMIT 1"
    )


def downgrade() -> None:
    op.drop_table("aliases")
