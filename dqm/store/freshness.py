"""What the store holds of a run now, as one digest: whatever was made or said before can tell whether data changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from dqm.store.store import Store


def data_digests(store: Store, snapshot: int | None = None, run: int | None = None) -> dict[int, str]:
    """Digest of all that a snapshot holds of every run, or one, to make features from: quantities and histograms."""
    held = store.digests("quantities", snapshot, run)
    for each, digest in store.digests("histograms", snapshot, run).items():
        if each in held:
            held[each] = joined_digest(held[each], digest)
    return held


def past_digests(data: Mapping[int, str], labels: Mapping[int, str]) -> dict[int, str]:
    """Digest of data and labels of all runs before each, from those of every run."""
    found, before = dict[int, str](), ""
    for run in sorted(data):
        found[run] = before
        before = joined_digest(before, str(run), data[run], labels.get(run, ""))
    return found


def joined_digest(*parts: str) -> str:
    """SHA-256 over several texts, none of which holds a line break."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
