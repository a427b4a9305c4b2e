"""The log of nights and watches for machines: one JSON object a line, appended and flushed as things happen.

``time`` (UTC), ``level`` and ``event`` stand in every line, first and in this order; ``night``, ``run``, ``stage``,
``seconds``, ``said`` and others where they apply. A log that cannot be written any more stops nothing.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from dqm.model.errors import InputError
from dqm.model.findings import Finding
from pipelines.nightly.stages import Stage

INFO, WARNING, ERROR = "info", "warning", "error"
STANDARD_ERROR = "-"


@dataclass(frozen=True)
class Log:
    """Writes to ``stream``, if there is one; ``about`` stands in every line."""

    stream: TextIO | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def of(self, **about: Any) -> Log:
        """The same log, with more in every line."""
        return replace(self, about={**self.about, **about})

    def write(self, event: str, level: str = INFO, **fields: Any) -> None:
        """Append a line; what is None is left out."""
        if self.stream is None:
            return
        head = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": level, "event": event}
        said = {name: each for name, each in {**self.about, **fields}.items() if each is not None}
        with suppress(OSError):  # a full disk is told by the stages that need it
            self.stream.write(json.dumps(head | said, allow_nan=False) + "\n")
            self.stream.flush()

    def stage(self, stage: Stage) -> None:
        """How a stage ended."""
        level = ERROR if stage.failed else INFO
        seconds = round(stage.seconds, 3)
        self.write("stage.ended", level, stage=stage.name, state=stage.state, seconds=seconds, said=stage.said)

    def runs(self, failed: Mapping[int, str]) -> None:
        """The runs that could not be scored."""
        for run, why in failed.items():
            self.write("run.failed", ERROR, run=run, said=why)

    def findings(self, findings: Iterable[Finding]) -> None:
        """What is in quarantine, those of one code, file and run together, with the first reason."""
        held = [each for each in findings if each.severity == "quarantined"]
        first = {_place(each): each.reason for each in reversed(held)}
        for (code, file, run), count in Counter(map(_place, held)).items():
            said = first[code, file, run]
            self.write("input.quarantined", WARNING, run=run, code=code, file=file, count=count, said=said)


SILENT = Log()


def _place(finding: Finding) -> tuple[str, str, int | None]:
    return finding.code, finding.file, finding.run


@contextmanager
def logging_to(target: str) -> Iterator[Log]:
    """The log at a path, on standard error for ``-``, none for an empty text; raises ``InputError`` for no file."""
    if not target:
        yield SILENT
    elif target == STANDARD_ERROR:
        yield Log(sys.stderr)
    else:
        with _opened(target) as stream:
            yield Log(stream)


def _opened(target: str) -> TextIO:
    try:
        return Path(target).open("a", encoding="utf-8")
    except OSError as error:
        why = f"cannot be written: {error.strerror}; name another file, or - for standard error"
        raise InputError(f"--log-json {target}: {why}") from error
