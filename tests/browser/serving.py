"""The real server over a folder that ``dqm demo`` made, stopped with all that it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

SERVE = """
import sys
from pathlib import Path
from pipelines.serve import serve
sys.exit(serve(Path(sys.argv[1]), port=0))
"""
"""What ``dqm dashboard --port 0`` does."""


@dataclass(frozen=True)
class Server:
    """A running server: ``url`` to open, ``log`` with everything that it printed."""

    url: str
    log: Path


@contextmanager
def serving(config: Path, repository: Path, log: Path) -> Iterator[Server]:
    """The server as ``dqm dashboard --port 0`` starts it for a configuration."""
    with log.open("w", encoding="utf-8") as stream:
        command = [sys.executable, "-u", "-c", SERVE, str(config)]
        process = subprocess.Popen(
            command, cwd=repository, stdout=subprocess.PIPE, stderr=stream, text=True, start_new_session=True
        )
        try:
            yield Server(_address(process, log), log)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            if process.stdout:
                process.stdout.close()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """The address that the server prints once it listens; fails with what it said on standard error if it ends first.

    A server that neither prints nor ends is stopped by the time limit of the test.
    """
    for line in process.stdout or ():
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found.group()
    pytest.fail(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


def rested(page: Page) -> None:
    """Wait until a page is at rest and hears the keyboard; a key that comes before is nobody's."""
    expect(page.locator("[data-testid=stSkeleton], [data-stale=true]")).to_have_count(0)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    expect(page.locator(".help[data-listening]")).to_have_count(1)
