"""Names of monitor elements by pattern, as in ``PixelPhase1/*/charge_*``: ``*`` goes across slashes."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def asked_for(element: str, patterns: Sequence[str]) -> bool:
    """Whether any of the patterns fits; none at all asks for everything."""
    return not patterns or any(fnmatchcase(element, each) for each in patterns)
