"""What the newest ingestion saw: one row, entered with what it speaks of."""

from __future__ import annotations

import pytest

from dqm.model.findings import Finding
from dqm.store.intake import Intake
from dqm.store.store import Store

FILES: dict[str, list[int | str]] = {"/data/a.csv": [10, 1_700_000_000_000_000_000, "a" * 64]}
HELD = Finding("conflict", "quarantined", "two values", "a.csv", 355100, 7)
NOTE = Finding("unknown-column", "note", "not used", "a.csv")


def test_nothing_was_seen_of_a_new_store(store: Store) -> None:
    assert store.intake == Intake()


def test_files_and_what_keeps_data_away_come_back(store: Store) -> None:
    with store.transaction() as change:
        change.add_findings([NOTE, HELD])
        change.take_in(FILES, [NOTE, HELD])
    assert (store.intake.files, store.intake.findings) == (FILES, (HELD,))
    assert store.intake.at is not None


def test_what_an_ingestion_does_not_find_again_is_mended(store: Store) -> None:
    """Mutant: findings that were ever made count as open."""
    with store.transaction() as change:
        change.add_findings([HELD])
        change.take_in(FILES, [HELD])
    with store.transaction() as change:
        change.take_in(FILES, [])
    assert (store.intake.findings, store.findings()) == ((), [HELD])


def test_without_findings_those_before_go_on(store: Store) -> None:
    with store.transaction() as change:
        change.add_findings([HELD])
        change.take_in(FILES, [HELD])
    touched: dict[str, list[int | str]] = {"/data/a.csv": [10, 1_700_000_000_000_000_001, "a" * 64]}
    with store.transaction() as change:
        change.take_in(touched)
    assert (store.intake.files, store.intake.findings) == (touched, (HELD,))


def test_the_same_again_writes_nothing(store: Store) -> None:
    for _ in range(2):
        with store.transaction() as change:
            change.take_in(FILES, [])
        moment = store.intake.at
        snapshot = store.snapshot
    assert (store.intake.at, store.snapshot, snapshot) == (moment, 0, 0)


def test_what_is_not_committed_was_not_seen(store: Store) -> None:
    def killed(connection: object) -> None:
        raise KeyboardInterrupt

    def take_in() -> None:
        with store.transaction() as change:
            change.take_in(FILES, [])
            change.require(killed)

    with pytest.raises(KeyboardInterrupt):
        take_in()
    assert store.intake == Intake()
