"""What verdicts become when they are published."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dqm.decide.publish import AntiReasons, ReasonRange, anti_reasons, masks
from dqm.model.errors import InputError
from dqm.model.keys import LumiMask
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import Decision, Reason, Verdicts

ROWS = [
    # run, ls, decision, badness, status, subsystem, feature
    (7, 3, "REJECT", 0.9, "", "sector_3", "electrons_3"),
    (7, 1, "ACCEPT", 0.1, "", "", ""),
    (7, 2, "GOOD", np.nan, "", "", ""),
    (7, 4, "REJECT", 0.8, "", "sector_3", "electrons_3"),
    (7, 5, "REJECT", 0.8, "", "sector_4", "electrons_4"),
    (7, 6, "UNKNOWN", np.nan, "missing:oms", "", ""),
    (7, 7, "ASK", 0.5, "", "sector_4", "electrons_4"),
    (7, 9, "REJECT", 0.8, "", "sector_4", "electrons_4"),
    (8, 10, "REJECT", 0.8, "", "sector_4", "electrons_4"),
    (8, 11, "EXCLUDED", 0.8, "", "", ""),
    (8, 12, "DISPUTED", 0.2, "", "", ""),
]


def verdicts(rows):
    run, ls, decision, badness, status, subsystem, feature = zip(*rows, strict=True) if rows else [()] * 7
    return Verdicts(
        lumisection_index(run, ls),
        np.array([Decision(each) for each in decision], dtype=object),
        np.array(badness, dtype=np.float32),
        np.ones(len(rows)),
        np.array(status, dtype=object),
        np.array(subsystem, dtype=object),
        tuple((Reason(name, "", 1.0, 1.0), Reason("second", "", 1.0, 0.5)) if name else () for name in feature),
    )


def test_golden_is_what_was_found_good_and_anti_what_was_found_bad():
    golden, anti = masks(verdicts(ROWS))
    assert golden == LumiMask({7: [(1, 2)]})
    assert anti == LumiMask({7: [(3, 5), (9, 9)], 8: [(10, 11)]})


def test_reasons_join_neighbours_that_share_them():
    found = anti_reasons(verdicts(ROWS))
    assert found.anti == (
        ReasonRange(7, 3, 4, "REJECT", "sector_3", "electrons_3"),
        ReasonRange(7, 5, 5, "REJECT", "sector_4", "electrons_4"),
        ReasonRange(7, 9, 9, "REJECT", "sector_4", "electrons_4"),
        ReasonRange(8, 10, 10, "REJECT", "sector_4", "electrons_4"),
        ReasonRange(8, 11, 11, "EXCLUDED", "", ""),
    )
    assert found.undecided == (
        ReasonRange(7, 6, 6, "UNKNOWN", "", "missing:oms"),
        ReasonRange(7, 7, 7, "ASK", "sector_4", "electrons_4"),
        ReasonRange(8, 12, 12, "DISPUTED", "", ""),
    )


def test_the_bytes_are_canonical():
    shuffled = [ROWS[i] for i in np.random.default_rng(0).permutation(len(ROWS))]
    data = anti_reasons(verdicts(shuffled)).to_bytes()
    assert data == anti_reasons(verdicts(ROWS)).to_bytes()
    assert AntiReasons.from_bytes(data) == anti_reasons(verdicts(ROWS))
    assert json.loads(data)["anti"]["8"][1] == {
        "first": 11,
        "last": 11,
        "decision": "EXCLUDED",
        "subsystem": "",
        "reason": "",
    }


def test_nothing_publishes_nothing():
    golden, anti = masks(verdicts([]))
    assert not golden
    assert not anti
    assert anti_reasons(verdicts([])).to_bytes() == b'{\n"anti": {},\n"undecided": {}\n}\n'


def test_reasons_are_put_into_words_and_joined_by_them() -> None:
    found = anti_reasons(verdicts(ROWS), lambda reason: f"because of {reason.feature}")
    plain = anti_reasons(verdicts(ROWS))
    assert [each.reason for each in found.anti] == [each.reason and f"because of {each.reason}" for each in plain.anti]


@pytest.mark.parametrize("publish", [masks, anti_reasons])
def test_verdicts_that_contradict_themselves_are_refused(publish):
    with pytest.raises(ValueError, match="run 7 LS 2 has two verdicts"):
        publish(verdicts([ROWS[2], ROWS[2]]))
    with pytest.raises(ValueError, match=r"run 7 LS 4 is ACCEPT with badness nan and status ''.*score it again"):
        publish(verdicts([(7, 4, "ACCEPT", np.nan, "", "", "")]))
    with pytest.raises(ValueError, match=r"ACCEPT with badness 0.* and status 'conflict'"):
        publish(verdicts([(7, 4, "ACCEPT", 0.1, "conflict", "", "")]))


GOOD_RANGE = '{"first": 1, "last": 2, "decision": "BAD", "subsystem": "", "reason": ""}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the anti-JSON is not JSON"),
        ('{"anti": {}}', 'exactly the sections "anti" and "undecided"'),
        ('{"anti": [], "undecided": {}}', 'section "anti" of the anti-JSON must map runs'),
        ('{"anti": {}, "undecided": {"x": []}}', "run 'x' must be a number with a list"),
        ('{"anti": {"7": [1]}, "undecided": {}}', 'section "anti", run 7: a range must have exactly the fields first'),
        (
            f'{{"anti": {{"7": [{GOOD_RANGE.replace("1", "true")}]}}, "undecided": {{}}}}',
            "first = True must be of type",
        ),
        (f'{{"anti": {{"7": [{GOOD_RANGE.replace("1", "3")}]}}, "undecided": {{}}}}', r"\[3, 2\] runs backwards"),
    ],
)
def test_an_anti_json_that_cannot_be_used_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        AntiReasons.from_bytes(text.encode())
