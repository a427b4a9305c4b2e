"""What is in quarantine is listed as long as it is there, and no longer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dqm.model.config import Config, load
from dqm.model.findings import Finding, grouped
from dqm.store.health import health
from dqm.store.store import Store
from pipelines.nightly.status import status
from pipelines.run.ingest import ingest

BAD = "run,ls,rate\n1,1,1.5\n1,2,2.5\n1,2,9.5\n"
MENDED = "run,ls,rate\n1,1,1.5\n1,2,2.5\n"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "dqm.toml"
    file.write_text('[[inputs]]\nkind = "canonical"\nfiles = ["t.csv"]\n', encoding="utf-8")
    return load(file)


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.create(config.store_path) as made:
        yield made


def take(config: Config, store: Store, rows: str) -> tuple[int, str, str]:
    """Ingest; the count and the text of status, and what the doctor says."""
    (config.folder / "t.csv").write_text(rows, encoding="utf-8")
    ingest(config, store)
    found = status(store)
    doctor = {each.name: each for each in health(store.path)}["quarantined input"]
    assert doctor.ok, "it is no fault of the store"
    return found.quarantined, found.text(), doctor.detail


def test_what_was_mended_is_not_counted_any_more(config: Config, store: Store) -> None:
    """Mutant: everything that was ever found counts."""
    count, text, doctor = take(config, store, BAD)
    assert count == 1
    held = f"quarantined [conflict] {config.folder / 't.csv'}, run 1, LS 2: rows of one lumisection disagree"
    assert f"quarantined findings: 1\n  {held}" in text
    assert doctor.startswith(f"note: 1 finding: {held}")
    count, text, doctor = take(config, store, MENDED)
    assert (count, text.endswith("quarantined findings: 0"), doctor) == (0, True, "none")


def test_many_kinds_are_cut_short(store: Store) -> None:
    held = [Finding(f"code-{i}", "quarantined", "why") for i in range(12)]
    with store.transaction() as change:
        change.add_findings(held)
    assert status(store).text().endswith("… and 2 more kinds"), "before an ingestion entered them, all that there are"
    assert "and 9 more kinds" in {each.name: each for each in health(store.path)}["quarantined input"].detail


def test_alike_ones_are_one_line() -> None:
    alike = [Finding("conflict", "quarantined", f"LS {ls}", "a.csv", 5, ls) for ls in (1, 2, 3)]
    assert grouped([*alike, Finding("unreadable", "quarantined", "cut off", "b.csv")]) == [
        "quarantined [conflict] a.csv, run 5, LS 1: LS 1 (and 2 more like it)",
        "quarantined [unreadable] b.csv: cut off",
    ]
