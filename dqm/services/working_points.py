"""Proposing and approving a working point: two people, unless there is one only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from dqm.model.errors import InputError, RefusedError, UnknownNameError
from dqm.model.people import People, Role
from dqm.model.verdicts import WorkingPoint
from dqm.services.submission import Desk, Judgement, Recorded, checked_text, submit
from dqm.store.audit import Entry
from dqm.store.schema import CHAMPION
from dqm.store.store import Store

BY_HAND = "thresholds named by a person"
"""The policy of a working point that nothing chose."""


@dataclass(frozen=True)
class Proposal:
    """A working point that somebody proposed; ``approved`` is the entry that approved it, None before."""

    entry: Entry
    working_point: WorkingPoint
    approved: Entry | None


def by_hand(chosen: WorkingPoint, accept_below: float, reject_above: float) -> WorkingPoint:
    """Thresholds that a person names, in the place of those that were chosen; raises ``InputError`` for no pair."""
    if not 0 <= accept_below <= reject_above:
        raise InputError(
            f"accept below {accept_below:g} and reject from {reject_above:g} are no pair: "
            "name both, the first not above the second, neither below 0"
        )
    return replace(chosen, accept_below=accept_below, reject_above=reject_above, policy=BY_HAND)


def propose(
    store: Store,
    people: People,
    name: str,
    point: WorkingPoint,
    comment: str,
    *,
    nonce: str,
    at: datetime | None = None,
) -> Recorded:
    """Propose a working point for the model that scores now, with a reason; needs an expert or a leader."""
    why = checked_text(comment, "reason", required=True)
    if point.accept_below > 1:
        raise InputError(
            f"accept_below = {point.accept_below:g} would accept a badness of 1, which is a broken limit; "
            "propose 1 or less"
        )

    def judge(desk: Desk) -> Judgement:
        desk.require(Role.EXPERT, "to propose a working point")
        # As a text, since a threshold may be infinite, which JSON has no word for.
        fields = {"digest": point.digest, "working_point": json.dumps(asdict(point)), "comment": why}
        fields["model"] = _champion(desk.store)
        told = f"proposed: accept below {point.accept_below:.4g}, reject from {point.reject_above:.4g}"
        return Judgement("propose", f"working point {point.digest}", fields, told)

    return submit(store, people.person(name), nonce, at, judge)


def approve(
    store: Store,
    people: People,
    name: str,
    proposal: int,
    *,
    nonce: str,
    comment: str = "",
    at: datetime | None = None,
) -> Recorded:
    """Let a proposed working point decide from now on; needs a leader who did not propose it.

    Where there is one person only that person may, and the entry is marked ``alone``. What was decided stays until it
    is certified again, and signed runs stay for good. Raises ``UnknownNameError`` for an unknown proposal,
    ``RefusedError`` for one that was approved, overtaken by a later approval or made for another model.
    """
    text = checked_text(comment, "comment")

    def judge(desk: Desk) -> Judgement:
        desk.require(Role.LEADER, "to approve a working point")
        found = _proposal(desk.store, proposal)
        own = found.entry.actor == desk.person.name
        if own and not people.alone:
            raise RefusedError(f"{desk.person.name} proposed this working point; another leader has to approve it")
        if why := obstacle(desk.store, found):
            raise RefusedError(why)
        desk.change.add_working_point(found.working_point)
        digest = found.working_point.digest
        fields = {"digest": digest, "proposal": proposal, "alone": own, "comment": text}
        told = f"approved{', by who proposed it' if own else ''}; it decides at the next: dqm certify"
        return Judgement("approve", f"working point {digest}", fields, told)

    return submit(store, people.person(name), nonce, at, judge)


def proposals(store: Store) -> list[Proposal]:
    """Every working point that was proposed, oldest first."""
    entries = store.audit()
    approved = {each.fields["proposal"]: each for each in entries if each.action == "approve"}
    given = [each for each in entries if each.action == "propose"]
    return [Proposal(each, _point(each), approved.get(each.id)) for each in given]


def approval(store: Store) -> Entry | None:
    """The entry that approved the working point which decides now; None where a training chose it."""
    point = store.working_points()
    found = [each.approved for each in proposals(store) if each.approved]
    if not point or not found:
        return None
    latest = max(found, key=lambda each: each.id)
    return latest if latest.fields["digest"] == point[-1].working_point.digest else None


def obstacle(store: Store, found: Proposal) -> str:
    """Why a proposal cannot be approved any more, in a sentence; empty where it can."""
    number = found.entry.id
    if found.approved:
        return f"proposal {number} was approved by {found.approved.actor} already"
    later = [each for each in proposals(store) if each.approved and each.approved.id > number]
    if later:
        by = later[-1].entry
        return f"proposal {number} is overtaken: proposal {by.id} of {by.actor} was approved since; propose it again"
    if found.entry.fields["model"] != _champion(store):
        return f"proposal {number} was made for another model than scores now; propose it again"
    return ""


def _proposal(store: Store, number: int) -> Proposal:
    found = {each.entry.id: each for each in proposals(store)}
    if number not in found:
        raise UnknownNameError("proposal", str(number), map(str, found))
    return found[number]


def _champion(store: Store) -> str:
    model = store.pointed(CHAMPION)
    if model is None:
        raise InputError(f"{store.path} holds no model to choose a working point for; make one with: dqm train")
    return model.model_id


def _point(entry: Entry) -> WorkingPoint:
    return WorkingPoint(**json.loads(entry.fields["working_point"]))
