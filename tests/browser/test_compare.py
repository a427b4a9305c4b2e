"""The page Compare in a real browser: addresses lead to range and reference, buttons keep the zoom."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from dqm.model.config import load
from dqm.store.histograms import catalogs
from dqm.store.store import Store

pytestmark = pytest.mark.browser

LAYOUT = "document.querySelector('.js-plotly-plot')._fullLayout"


@pytest.fixture(scope="module")
def run(demonstration: Path) -> int:
    """The newest run with histograms."""
    with Store.open(load(demonstration / "dqm.toml").store_path) as store:
        return store.runs("histograms")[-1]


@pytest.fixture(scope="module")
def element(demonstration: Path, run: int) -> str:
    """A histogram of this run."""
    with Store.open(load(demonstration / "dqm.toml").store_path) as store:
        return min(catalogs(store, [run])[run].groups, key=lambda each: each.element).element


def opened(page: Page, **query: object) -> None:
    """Follow an address of the page, until its figure is drawn."""
    root = page.url.partition("?")[0].rstrip("/").removesuffix("/compare")
    page.goto(f"{root}/compare?{urlencode(query)}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare")
    page.wait_for_selector(".js-plotly-plot .main-svg")


def zoomed(page: Page) -> list[float]:
    """Draw a box over the middle of the first panel; the range of the value that is left."""
    whole = page.evaluate(f"{LAYOUT}.xaxis.range")
    panel = page.locator(".js-plotly-plot .nsewdrag").first
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.4 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], middle, steps=5)
    page.mouse.up()
    page.wait_for_function(f"{LAYOUT}.xaxis.range[1] < {whole[1]}")
    found: list[float] = page.evaluate(f"{LAYOUT}.xaxis.range")
    return found


def test_range_and_reference_come_by_address(page: Page, run: int, element: str) -> None:
    opened(page, run=run, ls="3-9", element=element)
    expect(page.get_by_text("7 LS, ")).to_contain_text("against the nearest of the last 10, 3 and 1 runs")
    opened(page, run=run, ls="5-6", element=element, reference="certified-3")
    expect(page.get_by_text("2 LS, ")).to_contain_text("against the last 3 certified runs")
    page.get_by_label("How many").fill("4")
    page.get_by_label("How many").press("Enter")
    expect(page.get_by_text("2 LS, ")).to_contain_text("against the last 4 certified runs")
    page.wait_for_url("**reference=certified-4**")


def test_buttons_keep_the_zoom(page: Page, run: int, element: str) -> None:
    """Mutant: a toggle of the page, for which the server sends the figure anew."""
    opened(page, run=run, element=element)
    before = zoomed(page)
    for name, done in (("log", "yaxis.type === 'log'"), ("counts", "yaxis.title.text === 'counts per lumisection'")):
        page.locator(".updatemenu-button").filter(has_text=re.compile(f"^{name}$")).click()
        page.wait_for_function(f"{LAYOUT}.{done}")
        assert page.evaluate(f"{LAYOUT}.xaxis.range") == pytest.approx(before)
