"""Start the dashboard as Streamlit wants it started, on 127.0.0.1 only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dashboard
from dqm.model.config import load
from dqm.store.store import Store


def serve(config: Path, *, port: int, headless: bool = True) -> int:
    """Serve the pages until interrupted and return the exit code; raises ``StoreError`` first if there is no store.

    ``port`` 0 lets the server choose a free one.
    """
    with Store.open(load(config).store_path):
        pass
    page = Path(dashboard.__file__).with_name("app.py")
    options = {
        "server.address": "127.0.0.1",
        "server.port": str(port),
        "server.headless": str(headless).lower(),
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    environment = os.environ | {dashboard.CONFIG_VARIABLE: str(config.resolve())}
    try:
        return subprocess.run(
            [sys.executable, "-m", "streamlit", "run", str(page), *flags], env=environment, check=False
        ).returncode
    except KeyboardInterrupt:
        return 0
