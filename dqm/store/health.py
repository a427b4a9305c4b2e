"""Is a store whole? What ``dqm doctor`` shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from dqm.model.amounts import counted
from dqm.model.errors import StoreError
from dqm.model.findings import grouped
from dqm.store.audit import BEGIN
from dqm.store.change import PUBLISHED
from dqm.store.database import newest_revision
from dqm.store.newest import is_newest
from dqm.store.partitions import Partition, content_digest, healing, read_one
from dqm.store.prune import unnamed
from dqm.store.schema import KINDS
from dqm.store.store import Store
from dqm.store.stored import Publication


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, whether it is in order, and what was seen or what to do.

    ``looked`` is False where there was nothing to look at, so that nobody takes it for healthy.
    """

    name: str
    ok: bool
    detail: str
    looked: bool = True

    def text(self) -> str:
        """For people: one line."""
        return f"{('ok ' if self.ok else 'BAD') if self.looked else '-- '}  {self.name}: {self.detail}"


def health(path: Path) -> list[Check]:
    """Look at the schema, every current partition and publication, and at files that no snapshot names.

    Nothing is changed. Files without a snapshot are what an interrupted write left, or one that is going on: a note.
    """
    try:
        with Store.open(path) as store:
            return [
                Check("store schema", True, f"revision {newest_revision()}, snapshot {store.snapshot}"),
                _partitions(store),
                _publications(store),
                _leftovers(store),
                _quarantine(store),
                _audit(store),
            ]
    except StoreError as error:
        return [Check("store schema", False, str(error))]


def _partitions(store: Store) -> Check:
    """Every current partition is there and holds what its digest says."""
    held = [each for kind in KINDS for each in store.partitions(kind)]
    return _summary("store partitions", [partition_fault(store.path, each) for each in held])


def _publications(store: Store) -> Check:
    """Every published version is there and has the bytes that were published, the newest under its plain name too."""
    newest = {each.name: each for each in store.publications()}.values()
    stale = [each for each in newest if not is_newest(store.path, each.name, each.sha256)]
    faults = [f"{store.newest(e.name)} is not version {e.version}; mend it with: dqm publish" for e in stale]
    return _summary("store publications", [*map(publication_fault, store.publications()), *faults])


def _quarantine(store: Store) -> Check:
    """What of the input is not used; no fault of the store, and still to be mended."""
    found = store.quarantine()
    if not found:
        return Check("quarantined input", True, "none")
    lines = grouped(found)
    more = f"; and {counted(len(lines) - 3, 'more kind')}" if len(lines) > 3 else ""
    return Check("quarantined input", True, f"note: {counted(len(found), 'finding')}: " + "; ".join(lines[:3]) + more)


def _audit(store: Store) -> Check:
    """The chain of what people and commands did is whole, and reaches as far as publications say that it did."""
    try:
        count = store.verify_audit()
    except StoreError as error:
        return Check("audit chain", False, str(error))
    hashes = {BEGIN, *(each.hash for each in store.audit())}
    for each in store.publications():
        if each.provenance.get("audit", BEGIN) not in hashes:
            why = f"{each.name} version {each.version} was made of entries that are gone; restore the store from a copy"
            return Check("audit chain", False, why)
    return Check("audit chain", True, f"{counted(count, 'entry')}, unbroken")


def _summary(name: str, found: list[str]) -> Check:
    """One check over many files, from the fault of each, "" for a sound one."""
    faults = [each for each in found if each]
    if not faults:
        return Check(name, True, f"{len(found)} as written")
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return Check(name, False, f"{len(faults)} of {len(found)} not as written: " + "; ".join(faults[:3]) + more)


def partition_fault(folder: Path, partition: Partition) -> str:
    """What is wrong with the file of a partition; empty where it holds what was written."""
    try:
        found = content_digest(read_one(folder, partition))
    except (StoreError, TypeError, pa.ArrowException) as error:
        return str(error)
    if found == partition.digest:
        return ""
    return f"{partition.path} does not hold what was written; {healing(partition.kind)}"


def publication_fault(publication: Publication) -> str:
    """What is wrong with a published file; empty where it has the bytes that were published."""
    try:
        publication.read()
    except StoreError as error:
        return str(error)
    return ""


def _leftovers(store: Store) -> Check:
    """Files that no snapshot names, old ones included."""
    published = {Path(PUBLISHED, name) for each in store.publications() for name in (each.name, each.path.name)}
    files = [store.path / each for each in unnamed(store.path, published | {each.path for each in store.history()})]
    if not files:
        return Check("store leftovers", True, "none")
    size = sum(each.stat().st_size for each in files)
    amount = f"{counted(len(files), 'file')} ({counted(size, 'byte')})"
    shown = f"{amount} that no snapshot names, such as {files[0].relative_to(store.path)}"
    return Check(
        "store leftovers", True, f"note: {shown}: an interrupted write left them, or one is going on; harmless"
    )
