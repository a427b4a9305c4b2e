"""The benchmark of the dashboard: its store is made once, its figures are named, and what is missing is told."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dqm.model.decisions import RunState
from dqm.model.errors import InputError
from dqm.model.verdicts import Decision
from dqm.services.queue import queue
from dqm.store.store import Store
from pipelines.benchmarks import dashboard_browser, dashboard_store
from pipelines.benchmarks.dashboard import DashboardResult, Times
from pipelines.benchmarks.dashboard_browser import Browsing, Taken, server


def test_the_store_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_store, "COLUMNS", 20)
    monkeypatch.setattr(dashboard_store, "ELEMENTS", 2)
    made = dashboard_store.simulated(tmp_path, 4)
    with Store.open(made.config.parent / "certification") as store:
        rows = queue(store, datetime.now(UTC))
        snapshot = store.snapshot
        assert store.runs("histograms") == [made.run - 1, made.run]
        assert store.publication("golden.json").version == 1
    assert {row.lumisections for row in rows} == {dashboard_store.LENGTH}
    assert {row.run for row in rows if row.state is RunState.SIGNED} == {dashboard_store.FIRST}
    assert any(row.counts.get(Decision.ASK) for row in rows)
    assert all(row.status != "data-changed" for row in rows)
    assert dashboard_store.simulated(tmp_path, 4) == made
    with Store.open(made.config.parent / "certification") as store:
        assert store.snapshot == snapshot


def test_figures_and_their_names() -> None:
    empty = Times("empty-page", Taken(3.0, 1.0), [Taken(1.0, 0.5), Taken(1.2, 0.7)])
    first = Times("first-queue", Taken(5.0, 2.0), [Taken(1.5, 1.0), Taken(1.7, 1.0)])
    ten = Times("ten-sessions", None, [Taken(2.0, 0.1)], peak_mib=900.0)
    result = DashboardResult((empty, first, ten), 1_000_000, (0.5, 2.0))
    assert result.document()["rows"][0] == {
        "set": "empty-page",
        "method": "lumicert",
        "metrics": {
            "p50_s": pytest.approx(1.1),
            "p95_s": pytest.approx(1.19),
            "cpu_s": pytest.approx(0.6),
            "cold_s": 3.0,
        },
        "repeats": 2,
    }
    assert result.document()["rows"][2]["metrics"]["peak_mib"] == 900.0
    lines = result.text().splitlines()
    assert "to an empty page +0.50 s, processor +0.40 s  cold 5.00 s" in lines[1]
    assert "900 MiB at most" in lines[2]
    assert lines[3] == "1,000,000 simulated lumisections; load of the machine 0.5 and 2.0"


def test_without_playwright_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(InputError, match=r"driven by playwright; install it with: pip install playwright, and a"):
        Browsing().__enter__()


@pytest.mark.slow
def test_without_a_chromium_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard_browser.shutil, "which", lambda name: "/nowhere/chromium")
    with pytest.raises(InputError, match=r"no chromium could be started: .*; install one with: apt install chromium"):
        Browsing().__enter__()


@pytest.mark.slow
def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=r"did not start; it says: [\s\S]*missing\.py"),
        server(tmp_path / "missing.py", {}, tmp_path / "server.log"),
    ):
        pytest.fail("it started")


@pytest.mark.browser
def test_a_page_that_is_not_painted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without a title never is; one with a title is measured in the same way."""
    (tmp_path / "bare.py").write_text("import streamlit as st\nst.write('nothing else')\n", encoding="utf-8")
    (tmp_path / "titled.py").write_text("import streamlit as st\nst.title('Title')\n", encoding="utf-8")
    with Browsing() as browsing:
        with server(tmp_path / "titled.py", {}, tmp_path / "log") as titled, browsing.session(titled) as session:
            taken = session.load("")
            assert taken.seconds > 0
            assert taken.processor > 0
        with server(tmp_path / "bare.py", {}, tmp_path / "log") as bare, browsing.session(bare) as session:
            monkeypatch.setattr(dashboard_browser, "PATIENCE", 5_000)
            with pytest.raises(InputError, match=r"http://127\.0\.0\.1:\d+/ was not painted within 5 s; it shows: "):
                session.load("")
