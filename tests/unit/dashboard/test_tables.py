"""Summaries, ranges, flips, CSV and words as functions of verdicts; text that tries to be more than text."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from dashboard.look.inert import for_figure, for_markdown, for_spreadsheet
from dashboard.look.wording import interval, percent, promise, reason, thresholds, weight
from dashboard.trade_off.tables import PastCurve, lumisection_seconds
from dashboard.verdicts.run_tables import GROUPS, ranges, summaries
from dashboard.verdicts.verdict_csv import verdict_csv
from dqm.model.past import Past
from dqm.model.verdicts import Decision, Reason, Verdicts, WorkingPoint

from .small_night import INJECTION, past, quantities, verdicts

POINT = WorkingPoint(0.05, 0.95, 0.01, 0.01, 0.9, "", 60, 0.0376)
NOTHING = WorkingPoint(0.0, math.inf, 0.01, 0.01, 0.9, "", 0, 1.0)


def test_every_decision_counts_in_exactly_one_group() -> None:
    """Mutant: DISPUTED counted as accepted, or nowhere."""
    assert sorted(each for members in GROUPS.values() for each in members) == sorted(Decision)


def test_summaries_put_work_first_and_name_its_reason() -> None:
    first, second, third = summaries(verdicts())
    assert (first.run, second.run, third.run) == (112, 114, 113)
    assert (first.waiting, first.subsystem, first.reason) == (8, "muons", "muon_hits is away from earlier runs")
    assert first.counts == {"ACCEPT": 27, "ASK": 6, "REJECT": 5, "UNKNOWN": 2}
    assert (third.subsystem, third.reason) == ("", "")


def one_run(names: tuple[str, ...] = ("counts.near: muon_hits.z",)) -> Verdicts:
    """Run 112."""
    found = verdicts(names)
    arrays = (found.decision, found.badness, found.weight, found.status, found.subsystem)
    return Verdicts(found.index[:40], *(each[:40] for each in arrays), found.reasons[:40])


def test_ranges_cover_the_run() -> None:
    found = ranges(one_run())
    assert [(each.first, each.last) for each in found] == [
        *((1, 5), (6, 11), (12, 20), (21, 25), (26, 30), (31, 32), (33, 40))
    ]
    assert found[1].reasons == (Reason("counts.near: muon_hits.z", "muons", 7.5, 2.5),)
    assert found[5].status == "missing:oms"
    assert math.isnan(found[5].badness)


def test_limits_come_before_guards_before_contributions() -> None:
    reasons = (Reason("a", "", 1, 2.0), Reason("held", "", 1, 0.0), Reason("limit.x", "", 1, math.inf))
    found = one_run()
    mixed = Verdicts(found.index[:1], found.decision[:1], found.badness[:1], found.weight[:1], found.status[:1],
                     found.subsystem[:1], (reasons,))  # fmt: skip
    assert [each.feature for each in ranges(mixed)[0].reasons] == ["limit.x", "held", "a"]
    assert [reason(each) for each in reasons] == ["a = 1 (+2)", "held = 1 (guard)", "beyond the limit on x (limit)"]


def test_csv_cannot_run_a_formula() -> None:
    """Mutant: reasons written as they are."""
    text = verdict_csv(one_run(INJECTION)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 40
    assert rows[5]["reason_2"].startswith("'=cmd|")
    assert rows[5]["reason_1"].startswith("<script>")
    assert rows[30]["badness"] == ""
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_a_carriage_return_in_a_text_begins_no_row() -> None:
    """Mutant: rows that end in a bare line feed, where the csv module does not quote a carriage return."""
    found = one_run()
    text = verdict_csv(replace(found, subsystem=np.full(40, "a\r=1+1", dtype=object))).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [row[6] for row in rows] == ["subsystem", *["a\r=1+1"] * 40]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\n=1"])
def test_what_begins_a_formula_gets_an_apostrophe(text: str) -> None:
    assert for_spreadsheet(text) == "'" + text
    assert for_spreadsheet("x" + text) == "x" + text


@pytest.mark.parametrize("text", ["**b**", "`c`", "[a](b)", ":red[x]", "$x$", "<b>", "# h", "a\n\n# h"])
def test_markup_is_escaped(text: str) -> None:
    shown = for_markdown(text)
    assert "\n" not in shown
    assert all(before == "\\" for before, sign in zip(" " + shown, shown, strict=False) if sign in "*`[$<#:")


def test_addresses_are_no_links() -> None:
    for text in ("http://evil.example", "www.evil.example", "x@evil.example"):
        assert "\u200b" in for_markdown(text)
    assert for_figure("<a href='x'>") == "&lt;a href='x'&gt;"


def test_the_past_counts_what_a_guard_holds_as_work() -> None:
    evidence = past()
    held = Past(evidence.index, evidence.badness, evidence.label, evidence.weight, np.ones(len(evidence), dtype=bool))
    curve = PastCurve.of(held)
    assert curve is not None
    assert curve.least_workload == 1
    assert curve.outcome(POINT)[0].workload == 1


def test_a_past_without_good_lumisections_has_no_curve() -> None:
    evidence = past()
    bad = Past(evidence.index, evidence.badness, np.ones(len(evidence), dtype=np.int8), evidence.weight, evidence.held)
    assert PastCurve.of(bad) is None


def test_the_calendar_tells_how_long_a_lumisection_is() -> None:
    for given, expected in ((quantities([1, 2]), 23.31), (quantities([1, 2], timed=False), None)):
        found = lumisection_seconds(given.run, given.ls, given.start)
        assert found == (None if expected is None else pytest.approx(expected))
    one = np.array([1])
    assert lumisection_seconds(one, one, np.array(["2030-01-01"], dtype="datetime64[ns]")) is None


def test_words() -> None:
    assert percent(None) == percent(math.nan) == "n/a"
    assert interval(None) == "no interval"
    assert weight(3.14159, "") == "3.142"
    assert thresholds(NOTHING) == "badness: accept nothing, reject nothing, ask between"
    assert "at most 1.0% of the good weight" in promise(POINT)
