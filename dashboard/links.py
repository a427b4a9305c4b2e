"""From one page to another: a page is addressed by its name and by what it shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from dqm.model.keys import LS_LAST


@dataclass(frozen=True)
class Links:
    """How pages lead to each other: ``go(name, query)`` leaves the current page; a page knows no other by more."""

    go: Callable[[str, Mapping[str, str]], None]

    def run(self, run: int, first: int | None = None, last: int | None = None) -> None:
        """Open the page of a run, with the lumisections ``first`` to ``last`` selected."""
        self.go("run", of_range(run, first, last))

    def compare(self, run: int, first: int | None = None, last: int | None = None, element: str = "") -> None:
        """Open the comparison of lumisections of a run with a reference, at one monitor element."""
        self.go("compare", {**of_range(run, first, last), **({"element": element} if element else {})})

    def sign_off(self, run: int) -> None:
        """Open the page on which a run is signed."""
        self.go("sign-off", of_range(run))


def of_range(run: int, first: int | None = None, last: int | None = None) -> dict[str, str]:
    """The part of an address that names a run and lumisections of it, both ends included.

    >>> of_range(112, 3, 9)
    {'run': '112', 'ls': '3-9'}
    """
    if first is None:
        return {"run": str(run)}
    return {"run": str(run), "ls": f"{first}-{first if last is None else last}"}


def asked_run(text: str, known: Collection[int]) -> int | None:
    """The run that an address asks for, if it is one of those that are ``known``.

    >>> asked_run("112", [112]), asked_run("113", [112]), asked_run("x", [112])
    (112, None, None)
    """
    run = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    return run if run in known else None


def asked_range(text: str) -> tuple[int, int] | None:
    """The lumisections that an address asks for, as ``of_range`` writes them; None where it asks for none.

    >>> asked_range("3-9"), asked_range("7"), asked_range("9-3"), asked_range("x"), asked_range("9999999999")
    ((3, 9), (7, 7), None, None, None)
    """
    ends = text.split("-")
    if len(ends) > 2 or not all(each.isascii() and each.isdigit() and len(each) < 19 for each in ends):
        return None
    first, last = int(ends[0]), int(ends[-1])
    return (first, last) if first <= last <= LS_LAST else None
