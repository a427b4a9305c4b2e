"""Many runs signed at once, where nothing asks: each is judged and entered by itself, and what is refused is told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dqm.model.amounts import agreeing, counted
from dqm.model.decisions import RunState
from dqm.model.errors import InputError, RefusedError, RepeatedError, StoreError, UnknownNameError
from dqm.model.people import People, Person
from dqm.model.verdicts import Asked
from dqm.services.outdated import Basis
from dqm.services.queue import QueueRow
from dqm.services.runs import sign
from dqm.services.shown import Expected
from dqm.services.standing import Standing, known_run
from dqm.services.submission import Recorded
from dqm.store.store import Store

MOST_RUNS = 1000
"""Runs in one batch."""


@dataclass(frozen=True)
class SignedRuns:
    """What became of the runs of a batch: the entries that were made, and why others have none, by run."""

    entered: tuple[Recorded, ...]
    refused: Mapping[int, str]

    def text(self) -> str:
        """For people."""
        runs = ", ".join(str(each.entry.run) for each in self.entered)
        number = len(self.entered)
        told = f"{counted(number, 'run')} {agreeing(number, '[is|are]')} signed" + (f": {runs}" if runs else "")
        return "\n".join([told, *(f"not signed: {why}" for why in self.refused.values())])

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        refused = [{"run": run, "why": why} for run, why in self.refused.items()]
        return {"signed": [each.document() for each in self.entered], "refused": refused}


def sign_many(
    store: Store,
    people: People,
    name: str,
    runs: Mapping[int, Expected] | Iterable[int],
    comment: str = "",
    *,
    asked: Asked,
    nonce: str,
    at: datetime | None = None,
) -> SignedRuns:
    """Sign every one of these runs in which nothing asks for a person, an entry each, as ``sign`` does.

    ``runs`` may tell of each what a form showed of it. One that is refused, or whose file is damaged, keeps no other
    from being signed. Besides what ``sign`` refuses these are left to people one by one: runs that somebody else
    claimed, whatever the rank, and runs in which an expert was asked. Sent twice under one ``nonce`` every run counts
    once. Raises ``InputError`` where no run is named or more than ``MOST_RUNS``.
    """
    shown = dict(runs) if isinstance(runs, Mapping) else dict.fromkeys(runs)
    if not 0 < len(shown) <= MOST_RUNS:
        raise InputError(f"{len(shown)} runs to sign; name between 1 and {MOST_RUNS} at once")
    person, entered, refused = people.person(name), list[Recorded](), dict[int, str]()
    remembered: dict[int, Basis] = {}
    for run, expected in shown.items():
        try:
            found = known_run(store, run, at or datetime.now(UTC))
            _refuse_watched(found, person)
            seen = found.last if expected is None else expected
            form = hashlib.sha256(f"{nonce}\n{run}".encode()).hexdigest()
            entered.append(
                sign(
                    store, people, name, run, asked=asked, nonce=form, comment=comment, expected=seen, at=at,
                    remembered=remembered,
                )
            )  # fmt: skip
        except RepeatedError:
            refused[run] = f"run {run} was signed by this submission already; once is enough"
        except (InputError, RefusedError, StoreError, UnknownNameError) as error:
            refused[run] = str(error)
    return SignedRuns(tuple(entered), refused)


def nothing_asks(row: QueueRow) -> bool:
    """Whether a run of the queue can be signed in a batch by whoever may: final, nothing open, nobody at it."""
    certified = bool(row.counts) and not row.provisional
    free = row.state in (RunState.OPEN, RunState.REOPENED) and not row.escalations
    return certified and free and not row.open


def _refuse_watched(found: Standing, person: Person) -> None:
    """Raise ``RefusedError`` where somebody looks at the run, or was asked to."""
    if found.holder and found.holder.name != person.name:
        raise RefusedError(
            f"run {found.run} is claimed by {found.holder.name}, who may be looking at it; sign it by itself"
        )
    if found.escalations:
        asked = found.escalations[-1]
        raise RefusedError(f"run {found.run} waits for an expert, whom {asked.actor} asked; sign it by itself")
