"""Certified runs that nobody signed, as what another working point would change; and how many are signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.trade_off.flips import OpenVerdicts
from dqm.decide.resolution import NOBODY, effective_codes, resolve
from dqm.model.verdicts import CODES, Decision
from dqm.services.effective import changed_runs, decisions_that_stand
from dqm.services.standing import Standing, standings
from dqm.store.decision_codes import decision_codes
from dqm.store.partitions import Kept, Partition, read
from dqm.store.store import Store

COLUMNS = ("run", "ls", "decision", "badness", "weight")
_NOTHING = np.zeros(0)


@st.cache_resource(max_entries=8, show_spinner=False)
def signed_runs(path: str, snapshot: int, entry: int) -> int:
    """How many runs are signed: whatever is decided later, they stay as they are."""
    with Store.open(Path(path)) as store:
        return sum(each.signed is not None for each in standings(store, datetime.now(UTC)).values())


@st.cache_resource(max_entries=4, show_spinner="Reading verdicts…")
def open_verdicts(path: str, snapshot: int, entry: int, most: int) -> OpenVerdicts:
    """What stands in the ``most`` newest certified runs that are not signed; 0: in all of them."""
    with Store.open(Path(path)) as store:
        found = standings(store, datetime.now(UTC))
        here = [each for each in store.partitions("verdicts") if found[each.run].signed is None][-most:]
        scores = {each.run: each for each in store.partitions("scores")}
        kept, runs = _kept(path), [each.run for each in here]
        return _joined(store.path, here, [scores[run] for run in runs if run in scores], [found[r] for r in runs], kept)


@st.cache_resource(max_entries=2, show_spinner=False)
def _kept(path: str) -> Kept:
    """Partitions that were read: a new snapshot reads only what it brought."""
    return Kept()


def _joined(
    folder: Path, verdicts: Sequence[Partition], scores: Sequence[Partition], found: list[Standing], kept: Kept
) -> OpenVerdicts:
    """Verdicts with what people said over them, and what a guard holds."""
    if not verdicts:
        nothing, none = _NOTHING.astype(np.int64), _NOTHING.astype(bool)
        return OpenVerdicts.of(nothing, nothing.astype(np.int8), none, none, _NOTHING.astype(np.float32), _NOTHING)
    table = read(folder, verdicts, COLUMNS, kept)
    run, ls, weight, badness = (table[name].to_numpy() for name in ("run", "ls", "weight", "badness"))
    people = resolve(run, ls, decisions_that_stand(found))
    changed = np.isin(run, sorted(changed_runs(verdicts, {each.run: each for each in found})))
    machine = np.where(changed, np.int8(CODES[Decision.UNKNOWN]), decision_codes(table["decision"]))
    held = np.zeros(len(run), dtype=bool)
    if scores:
        guarded = read(folder, scores, ("run", "ls", "held"), kept)
        guarded = guarded.filter(guarded["held"])
        held = np.isin(_keys(run, ls), _keys(guarded["run"].to_numpy(), guarded["ls"].to_numpy()))
    said = people.code != NOBODY
    return OpenVerdicts.of(run, effective_codes(machine, people), said, held, badness, weight)


def _keys(run: NDArray[np.int64], ls: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for each lumisection; both are below 2³¹."""
    return (run << 32) + ls
