"""Reasons in words, for every kind of feature."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.verdicts import Reason
from features.words import COURSE, LEVELS, POSITION, described, in_words, subject


@pytest.mark.parametrize("view", LEVELS)
@pytest.mark.parametrize("group", ["counts", "rates", "fractions", "values"])
def test_every_level_names_the_column_and_its_side(group: str, view: str) -> None:
    said = in_words(Reason(f"{group}.{view}: ecal_hits.z", "ecal", -3.14, 1.0))
    assert "ecal_hits" in said
    assert "3.1 σ below" in said
    assert "above" in in_words(Reason(f"{group}.{view}: ecal_hits.z", "ecal", 3.14, 1.0))


@pytest.mark.parametrize("view", COURSE)
def test_every_course_names_the_quantity(view: str) -> None:
    said = in_words(Reason(f"course.muons.rate/lumi.{view}", "muons", np.log(2), 1.0))
    assert said.startswith("muons.rate/lumi is ")
    assert "a factor 2 off" in said or view == "level"


@pytest.mark.parametrize("view", POSITION)
def test_every_position(view: str) -> None:
    assert in_words(Reason(f"position.{view}", "", 0.7, 1.0)) == POSITION[view]


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        ("limit.lost/triggers: the manual", "beyond the limit on lost/triggers (the manual)"),
        ("limit.lost", "beyond the limit on lost"),
        ("counts.missing: ecal_hits.missing", "ecal_hits is missing"),
        ("counts.missing", "a quantity is missing"),
        ("limit.lost/triggers.missing", "the limit on lost/triggers cannot be checked"),
        ("flags.near", "a status flag is down nearby"),
        ("Pixel/a.b:bin12", "the shape of Pixel/a.b is unusual, most of all in bin 12"),
        ("Pixel/map:bin3,7", "the shape of Pixel/map is unusual, most of all in bin 3,7"),
        ("plugin.depth", "plugin.depth = 0.5"),
        ("other", "other = 0.5"),
    ],
)
def test_everything_else(feature: str, said: str) -> None:
    assert in_words(Reason(feature, "", 0.5, 1.0)) == said


def test_a_flag_is_down_only_where_it_is() -> None:
    assert in_words(Reason("flags.down: bpix.down", "", 1.0, 1.0)) == "bpix is down"
    assert in_words(Reason("flags.near: bpix.down", "", 0.0, 1.0)) == "a status flag is down nearby"


@pytest.mark.parametrize(
    "feature",
    [
        "counts.own: a.own",
        "course.a.own",
        "other",
        "limit.a",
        "position.gap",
        "flags.near",
        "rates.held: a.z",
        "A:bin1",
    ],
)
def test_without_sizes_equal_reasons_read_alike(feature: str) -> None:
    """Mutant: the sign left in, which splits one episode in two."""
    small, large = (in_words(Reason(feature, "", value, 1.0), measured=False) for value in (-1.0, 99.0))
    assert small == large
    assert "99" not in large


@pytest.mark.parametrize("feature", ["counts.own: a.own", "course.a.own"])
def test_a_value_that_is_no_number_is_named_as_it_is(feature: str) -> None:
    assert in_words(Reason(feature, "", np.nan, 1.0)) == f"{feature} = nan"


def test_a_course_to_zero_is_a_finite_factor() -> None:
    assert "inf" not in in_words(Reason("course.a.own", "", -1e5, 1.0))


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("strips/residual:std", "the width of strips/residual is 3.4 σ above earlier runs"),
        ("strips/charge:p50", "the median of strips/charge is 3.4 σ above earlier runs"),
        ("strips/charge:p2.5", "the 2.5% percentile of strips/charge is 3.4 σ above earlier runs"),
        ("strips/phi:entries", "the number of entries of strips/phi is 3.4 σ above earlier runs"),
    ],
)
def test_numbers_of_histograms_have_names(column: str, words: str) -> None:
    assert in_words(Reason(f"values.near: {column}.z", "strips", 3.4, 1.0)) == words


def test_what_a_detector_said_is_told() -> None:
    unusual, bad = (
        Reason("detector.unusual: pca", "", 0.001, 2.0),
        Reason("detector.probability: boosted", "", 0.83, 1.0),
    )
    assert in_words(unusual) == "pca finds it more unusual than all but 0.10% of good lumisections"
    assert in_words(bad) == "boosted gives it 83% to be bad"
    assert in_words(unusual, measured=False) == "pca finds it unusual"


def test_what_a_feature_is_in_words() -> None:
    """Mutant: the name as it is stored."""
    told = {
        "counts.low": "counts: the farthest below earlier runs",
        "shapes.dead": "maps: the largest share of dead cells",
        "course.muon_hits.past": "muon_hits, beside earlier runs",
        "counts.near: strips/time:entries.z": "the number of entries of strips/time, beside earlier runs",
        "shapes.ks: ecal/charge:ks.shape": "the ks of ecal/charge, beside earlier runs",
        "ecal/map:bin3,4": "ecal/map, bin 3,4",
        "ecal/charge:p50": "the median of ecal/charge",
        "flags.near": "status bits down nearby",
        "limit.live_time: the manual": "the limit on live_time",
        "values.held": "other quantities: the whole run at a new level",
        "mine": "mine",
        "mine: of a plug-in": "of a plug-in",
        "shapes.new": "shapes.new",
    }
    assert {each: described(each) for each in told} == told


@pytest.mark.parametrize(
    ("column", "what"),
    [
        ("ecal_hits.z", "ecal_hits, beside earlier runs,"),
        ("course.recorded.own", "recorded, beside the median of its run,"),
        ("counts.near", "counts: the farthest from earlier runs"),
        ("strips/time:entries.z", "the number of entries of strips/time, beside earlier runs,"),
    ],
)
def test_what_is_beyond_the_past_is_told_with_how_far(column: str, what: str) -> None:
    reason = Reason(f"beyond.past: {column}", "", 3.21, 0.0)
    assert in_words(reason) == f"{what} is 3.2 times as far out as good lumisections of past runs ever were"
    assert in_words(reason, measured=False) == f"{what} is farther out than good lumisections of past runs ever were"
    assert described(reason.feature) == described(column)
    assert subject(reason.feature) == subject(f"counts.near: {column}")


@pytest.mark.parametrize(("times", "said"), [(1.52, "1.5"), (45.2, "45"), (145.4, "145"), (1000.0, "1000")])
def test_how_far_is_told_without_powers_of_ten(times: float, said: str) -> None:
    """Mutant: two digits of everything, with which 145 is 1.5e+02."""
    assert f" is {said} times " in in_words(Reason("beyond.past: ecal_hits.z", "", times, 0.0))
