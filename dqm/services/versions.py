"""Which golden JSON there were: every version with its digest, when it came and who published it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dqm.services.publish import GOLDEN
from dqm.store.store import Store
from dqm.store.stored import Publication

MACHINE = "dqm certify"
"""What published a version that no person did: a certification, in a night or by hand."""


@dataclass(frozen=True)
class GoldenVersion:
    """One immutable version: the ``published`` bytes with their digest, ``lumisections`` in it, ``at`` when it came
    (None where its event was pruned), and ``by`` whom."""

    published: Publication
    lumisections: int | None
    at: datetime | None
    by: str


def golden_versions(store: Store) -> list[GoldenVersion]:
    """Every version of the golden JSON, the newest first."""
    told = {each.event.data["version"]: each for each in store.events(kind="golden.published")}
    people = {
        each.fields["version"]: each.actor
        for each in reversed(store.audit())
        if each.action == "publish" and each.fields.get("new", True)
    }
    found = []
    for each in store.publications():
        if each.name == GOLDEN:
            event = told.get(each.version)
            number = event.event.data["lumisections"] if event else None
            at = event.at if event else None
            found.append(GoldenVersion(each, number, at, people.get(each.version, MACHINE)))
    return found[::-1]
