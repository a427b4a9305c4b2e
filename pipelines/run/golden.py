"""``dqm golden``: algebra of certification JSON files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path

from dqm.formats.golden import golden_bytes, read_mask
from dqm.model.errors import UnknownNameError
from dqm.model.keys import LumiMask

OPERATIONS: dict[str, Callable[[LumiMask, LumiMask], LumiMask]] = {
    "show": lambda a, b: a | b,
    "union": lambda a, b: a | b,
    "intersection": lambda a, b: a & b,
    "difference": lambda a, b: a - b,
}


def combine(operation: str, files: Sequence[Path]) -> bytes:
    """Canonical bytes of the files combined from left to right; raises ``UnknownNameError`` or ``InputError``."""
    if operation not in OPERATIONS:
        raise UnknownNameError("operation", operation, OPERATIONS)
    return golden_bytes(reduce(OPERATIONS[operation], (read_mask(path) for path in files)))
