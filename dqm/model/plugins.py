"""Plug-in groups: built-ins and plug-ins register through the same entry points.

A package adds a detector by naming it in its own metadata::

    [project.entry-points."dqm.detectors"]
    mine = "my_package.detector:Mine"
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dqm.model.errors import UnknownNameError

GROUPS = ("dqm.readers", "dqm.features", "dqm.detectors", "dqm.alerts")


def names(group: str) -> list[str]:
    """Registered names of a group, sorted."""
    return sorted(_registered(group, tuple(sys.path)))


def name_of(group: str, target: str) -> str:
    """The registered name of an object such as ``package.module:Name``; empty where it has none."""
    found = _registered(group, tuple(sys.path))
    return min((name for name, each in found.items() if each.value == target), default="")


def load(group: str, name: str) -> Any:
    """The registered object, imported now; raises ``UnknownNameError`` with the nearest names."""
    found = _registered(group, tuple(sys.path))
    if name not in found:
        raise UnknownNameError(f"plug-in of {group}", name, found)
    return found[name].load()


@cache
def _registered(group: str, path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Entry points of a group on an import path by name, of equal names the first; a look takes tens of milliseconds.

    A plug-in that is installed while a process runs is known to the next process.
    """
    if group not in GROUPS:
        raise UnknownNameError("plug-in group", group, GROUPS)
    return {each.name: each for each in reversed(tuple(entry_points(group=group)))}
