"""What goes wrong, said once: what was asked, why it failed, where, the nearest valid names and the way out.

Every error is also the builtin that a caller would expect, and its text is one readable line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, valid: Iterable[str], *, most: int = 3) -> str:
    """Name the valid spellings closest to ``name``, as the tail of an error message.

    >>> nearest("recieved", ["recorded", "received", "delivered"])
    "nearest valid names: 'received', 'delivered', 'recorded'"
    """
    candidates = sorted(set(valid))
    if not candidates:
        return "there are no valid names"
    close = difflib.get_close_matches(name, candidates, n=most, cutoff=0.5)
    shown = close or candidates[:most]
    return ("nearest valid names: " if close else "valid names begin: ") + ", ".join(repr(each) for each in shown)


class ConfigError(ValueError):
    """A configuration that cannot be used: names the file, the key and the nearest valid key."""


class InputError(ValueError):
    """An input file that cannot be read at all: names the file and the reason."""


class UnknownNameError(KeyError):
    """A name that is not registered: names what was asked and the nearest valid names."""

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"unknown {kind} {name!r}; {nearest(name, valid)}")

    def __str__(self) -> str:
        return str(self.args[0])


class FingerprintError(ValueError):
    """A table whose columns are not those that a model was trained on: names the first differing column."""


class StoreError(RuntimeError):
    """A store that cannot be used: names the store, the reason and the way out."""


class RepeatedError(StoreError):
    """A submission that arrived before: what it asked for was entered once already."""


class SchemaTooNewError(StoreError):
    """A store that a newer program wrote: this one refuses it rather than guess."""


class ArtifactError(ValueError):
    """A model bundle that is incomplete, altered or foreign: names the file and the reason."""


class RefusedError(RuntimeError):
    """An action that a person may not do, or not now: says who, what, why and the way out. Nothing was changed."""


class StaleError(RefusedError):
    """An action that was decided on what is no longer so; ``meanwhile`` says in a line each what others did."""

    def __init__(self, subject: str, meanwhile: Iterable[str]) -> None:
        self.meanwhile = tuple(meanwhile)
        super().__init__(f"{subject} was changed meanwhile: {'; '.join(self.meanwhile)}; look at it again")
