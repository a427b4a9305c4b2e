"""What a person does on the pages, in a real browser over the real server and the simulated demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

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


def test_the_name_of_the_queue_leads_to_it_and_the_navigation_marks_it(page: Page) -> None:
    """Mutant: a page of its own under the name, hidden in the navigation, where then no entry is marked."""
    page.goto(f"{page.url.rstrip('/')}/queue?show=all")
    heading(page, "Queue")
    marked = page.locator("[data-testid=stTopNavLink][aria-current=page]")
    expect(marked).to_have_text("Queue")
    assert "show=all" in page.url


def test_an_address_leads_to_a_run(page: Page, certified: tuple[RunSummary, ...]) -> None:
    run = certified[-1].run
    page.goto(f"{page.url.rstrip('/')}/run?run={run}")
    heading(page, f"Run {run}")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + certified[-1].lumisections


CONTRAST = """button => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => value / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const label = button.querySelector("p") ?? button;
  const [low, high] = [getComputedStyle(label).color, getComputedStyle(button).backgroundColor].map(luminance)
    .sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}"""
"""Contrast of the label of a button as WCAG 2.2 reckons it."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_primary_button_is_legible(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Mutant: the white that Streamlit writes on the primary colour of either theme (2.3 in the dark one)."""
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{page.url.rstrip('/')}/sign-off?part=publish+and+export&as=expert-1")
    button = page.get_by_role("button", name="Publish a new golden JSON")
    expect(button).to_be_enabled()
    for _ in ("at rest", "under the pointer"):
        contrast = button.evaluate(CONTRAST)
        assert contrast >= 4.5, contrast
        button.hover()
