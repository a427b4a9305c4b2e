"""Anomalies over several scans: one that goes on where a scan ended is the same one in the next scan.

What a scan leaves open ends only when a later one has looked at it and it was over: silence is no recovery.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dqm.model.sensors import SECOND, AnomalyInterval

CERTAIN = ("gap", "stuck", "unit-change")
"""Kinds that need no statistics; all others are of one family, as a stretch may change the name of what leads."""
AFTER = 3600
"""Seconds by which an anomaly may outlast the common cause that carries it."""
FEWEST = 4
"""Loops that a common cause has, at least."""
MERGE = 600
"""Seconds after the begin of a scan within which what opens goes on from before."""


@dataclass(frozen=True)
class LookedAt:
    """From which moment (ns of UTC) on a scan could judge each loop, and heard each sensor; others it says nothing of.

    ``loops`` are judged by what is usual, ``sensors`` had a valid reading.
    """

    loops: Mapping[str, int] = field(default_factory=dict)
    sensors: Mapping[str, int] = field(default_factory=dict)

    def over_at(self, each: AnomalyInterval) -> int | None:
        """From when on the loop of an anomaly, or all sensors that drove it, were looked at; None: they were not."""
        if each.kind not in CERTAIN:
            return self.loops.get(each.loop)
        heard = [self.sensors.get(name) for name in each.drivers]
        return max((at for at in heard if at is not None), default=None) if None not in heard else None


def family(each: AnomalyInterval) -> tuple[str, str]:
    """Loop, and kind where it is certain: anomalies that can be the same one."""
    return each.loop, each.kind if each.kind in CERTAIN else ""


def reaches(each: AnomalyInterval, begin: int) -> bool:
    """Whether it goes on, or ended so late that a scan from ``begin`` on has something to say of it."""
    return each.end is None or each.end >= begin - AFTER * SECOND


def continued(
    before: Sequence[AnomalyInterval], found: Sequence[AnomalyInterval], begin: int, looked: LookedAt
) -> tuple[list[AnomalyInterval], list[AnomalyInterval]]:
    """Anomalies ``before`` a scan that began at ``begin`` (ns of UTC) as it leaves them, and what it found beside.

    Those that reach ``begin``, and those that go on, are taken up by what was ``found`` within ``MERGE`` of the begin
    of the scan. Where nothing takes one up it ended when its loop was looked at; where that was not, it goes on. One
    that had no common cause before has none now, and one that outlasts its cause is an incident of its own again.
    """
    edge = {family(each): each for each in reversed(found) if each.begin <= begin + MERGE * SECOND}
    taken: set[int] = set()
    kept = []
    for each in before:
        later = edge.get(family(each))
        if each.end is not None and each.end < begin:
            kept.append(each)
        elif later is not None and id(later) not in taken:
            taken.add(id(later))
            kept.append(_one(each, later))
        else:
            over = looked.over_at(each)
            kept.append(replace(each, end=None if over is None else max(over, begin)))
    new = _worth_it([each for each in found if id(each) not in taken])
    carriers = [*kept, *new]
    return [_freed(each, carriers) for each in kept], [_freed(each, carriers) for each in new]


def _one(first: AnomalyInterval, later: AnomalyInterval) -> AnomalyInterval:
    """Both as one: told as by the more severe, suppressed only where both are."""
    worse = later if later.severity > first.severity else first
    hushed = first.suppressed if first.suppressed and later.suppressed else ""
    return replace(worse, begin=first.begin, end=later.end, suppressed=hushed, cause=first.cause)


def _worth_it(new: Sequence[AnomalyInterval]) -> list[AnomalyInterval]:
    """Without common causes that carry fewer than ``FEWEST``, as the others went on from before by themselves."""
    carried: dict[str, set[str]] = {}
    for each in new:
        carried.setdefault(each.cause, set()).add(each.loop)
    return [each for each in new if not each.loops or len(carried.get(each.loop, ())) >= FEWEST]


def _freed(each: AnomalyInterval, carriers: Sequence[AnomalyInterval]) -> AnomalyInterval:
    """The anomaly, without a cause where none carries it to its end."""
    if not each.cause:
        return each
    causes = [one for one in carriers if one.loop == each.cause and family(one)[1] == family(each)[1]]
    held = any(
        one.end is None or (each.end is not None and each.begin <= one.end and each.end <= one.end + AFTER * SECOND)
        for one in causes
    )
    return each if held else replace(each, cause="")
