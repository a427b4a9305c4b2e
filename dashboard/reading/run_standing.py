"""What stands in one run, with everything that a form about it needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from dashboard.reading.queue_rows import latest_end
from dashboard.reading.view import View
from dqm.model.errors import StoreError
from dqm.model.verdicts import Verdicts
from dqm.services.effective import changed_runs, partitions_that_stand, verdicts_that_stand
from dqm.services.growing import is_provisional
from dqm.services.shown import Shown
from dqm.services.standing import Standing, known_run
from dqm.store.store import Store


@dataclass(frozen=True, eq=False)
class RunStanding:
    """One run: where it stands, its ``verdicts`` with people over the machine (None where it was not certified), what
    a form sends back as ``shown``, and whether its verdicts are ``provisional`` or its data ``changed`` since."""

    found: Standing
    verdicts: Verdicts | None
    shown: str
    provisional: bool
    changed: bool

    @property
    def expected(self) -> Shown:
        """What a form showed, as a service wants it."""
        return Shown.parse(self.shown)


def run_standing(view: View, run: int, now: datetime) -> RunStanding:
    """What stands in a run; raises ``UnknownNameError`` for one that the store does not hold."""
    seen = _standing(view.path, view.snapshot, view.entry, run, 0)
    ended = latest_end([seen.found.until], now)
    return _standing(view.path, view.snapshot, view.entry, run, ended) if ended else seen


@st.cache_resource(max_entries=32, show_spinner="Reading the run…")
def _standing(path: str, snapshot: int, entry: int, run: int, ended: int) -> RunStanding:
    with Store.open(Path(path)) as store:
        found = known_run(store, run, datetime.now(UTC))
        held = [each for each in partitions_that_stand(store, [found]) if each.run == run]
        if not held:
            return RunStanding(found, None, str(Shown.of(found, "")), provisional=False, changed=False)
        changed = bool(changed_runs(held, {run: found}))
        shown = str(Shown.of(found, held[0].digest))
        return RunStanding(found, verdicts_that_stand(store, [found]), shown, is_provisional(held[0]), changed)


@st.cache_resource(max_entries=4, show_spinner=False)
def chain(path: str, entry: int) -> tuple[int, str]:
    """Number of entries in the audit chain that were verified, and what is wrong with it, "" where it is whole."""
    with Store.open(Path(path)) as store:
        try:
            return store.verify_audit(), ""
        except StoreError as error:
            return 0, str(error)
