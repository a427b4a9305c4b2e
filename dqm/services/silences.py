"""Keeping alerts quiet for a while, and saying that somebody has seen them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dqm.model.errors import InputError, UnknownNameError, nearest
from dqm.model.people import People
from dqm.services.history import moment, printable
from dqm.services.submission import Desk, Judgement, Recorded, checked_text, later, submit
from dqm.store.store import Store

EVERY = "*"
"""Every run, or every subsystem."""
MOST_DAYS = 30
"""Days of the longest silence: what is to be quiet for longer is to be repaired."""
MOST_SUBSYSTEM = 100
NEWEST = 100
"""Certified runs by which subsystems are known."""
RESOLVED = "anomaly.resolved"
ENDS = ("anomaly.opened", RESOLVED)
"""Events between which an acknowledgement holds."""


@dataclass(frozen=True)
class Silence:
    """Alerts of ``run`` (None: every one) and ``subsystem`` (EVERY: every one) are quiet until a moment."""

    id: int
    run: int | None
    subsystem: str
    owner: str
    begin: datetime
    until: datetime
    reason: str

    def covers(self, run: int | None, subsystem: str) -> bool:
        """Whether it keeps an alert of this run and subsystem quiet; never one that is about no run."""
        return run is not None and self.run in (None, run) and self.subsystem in (EVERY, subsystem)

    def text(self) -> str:
        """For people."""
        target, until = printable(_target(self.run, self.subsystem)), moment(self.until)
        return f"silence {self.id}: {target}, by {printable(self.owner)} until {until}: {printable(self.reason)}"


def silence(
    store: Store,
    people: People,
    name: str,
    run: int | None,
    subsystem: str,
    until: datetime,
    reason: str,
    *,
    nonce: str,
    at: datetime | None = None,
) -> Recorded:
    """Keep the alerts of a run (None: every one) and a subsystem (``*``: every one) quiet until ``until``.

    A later silence of the same target takes the place of an earlier one: so it is made longer, or ended. Anybody may,
    and owns it. Runs may be ones that are still to come; where a run or a subsystem is not known the answer says so.
    """
    why = checked_text(reason, "reason", required=True)
    target = _target(run, subsystem)
    doubt = _unheard_of(store, run, subsystem)

    def judge(desk: Desk) -> Judgement:
        end = later(desk.at, until, "silence")
        if until > desk.at + timedelta(days=MOST_DAYS):
            raise InputError(f"a silence lasts up to {MOST_DAYS} days; name an earlier end")
        told = f"alerts of {target} are quiet until {moment(until)}{doubt}"
        return Judgement("silence", target, {"subsystem": subsystem, "until": end, "comment": why}, told, run)

    return submit(store, people.person(name), nonce, at, judge)


def end_silence(
    store: Store, people: People, name: str, number: int, *, nonce: str, at: datetime | None = None
) -> Recorded:
    """End the silence of this number before its time; anybody may.

    Raises ``UnknownNameError`` where it does not hold.
    """

    def judge(desk: Desk) -> Judgement:
        holding = {each.id: each for each in silences_at(desk.store, desk.at)}
        if number not in holding:
            raise UnknownNameError("silence", str(number), map(str, holding))
        ended = holding[number]
        target = _target(ended.run, ended.subsystem)
        fields = {"subsystem": ended.subsystem, "comment": ""}
        return Judgement("unsilence", target, fields, f"alerts of {target} are told again", ended.run)

    return submit(store, people.person(name), nonce, at, judge)


def acknowledge(
    store: Store,
    people: People,
    name: str,
    run: int | None,
    subsystem: str,
    comment: str = "",
    *,
    nonce: str,
    at: datetime | None = None,
) -> Recorded:
    """Say that somebody knows of an anomaly, of every open one where ``run`` is None or ``subsystem`` is ``*``.

    Its updates are not told any more, its end is. Raises ``UnknownNameError`` where no such anomaly is open.
    """
    text, target = checked_text(comment, "comment"), _target(run, subsystem)

    def judge(desk: Desk) -> Judgement:
        begun = (each.event for each in desk.store.latest_events(ENDS) if each.event.type != RESOLVED)
        here = [(each.run, each.subsystem) for each in begun]
        if not any(run in (None, r) and subsystem in (EVERY, s) for r, s in here):
            raise UnknownNameError("open anomaly", f"{run} {subsystem}", (f"{r} {s}".strip() for r, s in here))
        told = f"alerts of {target} are acknowledged by {desk.person.name}"
        return Judgement("acknowledge", target, {"subsystem": subsystem, "comment": text}, told, run)

    return submit(store, people.person(name), nonce, at, judge)


def silences_at(store: Store, at: datetime) -> tuple[Silence, ...]:
    """The silences that hold at a moment, oldest first; of each target the latest that was entered by then."""
    latest: dict[tuple[int | None, str], Silence] = {}
    for each in store.audit():
        if each.action in ("silence", "unsilence") and each.at <= at:
            about = each.fields
            target = (each.run, about["subsystem"])
            latest.pop(target, None)
            if each.action == "silence":
                until = datetime.fromisoformat(about["until"])
                latest[target] = Silence(each.id, *target, each.actor, each.at, until, about["comment"])
    return tuple(sorted((each for each in latest.values() if at < each.until), key=lambda each: each.id))


def acknowledged(store: Store) -> frozenset[tuple[int | None, str]]:
    """The anomalies, (run, subsystem), that somebody knows of and that neither ended nor opened anew since."""
    said = [(each.run, each.fields["subsystem"], each.at) for each in store.audit() if each.action == "acknowledge"]
    if not said:
        return frozenset()
    known = set()
    for each in store.latest_events(ENDS):
        run, subsystem = each.event.run, each.event.subsystem
        if any(r in (None, run) and s in (EVERY, subsystem) and at >= each.at for r, s, at in said):
            known.add((run, subsystem))
    return frozenset(known)


def _unheard_of(store: Store, run: int | None, subsystem: str) -> str:
    """What to tell who may have mistyped a run or a subsystem, with the nearest names; empty where both are known."""
    doubts, runs = [], store.runs("quantities")
    if run is not None and run not in runs:
        doubts.append(f"run {run} is not in the store, {nearest(str(run), map(str, runs))}")
    if subsystem not in (EVERY, ""):
        certified = store.runs("verdicts")[-NEWEST:]
        known = {each.event.subsystem for each in store.latest_events(ENDS)}
        if certified:
            known |= set(store.read("verdicts", certified, ["subsystem"])["subsystem"].unique().to_pylist())
        if subsystem not in known:
            doubts.append(f"nothing is known of subsystem {subsystem}, {nearest(subsystem, known - {''})}")
    return "".join(f"; note: {each}" for each in doubts)


def _target(run: int | None, subsystem: str) -> str:
    """The target in words; raises ``InputError`` for what can be neither a run nor a subsystem."""
    if run is not None and not 0 <= run < 2**31:
        raise InputError(f"run numbers must lie in [0, 2^31), not {run}")
    if (subsystem and not subsystem.strip()) or len(subsystem) > MOST_SUBSYSTEM or not subsystem.isprintable():
        raise InputError(
            f"a subsystem has 1 to {MOST_SUBSYSTEM} visible characters, is {EVERY} for every one, or empty for what "
            "belongs to none"
        )
    part = {EVERY: "every subsystem", "": "no subsystem"}.get(subsystem, f"subsystem {subsystem}")
    return f"{'every run' if run is None else f'run {run}'}, {part}"
