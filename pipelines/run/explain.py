"""``dqm explain RUN LS``: from the data to the decision, every step with the digest by which it is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dqm.decide.resolution import NOBODY, resolve
from dqm.model.errors import UnknownNameError
from dqm.model.verdicts import Decision
from dqm.services.effective import (
    changed_runs,
    decisions_that_stand,
    machine_verdicts,
    partitions_that_stand,
    without_changed,
)
from dqm.services.growing import is_provisional
from dqm.services.history import printable, told
from dqm.services.publish import last_golden, mask_of
from dqm.services.standing import Standing, known_run
from dqm.store.audit import Entry
from dqm.store.freshness import data_digests
from dqm.store.store import Store
from features.words import in_words

EARLIER = ", as it was signed, of EARLIER DATA than those above; to decide anew: dqm reopen {run}"
"""What is said of the verdict of a signed run whose data changed since."""


@dataclass(frozen=True)
class Link:
    """One step of the chain: what it is, the digest or name it is known by, and what it says."""

    step: str
    known_by: str
    says: str = ""

    def text(self) -> str:
        """For people."""
        return f"{self.step:14} {self.known_by[:16]:16}  {self.says}".rstrip()


@dataclass(frozen=True)
class Chain:
    """The chain of one lumisection."""

    run: int
    ls: int
    links: tuple[Link, ...]

    def text(self) -> str:
        """For people."""
        return "\n".join([f"run {self.run}, lumisection {self.ls}", *(each.text() for each in self.links)])

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"run": self.run, "ls": self.ls, "links": [vars(each) for each in self.links]}


def explain(store: Store, run: int, ls: int, asked: str = "") -> Chain:
    """The chain of digests from data to decision; raises ``UnknownNameError`` for a run or lumisection not held.

    With ``asked``, the digest of what a configuration asks for, scores that were made for another are told.
    """
    standing = known_run(store, run, datetime.now(UTC))
    links = [*_data(store, run), *_machine(store, run, ls, standing, asked)]
    links += [Link("person", each.hash, told(each)) for each in standing.entries if _speaks_of(each, ls)]
    links.append(Link("state", "", f"the run is {standing.state}"))
    links += [*_published(store, run, ls), *_decided(standing, run, ls)]
    return Chain(run, ls, tuple(links))


def _data(store: Store, run: int) -> list[Link]:
    found = []
    for kind in ("quantities", "histograms", "labels"):
        for each in store.partitions(kind, run=run):
            found.append(Link(kind, each.digest, f"{each.rows} rows from {each.provenance.get('files', '')}"))
    return found


def _machine(store: Store, run: int, ls: int, standing: Any, asked: str) -> list[Link]:
    """Scores and verdict of the machine, and whether they are still of the data that the store holds."""
    scored, now = store.partitions("scores", run=run), data_digests(store).get(run, "")
    found = []
    for each in scored:
        made = each.provenance
        fresh = "of the data as they are" if made["data"] == now else "of EARLIER DATA; score again: dqm score"
        if asked and made.get("asked", asked) != asked:
            fresh += ", for OTHER FEATURES OR LIMITS than the configuration has; next: dqm train, dqm score"
        found.append(Link("scores", each.digest, fresh))
        found.append(Link("features", made["features"], "fingerprint of the columns"))
        found.append(Link("model", made["model"], _model_name(store, made["model"])))
    held = [each for each in partitions_that_stand(store, [standing]) if each.run == run]
    if not held:
        return [*found, Link("verdict", "", "UNKNOWN: not certified yet; see dqm score, dqm certify")]
    verdicts = without_changed(machine_verdicts(store, held), changed_runs(held, {run: standing}))
    numbers = np.asarray(verdicts.index.get_level_values("ls"))
    rows = np.flatnonzero(numbers == ls)
    if not len(rows):
        raise UnknownNameError(f"lumisection of run {run}", str(ls), [f"{numbers.min()} to {numbers.max()}"])
    made, row = held[0].provenance, int(rows[0])
    found.append(Link("working point", made["working_point"], "thresholds that decided"))
    found.append(Link("code", made["code"], "version of lumicert that decided"))
    badness = f" at badness {verdicts.badness[row]:.4g}" if np.isfinite(verdicts.badness[row]) else ""
    why = f" ({verdicts.status[row]})" if verdicts.status[row] else ""
    then = "" if made.get("data") == now or not standing.signed else EARLIER.format(run=run)
    found.append(Link("verdict", held[0].digest, f"{verdicts.decision[row]}{badness}{why}{then}"))
    if is_provisional(held[0]):
        found.append(Link("provisional", "", "the run still grew; final with the first certification after its end"))
    if verdicts.decision[row] != Decision.UNKNOWN:  # then nothing was scored, and its status says why
        found += [Link("  because", "", in_words(each)) for each in verdicts.reasons[row]]
    return found


def _speaks_of(entry: Entry, ls: int) -> bool:
    """Whether an entry is about the lumisection: one without ranges is about the whole run."""
    ranges = entry.fields.get("ranges")
    return ranges is None or any(first <= ls <= last for first, last in ranges)


def _decided(standing: Standing, run: int, ls: int) -> list[Link]:
    """What people say of it, as it stands, by the entry that says so last; nothing where nobody spoke."""
    people = resolve(np.array([run]), np.array([ls]), decisions_that_stand([standing]))
    if int(people.code[0]) == NOBODY:
        return []
    entry = next(each for each in standing.entries if each.id == int(people.by[0]))
    said = (
        f"{list(Decision)[int(people.code[0])]}, by {printable(entry.actor)} ({entry.role}): {entry.fields['reason']}"
    )
    return [Link("decision", entry.hash, f"{said} (entry {entry.id}); people stand over the machine")]


def _model_name(store: Store, manifest: str) -> str:
    names = [each.model_id for each in store.models() if each.provenance["manifest"] == manifest]
    return names[0] if names else "no model of this store"


def _published(store: Store, run: int, ls: int) -> list[Link]:
    """Whether the newest golden JSON holds it."""
    newest = last_golden(store)
    if newest is None:
        return [Link("golden JSON", "", "none was published yet")]
    inside = (run, ls) in mask_of(newest)
    return [
        Link("golden JSON", newest.sha256, f"version {newest.version} {'holds it' if inside else 'does not hold it'}")
    ]
