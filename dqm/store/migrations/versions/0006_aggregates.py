"""What a queue needs of every verdict partition, by its digest; of older partitions it is counted on reading."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "verdict_aggregates",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("form", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("strip", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", "form", name="pk_verdict_aggregates"),
    )


def downgrade() -> None:
    op.drop_table("verdict_aggregates")
