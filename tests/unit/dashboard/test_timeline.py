"""The timeline of a run: what its tracks hold, and what is sent to the browser."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dashboard.canvas.timeline import LONGEST, NOTHING, Heat, Line, Series, Strip, Timeline, packed
from dashboard.look.palette import STATES
from dashboard.one_run.heat import LEAST_TOP, from_reasons, group_title
from dashboard.one_run.selection import ranges_of, rows_in
from dashboard.one_run.tables import chosen_part, contributors, lumisection_table
from dashboard.one_run.tracks import Facts, groups_of, timeline
from dashboard.verdicts.run_tables import ranges_in
from dqm.model.aggregates import URGENCY
from dqm.model.errors import InputError
from dqm.model.tables import Column, QuantityTable, lumisection_index
from dqm.model.verdicts import Decision, Reason, Verdicts, WorkingPoint
from dqm.store.contributions import LIMIT, Contributions, levels_of

N = 12
INDEX = lumisection_index([7] * N, np.r_[1:7, 9:15])
POINT = WorkingPoint(0.02, 0.9, 0.01, 0.01, 0.9, "margin", 10, 0.1)


def machine() -> Verdicts:
    """Twelve lumisections, 7 and 8 missing: 3 asked, 4 rejected, 9 unknown, the rest accepted."""
    decision = np.full(N, Decision.ACCEPT, dtype=object)
    decision[[2, 3, 6]] = Decision.ASK, Decision.REJECT, Decision.UNKNOWN
    badness = np.full(N, 0.01, dtype=np.float32)
    badness[[2, 3, 6]] = 0.4, 0.95, np.nan
    status = np.full(N, "", dtype=object)
    status[6] = "missing:oms"
    asked = (
        Reason("counts.near: muons/time:entries.z", "muons", 5.0, 2.0),
        Reason("counts.low: muons/time:mean.z", "muons", -3.0, 0.5),
        Reason("detector.unusual: robust-z", "", 0.01, 1.25),
    )
    rejected = (Reason("limit.lost: the manual", "faraday", 1.0, np.inf),)
    reasons = tuple({2: asked, 3: rejected}.get(row, ()) for row in range(N))
    return Verdicts(INDEX, decision, badness, np.full(N, 0.5), status, np.full(N, "", dtype=object), reasons)


def facts(**more: Any) -> Facts:
    """A run in which a shifter said BAD of lumisection 4, and nothing else is known."""
    found = machine()
    decision, status = found.decision.copy(), found.status.copy()
    decision[3], status[3] = Decision.BAD, "shifter: noise"
    return Facts(7, "lumisection", found, replace(found, decision=decision, status=status), POINT, **more)


def words(strip: Strip) -> list[str]:
    """What a strip says of every lumisection."""
    return ["" if code == NOTHING else strip.states[code].word for code in strip.code]


def test_people_stand_over_the_machine_and_unknown_is_hatched() -> None:
    """Mutant: a strip of what stands, from which nobody sees that a person spoke."""
    people, said = timeline(facts()).strips
    assert words(people) == ["", "", "", "bad (person)", *[""] * 8]
    assert words(said)[2:7] == ["asked", "rejected", "accepted", "accepted", "unknown"]
    assert people.notes[people.note[3]] == "shifter: noise"
    assert said.notes[said.note[6]] == "missing:oms"
    assert said.states[said.code[6]].pattern
    assert set(URGENCY) == set(Decision)
    assert [URGENCY.index(each) for each in (Decision.UNKNOWN, Decision.ASK, Decision.ACCEPT)] == [0, 3, 7]


def test_status_of_the_detector_names_what_is_off_or_missing() -> None:
    columns = (Column("hv", kind="flag"), Column("<b>ready", kind="flag"), Column("lumi", role="weight"))
    values = np.ones((N - 1, 3))
    values[4, :2] = 0
    values[5, 0] = np.nan
    status = np.full(N - 1, "", dtype=object)
    status[6] = "conflict"
    table = QuantityTable(INDEX[:-1], columns, values, status=status)
    strip = timeline(facts(quantities=table)).strips[2]
    assert words(strip)[4:7] == ["something off", "all on", "data missing"]
    assert strip.notes[strip.note[4]] == "hv, <b>ready"
    assert strip.notes[strip.note[6]] == "conflict"
    assert words(strip)[-1] == "data missing", "a lumisection that the inputs lack"


def test_labels_are_drawn_where_there_are_any() -> None:
    labels = np.full(N, -1, dtype=np.int8)
    assert len(timeline(facts(labels=labels)).strips) == 2
    labels[3:5] = 1, 0
    assert words(timeline(facts(labels=labels)).strips[2])[3:5] == ["labelled bad", "labelled good"]


def test_the_map_of_an_earlier_version_is_made_of_reasons() -> None:
    found = groups_of(facts())
    assert found.groups == (("faraday", "lost"), ("muons", "muons/time"))
    assert found.level[2].tolist() == [0, 40], "the larger of two, and no detector"
    assert found.level[3].tolist() == [LIMIT, 0]
    heat = timeline(facts()).heat
    assert heat is not None
    assert heat.rows == ("faraday · lost", "muons/time")
    assert heat.top == 40
    assert heat.silent == (1, 0)


def test_a_single_lumisection_stays_in_the_map_and_quiet_groups_do_not() -> None:
    """Mutant: groups that are kept by their mean."""
    level = np.zeros((N, 30), dtype=np.uint8)
    level[8, 20] = 3
    groups = tuple((f"s{j // 10}", f"q{j:02d}") for j in range(30))
    heat = timeline(facts(contributions=Contributions(INDEX[::-1], groups, level[::-1].copy()))).heat
    assert heat is not None
    assert (heat.rows, heat.blocks, heat.top) == (("s2 · q20",), (("s2", 0, 1),), LEAST_TOP)
    assert np.flatnonzero(heat.level).tolist() == [8]
    nothing = facts(contributions=Contributions(INDEX[:0], groups, level[:0]))
    assert timeline(nothing).heat is None


def test_lines_have_units_thresholds_and_every_detector() -> None:
    lines = timeline(facts(values=[("valve", "%", np.arange(N) * 1.0)])).lines
    assert [(each.title, each.unit) for each in lines] == [("badness", ""), ("detectors", "log-odds"), ("valve", "%")]
    assert [text for _, text, _ in lines[0].marks] == ["accept <0.02", "reject ≥0.9"]
    detector = lines[1].series[0]
    assert detector.title == "robust-z"
    assert detector.values[2] == 1.25
    assert detector.values[0] == 0
    assert np.isnan(detector.values[6]), "nothing was scored there"


def unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """What may change, the description and the arrays, as the script reads them."""
    size = int.from_bytes(data[:4], "little")
    body = zlib.decompress(data[4 + size :])
    described = int.from_bytes(body[:4], "little")
    return json.loads(data[4 : 4 + size]), json.loads(body[4 : 4 + described]), body[4 + described :]


def test_what_is_sent_is_what_was_given() -> None:
    given = timeline(facts(values=[("valve", "%", np.linspace(0, 1, N))]))
    head, about, arrays = unpacked(packed(given, ((3, 4),), 5))
    assert (head["selected"], head["stamp"]) == ([[3, 4]], 5)

    def at(kind: str, offset: int, size: int = N) -> NDArray[Any]:
        assert offset % np.dtype(kind).itemsize == 0, "an array that the script could not lay a view on"
        return np.frombuffer(arrays, kind, size, offset)

    assert at("<i4", about["ls"]).tolist() == given.ls.tolist()
    assert at("u1", about["strips"][1]["at"]).tolist() == given.strips[1].code.tolist()
    assert np.array_equal(at("<f4", about["lines"][0]["series"][0]["at"]), given.lines[0].series[0].values, True)
    assert given.heat is not None
    assert np.array_equal(at("u1", about["heat"]["at"], N * 2).reshape(N, 2), given.heat.level)
    again, _, _ = unpacked(packed(given, ((3, 4),), 6))
    assert again["picture"] == head["picture"], "the script knows it again and reads nothing"


def test_a_large_run_is_a_few_hundred_kilobytes() -> None:
    """3,000 lumisections in 500 groups, fifteen of which speak in each."""
    rng = np.random.default_rng(3)
    level = np.zeros((3000, 500), dtype=np.uint8)
    level[rng.integers(0, 3000, 45_000), rng.integers(0, 500, 45_000)] = levels_of(rng.exponential(0.6, 45_000))
    rows = tuple(f"group {j}" for j in range(500))
    heat = Heat(rows, (("all", 0, 500),), level, 0.05, "log-odds", "#D55E00", 60)
    strip = Strip("machine", np.zeros(3000, np.uint8), tuple(STATES.values()))
    line = Line("badness", "", (Series("badness", rng.random(3000).astype(np.float32)),))
    given = Timeline("1", "lumisection", "", np.arange(3000), (strip,), heat, (line,))
    assert len(packed(given)) < 200_000


def test_numbers_of_lumisections_that_no_run_has_are_not_drawn() -> None:
    """Mutant: an array over every number from the first to the last, ten gigabytes of it."""
    ls = np.array([1, 2, 2 * LONGEST, 10**10])
    strip = Strip("machine", np.zeros(4, np.uint8), tuple(STATES.values()))
    _, about, _ = unpacked(packed(Timeline("1", "lumisection", "", ls, (strip,), None, ())))
    assert about["count"] == 2


def test_what_is_chosen_is_summed_up() -> None:
    given = facts()
    rows = rows_in(given.machine.index.get_level_values("ls").to_numpy(), ((3, 9),))
    found = chosen_part(given, rows)
    assert (found.lumisections, found.weight) == (5, 2.5)
    assert found.states == {"ACCEPT": 2, "ASK": 1, "BAD": 1, "UNKNOWN": 1}
    assert found.badness == pytest.approx(0.95)
    assert found.reasons[0] == "beyond the limit on lost (the manual) (limit)"
    table = contributors(groups_of(given), rows)
    assert table.values.tolist() == [["faraday · lost", 0.0, np.inf, 4], ["muons/time", 0.4, 2.0, 3]]
    nothing = chosen_part(given, np.zeros(N, dtype=bool))
    assert (nothing.lumisections, nothing.reasons) == (0, ())


def test_the_table_says_who_says_so() -> None:
    table = lumisection_table(facts())
    assert table.loc[3, ["stands", "by", "machine", "status"]].tolist() == [
        "B  bad (person)", "people", "R  rejected", "shifter: noise",
    ]  # fmt: skip
    assert list(table["by"]).count("people") == 1


def test_ranges_are_read_and_written() -> None:
    assert ranges_of("  12,3-9 ,10;"[:-1]) == ((3, 10), (12, 12))
    assert ranges_of("") == ()
    for text in ("9-3", "x", "1-2-3", "1.5", "٣"):
        with pytest.raises(InputError, match="is no lumisection and no range; write for example 12 or 10-20, 25"):
            ranges_of(text)
    ls = np.array([1, 2, 4, 9])
    assert ranges_in(ls, np.array([True, True, False, True])) == ((1, 2), (9, 9))
    assert from_reasons(machine().take(np.zeros(N, dtype=bool))).groups == ()
    assert group_title("", "position") == "position"
