"""Revisions of the SQL schema, applied by ``dqm.store.database.upgrade`` in one transaction."""
