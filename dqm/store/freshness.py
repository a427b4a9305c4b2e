"""What the store holds of a run now, as one digest: whatever was made or said before can tell whether data changed."""

from __future__ import annotations

import hashlib

from dqm.store.store import Store


def data_digests(store: Store, snapshot: int | None = None, run: int | None = None) -> dict[int, str]:
    """Digest of all that a snapshot holds of every run, or one, to make features from: quantities and histograms."""
    held = {each.run: each.digest for each in store.partitions("quantities", snapshot, run)}
    for each in store.partitions("histograms", snapshot, run):
        if each.run in held:
            held[each.run] = joined_digest(held[each.run], each.digest)
    return held


def joined_digest(*parts: str) -> str:
    """SHA-256 over several texts, none of which holds a line break."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
