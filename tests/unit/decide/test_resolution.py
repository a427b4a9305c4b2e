"""People over the machine: every rule by itself, and all of them against a loop over lumisections."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqm.decide.publish import anti_reasons, masks
from dqm.decide.resolution import NOBODY, effective, resolve
from dqm.model.decisions import SAID, PersonDecision
from dqm.model.keys import LumiMask
from dqm.model.people import Role
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import CODES, Decision, Verdicts
from tests.naive import decision_that_stands

GOOD, BAD, EXCLUDED = SAID
NAMES = {code: str(each) for each, code in CODES.items()} | {NOBODY: None}
NUMBERS = itertools.count(1)


def said(
    name: str, role: Role, verdict: Decision, first: int = 1, last: int = 3, run: int = 7, id_: int = 0
) -> PersonDecision:
    return PersonDecision(id_ or next(NUMBERS), run, name, role, verdict, ((first, last),), "noise", "d")


def words(*decisions: PersonDecision, n: int = 3) -> list[str | None]:
    """What people say of LS 1 to n of run 7."""
    found = resolve(np.full(n, 7), np.arange(1, n + 1), decisions)
    return [NAMES[each] for each in found.code.tolist()]


@pytest.mark.parametrize(
    ("decisions", "stands"),
    [
        ([], None),
        ([("a", Role.SHIFTER, GOOD)], "GOOD"),
        ([("a", Role.SHIFTER, GOOD), ("a", Role.SHIFTER, BAD)], "BAD"),
        ([("a", Role.SHIFTER, GOOD), ("b", Role.SHIFTER, GOOD)], "GOOD"),
        ([("a", Role.SHIFTER, GOOD), ("b", Role.SHIFTER, BAD)], "DISPUTED"),
        ([("a", Role.SHIFTER, GOOD), ("b", Role.SHIFTER, BAD), ("b", Role.SHIFTER, GOOD)], "GOOD"),
        ([("a", Role.EXPERT, EXCLUDED), ("b", Role.SHIFTER, GOOD)], "EXCLUDED"),
        ([("a", Role.SHIFTER, GOOD), ("b", Role.SHIFTER, BAD), ("c", Role.EXPERT, BAD)], "BAD"),
        ([("a", Role.EXPERT, GOOD), ("b", Role.EXPERT, BAD), ("c", Role.LEADER, BAD)], "BAD"),
        ([("a", Role.EXPERT, GOOD), ("b", Role.EXPERT, BAD), ("c", Role.SHIFTER, BAD)], "DISPUTED"),
        ([("a", Role.LEADER, GOOD), ("b", Role.LEADER, BAD)], "DISPUTED"),
        ([("a", Role.LEADER, GOOD), ("b", Role.LEADER, BAD), ("a", Role.LEADER, GOOD)], "DISPUTED"),
        ([("a", Role.LEADER, GOOD), ("b", Role.LEADER, BAD), ("c", Role.LEADER, BAD)], "BAD"),
        ([("a", Role.LEADER, GOOD), ("b", Role.LEADER, BAD), ("a", Role.LEADER, BAD)], "BAD"),
    ],
)
def test_who_stands(decisions: list[tuple[str, Role, Decision]], stands: str | None) -> None:
    made = [said(*each) for each in decisions]
    assert words(*made) == [stands] * 3
    assert words(*reversed(made)) == [stands] * 3, "their numbers order them, not the list"


def test_every_lumisection_is_resolved_by_itself() -> None:
    found = words(said("a", Role.SHIFTER, GOOD, 1, 2), said("b", Role.SHIFTER, BAD, 2, 3), n=4)
    assert found == ["GOOD", "DISPUTED", "BAD", None]


def test_the_answer_names_the_decision_that_stands() -> None:
    first, second = said("a", Role.EXPERT, GOOD, id_=5), said("b", Role.SHIFTER, BAD, 1, 9, id_=6)
    found = resolve(np.array([8, 7, 7]), np.array([1, 9, 1]), [second, first])
    assert found.by.tolist() == [0, 6, 5]
    assert [NAMES[each] for each in found.code.tolist()] == [None, "BAD", "GOOD"]


ROLES = st.sampled_from(list(Role))
DECISIONS = st.lists(
    st.tuples(
        *(st.sampled_from("abcde"), ROLES, st.sampled_from(SAID), st.integers(1, 12), st.integers(0, 5)),
        st.sampled_from([7, 8]),
    ),
    max_size=14,
)


@given(DECISIONS, st.randoms(use_true_random=False))
def test_equals_a_loop_over_lumisections(given_: list[tuple[str, Role, Decision, int, int, int]], dice: object) -> None:
    """Rows in any order, of runs with and without decisions."""
    made = [
        said(name, role, verdict, first, first + more, run, id_)
        for id_, (name, role, verdict, first, more, run) in enumerate(given_, start=1)
    ]
    keys = [(run, ls) for run in (6, 7, 8) for ls in range(1, 18)]
    dice.shuffle(keys)  # type: ignore[attr-defined]
    run, ls = np.array(keys).T
    found = resolve(run, ls, made)
    for key, code in zip(keys, found.code.tolist(), strict=True):
        here = [each for each in made if each.run == key[0] and each.ranges[0][0] <= key[1] <= each.ranges[0][1]]
        expected = decision_that_stands((each.name, int(each.role), str(each.verdict)) for each in here)
        assert NAMES[code] == expected, key


def verdicts(*decisions: Decision) -> Verdicts:
    n = len(decisions)
    index: pd.MultiIndex = lumisection_index(np.full(n, 7), np.arange(1, n + 1))
    blank = np.full(n, "", dtype=object)
    badness = np.full(n, 0.5, dtype=np.float32)
    return Verdicts(index, np.array(decisions, dtype=object), badness, np.ones(n), blank, blank, ((),) * n)


def test_golden_is_what_a_person_called_good_and_the_anti_json_says_why_not() -> None:
    """Mutants: UNKNOWN that is golden by itself, DISPUTED that is golden, the name of a person in what is published."""
    machine = verdicts(Decision.UNKNOWN, Decision.UNKNOWN, Decision.ACCEPT, Decision.ACCEPT, Decision.ASK)
    made = [said("ada", Role.EXPERT, GOOD, 2, 2), said("ada", Role.EXPERT, BAD, 3, 3)]
    made += [said("ada", Role.EXPERT, GOOD, 4, 4), said("eve", Role.EXPERT, BAD, 4, 4)]
    found = effective(machine, made)
    golden, anti = masks(found)
    assert golden == LumiMask({7: [(2, 2)]})
    assert anti == LumiMask({7: [(3, 3)]})
    reasons = anti_reasons(found)
    assert [(each.first, each.decision, each.reason) for each in reasons.anti] == [(3, "BAD", "expert: noise")]
    told = [(each.first, each.decision, each.reason) for each in reasons.undecided]
    assert told == [(1, "UNKNOWN", ""), (4, "DISPUTED", "people of equal rank disagree"), (5, "ASK", "")]
    assert b"ada" not in reasons.to_bytes()
    assert machine.decision.tolist()[1] == Decision.UNKNOWN, "the machine's verdicts stay as they were"
