"""Which runs a night has to score: those without scores, and those whose scores are no longer what the data say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from detectors.artifacts import Bundle
from dqm.model.amounts import counted
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.store.store import Store
from dqm.store.tables import quantities_from_arrow
from pipelines.run.freshness import stale_runs


@dataclass(frozen=True)
class Due:
    """Runs to score, by why: ``new`` ones, ``stale`` ones, and ``late`` ones, new but older than some scored before."""

    new: tuple[int, ...]
    stale: tuple[int, ...]
    late: tuple[int, ...] = ()

    @property
    def runs(self) -> frozenset[int]:
        """All of them."""
        return frozenset((*self.new, *self.stale))

    def within(self, runs: frozenset[int]) -> Due:
        """Those among ``runs`` alone."""
        kept = {name: tuple(r for r in getattr(self, name) if r in runs) for name in ("new", "stale", "late")}
        return Due(**kept)

    def again(self, runs: frozenset[int]) -> Due:
        """All of ``runs``, whatever was scored before: what is not new is to be scored again."""
        kept = self.within(runs)
        return replace(kept, stale=tuple(sorted(runs.difference(kept.new))))

    def text(self) -> str:
        """For people."""
        late = f" ({len(self.late)} of them late)" if self.late else ""
        return f"{counted(len(self.new), 'new run')}{late}, {len(self.stale)} to be scored again"


def due(config: Config, store: Store, bundle: Bundle) -> Due:
    """What is to be scored by the model of ``bundle``; the runs that it learned from are not."""
    held, learned = set(store.runs("quantities")), set(bundle.runs)
    scored = set(store.runs("scores"))
    new = sorted(held - learned - scored)
    stale = sorted((stale_runs(config, store) & held) - learned)
    newest = max(scored, default=-1)
    return Due(tuple(new), tuple(stale), tuple(run for run in new if run < newest))


def runs_since(store: Store, since: datetime) -> frozenset[int]:
    """Runs that have a lumisection that begins at or after a moment; raises ``InputError`` where no begin is known."""
    table = quantities_from_arrow(store.read("quantities"))
    begin = np.datetime64(since.astimezone(UTC).replace(tzinfo=None), "ns")
    if len(table) and np.isnat(table.start).all():
        raise InputError("--since: the inputs do not tell when lumisections began; name the runs with --runs")
    return frozenset(np.unique(table.run[table.start >= begin]).tolist())
