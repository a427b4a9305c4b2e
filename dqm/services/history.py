"""Entries of the audit chain as what they mean: sentences for people, decisions for the arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from dqm.model.amounts import counted
from dqm.model.decisions import PersonDecision
from dqm.model.people import Role
from dqm.model.verdicts import Decision
from dqm.store.audit import Entry
from dqm.store.freshness import joined_digest

Ranges = Iterable[tuple[int, int]]


def person_decisions(entries: Iterable[Entry]) -> list[PersonDecision]:
    """What people said of lumisections, in the order of the entries, as it was said."""
    return [_decision(each) for each in entries if each.action == "decide"]


def as_of(decisions: Iterable[PersonDecision], data: Mapping[int, str]) -> list[PersonDecision]:
    """The decisions as they count for the ``data`` digest of every run.

    A person spoke of the data that were there. Where they changed since, GOOD is NEEDS_REVIEW and so not golden;
    BAD and EXCLUDED stand.
    """
    return [
        replace(each, verdict=Decision.NEEDS_REVIEW)
        if each.verdict is Decision.GOOD and each.data != data.get(each.run, "")
        else each
        for each in decisions
    ]


def decisions_digest(entries: Iterable[Entry]) -> str:
    """Digest of all decisions among the entries, by their hashes."""
    return joined_digest(*(each.hash for each in entries if each.action == "decide"))


def told(entry: Entry) -> str:
    """An entry in one line: when, who, what and why; nothing in it can steer a terminal."""
    about = entry.fields
    comment = f": {printable(about['comment'])}" if about.get("comment") else ""
    return f"{entry.at:%Y-%m-%d %H:%M:%S} UTC {printable(entry.actor)} ({entry.role}) {_deed(entry)}{comment}"


def spelled(ranges: Ranges) -> str:
    """Ranges as people write them: ``1-10, 12``."""
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in ranges)


def moment(at: datetime | str) -> str:
    """A time with a zone for people, in UTC; one that is stored is text.

    >>> moment("2030-01-01T14:05:59+02:00")
    '2030-01-01 12:05 UTC'
    """
    given = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{given.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def printable(text: str) -> str:
    """The text with everything that is no visible character escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def role_of(entry: Entry) -> Role:
    """The role in which an entry was made."""
    return Role[entry.role.upper()]


def _deed(entry: Entry) -> str:
    about = entry.fields
    match entry.action:
        case "claim":
            return f"claimed it until {moment(about['until'])}"
        case "release":
            return "released it"
        case "decide":
            return f"decided {about['verdict']} for LS {spelled(about['ranges'])} ({about['reason']})"
        case "escalate":
            return f"asked an expert about LS {spelled(about['ranges'])}"
        case "sign":
            return f"signed it with {about['golden']} of {counted(about['lumisections'], 'lumisection')} golden"
        case "end":
            return "said that it ended"
        case "reopen":
            return "reopened it"
        case "publish":
            return f"published golden JSON version {about['version']}"
        case "propose":
            return f"proposed working point {about['digest'][:12]}"
        case "approve":
            return f"approved working point {about['digest'][:12]}" + (", their own" if about["alone"] else "")
        case "silence":
            return f"silenced alerts of {printable(entry.subject)} until {moment(about['until'])}"
        case "unsilence":
            return f"ended the silence of {printable(entry.subject)}"
        case "acknowledge":
            return f"acknowledged the alerts of {printable(entry.subject)}"
        case "promote":
            deed = "went back to {} from {}" if about.get("back") else "promoted {} instead of {}"
            return deed.format(*map(printable, (entry.subject, about["before"]))) + f": {printable(about['reason'])}"
        case "prune":
            return f"pruned the store: {counted(about['files'], 'file')}, {counted(about['deliveries'], 'delivery')}"
        case _:
            return f"{printable(entry.action)} {printable(entry.subject)}"


def _decision(entry: Entry) -> PersonDecision:
    about = entry.fields
    return PersonDecision(
        id=entry.id,
        run=int(entry.run or 0),
        name=entry.actor,
        role=role_of(entry),
        verdict=Decision(about["verdict"]),
        ranges=tuple((int(first), int(last)) for first, last in about["ranges"]),
        reason=about["reason"],
        data=about["data"],
    )
