"""Figures as functions of data: what is drawn, with which words, and how little is sent."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dashboard.look.palette import LABEL_STATES, MACHINE, STATES
from dashboard.trade_off.figures import trade_off_figure
from dashboard.trade_off.tables import PastCurve
from dashboard.verdicts.figures import Scale, quantity_figure, run_figure
from dashboard.verdicts.thumbnails import strip_image
from dqm.decide.policy import MarginPolicy
from dqm.model.aggregates import URGENCY
from dqm.model.verdicts import Decision, WorkingPoint

from .small_night import past, verdicts

POINT = WorkingPoint(0.05, 0.95, 0.01, 0.01, 0.9, "", 60, 0.0376)


def bars(figure: object) -> list[dict[str, object]]:
    """The bars of a figure as dictionaries."""
    return [each for each in json.loads(figure.to_json())["data"] if each["type"] == "bar"]  # type: ignore[attr-defined]


def test_every_state_has_a_colour_a_letter_and_a_word() -> None:
    assert set(STATES) == set(Decision) == set(URGENCY)
    assert len({(each.colour, each.letter) for each in STATES.values()}) == len(Decision)
    assert len({each.letter for each in STATES.values()}) == len(Decision)
    assert len({STATES[each].colour for each in MACHINE}) == 4
    assert STATES[Decision.UNKNOWN].pattern
    assert set(LABEL_STATES) == {0, 1}


def test_a_strip_joins_neighbours_and_hatches_the_unknown() -> None:
    found = verdicts()
    rows = slice(0, 40)
    figure = run_figure(np.arange(1, 41), found.decision[rows], found.badness[rows], POINT)
    drawn = {each["name"]: each for each in bars(figure)}
    assert set(drawn) == {STATES[each].title for each in MACHINE}
    assert len(drawn["A  accepted"]["y"]) == 4
    assert drawn["U  unknown"]["marker"]["pattern"]["shape"] == "/"
    assert drawn["U  unknown"]["text"] == ["U"]


def test_lumisections_that_are_missing_leave_a_gap() -> None:
    ls = np.array([1, 2, 5, 6])
    figure = run_figure(ls, np.full(4, Decision.ACCEPT, dtype=object), np.zeros(4), None)
    assert [each.tolist() for each in map(np.asarray, (figure.data[0].base, figure.data[0].x))] == [[0.5, 4.5], [2, 2]]


def test_labels_get_a_strip_of_their_own() -> None:
    decision = np.full(3, Decision.ASK, dtype=object)
    figure = run_figure(np.arange(3), decision, np.full(3, 0.5), POINT, label=np.array([0, 1, -1], dtype=np.int8))
    assert {each["y"][0] for each in bars(figure)} == {"decision", "label"}


@pytest.mark.parametrize("scale", ["logit", "linear"])
def test_both_thresholds_are_drawn_and_named(scale: Scale) -> None:
    figure = run_figure(
        np.arange(2), np.array(["ACCEPT", "REJECT"], dtype=object), np.array([0.0, 1.0]), POINT, scale=scale
    )  # type: ignore[arg-type]
    assert [each.text for each in figure.layout.annotations] == ["accept<br>below 0.05", "reject<br>from 0.95"]
    assert len(figure.layout.shapes) == 2


def test_a_threshold_that_does_nothing_is_not_drawn() -> None:
    nothing = WorkingPoint(0.0, float("inf"), 0.01, 0.01, 0.9, "", 0, 1.0)
    figure = run_figure(np.arange(2), np.array(["ASK", "ASK"], dtype=object), np.array([0.0, 1.0]), nothing)
    assert not figure.layout.shapes


def test_three_thousand_lumisections_are_a_small_figure() -> None:
    rng = np.random.default_rng(1)
    badness = rng.random(3000).astype(np.float32)
    figure = run_figure(np.arange(3000), POINT.decide(badness), badness, POINT)
    assert len(figure.layout.shapes) == 2
    assert len(figure.to_json()) < 600_000


def test_quantities_have_units_and_names_stay_text() -> None:
    figure = quantity_figure(np.arange(3), {"<b>rate</b> [Hz]": np.arange(3.0)}, unit="<i>bin</i>")
    assert figure.layout.annotations[0].text == "&lt;b&gt;rate&lt;/b&gt; [Hz]"
    assert figure.layout.xaxis.title.text == "&lt;i&gt;bin&lt;/i&gt;"


def test_at_most_eight_quantities_are_drawn() -> None:
    figure = quantity_figure(np.arange(3), {f"q{k}": np.arange(3.0) for k in range(12)})
    assert len(figure.layout.annotations) == 8


def test_the_trade_off_shows_band_budget_and_both_points() -> None:
    curve = PastCurve.of(past())
    assert curve is not None
    now = MarginPolicy().choose(past(), 0.01, 0.01)
    figure = trade_off_figure(curve, MarginPolicy().choose(past(), 0.001, 0.001), now)
    names = [each.name for each in figure.data if each.showlegend]
    assert names == ["90% band over runs", "working point now", "these budgets"]
    assert "budget<br>0.1%" in [each.text for each in figure.layout.annotations]
    assert figure.layout.xaxis.title.text == "workload (% of lumisections)"


def test_a_thumbnail_keeps_a_single_urgent_lumisection() -> None:
    """Mutant: every k-th lumisection drawn instead of the most urgent of each pixel."""
    decision = np.full(5000, Decision.ACCEPT, dtype=object)
    assert "E69F00" not in strip_image(decision)
    decision[777] = Decision.ASK
    assert "E69F00" in strip_image(decision)
    assert strip_image(decision[:0]) == ""


def test_a_thumbnail_hatches_the_unknown() -> None:
    assert "url%28%23U%29" in strip_image(np.array([Decision.UNKNOWN, Decision.ACCEPT], dtype=object))
