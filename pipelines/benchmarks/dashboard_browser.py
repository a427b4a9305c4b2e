"""Servers and a browser as a person would use them, and how long a page takes until it is painted.

A page is painted when its title stands there, the script of the page has ended, no placeholder is in view and the
browser drew a frame after it. The browser itself measures: from the begin of the navigation, or from the press of a
button or key, so that the time of the driver is in no figure.

Processor time is that of the thread which draws the page and that of the server, without the rest of the browser: on a
busy machine it says more than the clock.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dqm.model.errors import InputError
from pipelines.benchmarks.memory import processor_seconds
from pipelines.serve import command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run")
PATIENCE = 120_000
"""Milliseconds in which a page must be painted."""
SIZE = {"width": 1440, "height": 900}
WAIT = 10.0
"""Seconds that a server has to end before it is killed."""
CLOCK = """
window.dqm = {
  begun: 0, before: '', ran: false,
  state: () => document.querySelector('[data-testid="stApp"]')?.getAttribute('data-test-script-state') ?? '',
  title: () => document.querySelector('h1')?.innerText ?? '',
  inView: (box) => box.height > 0 && box.top < innerHeight && box.bottom > 0,
  waits: () => [...document.querySelectorAll('[data-testid="stSkeleton"]')]
    .some((each) => dqm.inView(each.getBoundingClientRect())),
  still: () => dqm.state() === 'notRunning' && !dqm.waits(),
  until: (done, patience) => new Promise((resolve) => {
    const last = performance.now() + patience;
    const look = () => done() ? requestAnimationFrame(() => resolve(performance.now() - dqm.begun))
                     : performance.now() > last ? resolve(-1) : requestAnimationFrame(look);
    look();
  }),
  loaded: () => dqm.title() && dqm.still(),
  changed: () => dqm.begun && dqm.title() && dqm.title() !== dqm.before && dqm.still(),
  moved: () => dqm.begun && dqm.ran && dqm.still(),
};
const begin = () => { dqm.begun = performance.now(); dqm.before = dqm.title(); dqm.ran = false; };
addEventListener('pointerdown', begin, true);
addEventListener('keydown', begin, true);
new MutationObserver(() => { if (dqm.state() === 'running') dqm.ran = true; })
  .observe(document, {subtree: true, attributes: true, attributeFilter: ['data-test-script-state']});
"""
"""What every page carries: when something began, and a promise of the milliseconds until it is painted."""


@dataclass(frozen=True)
class Server:
    """A server that listens at ``url``; its ``process`` leads a group of its own."""

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def server(page: Path, environment: dict[str, str], log: Path) -> Iterator[Server]:
    """Serve a script until the block is left; raises ``InputError`` with what it printed where it does not start.

    It prints into ``log`` and no pipe: one that nobody empties would stop it.
    """
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            command(page, port=0),
            env=os.environ | environment | {"PYTHONUNBUFFERED": "1"},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Server(_address(process, log), process)
        finally:
            _stop(process)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    last = time.monotonic() + PATIENCE / 1000
    while process.poll() is None and time.monotonic() < last:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8")):
            return found.group()
        time.sleep(0.05)
    raise InputError(f"the server of the pages did not start; it says: {log.read_text(encoding='utf-8')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: asked first, killed where it does not listen."""
    for each in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, each)
        except ProcessLookupError:
            break
        try:
            process.wait(WAIT)
            break
        except subprocess.TimeoutExpired:
            continue


class Browsing:
    """A real chromium; every session is a context of its own, with nothing in its cache."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._browser: Browser = self._stack.enter_context(_chromium())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    @contextmanager
    def session(self, served: Server) -> Iterator[Session]:
        """A fresh visitor of a server."""
        context = self._browser.new_context(viewport=SIZE)  # type: ignore[arg-type]  # a dict with both sizes
        context.set_default_timeout(PATIENCE)
        context.add_init_script(CLOCK)
        try:
            yield Session(context.new_page(), served)
        finally:
            context.close()


@dataclass(frozen=True)
class Taken:
    """What one step took: ``seconds`` by the clock, ``processor`` seconds of the page and the server."""

    seconds: float
    processor: float


class Session:
    """One visitor with one page of a server."""

    def __init__(self, page: Page, served: Server) -> None:
        self._page, self._served = page, served
        self._tools = page.context.new_cdp_session(page)
        self._tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._spent = 0.0

    def load(self, path: str) -> Taken:
        """Open an address of the server, as from a bookmark, and wait until it is painted."""
        self._begin()
        self._page.goto(f"{self._served.url}/{path}", wait_until="commit")
        return self._taken("loaded")

    def start_change(self, title: str) -> None:
        """Press the name of a page in the navigation; ``painted`` tells what it took."""
        self._begin()
        self._page.get_by_test_id("stTopNavLinkContainer").get_by_text(title, exact=True).first.click()

    def change(self, title: str) -> Taken:
        """Go to a page by the navigation and wait until it is painted."""
        self.start_change(title)
        return self.painted()

    def painted(self) -> Taken:
        """What it took from the press until the other page was painted."""
        return self._taken("changed")

    def move(self, slider: str, key: str) -> Taken:
        """Press a key on the slider whose name holds these words and wait until what follows is drawn."""
        self._begin()
        self._page.get_by_role("slider", name=re.compile(slider, re.IGNORECASE)).first.focus()
        self._page.keyboard.press(key)
        return self._taken("moved")

    def _begin(self) -> None:
        self._spent = self._processor()

    def _processor(self) -> float:
        """Processor seconds of the page and the server so far."""
        metrics = {each["name"]: each["value"] for each in self._tools.send("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"]) + processor_seconds(self._served.process.pid)

    def _taken(self, what: str) -> Taken:
        found = float(self._page.evaluate(f"(patience) => dqm.until(dqm.{what}, patience)", PATIENCE))
        if found < 0:
            shown = self._page.locator("body").inner_text().strip()[:300]
            raise InputError(f"{self._page.url} was not painted within {PATIENCE / 1000:g} s; it shows: {shown}")
        return Taken(found / 1000, self._processor() - self._spent)


@contextmanager
def _chromium() -> Iterator[Browser]:
    try:
        from playwright.sync_api import Error, sync_playwright
    except ModuleNotFoundError:
        raise InputError(
            "the pages are measured in a real browser, driven by playwright; install it with: pip install playwright, "
            "and a chromium: apt install chromium, or playwright install chromium"
        ) from None
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        except Error as error:
            raise InputError(
                f"no chromium could be started: {str(error).splitlines()[0]}; install one with: apt install chromium, "
                "or playwright install chromium"
            ) from None
        yield browser
        browser.close()
