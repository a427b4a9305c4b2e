"""What goes on from one scan to the next is one anomaly, silence is no recovery, and many loops at once are one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dqm.decide.common_cause import with_common_causes
from dqm.decide.ongoing import LookedAt, continued
from dqm.decide.worst_loops import worst_loops
from dqm.model.sensors import SECOND, AnomalyInterval

HOUR = 3600 * SECOND
DAY = 24 * HOUR


def anomaly(loop: str, begin: float, end: float | None, kind: str = "level", severity: float = 3.0) -> AnomalyInterval:
    until = None if end is None else int(end * HOUR)
    return AnomalyInterval(loop, int(begin * HOUR), until, severity, kind, (f"{loop}.TT",), f"{loop} is off")


SEEN = LookedAt({"A": DAY}, {"A.TT": DAY})


def test_what_goes_on_at_the_begin_of_a_scan_is_the_same_anomaly() -> None:
    """Mutant: every night opens it anew."""
    (kept,), new = continued([anomaly("A", 20, None)], [anomaly("A", 24, 30, "drift", 4.0)], DAY, SEEN)
    assert (kept.begin, kept.end, kept.kind, kept.severity) == (20 * HOUR, 30 * HOUR, "drift", 4.0)
    assert new == []


def test_it_ends_where_its_loop_was_looked_at_and_goes_on_where_not() -> None:
    """Mutant: a loop that nobody heard of has recovered."""
    before = [anomaly("A", 20, None), anomaly("B", 20, None), anomaly("A", 21, None, "gap"), anomaly("B", 2, 3)]
    late = LookedAt({"A": DAY + HOUR}, {"A.TT": DAY + 2 * HOUR})
    kept, _ = continued(before, [], DAY, late)
    assert [each.end for each in kept] == [25 * HOUR, None, 26 * HOUR, 3 * HOUR]


def test_a_second_scan_of_the_same_hours_says_the_same() -> None:
    found = [anomaly("A", 24, 30), anomaly("A", 40, None)]
    once, new = continued([anomaly("A", 20, None)], found, DAY, SEEN)
    twice, again = continued(once, found, DAY, SEEN)
    assert (once, new) == (twice, again)


def test_what_outlasts_the_service_alarms() -> None:
    hushed = replace(anomaly("A", 20, None), suppressed="service")
    (kept,), _ = continued([hushed], [anomaly("A", 24, 30)], DAY, SEEN)
    assert kept.alarms
    (kept,), _ = continued([hushed], [replace(anomaly("A", 24, 30), suppressed="issue")], DAY, SEEN)
    assert not kept.alarms


LOOPS = tuple("ABCDEFGH")
SECTOR = dict.fromkeys(LOOPS, "S12")


def moved(*ends: float | None) -> list[AnomalyInterval]:
    """One anomaly each of as many loops, which begin within some minutes."""
    return [anomaly(loop, 10 + 0.1 * i, end) for i, (loop, end) in enumerate(zip(LOOPS, ends, strict=False))]


def test_half_of_the_loops_at_once_are_one_incident() -> None:
    found = with_common_causes(moved(12, 12, 12.5, 13), SECTOR)
    (cause,) = [each for each in found if each.alarms]
    assert (cause.loop, cause.begin, cause.end, cause.loops) == ("S12", 10 * HOUR, int(12.5 * HOUR), 4)
    assert cause.reason == "4 of 8 loops of S12 at once, such as A, B, C; A: A is off"
    assert {each.cause for each in found if each is not cause} == {"S12"}
    assert [each.loop for each in worst_loops(found, DAY)] == ["S12"]


@pytest.mark.parametrize(
    "found",
    [
        moved(12, 12, 12),
        [anomaly(loop, 3 * i, 3 * i + 1) for i, loop in enumerate(LOOPS)],
        [anomaly(loop, 10, 12, kind) for loop, kind in zip("ABCDEF", ("gap", "stuck", "level") * 2, strict=True)],
        [anomaly("A", 10 + i / 10, 10 + (i + 0.5) / 10) for i in range(8)],
    ],
    ids=["too few", "one after the other", "of several kinds", "one loop"],
)
def test_what_is_no_common_cause_stays_an_incident_of_each_loop(found: list[AnomalyInterval]) -> None:
    assert with_common_causes(found, SECTOR) == found


def test_loops_without_a_sector_have_nothing_in_common() -> None:
    assert with_common_causes(moved(12, 12, 12, 12), dict.fromkeys(LOOPS, "")) == moved(12, 12, 12, 12)


def test_a_fault_that_outlasts_the_common_cause_or_began_before_it_is_not_lost() -> None:
    """Mutant: the supply that moves hides the valve that hunts."""
    own = [anomaly("F", 6, 20), *moved(12, 12, 12, 12, None)]
    found = with_common_causes(own, SECTOR)
    assert {each.loop for each in found if each.alarms} == {"S12", "E", "F"}


def test_a_cause_that_goes_on_over_midnight_stays_one_and_what_outlasts_it_is_told() -> None:
    before = with_common_causes(moved(None, None, None, None), SECTOR)
    everywhere = LookedAt(dict.fromkeys([*LOOPS, "S12"], DAY))
    edge = [anomaly(loop, 24, 26) for loop in "ABCD"]
    kept, new = continued(before, with_common_causes(edge, SECTOR), DAY, everywhere)
    assert [each.loop for each in (*kept, *new) if each.alarms] == ["S12"]
    assert {each.end for each in kept} == {26 * HOUR}
    kept, new = continued(before, [anomaly("A", 24, None)], DAY, everywhere)
    assert [(each.loop, each.end) for each in kept if each.alarms] == [("A", None), ("S12", DAY)]


def test_faults_of_their_own_that_go_on_over_midnight_get_no_common_cause() -> None:
    """Mutant: all that begins with the scan begins at once."""
    before = [anomaly(loop, 3 * i, None) for i, loop in enumerate("ABCD")]
    edge = with_common_causes([anomaly(loop, 24, None) for loop in "ABCD"], SECTOR)
    kept, new = continued(before, edge, DAY, LookedAt())
    assert new == []
    assert all(each.alarms for each in kept)
