"""``dqm status`` says that the newest night did not do all, and why, though an earlier one finished a moment ago."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dqm.store.nights import FAILED, FINISHED
from dqm.store.store import Store
from pipelines.nightly.status import status

INGEST = {"name": "ingest", "state": "failed", "seconds": 0.1, "said": "no file matches 'labels.json'"}
DONE = {"name": "tell", "state": "done", "seconds": 0.1, "said": "nothing left"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose first night finished."""
    with Store.create(tmp_path / "store") as made:
        made.nights.end(made.nights.begin(), FINISHED, {"stages": [DONE], "failed_runs": {}})
        yield made


def test_nothing_is_said_where_all_was_done(store: Store) -> None:
    assert status(store).trouble == ()


def test_the_stage_that_failed_its_reason_and_the_report_are_named(store: Store) -> None:
    """Mutant: the last finished night alone is shown, and a shifter reads that all is well."""
    store.nights.end(store.nights.begin(), FAILED, {"stages": [INGEST, DONE], "failed_runs": {}, "report": "n.html"})
    found = status(store)
    assert found.trouble == (
        "the newest night, 2, did NOT do all:",
        "  ingest: no file matches 'labels.json'",
        "  report: n.html",
    )
    assert all(each in found.text() for each in found.trouble)


def test_a_run_that_could_not_be_scored_and_a_night_that_broke_off_are_named(store: Store) -> None:
    store.nights.end(store.nights.begin(), FINISHED, {"stages": [DONE], "failed_runs": {"7": "its file is torn"}})
    assert "  run 7 was not scored: its file is torn" in status(store).trouble
    store.nights.end(store.nights.begin(), FAILED, {"error": "MemoryError: "})
    assert status(store).trouble == ("the newest night, 3, did NOT do all:", "  MemoryError: ")


def test_a_night_that_began_and_has_not_ended_is_named(store: Store) -> None:
    store.nights.begin()
    (said,) = status(store).trouble
    assert said.startswith("night 2 began 20")
    assert said.endswith("has not ended: at work, or killed; dqm nightly tells")


def test_a_night_that_ended_after_now_is_not_hours_ago(store: Store) -> None:
    """The clock was set back: no negative number of hours."""
    found = status(store, 26, datetime.now(UTC) - timedelta(hours=30))
    assert found.overdue
    assert found.text().startswith("OVERDUE: last finished night ")
    assert ", 30.0 hours AHEAD of this clock\n" in found.text()
