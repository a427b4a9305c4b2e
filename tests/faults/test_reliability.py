"""The benchmark of reliability: its faults happen, its judgements can fail, and a sample of all of it holds."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dqm.model.errors import StoreError, UnknownNameError
from dqm.store.store import Store
from pipelines.benchmarks.reliability import PARTS, Amounts, run
from pipelines.reliability import names, texts
from pipelines.reliability.crossings import COMMIT, Crossings, refused_from
from pipelines.reliability.guarantee import Guarantee
from pipelines.reliability.kills import chosen, two_transactions
from pipelines.reliability.state import State


def publish(store: Store, data: bytes) -> None:
    """One transaction that touches files and tables."""
    with store.transaction() as change:
        change.publish("golden.json", data, {})


def watched_publication_is_made(store: Store, data: bytes, told: str) -> bool:
    """Publish; False where that is refused in words that hold what the disk said."""
    try:
        publish(store, data)
    except (OSError, StoreError) as error:
        if told not in str(error):
            raise
        return False
    return True


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in which something is published."""
    made = Store.create(tmp_path / "store")
    publish(made, b"1")
    return made


def test_a_crossing_is_counted_wherever_disk_or_database_are_touched(store: Store) -> None:
    with Crossings().installed() as crossings:
        publish(store, b"2")
    found = crossings.names
    assert found[0] == "mkdir"
    assert {"open", "fsync", "replace", "sql BEGIN", "sql INSERT"} <= set(found)
    assert (found[-1], found.count(COMMIT)) == (COMMIT, 2), "the publication, and then its copy under the plain name"
    with crossings.installed():
        assert store.publication("golden.json").read() == b"2"
    assert crossings.names == found, "reading crosses nothing"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_disk_that_refuses_leaves_what_is_published_at_every_point(store: Store, code: int) -> None:
    """Mutant: a file renamed over the published one before the commit. After it, only the plain copy is older."""
    with Crossings().installed() as crossings:
        publish(store, b"2")
    published = {b"2"}
    for point in range(1, len(crossings.names) + 1):
        before = store.publication("golden.json")
        watched = Crossings(refused_from(point, code, lasting=code != errno.EIO))
        with watched.installed():
            if watched_publication_is_made(store, f"at {point}".encode(), os.strerror(code)):
                assert watched.names[point - 1] == "mkdir", "a folder that is there need not be made"
                published.add(f"at {point}".encode())
                continue
        after, plain = store.publication("golden.json"), store.newest("golden.json").read_bytes()
        if COMMIT in watched.names[: point - 1]:
            assert (after.version, after.read()) == (before.version + 1, f"at {point}".encode())
            published.add(after.read())
        else:
            assert (after.version, after.read()) == (before.version, before.read())
        assert plain in published, "a whole version that was published, though an older one"


def test_a_planted_mutant_makes_two_commits_of_one(store: Store) -> None:
    with two_transactions(), Crossings().installed() as crossings:
        publish(store, b"2")
    assert crossings.names.count(COMMIT) == 3
    assert store.publication("golden.json").read() == b"2"


def test_states_that_differ_say_what_is_lost_and_what_is_too_much(store: Store) -> None:
    before = State.of(store)
    publish(store, b"2")
    after = State.of(store)
    assert after.unlike(after) == ""
    assert after.unlike(before) == "publications: 0 lost, 1 too many"
    assert (
        before.unlike(replace(after, events=("a", "b")))
        == "publications: 1 lost, 0 too many; events: 2 lost, 0 too many"
    )
    assert after.standing.publications[0][0] == "golden.json"


def test_points_are_all_or_evenly_spread() -> None:
    assert chosen(3, 0) == chosen(3, 5) == [1, 2, 3]
    assert chosen(100, 3) == [1, 50, 100]


def test_payloads_differ_and_are_enough() -> None:
    assert len(set(names.payloads(1000, 1))) == 1000
    assert len(set(texts.payloads(500))) == 500


def test_rows_for_people_and_for_machines() -> None:
    row = Guarantee.of("a promise", ["", "broken", ""], 1.5, "a note")
    assert row.document()["metrics"] == {"tried": 3, "failed": 1}
    assert row.markdown() == "| a promise | 3 | 1 | 2 | a note |"
    assert row.text().split() == ["a", "promise", "3", "1", "1.5", "a", "note", "broken"]


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown part 'kill'.*kills"):
        run(parts=("kill",))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sample_of_every_guarantee_holds(tmp_path: Path, repository: Path) -> None:
    """A process of its own, since it forks."""
    written = tmp_path / "rows.json"
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "benchmark",
        "reliability",
        "--sample",
        "20",
        "--json",
        str(written),
    ]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(written.read_text(encoding="utf-8"))["rows"]
    assert {each["set"]: each["metrics"]["failed"] for each in rows if each["metrics"]["failed"]} == {}
    assert all(each["metrics"]["tried"] for each in rows)
    assert sum(each["metrics"]["tried"] for each in rows if each["set"].startswith("kill")) >= 20
    assert Amounts().points == 0
    assert len(rows) >= len(PARTS)
