"""What the page Compare computes: references of the past alone, pulls, flow, bands, maps, rankings and terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from dashboard.comparison import panels
from dashboard.comparison.choice import Choice
from dashboard.comparison.figures import Layout, comparison_figure, drawn_edges, lone_figure
from dashboard.comparison.map_figures import map_figure
from dashboard.comparison.map_standing import (
    DEAD,
    HOT,
    MapStanding,
    cell_table,
    farthest,
    map_standing_of,
    pool_begins,
    pooled,
)
from dashboard.comparison.quantity import Course, course_figure, course_table
from dashboard.comparison.ranking import behind, contributions, ranked
from dashboard.comparison.reference import Earlier, NoReference, Reference, reference_of
from dashboard.comparison.standing import Given, Standing, given_of, remarks, standing_of
from dashboard.comparison.tables import bin_table, csv_of, file_name, lone_table
from dashboard.comparison.terms import sorted_by, terms_figure, terms_of
from dqm.model.errors import InputError
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.labels import Label
from features.pasts import Past
from features.references import compare, compare_nearest, pulls

from .small_elements import AXIS, FAULT, LINE, explanations, line, plane
from .small_night import LENGTH, PAST, verdicts

ALPHA = 0.9


def earlier(runs: range | list[int], made: Callable[[int], HistogramBatch], label: int = Label.GOOD) -> list[Earlier]:
    """Earlier runs of which every lumisection has one label."""
    return [Earlier(run, made(run), np.full(LENGTH, label, dtype=np.int8), asked=True, band=True) for run in runs]


def reference(choice: str = "nearest", made: Callable[[int], HistogramBatch] = line) -> Reference:
    found = reference_of(Choice.read(choice), tuple(made(FAULT).axes), earlier(PAST, made), ALPHA)
    assert isinstance(found, Reference)
    return found


def given(batch: HistogramBatch, wanted: tuple[int, int] | None = None) -> Given:
    found = given_of([batch], wanted)
    assert found is not None
    return found


def standing(batch: HistogramBatch, choice: str = "nearest", wanted: tuple[int, int] | None = None) -> Standing:
    found = standing_of(given(batch, wanted), reference(choice))
    assert isinstance(found, Standing)
    return found


@pytest.mark.parametrize("text", ["nearest", "adaptive", "certified-5", "run-104"])
def test_a_choice_comes_back_as_the_address_writes_it(text: str) -> None:
    choice = Choice.read(text)
    assert choice.text() == text
    assert Choice.of(choice.settings(ALPHA)) == choice


@pytest.mark.parametrize("text", ["", "newest", "run", "run-", "run-0", "certified-x", "certified-1000", "adaptive-3"])
def test_another_reference_is_refused(text: str) -> None:
    with pytest.raises(
        InputError, match=r"is none of nearest, matched, adaptive, certified-8 \(how many\), run-123456"
    ):
        Choice.read(text)


@pytest.mark.parametrize("kind", ["nearest", "adaptive", "certified-3", "run-104"])
def test_references_are_those_of_the_features(kind: str) -> None:
    """Mutant: a reference made by another arithmetic than what was scored with."""
    past = Past(Choice.read(kind).settings(ALPHA))
    runs = [104] if kind == "run-104" else list(PAST)
    for run in runs:
        past.add((AXIS,), line(run).inner.sum(axis=0, dtype=np.float64))
    assert np.array_equal(reference(kind).candidates, past.references((AXIS,)))


def test_pulls_and_measures_are_those_of_the_features() -> None:
    found = standing(line(FAULT, mean=4.3))
    inner = line(FAULT, mean=4.3).inner.sum(axis=0, dtype=np.float64)[None]
    least = compare_nearest(inner, reference().candidates, AXIS, every_bin=False)
    assert found.pull == pytest.approx(float(least.pull[0]), rel=1e-5)
    assert found.where == least.where[0]
    drawn = reference().candidates[reference().names.index(found.named)]
    assert np.array_equal(found.pulls[1:-1], pulls(inner, drawn)[0])
    several = standing(line(FAULT, mean=4.3), "certified-3")
    assert several.pull == pytest.approx(float(compare(inner, reference("certified-3").candidates, AXIS).pull[0]))


def test_only_certified_lumisections_serve_and_bad_ones_do_not() -> None:
    bad = earlier(PAST, line, Label.BAD)
    for kind, code in (("certified-3", "no reference"), ("adaptive", "no reference")):
        found = reference_of(Choice.read(kind), (AXIS,), bad, ALPHA)
        assert isinstance(found, NoReference)
        assert found.code == code
    assert isinstance(reference_of(Choice.read("nearest"), (AXIS,), bad, ALPHA), Reference)


def test_flow_has_shares_ratios_and_pulls_of_its_own() -> None:
    usual = standing(line(FAULT))
    assert usual.share[0] == pytest.approx(3 / 400)
    assert usual.ratio[[0, -1]] == pytest.approx([1, 1])
    assert np.abs(usual.pulls[[0, -1]]).max() < 0.1
    counts = line(FAULT).counts.copy()
    counts[:, -1] = 40
    flooded = standing(replace(line(FAULT), counts=counts))
    assert flooded.pulls[-1] > 10
    assert flooded.pulls[0] == pytest.approx(usual.pulls[0], abs=0.1)


def test_a_source_without_flow_has_none() -> None:
    found = standing_of(given(line(FAULT).without_flow()), reference(made=lambda run: line(run).without_flow()))
    assert isinstance(found, Standing)
    assert np.isnan(found.pulls[[0, -1]]).all()
    assert np.isfinite(found.pulls[1:-1]).all()
    comparison_figure(found)


def test_the_band_holds_good_lumisections() -> None:
    found = standing(line(FAULT), wanted=(7, 7))
    for normalised in (True, False):
        mine, theirs = found.drawn(normalised=normalised)
        band = found.band(normalised=normalised)
        assert band is not None
        inside = (mine >= band[0]) & (mine <= band[2])
        assert inside.mean() > 0.7
        assert ((theirs >= band[0]) & (theirs <= band[2])).mean() > 0.9
    unlabelled = reference_of(Choice.read("nearest"), (AXIS,), earlier(PAST, line, Label.UNKNOWN), ALPHA)
    lone = standing_of(given(line(FAULT)), unlabelled) if isinstance(unlabelled, Reference) else None
    assert isinstance(lone, Standing)
    assert lone.band(normalised=True) is None
    assert "good 50%" not in bin_table(lone)


def test_other_bins_are_compared_only_where_they_nest() -> None:
    fine = Axis(40, 0.0, 10.0)
    found = reference_of(Choice.read("nearest"), (fine,), earlier(PAST, line), ALPHA)
    assert isinstance(found, Reference)
    assert found.axes == (AXIS,)
    one = given(line(FAULT, axis=fine))
    assert isinstance(standing_of(one, found), Standing)
    assert "the coarser ones, no bin is split" in " ".join(remarks(one, found))
    unlike = reference_of(Choice.read("nearest"), (Axis(7, 0.0, 10.0),), earlier(PAST, line), ALPHA)
    assert isinstance(unlike, NoReference)
    assert unlike.code == "binning"
    assert "7 from 0 to 10 here and 20 from 0 to 10 in run 111" in unlike.why


def test_few_counts_and_what_is_left_out_are_said() -> None:
    counts = line(FAULT).counts.astype(np.float64)
    counts[3, 5] = np.nan
    one = given(replace(line(FAULT), counts=counts, entries=np.zeros(LENGTH)), (4, 4))
    assert (one.lumisections, one.left_out) == (0, 1)
    assert "hold something that is no count and are left out" in remarks(one, None)[0]
    nothing = standing_of(one, reference())
    assert isinstance(nothing, NoReference)
    assert nothing.code == "empty"
    thin = replace(line(FAULT), counts=line(FAULT).counts // 20)
    assert "nothing but large differences can be seen" in " ".join(remarks(given(thin, (1, 1)), reference()))
    two = Earlier(100, line(100).take(np.arange(2)), np.zeros(2, dtype=np.int8), asked=True, band=False)
    small = reference_of(Choice.read("run-100"), (AXIS,), [two], ALPHA)
    assert "holds fewer counts (800) than what is compared" in " ".join(remarks(given(line(FAULT)), small))


def test_one_histogram_for_the_whole_run_is_taken_as_it_is() -> None:
    whole = replace(line(FAULT).take(np.arange(1)), ls=np.zeros(1, dtype=np.int64))
    one = given(whole, (3, 9))
    assert one.whole_run
    assert "a range of lumisections changes nothing" in " ".join(remarks(one, None))
    mixed = HistogramBatch.joined([whole, line(FAULT)])
    assert given(mixed).lumisections == LENGTH


def test_figures_have_units_flow_and_no_text_that_is_more_than_text() -> None:
    hostile = replace(AXIS, title="<b>x</b> (cm)")
    one = replace(line(FAULT), axes=(hostile,))
    found = standing_of(given(one), reference(made=lambda run: replace(line(run), axes=(hostile,))))
    assert isinstance(found, Standing)
    for layout in get_args(Layout):
        figure = comparison_figure(found, layout)
        text = figure.to_json()
        assert "<b>x" not in text
        assert "underflow" in text
        titles = {axis.title.text for axis in figure.select_yaxes() if axis.title.text}
        assert titles == {"share of the counts", "ratio", "pull (σ)"}
    assert len(drawn_edges(AXIS)) == AXIS.bins + 3
    assert lone_figure(given(one)).layout.yaxis.title.text == "share of the counts"


def test_buttons_change_values_and_scale_without_the_server() -> None:
    """Mutant: buttons that leave the title of the axis as it was."""
    found = standing(line(FAULT))
    shares, counts = comparison_figure(found).layout.updatemenus[0].buttons
    assert (shares.label, counts.label) == ("shares", "counts")
    assert counts.args[1]["yaxis.title.text"] == "counts per lumisection"
    at = [trace.name for trace in comparison_figure(found).data].index("run 112, LS 1 to 40")
    assert np.array_equal(counts.args[0]["y"][at][::2], found.drawn(normalised=False)[0])
    assert np.array_equal(shares.args[0]["y"][at][::2], found.drawn(normalised=True)[0])
    for layout in get_args(Layout):
        figure = comparison_figure(found, layout)
        values, axes = figure.layout.updatemenus[0].buttons[0].args
        for trace, y in zip(figure.data, values["y"], strict=True):
            np.testing.assert_array_equal(trace.y, y)
        (ratio,) = [axis for axis in figure.select_yaxes() if axis.title.text == "ratio"]
        assert list(ratio.range) == axes[f"{ratio.plotly_name}.range"]
    linear, log = comparison_figure(found, "side by side").layout.updatemenus[1].buttons
    assert log.args[0]["yaxis2.type"] == "log"
    assert linear.args[0]["yaxis.type"] == "linear"


def test_labelled_bins_are_named() -> None:
    axis = Axis(3, 0.0, 3.0, labels=("a", "=b", "<c>"))

    def made(run: int) -> HistogramBatch:
        counts = np.array([[0, 9, 5, 4, 0]] * 2)
        return HistogramBatch("bits", (axis,), np.full(2, run), np.arange(1, 3), counts, np.full(2, 18.0))

    label = np.zeros(2, dtype=np.int8)
    past = [Earlier(run, made(run), label, asked=True, band=True) for run in PAST]
    found = reference_of(Choice.read("nearest"), (axis,), past, ALPHA)
    assert isinstance(found, Reference)
    shown = standing_of(given(made(FAULT)), found)
    assert isinstance(shown, Standing)
    assert list(comparison_figure(shown).layout.xaxis.ticktext) == ["a", "=b", "&lt;c&gt;"]
    assert csv_of(bin_table(shown)).decode().splitlines()[3].startswith("'=b,")
    assert lone_table(given(made(FAULT)))["counts"].tolist() == [0, 18, 10, 8, 0]


def test_names_of_files_are_plain() -> None:
    assert file_name(1, "../=<x>/é", 2, 3) == "compare-1-ls2-3-x.csv"


def test_dead_cells_of_a_map_are_marked_and_listed() -> None:
    found = map_standing_of(given(plane(FAULT)), reference(made=plane))
    assert isinstance(found, MapStanding)
    assert np.argwhere(found.cells.dead).tolist() == [[y, x] for y in (0, 1) for x in (0, 1, 2)]
    rows = cell_table(found, marked=True)
    assert set(rows["cell"]) == {DEAD}
    assert (rows["x to"].max(), rows["y to"].max()) == (1.5, -2.0)
    assert len(cell_table(found, marked=False)) == 96
    text = map_figure(found).to_json()
    assert f"{DEAD}: 6 cells" in text
    assert f"{HOT}: 0 cells" in text
    nothing = map_standing_of(given(replace(plane(FAULT), counts=plane(FAULT).counts * 0)), reference(made=plane))
    assert isinstance(nothing, NoReference)


def test_pooling_keeps_what_stands_out() -> None:
    values = np.zeros((500, 300))
    values[417, 5] = 9.0
    small = pooled(values, 100)
    assert small.shape == (100, 100)
    assert small[83, 1] == 9.0
    assert pool_begins(300, 100).tolist()[:3] == [0, 3, 6]
    ratio = np.ones((500, 300))
    ratio[2, 2], ratio[9, 2] = 0.0, 4.0
    assert farthest(ratio, 100)[0, 0] == -3
    assert farthest(ratio, 100)[1, 0] == 2


def test_the_element_behind_a_feature() -> None:
    known = {"ecal/charge", "a.b", "Pixel/map", "hits"}
    assert behind("shapes.ks: ecal/charge:ks.shape", known) == "ecal/charge"
    assert behind("values.near: Pixel/map/x:p50.z", known) == "Pixel/map"
    assert behind("ecal/charge:bin7", known) == "ecal/charge"
    assert behind("counts.near: a.b.z", known) == "a.b"
    assert behind("counts.near: other.z", known) == ""


def test_what_adds_most_comes_first() -> None:
    found = verdicts(("shapes.ks: ecal/charge:ks.shape", "counts.near: hits.z"))
    ls = np.asarray(found.index.get_level_values("ls"))
    run = np.asarray(found.index.get_level_values("run"))
    added = contributions(found, (run == 112) & (ls >= 6) & (ls <= 11), {"ecal/charge", "hits", "lumi"})
    assert added == {"ecal/charge": 2.5, "hits": 1.5}
    names = [each.text() for each in ranked(["ecal/charge", "ecal/time"], ["hits", "lumi"], added, {})]
    assert names == ["ecal/charge (+2.5 log-odds)", "hits (quantity, +1.5 log-odds)", "ecal/time", "lumi (quantity)"]
    pulled = ranked(["ecal/charge", "ecal/time"], ["hits"], added, {"ecal/time": 7.21})
    assert pulled[0].text() == "ecal/time (7.2 σ)"


def test_a_quantity_stands_beside_its_band() -> None:
    ls, values = np.arange(1, 41), np.linspace(0, 39, 40)
    course = Course("hits", "Hz", ls, values, 3, 9, np.linspace(5, 25, 201), (101, 102))
    rows = course_table(course)
    assert rows["LS"].tolist() == list(range(3, 10))
    assert rows["outside 5% to 95%"].tolist() == [True] * 4 + [False] * 3
    assert course_figure(course).layout.yaxis.title.text == "hits (Hz)"
    thin = replace(course, good=np.zeros(3))
    assert thin.band is None
    assert not thin.beyond.any()


def test_the_longest_of_our_features_is_named_whole_and_a_longer_one_by_both_its_ends() -> None:
    """Mutant: the begin is cut off, which says of what family a feature is, or of which quantity."""
    longest = "values.local"
    found = terms_of(replace(explanations(), names=(longest, "ecal" * 30 + ".z", "counts.low")), (6, 9), 4)
    names = terms_figure(found, next(iter(found.kinds))).data[0].y
    assert "other quantities: away from earlier runs for several lumisections" in " ".join(names)
    (cut,) = (each for each in names if "…" in each)
    assert cut.startswith("ecalecal")
    assert "beside earlier runs" in cut


def test_what_no_detector_told_names_those_that_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: of those that tell what they expect the autoencoder alone is named, not the quick `pca`."""
    said: list[str] = []
    monkeypatch.setattr(panels.st, "caption", said.append)
    panels._say_absent(terms_of(explanations(), (6, 9), 4))
    assert said == []
    panels._say_absent(replace(terms_of(explanations(), (6, 9), 4), kinds={}))
    assert "No reconstruction (detector autoencoder or pca) and no surprise (detector nade) is stored" in said[0]


def test_terms_are_means_with_units_largest_first() -> None:
    found = terms_of(explanations(), (6, 9), 4)
    assert (found.explained, found.asked) == (4, 4)
    assert list(found.kinds.values()) == [
        "Contribution to badness",
        "Input against reconstruction of the autoencoder",
        "Surprise of NADE",
    ]
    assert sorted_by(found, "surprise of nade (nats)")["feature"].tolist()[0] == f"{LINE}, bin 1"
    assert f"{LINE}:bin1" in found.table["column"].tolist()
    difference = "difference, reconstruction of autoencoder"
    assert sorted_by(found, difference)["unit"].tolist()[0] == "σ"
    assert found.table[difference].tolist() == pytest.approx([0.2, 0.0, 1.0], abs=1e-6)
    for column in found.kinds:
        assert terms_figure(found, column).data
    assert terms_of(replace(explanations(), units=("sigma",) * 3), (6, 9), 4).table["unit"].tolist() == ["σ"] * 3
    alone = terms_of(explanations(), (6, 9), 4, LINE)
    assert len(alone.table) == 2
    assert [each.name for each in terms_figure(found, difference).data] == [
        "Input",
        "Reconstruction of the autoencoder",
    ]
    shape = terms_figure(alone, difference)
    assert shape.data[0].y.tolist() == pytest.approx([0.3, 0.2])
    assert terms_of(explanations(), (30, 40), 11).explained == 0
