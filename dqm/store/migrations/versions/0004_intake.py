"""What the newest ingestion saw: one row, which the next one replaces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "intake",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("files", sa.Text, nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_intake"),
    )


def downgrade() -> None:
    op.drop_table("intake")
