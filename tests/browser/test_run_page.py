"""Choosing and deciding on the page of a run, by mouse and by keyboard, over a server of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from dqm.model.config import Config, load
from dqm.services.decide import decide
from dqm.services.people import ConfiguredPeople
from dqm.services.queue import QueueRow, queue
from dqm.store.audit import Entry
from dqm.store.store import Store

from .serving import Server, rested, serving

pytestmark = pytest.mark.browser

LEFT, RIGHT = 150, 96
"""Margins of the timeline in pixels, as ``timeline.js`` has them."""


@pytest.fixture(scope="module")
def settings(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A copy of the demonstration of these tests alone, since they decide."""
    folder = Path(shutil.copytree(demonstration, tmp_path_factory.mktemp("one_run") / "demo"))
    return load(folder / "dqm.toml")


@pytest.fixture(scope="module")
def server(settings: Config, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = settings.store_path.parent / "dqm.toml"
    with serving(config, repository, tmp_path_factory.mktemp("server") / "server.log") as served:
        yield served


@pytest.fixture
def store(settings: Config) -> Iterator[Store]:
    with Store.open(settings.store_path) as opened:
        yield opened


@pytest.fixture
def row(store: Store) -> QueueRow:
    """A run in which nobody has decided anything, with most lumisections of those that need people."""
    rows = [each for each in queue(store, datetime.now(UTC)) if each.counts and not decided(store, each.run)]
    return max(rows, key=lambda each: sum(each.counts.values()))


def decided(store: Store, run: int) -> list[Entry]:
    return [each for each in store.audit(run) if each.action == "decide"]


def opened(page: Page, server: Server, run: int, query: str = "") -> Locator:
    """The canvas of a run, once it is painted and the page at rest."""
    page.goto(f"{server.url}/run?run={run}{query}")
    expect(page.locator(f".timeline[data-painted='{run}']")).to_be_visible()
    rested(page)
    return page.locator(".timeline canvas")


def chosen(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Lumisections", exact=True)


def painted(page: Page) -> list[list[int]]:
    """The ranges that the canvas shows as chosen."""
    return list(json.loads(page.locator(".timeline").get_attribute("data-selected") or "[]"))


def drag(page: Page, canvas: Locator, begin: float, end: float) -> None:
    """Drag over a part of the timeline; both ends are fractions of its width."""
    box = canvas.bounding_box()
    assert box
    width, y = box["width"] - LEFT - RIGHT, box["y"] + 30
    page.mouse.move(box["x"] + LEFT + begin * width, y)
    page.mouse.down()
    page.mouse.move(box["x"] + LEFT + end * width, y, steps=4)
    page.mouse.up()


def fill(page: Page, comment: str = "") -> None:
    """Say that it is bad, because of noise."""
    page.get_by_role("button", name="B bad").or_(page.get_by_role("radio", name="B bad")).first.click()
    rested(page)
    page.get_by_role("combobox", name="Reason").click()
    page.get_by_role("option", name="noise: noise or a hot region").click()
    rested(page)
    if comment:
        page.get_by_role("textbox", name="Comment").fill(comment)


def test_a_range_is_dragged_and_decided(page: Page, server: Server, store: Store, row: QueueRow) -> None:
    """Mutant: a canvas that keeps what was chosen to itself."""
    canvas = opened(page, server, row.run)
    drag(page, canvas, 0.3, 0.4)
    expect(chosen(page)).not_to_have_value("")
    [[first, last]] = painted(page)
    assert first < last
    expect(chosen(page)).to_have_value(f"{first}-{last}")
    assert f"ls={first}-{last}" in page.url
    rested(page)
    fill(page, "seen in the log book")
    enter = page.get_by_role("button", name="Enter decision")
    enter.dblclick()
    expect(page.get_by_role("alert").or_(page.get_by_test_id("stToast")).first).to_be_visible()
    expect(chosen(page)).to_have_value("")
    page.get_by_role("radio", name="What people did").or_(
        page.get_by_role("button", name="What people did")
    ).first.click()
    expect(page.get_by_text(f"decided BAD for LS {first}-{last} (noise)")).to_be_visible()
    [entry] = decided(store, row.run)
    assert entry.fields["ranges"] == [[first, last]]
    assert entry.fields["comment"] == "seen in the log book"


def test_keys_choose_and_extend(page: Page, server: Server, row: QueueRow) -> None:
    canvas = opened(page, server, row.run, "&ls=5")
    expect(chosen(page)).to_have_value("5")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(chosen(page)).to_have_value("6-8")
    page.keyboard.press("Escape")
    expect(chosen(page)).to_have_value("")


def test_an_address_is_shown_on_the_canvas_and_kept_by_a_reload(page: Page, server: Server, row: QueueRow) -> None:
    opened(page, server, row.run, "&ls=3-9,12")
    expect(chosen(page)).to_have_value("3-9, 12")
    assert painted(page) == [[3, 9], [12, 12]]
    page.reload()
    expect(chosen(page)).to_have_value("3-9, 12")
    expect(page.locator(".timeline")).to_have_attribute("data-selected", "[[3,9],[12,12]]")


def test_a_reload_in_mid_form_keeps_the_draft(page: Page, server: Server, row: QueueRow) -> None:
    opened(page, server, row.run, "&ls=4-6")
    fill(page, "half a sen")
    comment = page.get_by_role("textbox", name="Comment")
    comment.blur()
    rested(page)
    page.goto(f"{server.url}/run?run={row.run}")
    expect(comment).to_have_value("half a sen")
    expect(chosen(page)).to_have_value("4-6")
    expect(page.get_by_role("combobox", name="Reason")).to_have_value("noise: noise or a hot region")
    page.get_by_role("button", name="Throw away").click()
    expect(comment).to_have_value("")


def test_a_stale_form_shows_the_other_decision(
    page: Page, server: Server, store: Store, settings: Config, row: QueueRow
) -> None:
    opened(page, server, row.run, "&ls=4-6")
    fill(page, "mine")
    page.get_by_role("textbox", name="Comment").blur()
    rested(page)
    people = ConfiguredPeople(settings.people)
    decide(store, people, "", row.run, [(5, 5)], "GOOD", "harmless", "the other", nonce="other")
    page.get_by_role("button", name="Enter decision").click()
    expect(page.get_by_text("decided GOOD for LS 5 (harmless)")).to_be_visible()
    assert len(decided(store, row.run)) == 1
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("mine")
    page.get_by_role("button", name="Look again").click()
    rested(page)
    page.get_by_role("button", name="Enter decision").click()
    expect(chosen(page)).to_have_value("")
    assert [each.fields["verdict"] for each in decided(store, row.run)] == ["GOOD", "BAD"]
