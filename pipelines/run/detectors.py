"""``dqm detectors``: what can be trained, with its hyper-parameters."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from detectors import registry
from detectors.protocol import Scalar


@dataclass(frozen=True)
class Described:
    """A registered detector: ``kind``, what it is in one line, hyper-parameters with their defaults."""

    kind: str
    summary: str
    parameters: dict[str, Scalar]

    def text(self) -> str:
        """For people."""
        given = ", ".join(f"{name} = {value}" for name, value in self.parameters.items())
        return f"{self.kind}: {self.summary}\n    {given or 'no hyper-parameters'}"


def described() -> list[Described]:
    """Every registered detector, sorted by kind; each is imported now."""
    return [
        Described(kind, (inspect.getdoc(registry.find(kind)) or "").partition("\n")[0], registry.parameters(kind))
        for kind in registry.names()
    ]
