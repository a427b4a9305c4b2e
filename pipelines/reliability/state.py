"""What a store holds, as a value that can be compared, and whether it is whole and right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace

from dqm.decide.publish import masks
from dqm.formats.golden import golden_bytes
from dqm.model.keys import LumiMask
from dqm.services.effective import machine_verdicts, partitions_that_stand, with_people
from dqm.services.publish import last_golden, mask_of
from dqm.services.standing import standings
from dqm.store.audit import BEGIN
from dqm.store.schema import CHAMPION, KINDS
from dqm.store.store import Store
from pipelines.alerts.outside import utc_now

DECIDING = ("decide", "sign", "reopen")
"""Actions after which another golden JSON is due."""
OF_A_NIGHT = "nightly."
"""Events that tell of a night itself: how long it took, and what failed in it."""


@dataclass(frozen=True)
class State:
    """All that was committed but the record of nights: ``revisions`` of partitions, current and earlier, ``current``
    ones, ``publications``, ids of ``events``, hashes of the ``audit``, ``points`` and the ``model`` that scores."""

    revisions: tuple[tuple[str, int, str], ...]
    current: tuple[tuple[str, int, str], ...]
    publications: tuple[tuple[str, int, str], ...]
    events: tuple[str, ...]
    audit: tuple[str, ...]
    points: tuple[str, ...]
    model: str

    @classmethod
    def of(cls, store: Store) -> State:
        """As it is now."""
        current = [each for kind in KINDS for each in store.partitions(kind)]
        champion = store.pointed(CHAMPION)
        return cls(
            revisions=tuple(sorted((each.kind, each.run, each.digest) for each in store.history())),
            current=tuple(sorted((each.kind, each.run, each.digest) for each in current)),
            publications=tuple((each.name, each.version, each.sha256) for each in store.publications()),
            events=tuple(sorted(e.event.id for e in store.events() if not e.event.type.startswith(OF_A_NIGHT))),
            audit=tuple(each.hash for each in store.audit()),
            points=tuple(each.working_point.digest for each in store.working_points()),
            model=champion.model_id if champion else "",
        )

    @property
    def standing(self) -> State:
        """What stands, without the way there: no earlier revisions, versions, events and working points."""
        latest = {name: (name, 0, sha256) for name, _, sha256 in self.publications}
        return replace(self, revisions=(), publications=tuple(latest.values()), events=(), points=self.points[-1:])

    def unlike(self, expected: State) -> str:
        """What is lost and what is too much, in words; empty where they are equal."""
        told = []
        for each in fields(self):
            ours, theirs = Counter(getattr(self, each.name)), Counter(getattr(expected, each.name))
            if ours != theirs:
                lost, much = (theirs - ours).total(), (ours - theirs).total()
                told.append(f"{each.name}: {lost} lost, {much} too many")
        return "; ".join(told)


def damage(store: Store) -> str:
    """What cannot be read of what is published, or does not fit together; empty where all is right.

    Every file is read, the audit chain followed, and the golden JSON made again from the verdicts that stand.
    """
    for kind in KINDS:
        for each in store.partitions(kind):
            store.read(kind, [each.run])
    for published in store.publications():
        published.read()
    store.verify_audit()
    return "" if _fits(store) else "the golden JSON is not that of the verdicts"


def golden_mask(store: Store) -> LumiMask:
    """The golden lumisections that are published."""
    return mask_of(last_golden(store))


def _fits(store: Store) -> bool:
    latest = last_golden(store)
    if latest and _moved(store, latest.provenance["audit"]):
        return True
    found = standings(store, utc_now()).values()
    stand = partitions_that_stand(store, found)
    if not latest or not stand:
        return not latest and not stand
    return golden_bytes(masks(with_people(machine_verdicts(store, stand), found))[0]) == latest.read()


def _moved(store: Store, head: str) -> bool:
    """Whether people decided something after the entry of this hash, which the next publication will hold."""
    hashes = [BEGIN, *(each.hash for each in store.audit())]
    return any(each.action in DECIDING for each in store.audit()[hashes.index(head) :])
