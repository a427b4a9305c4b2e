"""The store: what is published changes in one commit or not at all, and what was read once reads the same for ever.

Bulk lies in Parquet, one immutable file per kind, run and content; SQL says which of them a snapshot holds. A write
collects its changes, puts its files in place unseen and makes them visible by one SQL transaction; a reader sees the
newest snapshot, or an older one by number, whatever is being written. Files are never changed and never deleted.
"""
