"""What people do with a whole run: claim and release it, ask an expert, sign it, reopen it."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime, timedelta

import numpy as np

from dqm.model.amounts import counted
from dqm.model.decisions import OPEN_DECISIONS, RunState
from dqm.model.errors import InputError, RefusedError
from dqm.model.people import People, Role
from dqm.model.verdicts import CODES, GOLDEN, Asked
from dqm.services.decide import checked_ranges
from dqm.services.effective import StandingVerdicts, decisions_that_stand, machine_of
from dqm.services.growing import is_provisional
from dqm.services.history import decisions_digest, moment, role_of, spelled
from dqm.services.outdated import Basis, outdated_run
from dqm.services.shown import Expected
from dqm.services.standing import Standing
from dqm.services.submission import Desk, Judgement, Recorded, checked_text, submit
from dqm.store.store import Store

CLAIM_HOURS = 8.0
MOST_HOURS = 168.0
"""Hours of the longest claim: a week."""


def claim(
    store: Store,
    people: People,
    name: str,
    run: int,
    *,
    nonce: str,
    hours: float = CLAIM_HOURS,
    expected: Expected = None,
    at: datetime | None = None,
) -> Recorded:
    """Reserve a run for ``hours``; a higher role may take it over, one's own claim begins anew.

    A claim keeps others of the same or a lower role from acting on the run; nobody needs one to act.
    """
    if not 0 < hours <= MOST_HOURS:
        raise InputError(f"a claim lasts up to {MOST_HOURS:g} hours, not {hours:g}")

    def judge(desk: Desk) -> Judgement:
        desk.open_run(run, expected)
        until = desk.at.astimezone(UTC) + timedelta(hours=hours)
        told = f"run {run} is claimed by {desk.person.name} until {moment(until)}"
        return Judgement("claim", f"run {run}", {"until": until.isoformat()}, told, run)

    return submit(store, people.person(name), nonce, at, judge)


def release(
    store: Store,
    people: People,
    name: str,
    run: int,
    *,
    nonce: str,
    expected: Expected = None,
    at: datetime | None = None,
) -> Recorded:
    """End a claim: one's own, or that of somebody of a lower role."""

    def judge(desk: Desk) -> Judgement:
        if desk.open_run(run, expected).claim is None:
            raise RefusedError(f"run {run} is claimed by nobody; there is nothing to release")
        return Judgement("release", f"run {run}", {}, f"run {run} is free again", run)

    return submit(store, people.person(name), nonce, at, judge)


def escalate(
    store: Store,
    people: People,
    name: str,
    run: int,
    ranges: Iterable[tuple[int, int]],
    comment: str,
    *,
    nonce: str,
    expected: Expected = None,
    at: datetime | None = None,
) -> Recorded:
    """Ask an expert about lumisections; open until an expert or a leader decides in the run."""
    asked, question = list(ranges), checked_text(comment, "question to the expert", required=True)

    def judge(desk: Desk) -> Judgement:
        found = desk.open_run(run, expected)
        within = checked_ranges(run, asked, machine_of(desk.store, found).ls)
        told = f"an expert is asked about LS {spelled(within)} of run {run}"
        return Judgement("escalate", f"run {run}", {"ranges": within, "comment": question}, told, run)

    return submit(store, people.person(name), nonce, at, judge)


def sign(
    store: Store,
    people: People,
    name: str,
    run: int,
    *,
    asked: Asked,
    nonce: str,
    comment: str = "",
    expected: Expected = None,
    at: datetime | None = None,
    remembered: MutableMapping[int, Basis] | None = None,
) -> Recorded:
    """Sign a run off: its verdicts and decisions stand as they are, whatever comes later.

    Needs an expert or a leader. Refused while anything of the run is open, where its verdicts were made of other data
    than the store holds, for other features and limits than are ``asked`` for now, beside other earlier runs, or are
    provisional, and for a run that was signed. The entry carries the digests of the data, of the verdicts and of the
    decisions. ``remembered`` is for whoever signs many.
    """
    text = checked_text(comment, "comment")

    def judge(desk: Desk) -> Judgement:
        desk.require(Role.EXPERT, "to sign a run")
        found = desk.open_run(run, expected)
        machine = machine_of(desk.store, found)
        verdicts, partition = StandingVerdicts.of(machine, decisions_that_stand([found])), machine.partitions[0]
        if partition.provenance.get("data", "") != found.data:
            raise RefusedError(
                f"run {run} cannot be signed: its data changed after it was certified; first: "
                f"dqm score --runs {run}, dqm certify --runs {run}"
            )
        if why := outdated_run(desk.store, asked, run, {} if remembered is None else remembered):
            raise RefusedError(f"run {run} cannot be signed: it {why.text()}")
        if is_provisional(partition):
            raise RefusedError(
                f"run {run} cannot be signed: it still grew when it was certified, so its verdicts are provisional; "
                f"wait for its end, or name it ended with: dqm end-run {run}, dqm certify --runs {run}"
            )
        _refuse_open(run, verdicts)
        golden = int(np.isin(verdicts.code, [CODES[each] for each in GOLDEN]).sum())
        fields = {
            "data": found.data,
            "verdicts": partition.digest,
            "decisions": decisions_digest(found.entries),
            "golden": golden,
            "lumisections": len(verdicts.ls),
            "comment": text,
        }
        told = f"run {run} is signed: {golden} of {counted(len(verdicts.ls), 'lumisection')} are golden"
        return Judgement("sign", f"run {run}", fields, told, run)

    return submit(store, people.person(name), nonce, at, judge)


def reopen(
    store: Store,
    people: People,
    name: str,
    run: int,
    comment: str,
    *,
    nonce: str,
    expected: Expected = None,
    at: datetime | None = None,
) -> Recorded:
    """Open a signed run again, with a reason; needs the role of who signed it, or a higher one.

    Its decisions stay. Where data changed meanwhile, what was called GOOD needs a person again.
    """
    why = checked_text(comment, "reason", required=True)

    def judge(desk: Desk) -> Judgement:
        desk.require(Role.EXPERT, "to reopen a run")
        found = desk.run(run, expected)
        if found.signed is None:
            raise RefusedError(f"run {run} is {found.state}, not signed; there is nothing to reopen")
        desk.require(role_of(found.signed), f"to reopen run {run}, which {found.signed.actor} signed,")
        told = f"run {run} is open again" + _note(found)
        return Judgement("reopen", f"run {run}", {"comment": why}, told, run)

    return submit(store, people.person(name), nonce, at, judge)


def _refuse_open(run: int, verdicts: StandingVerdicts) -> None:
    """Raise ``RefusedError`` where anything still needs a person, naming how many."""
    counts = {str(each): int((verdicts.code == CODES[each]).sum()) for each in OPEN_DECISIONS}
    left = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    if left:
        raise RefusedError(
            f"run {run} cannot be signed: of {counted(len(verdicts.ls), 'lumisection')} {left}; "
            f"decide them with: dqm decide {run}"
        )


def _note(found: Standing) -> str:
    if found.state is RunState.NEEDS_REVIEW:
        return f"; its data changed since, so first: dqm score --runs {found.run}, dqm certify --runs {found.run}"
    return ""
