"""What is published: golden and anti-JSON of the verdicts that stand, people's decisions in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from operator import attrgetter
from typing import Any

from dqm.decide.publish import anti_reasons, masks
from dqm.formats.golden import golden_bytes, read_mask
from dqm.model.amounts import counted
from dqm.model.errors import InputError, RefusedError, StoreError
from dqm.model.events import Event
from dqm.model.keys import LumiMask
from dqm.model.people import People, Role
from dqm.model.verdicts import Asked, Reason, Verdicts, of_other_runs
from dqm.services.effective import (
    changed_runs,
    machine_verdicts,
    partitions_that_stand,
    with_people,
    without_changed,
)
from dqm.services.growing import provisional_runs
from dqm.services.outdated import outdated, told
from dqm.services.standing import Standing, standings
from dqm.services.submission import Desk, Judgement, Recorded, submit
from dqm.store.audit import BEGIN
from dqm.store.change import Change
from dqm.store.partitions import Partition
from dqm.store.schema import CHAMPION
from dqm.store.store import Store
from dqm.store.stored import Publication

GOLDEN, ANTI = "golden.json", "anti.json"
Words = Callable[[Reason], str]
IN_SHORT: Words = attrgetter("feature")


@dataclass(frozen=True, eq=False)
class Golden:
    """What a golden JSON was made of: the ``effective`` verdicts, its lumisections, ``version`` and ``sha256``.

    ``new`` tells whether this is another version than before. What ``left`` was in that one and is not in this; nothing
    where that one cannot be read any more.
    """

    effective: Verdicts
    lumisections: int
    version: int
    sha256: str
    new: bool
    left: LumiMask


def publish(
    store: Store,
    people: People,
    name: str,
    *,
    asked: Asked,
    nonce: str,
    words: Words = IN_SHORT,
    at: datetime | None = None,
) -> Recorded:
    """Publish golden and anti-JSON of what is decided now, without scoring; needs an expert or a leader.

    ``words`` puts the reasons of the anti-JSON into words. Where nothing changed there is no new version, and the entry
    names the one that holds. Raises ``InputError`` where nothing was certified, and ``RefusedError`` where verdicts
    that nobody signed are not those that the data of now and what is ``asked`` for now would give.
    """
    person = people.person(name)
    early = partitions_that_stand(store, standings(store, at or datetime.now(UTC)).values())
    if not early:
        raise InputError(f"{store.path} holds no verdicts to publish; make them with: dqm certify")
    read = machine_verdicts(store, early)  # most of the work, before anybody has to wait for the lock

    def judge(desk: Desk) -> Judgement:
        desk.require(Role.EXPERT, "to publish a golden JSON")
        found = standings(desk.store, desk.at)
        wanted = partitions_that_stand(desk.store, found.values())
        verdicts = read if wanted == early else machine_verdicts(desk.store, wanted)
        if keeps := _keeps(desk.store, asked, wanted, found):
            raise RefusedError(f"nothing is published: {keeps}")
        verdicts = without_changed(verdicts, changed_runs(wanted, found))
        made, growing = made_with(desk.store), provisional_runs(desk.store)
        golden = enter_golden(desk.store, desk.change, verdicts, found, made, words, growing)
        fields: dict[str, Any] = {"version": golden.version, "sha256": golden.sha256, "golden": golden.lumisections}
        fields["new"] = golden.new
        again = "" if golden.new else ", as before: nothing changed"
        sentence = f"golden JSON version {golden.version} holds {counted(golden.lumisections, 'lumisection')}{again}"
        return Judgement("publish", f"{GOLDEN} version {golden.version}", fields, sentence)

    return submit(store, person, nonce, at, judge)


def enter_golden(
    store: Store,
    change: Change,
    machine: Verdicts,
    found: Mapping[int, Standing],
    made_from: Mapping[str, str],
    words: Words = IN_SHORT,
    provisional: frozenset[int] = frozenset(),
) -> Golden:
    """Put golden and anti-JSON into the change, with the event of a new version; for use under the write lock.

    ``machine`` are the verdicts of all runs as they will stand. The provenance carries ``audit``, the hash of the last
    entry of the chain: whoever follows the chain to it finds every decision that is in. Runs whose verdicts are
    ``provisional`` are in neither.
    """
    entries = store.audit()
    effective = with_people(machine, found.values())
    final = of_other_runs(effective, provisional)
    mask, _ = masks(final)
    data = golden_bytes(mask)
    sha256, last = hashlib.sha256(data).hexdigest(), last_golden(store)
    new = last is None or last.sha256 != sha256
    number, left = (last.version if last else 0) + new, _left(last, mask) if new else LumiMask()
    provenance = {**made_from, "audit": entries[-1].hash if entries else BEGIN}
    change.publish(GOLDEN, data, provenance)
    change.publish(ANTI, anti_reasons(final, words).to_bytes(), provenance)
    if new:
        about = {"version": number, "sha256": sha256, "lumisections": len(mask), "left": len(left)}
        change.emit([Event("golden.published", f"golden JSON version {number}", about)])
    return Golden(effective, len(mask), number, sha256, new, left)


def _left(last: Publication | None, mask: LumiMask) -> LumiMask:
    """What the last golden JSON holds and the mask does not; one that was altered keeps nobody from the next."""
    try:
        return mask_of(last) - mask
    except StoreError:
        return LumiMask()


def keeps_from_publishing(store: Store, asked: Asked, at: datetime) -> str:
    """Why ``publish`` would refuse now, the runs and the way out in a sentence; empty where it would not."""
    found = standings(store, at)
    return _keeps(store, asked, partitions_that_stand(store, found.values()), found)


def _keeps(store: Store, asked: Asked, wanted: Iterable[Partition], found: Mapping[int, Standing]) -> str:
    """The same by what stands: what is signed stands as it was, and what changed itself is UNKNOWN anyway."""
    signed = {run for run, each in found.items() if each.signed}
    return told(outdated(store, asked), signed | changed_runs(wanted, found))


def made_with(store: Store) -> dict[str, str]:
    """What decides now: working point, model and code, as the provenance of a publication names them."""
    point, model = store.working_point(), store.pointed(CHAMPION)
    return {
        "working_point": point.digest if point else "",
        "model": model.provenance.get("manifest", "") if model else "",
        "code": version("lumicert"),
    }


def mask_of(golden: Publication | None) -> LumiMask:
    """The lumisections of a published golden JSON, none before the first; raises ``StoreError`` for an altered one."""
    return read_mask(golden.read().decode("ascii")) if golden else LumiMask()


def last_golden(store: Store) -> Publication | None:
    """The newest version of the golden JSON, None before the first."""
    found = [each for each in store.publications() if each.name == GOLDEN]
    return found[-1] if found else None
