"""Commented example configurations, written by ``dqm init``."""

from __future__ import annotations

from importlib.resources import files

from dqm.model.errors import UnknownNameError


def names() -> list[str]:
    """Names of the examples."""
    return sorted(each.name.removesuffix(".toml") for each in files(__name__).iterdir() if each.name.endswith(".toml"))


def text(name: str) -> str:
    """The text of one example; raises ``UnknownNameError`` with the nearest names."""
    if name not in names():
        raise UnknownNameError("example configuration", name, names())
    return (files(__name__) / f"{name}.toml").read_text(encoding="utf-8")
