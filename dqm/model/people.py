"""Who acts, and what a person may do: three roles, each of which may do what the ones below it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class Role(IntEnum):
    """What somebody is on a shift; a larger one overrules a smaller one."""

    SHIFTER = 1
    EXPERT = 2
    LEADER = 3

    @property
    def word(self) -> str:
        """As it is written in configurations, entries and messages."""
        return self.name.lower()


ROLES = tuple(each.word for each in Role)
"""The roles from the lowest to the highest."""


@dataclass(frozen=True)
class Person:
    """Somebody who acts: the ``name`` that entries carry, and the ``role``."""

    name: str
    role: Role


class People(Protocol):
    """Who may act here. A configuration is one answer; a login, or a directory of the laboratory, can be another."""

    @property
    def alone(self) -> bool:
        """Whether there is one person only, so that nobody else could approve."""

    def person(self, name: str = "") -> Person:
        """Who acts under this name, "" for whoever works here by default; raises ``RefusedError`` for a stranger."""
