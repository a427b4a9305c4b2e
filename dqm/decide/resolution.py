"""What stands where the machine and several people spoke: one decision per lumisection, as columns over all of them.

1. A person's later decision replaces that person's own earlier one.
2. A person stands over the machine, an expert over a shifter, a leader over an expert.
3. Equals of the highest rank that spoke who disagree make the lumisection DISPUTED, which a higher rank ends, or they
   themselves by agreeing. Above leaders there is nobody: a leader who had not spoken there rules, and what leaders said
   before stands no more.

Nothing here depends on the clock: decisions are taken in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dqm.model.decisions import PersonDecision
from dqm.model.keys import LumiMask
from dqm.model.people import Role
from dqm.model.verdicts import CODES, Decision, Verdicts

NOBODY = -1
"""The code where no person said anything."""
STATUS = {
    Decision.DISPUTED: "people of equal rank disagree",
    Decision.NEEDS_REVIEW: "the data changed after a person called it GOOD",
}


@dataclass(frozen=True, eq=False)
class Resolution:
    """What people say of ``n`` lumisections: ``code`` int8 ``(n,)``, NOBODY where none did; ``by`` int64 ``(n,)``, the
    latest decision that says so, 0 where there is none."""

    code: NDArray[np.int8]
    by: NDArray[np.int64]


def resolve(run: NDArray[np.int64], ls: NDArray[np.int64], decisions: Iterable[PersonDecision]) -> Resolution:
    """Resolve what people said of the lumisections ``(run, ls)``, ``(n,)`` each, in any order.

    Cost: one sweep over the lumisections of a run per decision on it; runs without decisions cost nothing.
    """
    found = Resolution(np.full(len(run), NOBODY, dtype=np.int8), np.zeros(len(run), dtype=np.int64))
    by_run: dict[int, list[PersonDecision]] = {}
    for each in sorted(decisions, key=lambda said: said.id):
        by_run.setdefault(each.run, []).append(each)
    order = np.argsort(run, kind="stable")
    ordered = run[order]
    for number, said in by_run.items():
        first, last = np.searchsorted(ordered, [number, number + 1])
        rows = order[first:last]
        found.code[rows], found.by[rows] = _of_run(ls[rows], said)
    return found


def effective_codes(machine: NDArray[np.int8], people: Resolution) -> NDArray[np.int8]:
    """The decision that stands, as codes ``(n,)``: a person's where one spoke, else the machine's."""
    return np.where(people.code == NOBODY, machine, people.code)


def effective(verdicts: Verdicts, decisions: Iterable[PersonDecision]) -> Verdicts:
    """The verdicts with people's decisions in; where a person spoke, ``status`` says of which rank and why.

    Badness, reasons and weight stay the machine's; no name of a person gets in.
    """
    given = list(decisions)
    run, ls = (np.asarray(verdicts.index.get_level_values(name), dtype=np.int64) for name in ("run", "ls"))
    people = resolve(run, ls, given)
    names = np.array(list(Decision), dtype=object)
    said = {each.id: f"{each.role.word}: {each.reason}" for each in given}
    decision, status = verdicts.decision.copy(), verdicts.status.copy()
    spoken = people.code != NOBODY
    decision[spoken] = names[people.code[spoken]]
    for at in np.flatnonzero(spoken).tolist():
        status[at] = STATUS.get(decision[at]) or said[int(people.by[at])]
    return replace(verdicts, decision=decision, status=status)


def _of_run(ls: NDArray[np.int64], decisions: list[PersonDecision]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Code and deciding entry ``(m,)`` of the lumisections of one run, from decisions in their order.

    Three matrices ``(p, m)`` hold what each of p people last said: code, rank (0: nothing stands) and entry.
    """
    people = {name: i for i, name in enumerate(sorted({each.name for each in decisions}))}
    code = np.full((len(people), len(ls)), NOBODY, dtype=np.int8)
    rank, entry = np.zeros(code.shape, dtype=np.int8), np.zeros(code.shape, dtype=np.int64)
    for each in decisions:
        row, here = people[each.name], _inside(ls, each)
        if each.role is Role.LEADER:
            _end_disputes(code, rank, row, here)
        code[row, here], rank[row, here], entry[row, here] = CODES[each.verdict], each.role, each.id
    standing = (rank == rank.max(axis=0)) & (rank > 0)
    lowest, highest, any_standing = _extremes(code, standing)
    said = np.where(lowest == highest, lowest, np.int8(CODES[Decision.DISPUTED]))
    said = np.where(any_standing, said, np.int8(NOBODY)).astype(np.int8)
    return said, np.where(standing, entry, 0).max(axis=0)


def _end_disputes(code: NDArray[np.int8], rank: NDArray[np.int8], row: int, here: NDArray[np.bool_]) -> None:
    """Where leaders disagree and the one of ``row`` had not spoken, what they said stands no more."""
    leaders = rank == Role.LEADER
    lowest, highest, _ = _extremes(code, leaders)
    ended = leaders & (here & (lowest != highest) & ~leaders[row])
    code[ended], rank[ended] = NOBODY, 0


def _extremes(
    code: NDArray[np.int8], among: NDArray[np.bool_]
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.bool_]]:
    """Smallest and largest code ``(m,)`` among the chosen ones, equal where there are none, and where there are any."""
    exists = np.asarray(among.any(axis=0))
    lowest = np.where(among, code, np.int8(127)).min(axis=0)
    highest = np.where(among, code, np.int8(NOBODY)).max(axis=0)
    return np.where(exists, lowest, highest).astype(np.int8), highest, exists


def _inside(ls: NDArray[np.int64], decision: PersonDecision) -> NDArray[np.bool_]:
    return LumiMask({decision.run: decision.ranges}).contains(np.full(len(ls), decision.run), ls)
