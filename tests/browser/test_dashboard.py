"""What a person does on the pages, in a real browser over the real server and the simulated demonstration."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboard.verdicts.run_tables import RunSummary, summaries
from dqm.model.config import load
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def certified(demonstration: Path) -> tuple[RunSummary, ...]:
    """The certified runs of the demonstration, in the order of the page."""
    with Store.open(load(demonstration / "dqm.toml").store_path) as store:
        return summaries(verdicts_from_arrow(store.read("verdicts")))


def heading(page: Page, text: str) -> None:
    """Wait for the title of a page."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def traces(page: Page) -> dict[str, Any]:
    """The traces of the first figure by name, the first of equal names, once it is drawn."""
    page.wait_for_selector(".js-plotly-plot .main-svg")
    found = page.evaluate("document.querySelector('.js-plotly-plot').data.map(d => [d.name, d.type, d.x, d.y])")
    return {name: (kind, x, y) for name, kind, x, y in reversed(found) if name}


def move(page: Page, key: str, steps: int) -> None:
    """Move the slider of the pollution budget."""
    slider = page.get_by_role("slider").nth(1)
    slider.focus()
    for _ in range(steps):
        slider.press(key)


def test_an_address_leads_to_a_run(page: Page, certified: tuple[RunSummary, ...]) -> None:
    run = certified[-1].run
    page.goto(f"{page.url.rstrip('/')}/run?run={run}")
    heading(page, f"Run {run}")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + certified[-1].lumisections


def test_a_slider_moves_the_point(page: Page) -> None:
    """Mutant: a page that draws the working point of the store whatever the sliders say."""
    page.get_by_role("link", name="Trade-off").click()
    heading(page, "Trade-off")
    before = traces(page)
    move(page, "ArrowLeft", 9)
    expect(page.get_by_text("budget 0.1%", exact=True).first).to_be_visible()
    after = traces(page)
    assert after["these budgets"] != before["these budgets"]
    assert after["working point now"] == before["working point now"]
    assert after["these budgets"][1][0] > after["working point now"][1][0], "a tighter budget asks more"
    expect(page.get_by_text(re.compile(r"[\d,]+ more, [\d,.]+ minutes of data"))).to_be_visible()
