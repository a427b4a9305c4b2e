"""Brute-force oracles: slow, obvious, and what every fast function must equal."""

from __future__ import annotations

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
