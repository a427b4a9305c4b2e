"""Verdicts that were made for other data of earlier runs, or by an earlier version: which still hold, and which do not.

Verdicts hold where nothing else was scored since they were made and the scores are not stale: they are noted anew, for
what is asked now and the earlier runs of now. What holds no longer is decided again, or is UNKNOWN where the model that
decides has not scored it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from dqm.model.config import Config
from dqm.services.outdated import Basis, outdated
from dqm.services.standing import standings
from dqm.store.change import Change
from dqm.store.partitions import Partition
from dqm.store.store import Store
from dqm.store.tables import with_provenance
from features.asked import asked_of

SCORES = "scores"
"""Key in the provenance of verdicts: the digest of the scores that decided."""


@dataclass(frozen=True)
class Renewal:
    """Verdicts that nothing else decides now: ``holds`` are noted anew, ``again`` decided again, ``unknown`` void."""

    holds: tuple[Partition, ...]
    again: frozenset[int]
    unknown: frozenset[int]

    @classmethod
    def of(cls, store: Store, outdated: frozenset[int], model: str) -> Self:
        """What becomes of ``outdated`` verdicts that are not decided anyway, where ``model`` decides now."""
        current = {each.run: each for each in store.partitions("verdicts") if each.run in outdated}
        scored = {each.run: each for each in store.partitions("scores")}
        older = _made_before(store) if any(SCORES not in current[run].provenance for run in outdated) else frozenset()
        held = {run for run in outdated if run in scored and _decided(current[run], scored[run], older)}
        again = {run for run in outdated if run in scored and scored[run].provenance["model"] == model} - held
        return cls(tuple(current[run] for run in sorted(held)), frozenset(again), outdated - held - again)

    def note(self, store: Store, change: Change, basis: Basis) -> None:
        """Put what holds again, with what it is known to hold for."""
        for each in self.holds:
            scores = store.digests("scores", run=each.run)[each.run]
            about = {**each.provenance, **basis.notes(each.run), SCORES: scores}
            change.put("verdicts", each.run, with_provenance(store.read("verdicts", [each.run]), about), about)


def outdated_runs(config: Config, store: Store) -> frozenset[int]:
    """The runs whose verdicts are out of date and that nobody has signed."""
    unsigned = {run for run, each in standings(store, datetime.now(UTC)).items() if each.data and not each.signed}
    return frozenset(outdated(store, asked_of(config.features, config.limits)).keys() & unsigned)


def _decided(verdicts: Partition, scores: Partition, older: frozenset[tuple[int, str, str]]) -> bool:
    """Whether these scores decided; an earlier version did not note that: then they came before, of the same model."""
    noted = verdicts.provenance
    if SCORES in noted:
        return noted[SCORES] == scores.digest
    same = all(noted.get(name) == scores.provenance.get(name) for name in ("data", "model"))
    return same and (verdicts.run, verdicts.digest, scores.digest) in older


def _made_before(store: Store) -> frozenset[tuple[int, str, str]]:
    """Run, digest of verdicts and digest of scores, where these scores came last before those verdicts."""
    scores, found = store.aggregates.brought("scores"), set()
    now = store.digests("scores")
    for (run, digest), at in store.aggregates.brought("verdicts").items():
        if run in now and scores[run, now[run]] <= at:
            found.add((run, digest, now[run]))
    return frozenset(found)
