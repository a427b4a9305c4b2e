"""The six pictures of the README: what a shift sees of the simulated story, one picture for each page it works with.

``DQM_SCREENSHOTS=docs/images`` writes those of the documentation anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from dashboard.links import of_range
from pipelines.simulate.story import DISPUTE, TRIP, Story, story

pytestmark = pytest.mark.browser

LARGEST = 300_000
"""Bytes that a picture of the documentation may have."""
WIDE, HIGH = 1440, 1800
"""Pixels of a picture; what lies lower is not in it."""
RESTING = """
[...document.querySelectorAll('[data-testid=stSkeleton], [data-testid=stSpinner], [data-stale=true]')]
  .filter(each => each.checkVisibility()).length === 0
"""
"""Nothing that is in sight waits or is about to be drawn anew."""
ENDS = "[data-testid=stMainBlockContainer] [data-testid=stVerticalBlock] > * >> visible=true"
"""What a picture reaches to: the last of these."""


@pytest.fixture(scope="module")
def told() -> Story:
    """The story of the demonstration."""
    return story()


def asked(name: str, told: Story) -> dict[str, str]:
    """What the address of a page asks for, so that the picture shows a chapter of the story."""
    trip, dispute = told.chapter(TRIP), told.chapter(DISPUTE)
    return {
        "run": of_range(trip.run, trip.first, trip.last),
        "compare": {**of_range(trip.run, trip.first, trip.last), "element": "strips/phi_eta"},
        "sign-off": of_range(dispute.run),
    }.get(name, {})


@pytest.mark.parametrize("name", ["queue", "run", "compare", "trade-off", "sign-off", "sensors"])
def test_pictures(name: str, page: Page, told: Story, tmp_path: Path) -> None:
    """A page of the story comes to rest without an error, and its picture is neither empty nor too large."""
    path = "" if name == "queue" else name
    page.goto(f"{page.url.rstrip('/')}/{path}?{urlencode(asked(name, told))}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if name == "trade-off":
        tighten(page)
    picture = settled(page)
    for wrong in ("stException", "stAlertContentError", "stDialog"):
        expect(page.get_by_test_id(wrong)).to_have_count(0)
    (Path(os.environ.get("DQM_SCREENSHOTS", str(tmp_path))) / f"{name}.png").write_bytes(picture)
    assert 20_000 < len(picture) < LARGEST


def tighten(page: Page) -> None:
    """Move the budget of pollution down, so that something flips."""
    slider = page.get_by_role("slider").nth(1)
    slider.focus()
    for _ in range(5):
        slider.press("ArrowLeft")
    expect(page.get_by_text("budget 0.5%", exact=True).first).to_be_visible()


def settled(page: Page) -> bytes:
    """A picture of the page from its top, once two in a row are the same."""
    page.set_viewport_size({"width": WIDE, "height": HIGH})
    page.mouse.move(0, 0)
    before = b""
    for _ in range(60):
        page.wait_for_function(RESTING)
        ends = [each.bounding_box() for each in page.locator(ENDS).all()]
        height = min(max((box["y"] + box["height"] for box in ends if box), default=HIGH) + 24, HIGH)
        now = page.screenshot(clip={"x": 0, "y": 0, "width": WIDE, "height": height}, animations="disabled")
        if now == before:
            return now
        before = now
    pytest.fail(f"the page does not come to rest: {page.get_by_test_id('stMain').inner_text()[:500]}")
