"""Brute-force oracles: slow, obvious, and what every fast function must equal."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

Key = tuple[int, int]


def mask_of(ranges: Mapping[int, Iterable[tuple[int, int]]]) -> set[Key]:
    """Every lumisection of some closed ranges, one by one."""
    return {(run, ls) for run, each in ranges.items() for first, last in each for ls in range(first, last + 1)}


def ranges_of(lumisections: Iterable[Key]) -> dict[int, list[tuple[int, int]]]:
    """The closed ranges of a set of lumisections, grown one lumisection at a time."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for run, ls in sorted(set(lumisections)):
        each = ranges.setdefault(run, [])
        if each and each[-1][1] == ls - 1:
            each[-1] = (each[-1][0], ls)
        else:
            each.append((ls, ls))
    return ranges


def settle_duplicates(rows: Iterable[tuple[Key, tuple[float, ...]]]) -> dict[Key, tuple[float, ...] | None]:
    """One entry per lumisection: its values where all rows agree (NaN equals NaN), None where any two disagree."""
    settled: dict[Key, tuple[float, ...] | None] = {}
    for key, values in rows:
        if key not in settled:
            settled[key] = values
            continue
        kept = settled[key]
        if kept is not None and any(a != b and not (a != a and b != b) for a, b in zip(kept, values, strict=True)):
            settled[key] = None
    return settled


def decision_that_stands(said: Iterable[tuple[str, int, str]]) -> str | None:
    """What stands of one lumisection, from ``(name, rank, verdict)`` in the order in which they were said."""
    last: dict[str, tuple[int, str]] = {}
    for name, rank, verdict in said:
        leaders = {each: word for each, (held, word) in last.items() if held == 3}
        if rank == 3 and name not in leaders and len(set(leaders.values())) > 1:
            last = {each: held for each, held in last.items() if each not in leaders}
        last[name] = (rank, verdict)
    if not last:
        return None
    highest = max(rank for rank, _ in last.values())
    words = {word for rank, word in last.values() if rank == highest}
    return words.pop() if len(words) == 1 else "DISPUTED"


URGENCY = ["UNKNOWN", "DISPUTED", "NEEDS_REVIEW", "ASK", "REJECT", "BAD", "EXCLUDED", "ACCEPT", "GOOD"]
WORST = (("ASK", "UNKNOWN", "DISPUTED", "NEEDS_REVIEW"), ("REJECT", "BAD", "EXCLUDED"))
Judged = tuple[int, str, float, str, str, list[tuple[str, str, float, float]]]
"""One lumisection: number, decision, weight, subsystem, status, reasons as feature, subsystem, value, contribution."""


def aggregate(rows: list[Judged]) -> dict[str, object]:
    """What a queue needs of one run, from its lumisections in any order, one by one."""
    rows = sorted(rows, key=lambda row: row[0])
    ranges: list[list[Judged]] = []
    for row in rows:
        if ranges and ranges[-1][-1][0] + 1 == row[0] and ranges[-1][-1][1] == row[1]:
            ranges[-1].append(row)
        else:
            ranges.append([row])
    of_kind = [[each for each in ranges if each[0][1] in kind] for kind in WORST]
    candidates = of_kind[0] or of_kind[1]
    worst = max(candidates, key=lambda each: (sum(row[2] for row in each), len(each))) if candidates else []
    cells = min(156, len(rows))
    begins = [cell * len(rows) // cells for cell in range(cells)]
    pixels = [[row[1] for row in rows[a:b]] for a, b in itertools.pairwise([*begins, len(rows)])]
    status = _most([row[4] for row in worst])
    return {
        "counts": {word: sum(row[1] == word for row in rows) for word in {row[1] for row in rows}},
        "weights": {word: sum(row[2] for row in rows if row[1] == word) for word in {row[1] for row in rows}},
        "subsystem": _most([row[3] for row in worst]),
        "status": status,
        "reason": None if status else _main_reason(worst),
        "strip": [min(each, key=URGENCY.index) for each in pixels],
    }


def _most(words: list[str]) -> str:
    return max(words, key=words.count) if words else ""


def _main_reason(rows: list[Judged]) -> tuple[str, str, float] | None:
    """Feature, subsystem and mean contribution of the main reason: infinite ones first, then zero, then the largest."""
    total: dict[tuple[str, str], float] = {}
    for row in rows:
        for feature, subsystem, _, contribution in row[5]:
            total[feature, subsystem] = total.get((feature, subsystem), 0.0) + contribution
    if not total:
        return None
    highest = max(total, key=lambda key: (total[key] == float("inf"), total[key] == 0, total[key]))
    return *highest, total[highest] / len(rows)
