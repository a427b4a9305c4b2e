"""Detectors by name: built-ins and plug-ins register in the entry-point group ``dqm.detectors``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from detectors.protocol import Detector, Scalar, hyperparameters
from dqm.model import plugins
from dqm.model.errors import UnknownNameError

GROUP = "dqm.detectors"


def names() -> list[str]:
    """Registered kinds, sorted; nothing is imported."""
    return plugins.names(GROUP)


def find(kind: str) -> type[Detector]:
    """The class of a kind, imported now; raises ``UnknownNameError`` with the nearest kinds."""
    return cast("type[Detector]", plugins.load(GROUP, kind))


def kind_of(detector: Detector) -> str:
    """The registered kind of a detector, empty for one that is not registered; nothing is imported."""
    own = f"{type(detector).__module__}:{type(detector).__qualname__}"
    return plugins.name_of(GROUP, own)


def parameters(kind: str) -> dict[str, Scalar]:
    """Hyper-parameters of a kind with their defaults."""
    return hyperparameters(find(kind))


def make(kind: str, params: Mapping[str, Scalar] | None = None) -> Detector:
    """An unfitted detector.

    Raises ``UnknownNameError`` for a kind or a parameter that does not exist, with the nearest ones, ``TypeError`` for
    a value of another type than the default, and ``ValueError`` for one out of range.

    >>> make("boosted", {"trees": 50}).trees
    50
    """
    given, valid = dict(params or {}), parameters(kind)
    for name in given:
        if name not in valid:
            raise UnknownNameError(f"parameter of detector {kind!r}:", name, valid)
        given[name] = _like(valid[name], given[name], f"parameter {name!r} of detector {kind!r}")
    return find(kind)(**given)


def _like(default: Scalar, value: Scalar, what: str) -> Scalar:
    """The value in the type of the default: a whole number may stand for a float, and nothing else for another."""
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        raise TypeError(f"{what} must be {words[type(default)]}, not {value!r}; its default is {default!r}")
    return value
