"""Start the dashboard as Streamlit wants it started, on 127.0.0.1 only, and for nobody who calls it by another name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import dashboard
from dqm.model.config import load
from dqm.store.store import Store

HERE = "127.0.0.1"
NAMES = (HERE, "localhost")
"""How a browser on this machine may call the server; any other name is a page elsewhere that leads here."""
OPTIONS = {
    "server.address": HERE,
    "server.fileWatcherType": "none",
    "server.enableCORS": "true",
    "server.enableXsrfProtection": "true",
    "browser.gatherUsageStats": "false",
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "theme.paddingTop": "1rem",  # below the names of the pages; Streamlit's own gap takes a tenth of a laptop's screen
    "runner.magicEnabled": "false",  # else the docstrings of constants would be shown
    "runner.postScriptGC": "false",  # a full collection after each move of a slider costs more than the move itself
}
"""Options of Streamlit, whatever a configuration of its own says."""


def serve(config: Path, *, port: int, headless: bool = True) -> int:
    """Serve the pages until interrupted and return the exit code; raises ``StoreError`` first if there is no store.

    ``port`` 0 lets the server choose a free one.
    """
    with Store.open(load(config).store_path):
        pass
    page = Path(dashboard.__file__).with_name("app.py")
    environment = os.environ | {dashboard.CONFIG_VARIABLE: str(config.resolve())}
    return until_stopped(command(page, port=port, headless=headless), environment)


def until_stopped(called: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command until it ends, or until we are told to: SIGTERM ends it too, else its port would stay taken."""
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        with subprocess.Popen(called, env=environment) as server:
            try:
                return server.wait()
            except KeyboardInterrupt:
                return 0
            finally:
                server.terminate()
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def command(page: Path, *, port: int, headless: bool = True) -> list[str]:
    """The command that serves one script of Streamlit with these options."""
    options = OPTIONS | {"server.port": str(port), "server.headless": str(headless).lower()}
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += [f"--server.allowedHosts={name}" for name in NAMES]
    return [sys.executable, "-m", "streamlit", "run", str(page), *flags]
