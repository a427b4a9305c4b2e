"""What Alembic runs: the revisions, on the connection and inside the transaction of ``dqm.store.database.upgrade``."""

from __future__ import annotations

from alembic import context

from dqm.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
