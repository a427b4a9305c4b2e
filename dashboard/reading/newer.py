"""What came into the store since a page was drawn: what people did, and what the machine says or read anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dashboard.look.wording import number_of_runs
from dashboard.reading.view import View
from dqm.services.history import told
from dqm.services.standing import RUN_ACTIONS
from dqm.store.store import Store

CHANGING = ("verdicts", "quantities", "histograms")
"""Kinds of rows that make a run another one for who looks at it."""
REPLACED = "another store is in the place of the one that is shown: an earlier copy, for example"
NAMED = 8
"""Sentences at most."""


@dataclass(frozen=True)
class Newer:
    """The ``runs`` that changed, ascending, and ``sentences`` that say what happened, the newest first."""

    runs: tuple[int, ...] = ()
    sentences: tuple[str, ...] = ()

    def text(self, run: int | None = None) -> str:
        """In a few words, of all runs or of the one that is shown."""
        if run is not None:
            return f"Run {run} changed"
        return f"{number_of_runs(len(self.runs))} changed"


def newer(seen: View, now: View, run: int | None = None) -> Newer:
    """What is in the view of ``now`` and not in the one that was ``seen``, of all runs or of one."""
    if (seen.snapshot, seen.entry) == (now.snapshot, now.entry):
        return Newer()
    if now.snapshot < seen.snapshot or now.entry < seen.entry:
        return Newer(tuple(now.held["verdicts"]) if run is None else (run,), (REPLACED,))
    return _newer(now.path, seen.snapshot, seen.entry, now.snapshot, now.entry, run)


@st.cache_resource(max_entries=16, show_spinner=False)
def _newer(path: str, snapshot: int, entry: int, newest: int, last: int, run: int | None) -> Newer:
    with Store.open(Path(path)) as store:
        entries = [each for each in store.audit(run, after=entry) if each.action in RUN_ACTIONS and each.id <= last]
        other = set()
        for kind in CHANGING:
            before, after = (
                {(each.run, each.digest) for each in store.partitions(kind, at, run)} for at in (snapshot, newest)
            )
            other |= {each for each, _ in before ^ after}
    acted = {each.run for each in entries if each.run is not None}
    said = [f"{f'run {each.run}: ' if run is None else ''}{told(each)}" for each in reversed(entries)]
    said += [f"run {each}: its data or verdicts changed" for each in sorted(other)]
    more = [f"and {len(said) - NAMED:,} more"] if len(said) > NAMED else []
    return Newer(tuple(sorted(acted | other)), (*said[:NAMED], *more))
