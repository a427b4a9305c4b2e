"""Scripts and styles of the components, which lie beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def source(*names: str) -> str:
    """What the files say, one after the other; they are read once."""
    folder = Path(__file__).parent
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
