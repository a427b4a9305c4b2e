"""From the queue to a golden JSON, by mouse and by keyboard, over a server of its own with a shift of four."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from dqm.model.config import Config, load
from dqm.model.decisions import OPEN_DECISIONS
from dqm.services.batch import nothing_asks
from dqm.services.decide import decide
from dqm.services.people import ConfiguredPeople
from dqm.services.queue import QueueRow, queue
from dqm.services.runs import claim
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow

from .serving import Server, rested, serving

pytestmark = pytest.mark.browser

PEOPLE = """
[people]
operator = "leader-1"
[[people.person]]
name = "leader-1"
role = "leader"
[[people.person]]
name = "shifter-1"
[[people.person]]
name = "shifter-2"
"""


@pytest.fixture(scope="module")
def config(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a copy of the demonstration, with a shift of its own."""
    folder = Path(shutil.copytree(demonstration, tmp_path_factory.mktemp("queue") / "demo"))
    path = folder / "dqm.toml"
    written = path.read_text(encoding="utf-8")
    without = re.sub(r"\[+people[^\[]*", "", written)
    path.write_text(without + PEOPLE, encoding="utf-8")
    settle(load(path))
    return path


def settle(settings: Config) -> None:
    """Decide all that is open in the two runs of which nobody has said anything and in which least is."""
    people = ConfiguredPeople(settings.people)
    with Store.open(settings.store_path) as store:
        untouched = [each for each in rows(store) if not store.audit(each.run)]
        for row in sorted(untouched, key=lambda each: each.open)[:2]:
            said = verdicts_from_arrow(store.read("verdicts", [row.run]))
            waiting = said.index.get_level_values("ls")[said.having(frozenset(OPEN_DECISIONS))]
            ranges = [(int(ls), int(ls)) for ls in waiting]
            if ranges:
                decide(store, people, "", row.run, ranges, "GOOD", "nothing-wrong", nonce=f"settle-{row.run}")


@pytest.fixture(scope="module")
def settings(config: Path) -> Config:
    return load(config)


@pytest.fixture(scope="module")
def server(config: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of these tests alone, since they decide and sign."""
    with serving(config, repository, tmp_path_factory.mktemp("server") / "server.log") as served:
        yield served


@pytest.fixture
def store(settings: Config) -> Iterator[Store]:
    with Store.open(settings.store_path) as opened:
        yield opened


def rows(store: Store) -> list[QueueRow]:
    return [each for each in queue(store, datetime.now(UTC)) if each.counts]


def heading(page: Page, text: str) -> None:
    """Wait for the title of a page, and until it is at rest."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)
    rested(page)


def pressed(page: Page, key: str) -> Locator:
    """The button with this key; beside it stands one that nobody sees, by which Streamlit measures its label."""
    return page.locator(f".st-key-{key} button").first


def opened(page: Page, server: Server, path: str, title: str) -> None:
    page.goto(f"{server.url}/{path}")
    heading(page, title)


def test_the_keyboard_opens_its_list_and_moves(page: Page, store: Store) -> None:
    heading(page, "Queue")
    before = store.last_entry
    opening = pressed(page, "open_run")
    first = opening.inner_text()
    page.keyboard.press("?")
    listed = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(listed).to_be_visible()
    expect(listed.get_by_text("claim, or give back")).to_be_visible()
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    page.keyboard.press("j")
    expect(opening).not_to_have_text(first)
    page.keyboard.press("k")
    expect(opening).to_have_text(first)
    page.keyboard.press("/")
    search = page.get_by_role("searchbox").or_(page.locator(".st-key-find input")).first
    expect(search).to_be_focused()
    page.keyboard.type("jcg?")  # what is typed into a field is text
    expect(search).to_have_value("jcg?")
    expect(page.get_by_text("No run is left by this filter")).to_be_visible()
    expect(page).to_have_url(re.compile(r"find=jcg"))
    assert store.last_entry == before
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("s")
    heading(page, "Sign-off")


def test_a_row_is_picked_by_mouse_and_by_keyboard(page: Page) -> None:
    heading(page, "Queue")
    opening, table = pressed(page, "open_run"), page.get_by_role("grid", name="Runs with their state")
    runs = table.locator("tbody tr td:nth-child(2)").all_inner_texts()
    table.locator("tbody tr").nth(1).click()
    expect(opening).to_have_text(f"Open run {runs[1]}")
    expect(table.locator("tr[aria-selected=true]")).to_contain_text(runs[1])
    table.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(opening).to_have_text(f"Open run {runs[0]}")
    table.get_by_role("button", name="LS open").click()
    waiting = [int(each) for each in table.locator("tbody tr td:nth-child(7)").all_inner_texts()]
    assert waiting == sorted(waiting, reverse=True)
    page.keyboard.press("Enter")  # the heading was drawn anew and is still where the keyboard is
    rising = [int(each) for each in table.locator("tbody tr td:nth-child(7)").all_inner_texts()]
    assert rising == sorted(waiting)


def test_the_keyboard_alone_sorts(page: Page) -> None:
    """Mutants: headings that Tab passes over; a heading that loses the keyboard when the table is sorted."""
    heading(page, "Queue")
    table = page.get_by_role("grid", name="Runs with their state")
    table.focus()
    page.keyboard.press("Tab")
    expect(table.get_by_role("button", name="run", exact=True)).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    sorted_by = table.locator("th[aria-sort]")
    expect(sorted_by).to_have_attribute("aria-sort", "descending")
    expect(sorted_by).to_have_text("state ↓")
    page.keyboard.press(" ")
    expect(sorted_by).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("ArrowDown")
    expect(table).to_be_focused()
    assert table.locator("th button[tabindex='0']").count() == 1


def test_filters_and_searches_stand_in_the_address(page: Page, server: Server) -> None:
    opened(page, server, "?show=ready+to+sign&shares=of+weight", "Queue")
    expect(page.get_by_role("radio", name="ready to sign")).to_be_checked()
    expect(page.get_by_role("radio", name="of weight")).to_be_checked()


def test_a_double_click_claims_once(page: Page, store: Store) -> None:
    heading(page, "Queue")
    before = store.last_entry
    pressed(page, "claim_run").dblclick()
    expect(pressed(page, "release_run")).to_be_visible()
    rested(page)
    assert store.last_entry == before + 1
    page.keyboard.press("c")
    expect(pressed(page, "claim_run")).to_be_visible()
    assert store.last_entry == before + 2
    assert store.verify_audit() == store.last_entry


def test_what_is_typed_is_sent_after_a_pause(page: Page, server: Server, store: Store) -> None:
    """Without a click elsewhere and without Ctrl+Enter, so that it survives whatever comes."""
    run = next(each.run for each in rows(store) if nothing_asks(each))
    opened(page, server, f"sign-off?run={run}", "Sign-off")
    area = page.locator(f"[class*=st-key-sign_comment_{run}] textarea")
    area.click()
    page.keyboard.type("one half")
    expect(page.get_by_text("Press Ctrl+Enter to apply")).to_be_visible()
    expect(page.get_by_text("Press Ctrl+Enter to apply")).to_be_hidden()
    page.keyboard.type(", the other")
    expect(area).to_have_value("one half, the other")
    expect(area).to_be_focused()


def test_from_a_claim_to_a_golden_json(
    page: Page, server: Server, config: Path, store: Store, repository: Path, tmp_path: Path
) -> None:
    run = next(each.run for each in rows(store) if nothing_asks(each))
    opened(page, server, f"?show=all&find={run}", "Queue")
    page.keyboard.press("c")
    expect(pressed(page, "release_run")).to_be_visible()
    page.keyboard.press("s")
    heading(page, "Sign-off")
    pressed(page, "sign_run").click()
    expect(page.get_by_text(re.compile(r"^Signed by leader-1 \(leader\)"))).to_be_visible()
    page.get_by_text("publish and export").click()
    pressed(page, "publish").click()
    expect(page.get_by_text(re.compile(r"golden JSON version \d+ holds"))).to_be_visible()
    rested(page)
    with page.expect_download() as download:
        page.locator("[class*=st-key-file_golden] button").first.click()
    by_page = Path(download.value.path()).read_bytes()
    command = [sys.executable, "-m", "pipelines.cli", "publish", "--config", str(config)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert "as before: nothing changed" in done.stderr
    assert by_page == store.newest("golden.json").read_bytes()
    assert f'"{run}"'.encode() in by_page


def test_a_dispute_is_shown_and_ruled(page: Page, server: Server, settings: Config, store: Store) -> None:
    people = ConfiguredPeople(settings.people)
    run = next(each.run for each in rows(store) if each.open)
    ls = int(store.read("verdicts", [run], ["ls"])["ls"][0].as_py())
    decide(store, people, "shifter-1", run, [(ls, ls)], "GOOD", "harmless", "<b>fine</b>", nonce="one")
    decide(store, people, "shifter-2", run, [(ls, ls)], "BAD", "noise", nonce="two")
    opened(page, server, f"sign-off?run={run}", "Sign-off")
    expect(page.get_by_role("heading", name="In dispute")).to_be_visible()
    expect(page.get_by_text("shifter-1 (shifter): GOOD, a known deviation that harms no analysis")).to_contain_text(
        "<b>fine</b>"
    )
    page.locator("[class*=st-key-rule_verdict] button").nth(1).click()
    page.locator("[class*=st-key-rule_reason] input").click()
    page.get_by_role("option", name="noise or a hot region").click()
    page.get_by_role("button", name="Rule as leader-1").click()
    expect(page.get_by_role("heading", name="In dispute")).to_be_hidden()
    last = store.audit()[-1]
    assert (last.actor, last.fields["verdict"], last.fields["reason"]) == ("leader-1", "BAD", "noise")


def test_a_batch_signs_what_asks_nothing(page: Page, store: Store) -> None:
    ready = [each.run for each in rows(store) if nothing_asks(each)]
    heading(page, "Queue")
    page.get_by_text("Sign at once what asks nothing").click()
    pressed(page, "batch_sign").click()
    expect(page.get_by_text("Sign at once what asks nothing")).to_be_hidden()
    assert {each.run for each in rows(store) if each.signed_by} >= set(ready)
    assert store.verify_audit() == store.last_entry


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", "101"), ("elsewhere.example", "403")])
def test_a_page_elsewhere_that_leads_here_gets_no_connection(host: str, status: str, server: Server) -> None:
    """A name of another machine that points to this one (DNS rebinding)."""
    port = urlsplit(server.url).port or 0
    lines = (
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}:{port}",
        f"Origin: http://{host}:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answered = connection.recv(200).decode(errors="replace")
    assert answered.split(" ")[1] == status, answered


def test_what_came_meanwhile_is_offered_and_the_table_stays(
    page: Page, server: Server, settings: Config, store: Store
) -> None:
    """The clock of the browser is put forward, so that the page looks again without anybody's waiting."""
    page.clock.install()
    opened(page, server, "?show=all", "Queue")
    run = next(each.run for each in rows(store) if not each.signed_by and not each.claimed_by)
    where = page.locator(".st-key-queue_table, [data-testid=stDataFrame]").first
    place = where.bounding_box()
    claim(store, ConfiguredPeople(settings.people), "shifter-2", run, nonce="meanwhile")
    page.clock.fast_forward("00:31")
    offer = page.get_by_role("button", name="1 run changed – show")
    expect(offer).to_be_visible()
    assert where.bounding_box() == place
    offer.click()
    expect(offer).to_be_hidden()
