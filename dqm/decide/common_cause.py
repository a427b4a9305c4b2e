"""Loops of a sector that go wrong at once: what supplies them has moved, and one incident is told instead of fifty.

Within ``ONSET`` seconds anomalies of one family (``dqm.decide.ongoing.family``) begin in at least half of the loops of
a subsystem, ``FEWEST`` at least: then a pseudo-loop that is called by the subsystem carries them. It lasts while half
of them go on. What outlasts it by more than ``AFTER`` seconds, and what began outside, stays an incident of its own
loop.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dqm.decide.ongoing import AFTER, FEWEST, family
from dqm.model.sensors import SECOND, AnomalyInterval

ONSET, SHARE = 7200, 0.5
NAMED = 3
"""Loops that the reason names."""


def with_common_causes(found: Sequence[AnomalyInterval], sectors: Mapping[str, str]) -> list[AnomalyInterval]:
    """The anomalies, and one more for each common cause, which the anomalies that it carries name as their ``cause``.

    ``sectors`` is the subsystem of every loop that was looked at; one without a subsystem has nothing in common.
    """
    size = Counter(sectors.values())
    groups: dict[tuple[str, str], list[int]] = {}
    for i, each in sorted(enumerate(found), key=lambda one: one[1].begin):
        if sector := sectors.get(each.loop, ""):
            groups.setdefault((sector, family(each)[1]), []).append(i)
    told, more = list(found), []
    for (sector, _), members in groups.items():
        need = max(FEWEST, math.ceil(SHARE * size[sector]))
        for together in _onsets(found, members, need):
            cause, carried = _carried(sector, size[sector], [found[i] for i in together])
            if len({each.loop for each in carried}) < FEWEST:
                continue
            more.append(cause)
            for i in together:
                if found[i] in carried:
                    told[i] = replace(found[i], cause=sector)
    return [*told, *more]


def _onsets(found: Sequence[AnomalyInterval], members: Sequence[int], need: int) -> Iterator[list[int]]:
    """Groups of ``members`` (in order of their begin) that begin within ``ONSET``, in ``need`` loops at least."""
    first = 0
    while first < len(members):
        begin = found[members[first]].begin
        group = [i for i in members[first:] if found[i].begin <= begin + ONSET * SECOND]
        if len({found[i].loop for i in group}) >= need:
            yield group
            first += len(group)
        else:
            first += 1


def _carried(
    sector: str, loops: int, those: Sequence[AnomalyInterval]
) -> tuple[AnomalyInterval, list[AnomalyInterval]]:
    """The anomaly of the pseudo-loop, and those of ``those`` that it carries."""
    ends = sorted(math.inf if each.end is None else each.end for each in those)
    half = ends[len(ends) // 2]
    end = None if math.isinf(half) else int(half)
    carried = [each for each in those if end is None or (each.end is not None and each.end <= end + AFTER * SECOND)]
    worst = max(carried, key=lambda each: each.severity)
    kind = Counter(each.kind for each in carried).most_common(1)[0][0]
    names = list(dict.fromkeys(each.loop for each in carried))
    drivers = tuple(dict.fromkeys(each.drivers[0] for each in carried if each.drivers))[:NAMED]
    which = ", ".join(names[:NAMED])
    reason = f"{len(names)} of {loops} loops of {sector} at once, such as {which}; {worst.loop}: {worst.reason}"
    return AnomalyInterval(
        sector, min(each.begin for each in carried), end, worst.severity, kind, drivers, reason, loops=len(names)
    ), carried
