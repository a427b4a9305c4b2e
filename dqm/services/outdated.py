"""Verdicts that are out of date: the configuration of now asks for other features or limits than they were made for, or
the data of earlier runs, or readings of sensors, are others.

A certification notes both in what it stores, so that whoever signs or publishes compares digests and makes no features.
Verdicts of other data of their own run are a matter of their own (``dqm.services.effective``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Self

from dqm.model.amounts import agreeing, counted
from dqm.model.verdicts import Asked
from dqm.store.freshness import data_digests, made_beside
from dqm.store.partitions import Partition
from dqm.store.store import Store

ASKED, PAST = "asked", "past"
"""Keys in the provenance of verdicts: the digests of what was asked for, and of all runs before."""


@dataclass(frozen=True)
class Outdated:
    """Why verdicts are out of date, about one run or several, and the commands that help (``way``)."""

    why: str
    way: str

    def text(self, runs: int = 1) -> str:
        """In words that follow the name of the run, or of several."""
        return f"{agreeing(runs, self.why)}; first: {self.way}"


OTHER_ASKED = Outdated(
    "[was|were] certified for other features or limits than the configuration has now",
    "dqm train, which learns them, then dqm score and dqm certify",
)
OTHER_PAST = Outdated(
    "[is|are] compared with earlier runs whose data or labels changed after [it was|they were] certified",
    "dqm nightly, or dqm score and dqm certify",
)
OTHER_SENSORS = Outdated(
    "[is|are] judged beside readings of sensors or earlier runs that changed after [it was|they were] certified",
    OTHER_PAST.way,
)
NOT_NOTED = Outdated(
    "[was|were] certified by an earlier version, which did not note for which features, limits and earlier runs",
    "dqm certify",
)


@dataclass(frozen=True)
class Basis:
    """What verdicts that are made now are made for: the digest of what is ``asked``, that of the past of every run,
    in which ``sensors`` are where they are asked for."""

    asked: str
    past: Mapping[int, str]
    sensors: bool = False

    @classmethod
    def of(cls, store: Store, asked: Asked, snapshot: int | None = None) -> Self:
        """By what a snapshot holds."""
        return cls(asked.digest, made_beside(store, asked, data_digests(store, snapshot), snapshot), asked.sensors)

    def notes(self, run: int) -> dict[str, str]:
        """What the provenance of verdicts of a run says of it."""
        return {ASKED: self.asked, PAST: self.past.get(run, "")}

    def outdated(self, verdicts: Iterable[Partition]) -> dict[int, Outdated]:
        """Those among the verdicts that were made for anything else, by run, and why."""
        found = {each.run: self._why(each.run, each.provenance) for each in verdicts}
        return {run: why for run, why in found.items() if why is not None}

    def _why(self, run: int, noted: Mapping[str, str]) -> Outdated | None:
        if ASKED not in noted or PAST not in noted:
            return NOT_NOTED
        if noted[ASKED] != self.asked:
            return OTHER_ASKED
        if noted[PAST] != self.past.get(run, ""):
            return OTHER_SENSORS if self.sensors else OTHER_PAST
        return None


def outdated(store: Store, asked: Asked, snapshot: int | None = None) -> dict[int, Outdated]:
    """The runs of a snapshot whose current verdicts are out of date; a sign-off stands over that."""
    return Basis.of(store, asked, snapshot).outdated(store.partitions("verdicts", snapshot))


def outdated_run(store: Store, asked: Asked, run: int, remembered: MutableMapping[int, Basis]) -> Outdated | None:
    """Why the verdicts of one run are out of date, None where they are not.

    ``remembered`` holds what was found of a snapshot before, for whoever asks of many runs; it is filled.
    """
    snapshot = store.snapshot
    if snapshot not in remembered:
        remembered[snapshot] = Basis.of(store, asked, snapshot)
    return remembered[snapshot].outdated(store.partitions("verdicts", snapshot, run)).get(run)


def told(found: Mapping[int, Outdated], apart: Collection[int] = ()) -> str:
    """The runs whose verdicts are out of date, in a sentence with the way out; empty where there are none.

    Those ``apart`` are left out. Runs that are so for different reasons are told one reason after the other.
    """
    runs: dict[Outdated, list[int]] = {}
    for run in sorted(found.keys() - set(apart)):
        runs.setdefault(found[run], []).append(run)
    return "; ".join(f"{_named(these)} {why.text(len(these))}" for why, these in runs.items())


def _named(runs: list[int]) -> str:
    more = f" and {counted(len(runs) - 1, 'more run')}" if len(runs) > 1 else ""
    return f"run {runs[0]}{more}"
