"""Where a run stands, folded from its entries: open, claimed, signed, reopened, or signed with data that changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dqm.model.decisions import RunState
from dqm.model.errors import InputError, UnknownNameError
from dqm.model.people import Person, Role
from dqm.services.history import role_of
from dqm.store.audit import Entry
from dqm.store.freshness import data_digests
from dqm.store.store import Store

RUN_ACTIONS = ("claim", "release", "decide", "escalate", "sign", "reopen", "end")
"""Actions that change where a run stands; a form that did not show one of them is stale."""


@dataclass(frozen=True)
class Standing:
    """One run: its ``state``, the ``claim`` that holds, the sign-off that holds, open ``escalations``.

    ``last`` is the number of its last entry, 0 before the first: what a form sends back as ``expected``. ``entries``
    are all of the run, oldest first; ``data`` is the digest of what the store holds of it now.
    """

    run: int
    state: RunState
    claim: Entry | None
    signed: Entry | None
    escalations: tuple[Entry, ...]
    entries: tuple[Entry, ...]
    data: str

    @property
    def last(self) -> int:
        """Number of the last entry that changed where the run stands."""
        return self.entries[-1].id if self.entries else 0

    @property
    def holder(self) -> Person | None:
        """Who holds the claim."""
        return None if self.claim is None else Person(self.claim.actor, role_of(self.claim))

    @property
    def until(self) -> datetime | None:
        """When the claim ends."""
        return None if self.claim is None else datetime.fromisoformat(self.claim.fields["until"])

    @property
    def signed_data(self) -> str:
        """Digest of the data about which people spoke: as signed, or as they are now."""
        return str(self.signed.fields["data"]) if self.signed else self.data


def standing(run: int, entries: Iterable[Entry], data: str, at: datetime) -> Standing:
    """Fold the entries of one run, oldest first, at the moment ``at``."""
    given = tuple(each for each in entries if each.action in RUN_ACTIONS)
    claim = signed = reopened = None
    escalations: list[Entry] = []
    for each in given:
        if each.action == "claim":
            claim = each
        elif each.action == "escalate":
            escalations.append(each)
        elif each.action == "decide" and role_of(each) > Role.SHIFTER:
            escalations.clear()
        elif each.action in ("release", "reopen"):
            claim, signed, reopened = None, None, each if each.action == "reopen" else reopened
        elif each.action == "sign":
            claim, signed, reopened = None, each, None
            escalations.clear()
    if claim and at >= datetime.fromisoformat(claim.fields["until"]):
        claim = None
    return Standing(run, _state(claim, signed, reopened, data), claim, signed, tuple(escalations), given, data)


def standing_of(store: Store, run: int, at: datetime) -> Standing:
    """Where one run stands now."""
    return standing(run, store.audit(run), data_digests(store, run=run).get(run, ""), at)


def known_run(store: Store, run: int, at: datetime) -> Standing:
    """The same of a run that the store holds; raises ``UnknownNameError`` for any other, ``InputError`` for no run."""
    found = standing_of(store, run, at)
    if not found.data and not store.partitions("verdicts", run=run):
        if not store.runs("quantities"):
            raise InputError(f"run {run}: {store.path} holds no run yet; next: dqm ingest")
        raise UnknownNameError("run", str(run), map(str, store.runs("quantities")))
    return found


def standings(store: Store, at: datetime) -> dict[int, Standing]:
    """Where every run stands of which the store holds quantities or verdicts, ascending."""
    entries: dict[int, list[Entry]] = {}
    for each in store.audit():
        if each.run is not None:
            entries.setdefault(each.run, []).append(each)
    data = data_digests(store)
    runs = sorted({*data, *store.runs("verdicts")})
    return {run: standing(run, entries.get(run, ()), data.get(run, ""), at) for run in runs}


def _state(claim: Entry | None, signed: Entry | None, reopened: Entry | None, data: str) -> RunState:
    if signed:
        return RunState.SIGNED if signed.fields["data"] == data else RunState.NEEDS_REVIEW
    if claim:
        return RunState.CLAIMED
    return RunState.REOPENED if reopened else RunState.OPEN
