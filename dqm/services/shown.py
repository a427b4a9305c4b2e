"""What a form showed of a run, as it sends it back: did anybody act since, does the machine say something else now?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

import numpy as np

from dqm.model.errors import InputError
from dqm.model.keys import LumiMask
from dqm.services.effective import partitions_that_stand
from dqm.services.history import spelled, told
from dqm.services.standing import Standing
from dqm.store.partitions import Partition, read
from dqm.store.store import Store

SHORT = 16
"""Hex digits of a digest in a form."""
MOST = 5
"""Changes of the verdicts that are named."""
_TEXT = re.compile(r"(\d{1,18})(?::([0-9a-f]{16})?:([0-9a-f]{16})?)?")


@dataclass(frozen=True)
class Shown:
    """Number of the ``last`` entry of a run as it was shown, and how the digests of ``verdicts`` and ``data`` begin.

    Empty digests are of a run that had none; None where the form does not say, so that they are not compared.
    """

    last: int
    verdicts: str | None = None
    data: str | None = None

    @classmethod
    def of(cls, found: Standing, verdicts: str) -> Self:
        """What a form shows now, of verdicts with this digest; empty where there are none."""
        return cls(found.last, verdicts[:SHORT], found.data[:SHORT])

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``12`` or ``12:VERDICTS:DATA``; raises ``InputError`` for anything else."""
        found = _TEXT.fullmatch(text)
        if not found:
            raise InputError(f"--expected {text[:80]!r}: write what dqm runs RUN prints, or the last entry")
        last, verdicts, data = found.groups()
        return cls(int(last), verdicts or "", data or "") if ":" in text else cls(int(last))

    def __str__(self) -> str:
        return f"{self.last}" if self.verdicts is None else f"{self.last}:{self.verdicts}:{self.data}"


Expected = Shown | int | None
"""What an action was decided on: what a form showed, the last entry alone, or nothing in particular."""


def since(store: Store, found: Standing, expected: Expected) -> list[str]:
    """What happened to a run since it was shown, a sentence each: what people did, and what the machine says now."""
    if expected is None:
        return []
    shown = Shown(expected) if isinstance(expected, int) else expected
    changes = [told(each) for each in found.entries if each.id > shown.last]
    if shown.data is not None and shown.data != found.data[:SHORT]:
        changes.append(f"its data were {shown.data or 'none'} and are {found.data[:SHORT] or 'none'} now")
    now = next((each for each in partitions_that_stand(store, [found]) if each.run == found.run), None)
    current = now.digest[:SHORT] if now else ""
    if shown.verdicts is not None and shown.verdicts != current:
        changes.append(_verdicts(store, found.run, shown.verdicts, now))
    return changes


def _verdicts(store: Store, run: int, shown: str, now: Partition | None) -> str:
    """The verdicts that were shown beside those of now, where both are there."""
    held = [each for each in store.history() if (each.kind, each.run, each.digest[:SHORT]) == ("verdicts", run, shown)]
    if not held or now is None:
        return f"its verdicts were {shown or 'none'} and are {now.digest[:SHORT] if now else 'none'} now"
    before, after = _decisions(store, held[0]), _decisions(store, now)
    pairs: dict[tuple[str, str], list[int]] = {}
    for ls in sorted(before.keys() | after.keys()):
        was, is_ = before.get(ls, "not there"), after.get(ls, "not there")
        if was != is_:
            pairs.setdefault((was, is_), []).append(ls)
    if not pairs:
        return "its verdicts were made again: badness or reasons differ, no decision does"
    named = [f"LS {_ranges(run, ls)} {was}, now {is_}" for (was, is_), ls in list(pairs.items())[:MOST]]
    return "its verdicts changed: " + ", ".join(named) + (" and others" if len(pairs) > MOST else "")


def _decisions(store: Store, partition: Partition) -> dict[int, str]:
    table = read(store.path, [partition], ("ls", "decision"))
    return dict(zip(table["ls"].to_pylist(), table["decision"].to_pylist(), strict=True))


def _ranges(run: int, ls: list[int]) -> str:
    found = LumiMask.of_lumisections(np.full(len(ls), run), ls).ranges[run]
    return spelled(found[:MOST]) + (" …" if len(found) > MOST else "")
