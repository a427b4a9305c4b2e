"""A log: every event as one line of JSON, on standard error or at the end of a file."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from pipelines.alerts.notice import Notice
from pipelines.alerts.outside import NotDeliveredError, Outside


@dataclass(frozen=True)
class Log:
    """``path`` relative to the configuration; empty: standard error."""

    path: str = ""

    def check(self, outside: Outside) -> None:
        """Nothing can be wrong before a line is written."""

    def send(self, notice: Notice, outside: Outside) -> None:
        """Write the line; a file is opened anew for each, so that it may be rotated."""
        line = notice.body().decode("ascii") + "\n"
        if not self.path:
            sys.stderr.write(line)
            return
        try:
            with (outside.folder / self.path).open("a", encoding="ascii") as stream:
                stream.write(line)
        except OSError as error:
            raise NotDeliveredError(f"{self.path} cannot be written: {error.strerror}") from None
