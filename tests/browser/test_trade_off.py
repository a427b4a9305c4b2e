"""Trade-off in a real browser: a slider moves the numbers and nothing else, and one person proposes and approves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dqm.model.config import load
from dqm.store.store import Store

from .serving import Server, rested, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def config(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a copy of the demonstration in which one person is listed."""
    folder = Path(shutil.copytree(demonstration, tmp_path_factory.mktemp("trade-off") / "demo"))
    path = folder / "dqm.toml"
    path.write_text(re.sub(r"\[+people[^\[]*", "", path.read_text(encoding="utf-8")), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def server(config: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of these tests alone, since they approve a working point."""
    with serving(config, repository, tmp_path_factory.mktemp("trade-off-server") / "server.log") as running:
        yield running


def opened(page: Page, server: Server, query: str = "") -> None:
    """Open the page and wait until its figure and its table are there."""
    page.goto(f"{server.url.rstrip('/')}/trade-off{query}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Trade-off")
    page.wait_for_selector(".st-key-trade_off .picture svg")
    expect(page.get_by_text("People would look at")).to_be_visible()
    rested(page)


def test_words_beside_the_curves_stand_whole_in_the_picture(page: Page, server: Server) -> None:
    """Mutants: Plotly's <br> written out; a place that is shifted in Plotly and not here, so that words are cut off."""
    opened(page, server)
    words = page.locator(".st-key-trade_off .picture svg text").evaluate_all(
        """texts => texts.map(each => [each.textContent, each.getBoundingClientRect(),
            each.ownerSVGElement.getBoundingClientRect()]).map(([text, box, all]) => [text,
            box.left >= all.left && box.right <= all.right && box.top >= all.top && box.bottom <= all.bottom])"""
    )
    assert ["budget 1%", True] in words  # two lines of one text
    assert [text for text, whole in words if not whole or "<" in text] == []


def places(page: Page) -> list[Any]:
    """Where figure, tabs and table begin, how high they are, and how far the page is scrolled."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.st-key-trade_off, [role=tablist], [data-testid=stDataFrame]')]
            .map(each => each.getBoundingClientRect()).map(box => [box.top, box.height])
            .concat([document.querySelector('[data-testid=stMain]').scrollTop])"""
    )


def test_a_slider_moves_the_numbers_and_nothing_else(page: Page, server: Server) -> None:
    """Mutants: a box that grows with what it says; a figure that is drawn anew at another height."""
    opened(
        page, server, "?pollution_budget=0.5"
    )  # where decisions flip, so that the table stands there before and after
    metric = page.locator(".st-key-past_outcome .tile").nth(2)
    before, numbers = places(page), metric.inner_text()
    slider = page.get_by_role("slider").nth(1)
    slider.focus()
    slider.press("Home")
    expect(page.get_by_text("budget 0.1%", exact=True).first).to_be_visible()
    expect(metric).not_to_have_text(numbers)
    expect(page.get_by_text(re.compile(r"[\d,]+ more"))).to_be_visible()
    rested(page)
    assert len(before) == 4, "figure, tabs, table, scroll"
    assert places(page) == before
    assert "pollution_budget=0.1" in page.url


def test_one_person_proposes_and_approves_and_it_is_marked(page: Page, server: Server, config: Path) -> None:
    opened(page, server, "?pollution_budget=0.2")
    page.get_by_role("tab", name="Propose and approve").click()
    expect(page.get_by_text("One person is configured here")).to_be_visible()
    page.get_by_role("textbox", name=re.compile("^Why")).fill("fewer bad ones, **please**")
    page.get_by_role("button", name="Propose", exact=True).click()
    approve = page.get_by_role("button", name=re.compile(r"Approve proposal \d+, my own"))
    expect(approve).to_be_visible()
    expect(page.get_by_text("fewer bad ones, **please**")).to_be_visible()
    approve.dblclick()
    expect(page.get_by_text("No proposal waits")).to_be_visible()
    with Store.open(load(config).store_path) as store:
        entries = [each for each in store.audit() if each.action in ("propose", "approve")]
        point = store.working_point()
    assert [each.action for each in entries] == ["propose", "approve"]
    assert entries[-1].fields["alone"] is True
    assert point is not None
    assert point.pollution_budget == 0.002
