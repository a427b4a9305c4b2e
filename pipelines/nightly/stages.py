"""The stages of a night: each timed, each told, and none allowed to take the night down with what it foresaw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

from dqm.model.errors import ArtifactError, ConfigError, FingerprintError, InputError, StoreError, UnknownNameError

FORESEEN = (ArtifactError, ConfigError, FingerprintError, InputError, StoreError, UnknownNameError, OSError)
"""What a stage may fail with: everything else is a mistake of ours and ends the night."""

DONE, SKIPPED, FAILED = "done", "skipped", "failed"


@dataclass(frozen=True)
class Stage:
    """One stage: ``name``, ``state``, ``seconds`` and what it ``said``."""

    name: str
    state: str
    seconds: float
    said: str

    @property
    def failed(self) -> bool:
        """Whether it could not be done."""
        return self.state == FAILED

    def text(self) -> str:
        """For people."""
        return f"{self.name:8} {self.state:8} {self.seconds:7.2f} s  {self.said}"

    def document(self) -> dict[str, Any]:
        """For the record of the night."""
        return asdict(self)


@dataclass
class Saying:
    """What a running stage wants to be known of: ``said`` of what it did, ``skipped`` where there was nothing to do."""

    said: str = ""
    skipped: bool = False


@dataclass
class Stages:
    """The stages so far, in order; ``started`` is called with the name of each as it begins, ``ended`` with it."""

    started: Callable[[str], None] = field(default=lambda name: None)
    ended: Callable[[Stage], None] = field(default=lambda stage: None)
    found: list[Stage] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[Saying]:
        """Run the block as a stage; what it foresaw becomes a failed stage, and the night goes on."""
        self.started(name)
        begun, saying = perf_counter(), Saying()
        try:
            yield saying
        except FORESEEN as error:
            self._end(Stage(name, FAILED, perf_counter() - begun, str(error)))
        else:
            state = SKIPPED if saying.skipped else DONE
            self._end(Stage(name, state, perf_counter() - begun, saying.said))

    def _end(self, stage: Stage) -> None:
        self.found.append(stage)
        self.ended(stage)

    def failed(self, name: str | None = None) -> bool:
        """Whether a stage failed: any, or the one of this name."""
        return any(each.failed and name in (None, each.name) for each in self.found)
