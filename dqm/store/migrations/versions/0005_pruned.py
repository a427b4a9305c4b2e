"""When the file of superseded content was pruned; its row stays and says what it held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("partitions", sa.Column("pruned", sa.DateTime, nullable=True))


def downgrade() -> None:
    raise NotImplementedError("what was pruned does not come back; restore a copy of the store instead")
