"""Which runs still grow: verdicts that were made while one did are provisional until it has ended.

A watch that scores lumisections as they come marks the verdicts of the newest run; the mark stands in their provenance
and goes with the first certification after the run ended. A run has ended when a later one has begun, when nothing came
for some time, or when somebody said so. What is provisional is not signed, and not in what is published.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dqm.model.people import People
from dqm.services.shown import Expected
from dqm.services.submission import Desk, Judgement, Recorded, checked_text, submit
from dqm.store.freshness import data_digests
from dqm.store.partitions import Partition
from dqm.store.store import Store

PROVISIONAL = "provisional"
"""Key in the provenance of verdicts that were made while their run grew."""
MARK = {PROVISIONAL: "the run had not ended"}
"""What it says there."""
END = "end"
"""The action of naming a run ended."""


def is_provisional(verdicts: Partition) -> bool:
    """Whether these verdicts were made while their run grew."""
    return PROVISIONAL in verdicts.provenance


def provisional_runs(store: Store) -> frozenset[int]:
    """The runs whose verdicts are provisional."""
    return frozenset(each.run for each in store.partitions("verdicts") if is_provisional(each))


def growing(store: Store, minutes: float, at: datetime, *, live: bool = False) -> frozenset[int]:
    """The runs that still grow at the moment ``at``, where one has ended after ``minutes`` in which nothing came.

    ``live`` asks of the newest run too, unless its verdicts are final and of the data that it has now: a watch that
    begins takes nothing back. Else only those are asked of that are provisional. A clock that was set back ends no run.
    """
    held = store.runs("quantities")
    if not held:
        return frozenset()
    newest = held[-1]
    asked = not _final(store, newest) if live else newest in provisional_runs(store)
    return frozenset({newest}) if asked and not _ended(store, newest, minutes, at) else frozenset()


def _final(store: Store, run: int) -> bool:
    """Whether the verdicts of a run are final and nothing of it came since."""
    now, verdicts = data_digests(store, run=run).get(run), store.partitions("verdicts", run=run)
    return any(not is_provisional(each) and each.provenance.get("data") == now for each in verdicts)


def end_run(
    store: Store,
    people: People,
    name: str,
    run: int,
    comment: str = "",
    *,
    nonce: str,
    expected: Expected = None,
    at: datetime | None = None,
) -> Recorded:
    """Say that a run has ended: the next certification makes its verdicts final. Anybody may."""
    text = checked_text(comment, "comment")

    def judge(desk: Desk) -> Judgement:
        desk.run(run, expected)
        told = f"run {run} has ended; its verdicts become final with the next: dqm certify, dqm nightly or dqm watch"
        return Judgement(END, f"run {run}", {"comment": text}, told, run)

    return submit(store, people.person(name), nonce, at, judge)


def _ended(store: Store, run: int, minutes: float, at: datetime) -> bool:
    """Whether nothing came for so long, or somebody said that it ended."""
    came = store.brought("quantities", run)
    return at - came >= timedelta(minutes=minutes) or any(each.action == END for each in store.audit(run))
