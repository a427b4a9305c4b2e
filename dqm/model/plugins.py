"""Plug-in groups: built-ins and plug-ins register through the same entry points.

A package adds a detector by naming it in its own metadata::

    [project.entry-points."dqm.detectors"]
    mine = "my_package.detector:Mine"
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any

from dqm.model.errors import UnknownNameError

GROUPS = ("dqm.readers", "dqm.features", "dqm.detectors", "dqm.alerts")


def names(group: str) -> list[str]:
    """Registered names of a group, sorted."""
    if group not in GROUPS:
        raise UnknownNameError("plug-in group", group, GROUPS)
    return sorted(_registered(group, tuple(sys.path)).names)


def name_of(group: str, target: str) -> str:
    """The registered name of an object such as ``package.module:Name``; empty where it has none."""
    return min((each.name for each in entry_points(group=group) if each.value == target), default="")


def load(group: str, name: str) -> Any:
    """The registered object, imported now; raises ``UnknownNameError`` with the nearest names."""
    if name not in names(group):
        raise UnknownNameError(f"plug-in of {group}", name, names(group))
    return _registered(group, tuple(sys.path))[name].load()


@cache
def _registered(group: str, path: tuple[str, ...]) -> EntryPoints:
    """Entry points of a group on an import path: looking through all that is installed takes tens of milliseconds."""
    return entry_points(group=group)
