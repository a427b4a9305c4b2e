"""What keeps a run from being signed, what is in it, and who said what: pure tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from dashboard.look.palette import STATES
from dashboard.look.wording import reason
from dashboard.verdicts.run_tables import Range, ranges_in
from dqm.model.amounts import counted
from dqm.model.decisions import OPEN_DECISIONS, PersonDecision, RunState
from dqm.model.people import Person, Role
from dqm.model.reason_codes import REASON_CODES
from dqm.model.verdicts import GOLDEN, Decision, Verdicts
from dqm.services.difference import Difference
from dqm.services.history import moment, person_decisions, role_of, spelled, told
from dqm.services.outdated import Outdated
from dqm.services.standing import Standing
from dqm.services.versions import GoldenVersion
from dqm.store.audit import Entry


@dataclass(frozen=True)
class Voice:
    """What one person says of lumisections in dispute: decision, role, reason in words, comment, and when."""

    name: str
    role: Role
    verdict: Decision
    reason: str
    comment: str
    at: datetime

    def text(self) -> str:
        """In one line; nothing in it was made harmless yet."""
        said = f"{self.name} ({self.role.word}): {self.verdict}, {self.reason}"
        return f"{said}: “{self.comment}”" if self.comment.strip() else said


def blockers(found: Sequence[Range]) -> list[Range]:
    """The ranges that need a person, in order."""
    return [each for each in found if each.decision in OPEN_DECISIONS]


def obstacles(
    found: Standing, person: Person, *, provisional: bool, changed: bool, outdated: Outdated | None
) -> list[str]:
    """What keeps this person from signing, besides what is open, a sentence each; the service has the last word."""
    said = []
    if person.role < Role.EXPERT:
        said.append(f"Signing needs an expert or a leader; {person.name} is {person.role.word}.")
    holder = found.holder
    if holder and holder.name != person.name and holder.role >= person.role:
        said.append(f"{holder.name} ({holder.role.word}) has claimed it until {found.until:%H:%M} UTC.")
    if provisional:
        said.append("It still grew when it was certified: wait for its end, or name it ended with dqm end-run.")
    if changed:
        said.append("Its data changed after it was certified: score and certify it again.")
    elif outdated:
        said.append(f"It {outdated.text()}.")
    return said


def coverage(verdicts: Verdicts) -> pd.DataFrame:
    """What stands in a run: lumisections and weight of every decision that occurs, and whether it is golden."""
    names, rows = verdicts.decision.astype(str), []
    whole = float(verdicts.weight.sum())
    for each in Decision:
        here = names == str(each)
        if here.any():
            weight = float(verdicts.weight[here].sum())
            share = 100 * weight / whole if whole else float("nan")
            golden = "yes" if each in GOLDEN else "no"
            rows.append((STATES[each].title, int(here.sum()), weight, share, golden))
    return pd.DataFrame(rows, columns=["decision", "lumisections", "weight", "share", "golden"])


def golden_share(verdicts: Verdicts) -> float:
    """Share of the weight that is golden; NaN where there is no weight."""
    whole = float(verdicts.weight.sum())
    return float(verdicts.weight[verdicts.having(GOLDEN)].sum()) / whole if whole else float("nan")


def blocker_table(found: Sequence[Range]) -> pd.DataFrame:
    """The ranges that need a person with their reasons."""
    return pd.DataFrame(
        {
            "lumisections": [spelled([(each.first, each.last)]) for each in found],
            "number": [each.lumisections for each in found],
            "decision": [STATES[each.decision].title for each in found],
            "weight": [each.weight for each in found],
            "subsystem": [each.subsystem for each in found],
            "reason": [each.status or (reason(each.reasons[0]) if each.reasons else "") for each in found],
        }
    )


def disputed(verdicts: Verdicts) -> list[tuple[int, int]]:
    """The lumisections in dispute, as ranges of neighbours."""
    ls = np.asarray(verdicts.index.get_level_values("ls"))
    return list(ranges_in(ls, verdicts.having(frozenset({Decision.DISPUTED}))))


def disputes(
    entries: Sequence[Entry], ranges: Sequence[tuple[int, int]]
) -> list[tuple[list[tuple[int, int]], list[Voice]]]:
    """Ranges in dispute, those together about which the same was said, with what everybody last said of them."""
    found: dict[tuple[Voice, ...], list[tuple[int, int]]] = {}
    for each in ranges:
        found.setdefault(tuple(_voices(entries, each)), []).append(each)
    return [(places, list(said)) for said, places in found.items()]


def may_rule(person: Person, said: Sequence[Voice]) -> bool:
    """Whether a decision of this person ends the dispute: of a higher rank, or a leader who had not spoken there."""
    highest = max(each.role for each in said)
    return person.role > highest or (person.role is Role.LEADER and person.name not in {each.name for each in said})


def history_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """What people did in words, the newest first, with the number of the entry and how its hash begins."""
    newest = list(entries)[::-1]
    return pd.DataFrame(
        {
            "entry": [each.id for each in newest],
            "what": [told(each) for each in newest],
            "hash": [each.hash[:12] for each in newest],
        }
    )


def difference_table(found: Difference) -> pd.DataFrame:
    """What a new golden JSON would gain and lose, run by run."""
    return pd.DataFrame(
        {
            "run": [each.run for each in found.moved],
            "change": ["▲ enters" if each.enters else "▼ leaves" for each in found.moved],
            "lumisections": [spelled(each.ranges) for each in found.moved],
            "number": [each.lumisections for each in found.moved],
            "weight": [each.weight for each in found.moved],
            "now": [", ".join(f"{number} {state}" for state, number in each.now.items()) for each in found.moved],
        }
    )


def version_table(found: Sequence[GoldenVersion]) -> pd.DataFrame:
    """Every version of the golden JSON."""
    return pd.DataFrame(
        {
            "version": [each.published.version for each in found],
            "published": [f"{each.at:%Y-%m-%d %H:%M:%S} UTC" if each.at else "" for each in found],
            "by": [each.by for each in found],
            "lumisections": [each.lumisections for each in found],
            "bytes": [each.published.size for each in found],
            "sha256": [each.published.sha256 for each in found],
        }
    )


def standing_words(found: Standing) -> str:
    """Where a run stands, in a sentence."""
    if found.signed:
        about = found.signed.fields
        signed = (
            f"Signed by {found.signed.actor} ({role_of(found.signed).word}) at {moment(found.signed.at)} "
            f"with {about['golden']} of {counted(about['lumisections'], 'lumisection')} golden."
        )
        late = " Its data changed since; what was signed stands until it is reopened."
        return signed + (late if found.state is RunState.NEEDS_REVIEW else "")
    if found.holder and found.until:
        return f"Claimed by {found.holder.name} ({found.holder.role.word}) until {moment(found.until)}."
    return "Reopened: it was signed before." if found.state is RunState.REOPENED else "Nobody has claimed it."


def _voices(entries: Sequence[Entry], place: tuple[int, int]) -> list[Voice]:
    """What everybody last said of any of these neighbours, in order."""
    by_id = {each.id: each for each in entries}
    last: dict[str, PersonDecision] = {}
    for each in person_decisions(entries):
        if any(first <= place[1] and place[0] <= end for first, end in each.ranges):
            last.pop(each.name, None)
            last[each.name] = each
    return [_voice(by_id[each.id], each) for each in last.values()]


def _voice(entry: Entry, said: PersonDecision) -> Voice:
    words = REASON_CODES.get(said.reason, said.reason)
    return Voice(said.name, said.role, said.verdict, words, str(entry.fields.get("comment", "")), entry.at)
