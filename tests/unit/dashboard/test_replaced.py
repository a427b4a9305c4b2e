"""A store that is put in the place of another while pages are open: a copy that was restored, for example."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.reading.newer import newer
from dashboard.reading.queue_rows import queue_rows
from dashboard.reading.view import View, view
from dqm.model.verdicts import Decision
from dqm.services.decide import decide
from dqm.store.store import Store

from .small_night import CERTIFIED, NEW, PAST, PEOPLE, certify, people, quantities, verdicts


@pytest.fixture
def place(configured: Path, stores: Path) -> Path:
    with configured.open("a", encoding="utf-8") as written:
        written.write(PEOPLE)
    return Path(shutil.copytree(stores / "night", configured.parent / "certification"))


def another_night(place: Path, decision: Decision, run: int) -> None:
    """Verdicts that are all the same, and a decision of a person."""
    found = verdicts()
    found.decision[:] = decision
    with Store.open(place) as store:
        with store.transaction() as change:
            certify(change, quantities([*PAST, *CERTIFIED, NEW]), found)
        decide(store, people(), "shifter-1", run, [(6, 7)], "BAD", "noise", nonce="1")


def waiting(seen: View) -> list[int]:
    return [each.open for each in queue_rows(seen, datetime.now(UTC)) if each.open]


def test_what_was_read_of_the_store_before_is_forgotten(configured: Path, stores: Path, place: Path) -> None:
    """Mutant: what is kept of a snapshot by its number, which the other store gives to another one."""
    another_night(place, Decision.ACCEPT, 112)
    before = view(str(configured))
    assert waiting(before) == []
    shutil.rmtree(place)
    shutil.copytree(stores / "night", place)
    restored = view(str(configured))
    told = newer(before, restored)
    assert told.runs
    assert told.sentences == ("another store is in the place of the one that is shown: an earlier copy, for example",)
    assert newer(restored, restored).runs == ()
    another_night(place, Decision.ASK, 113)
    now = view(str(configured))
    assert (now.snapshot, now.entry) == (before.snapshot, before.entry)
    assert sum(waiting(now)) > 100
