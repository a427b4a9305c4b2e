"""The server of the dashboard ends with the command that started it."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from pipelines.serve import until_stopped

CHILD = "import os, signal; os.kill(os.getppid(), signal.SIGTERM); signal.pause()"


def test_sigterm_ends_the_server_too() -> None:
    """Mutant: the signal ends the command alone, and the server keeps its port."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit, match="143"):
        until_stopped([sys.executable, "-c", CHILD], os.environ)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_exit_code_is_that_of_the_server() -> None:
    assert until_stopped([sys.executable, "-c", "raise SystemExit(3)"], os.environ) == 3
