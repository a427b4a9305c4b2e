"""The demonstration, the real server over it, and a real browser; each of them only where it can be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from .serving import Server, serving

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
"""A browser that works as root in a container and calls nobody by itself."""
PATIENCE = 30_000
"""Milliseconds within which something must appear, on a loaded machine."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a chromium; the test is skipped with a reason where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no chromium on this machine: install Debian's package chromium to run the browser tests")
    return found


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """Folder of the simulated demonstration as ``dqm demo`` makes it, or a copy of the one that DQM_DEMONSTRATION names."""
    folder = tmp_path_factory.mktemp("demonstration") / "demo"
    if made := os.environ.get("DQM_DEMONSTRATION"):
        return Path(shutil.copytree(made, folder))
    command = [sys.executable, "-m", "pipelines.cli", "demo", "--no-serve", "--folder", str(folder)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def server(demonstration: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server as ``dqm dashboard --port 0`` starts it, stopped with all it started."""
    log = tmp_path_factory.mktemp("server") / "server.log"
    with serving(demonstration / "dqm.toml", repository, log) as served:
        yield served


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Put what the server printed on standard error into the failure of a browser test."""
    report = yield
    found = getattr(item, "funcargs", {}).get("server")
    if found is not None and report.failed:
        report.sections.append(("stderr of the server", found.log.read_text(encoding="utf-8")))
    return report


@pytest.fixture
def page(chromium: str, server: Server) -> Iterator[Page]:
    """A page of a fresh browser on the runs; afterwards no request may have left this machine."""
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        shown = browser.new_page(viewport={"width": 1440, "height": 900})
        shown.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        shown.on("request", lambda request: asked.append(request.url))
        shown.on("websocket", lambda socket: asked.append(socket.url))
        shown.goto(server.url)
        yield shown
        browser.close()
    elsewhere = [
        url for url in asked if urlsplit(url).hostname != "127.0.0.1" and not url.startswith(("data:", "blob:"))
    ]
    assert elsewhere == [], "requests left this machine"
