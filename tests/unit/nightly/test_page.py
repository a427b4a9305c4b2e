"""The report of a night says where what was found is, so that somebody can go there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqm.model.config import load
from dqm.model.findings import Finding
from dqm.store.store import Store
from pipelines.nightly.page import write_page
from tests.unit.services.shift import QUIET, Shift, fill, put_data

NIGHT = {
    "night": 3,
    "began": "2026-11-26T03:00:00+00:00",
    "seconds": 1.0,
    "snapshot": 1,
    "stages": [],
    "due": {"new": [], "stale": []},
    "failed_runs": {},
}


@pytest.fixture
def page(tmp_path: Path) -> str:
    """A night that found two files cut short and five runs with contradicting rows."""
    file = tmp_path / "dqm.toml"
    file.write_text('[[inputs]]\nkind = "canonical"\nfiles = ["t.csv"]\n', encoding="utf-8")
    config, why = load(file), "rows of one lumisection disagree"
    found = [Finding("unreadable", "quarantined", f"{name}: the file is empty", name) for name in ("a.csv", "<b>.csv")]
    found += [Finding("conflict", "quarantined", why, "c.csv", run, 7) for run in range(1, 6)]
    with Store.create(config.store_path) as store:
        write_page(tmp_path / "night.html", config, store, NIGHT, found)
    return (tmp_path / "night.html").read_text(encoding="utf-8")


def test_findings_name_file_run_and_lumisection(page: str) -> None:
    assert "<td>c.csv, run 1, LS 7<br>c.csv, run 2, LS 7<br>c.csv, run 3, LS 7<br>and 2 more</td>" in page


def test_alike_findings_of_two_files_are_one_row_that_names_both(page: str) -> None:
    assert "<td class='n'>2</td><td>a.csv<br>&lt;b&gt;.csv</td><td>the file is empty</td>" in page


def test_a_finding_names_its_file_once() -> None:
    cut = Finding("unreadable", "quarantined", "a.csv: the file is empty", "a.csv")
    assert str(cut) == "quarantined [unreadable] a.csv: the file is empty"


def test_the_page_has_colours_for_the_dark(page: str) -> None:
    assert "prefers-color-scheme:dark" in page


def test_a_signed_run_is_not_shown_as_if_the_machine_decided_it(tmp_path: Path) -> None:
    """Mutant: ten lumisections of a signed run look as if somebody still had to be asked about them."""
    file = tmp_path / "dqm.toml"
    file.write_text('[[inputs]]\nkind = "canonical"\nfiles = ["t.csv"]\n', encoding="utf-8")
    config, night = load(file), NIGHT | {"due": {"new": [QUIET], "stale": []}}
    with Store.create(config.store_path) as store:
        fill(store)
        pages = []
        for change in (None, lambda: Shift(store)("sign", "eve", QUIET), lambda: put_data(store, QUIET, charge=2.0)):
            if change is not None:
                change()
            write_page(tmp_path / "night.html", config, store, night, ())
            pages.append((tmp_path / "night.html").read_text(encoding="utf-8"))
    before, signed, changed = pages
    assert "signed" not in before
    assert "<div class='note'>signed: what was signed stands</div>" in signed
    assert f"signed: what was signed stands; its data changed since: dqm reopen {QUIET}" in changed
