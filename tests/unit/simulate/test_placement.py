"""Where simulated faults are put: apart from each other, spread evenly, and never where the labels need a good run."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from pipelines.simulate.campaign import Campaign, SimulationSettings, simulate
from pipelines.simulate.faults import CATALOG
from pipelines.simulate.placement import PARTS, placed

EDGES = {fault.name for fault in CATALOG if fault.place in ("fill begin", "fill end")}


def test_single_faults_and_drifts_never_overlap(season: Campaign):
    inner = [event for event in season.events if event.fault.name not in EDGES]
    assert all(before.stop <= after.first for before, after in pairwise(inner))


def test_single_faults_stay_in_one_run_and_whole_runs_are_hit_whole(season: Campaign):
    bounds = season.calendar.run_bounds
    for event in season.events:
        i = int(np.searchsorted(bounds, event.first, side="right")) - 1
        if event.fault.place == "anywhere":
            assert event.stop <= bounds[i + 1]
        if event.fault.place == "whole run":
            assert (event.first, event.stop) == (bounds[i], bounds[i + 1])
        if event.fault.place == "several runs":
            assert event.first == bounds[i]
            assert event.stop > bounds[i + 1]


def test_a_quiet_run_gets_no_more_than_begin_and_end_of_a_fill(campaign: Campaign):
    bounds = campaign.calendar.run_bounds
    for seed in range(5):
        events = placed(np.random.default_rng(seed), campaign.calendar, bad_share=0.1, quiet=(30,))
        inner = [each for each in events if each.fault.name not in EDGES]
        assert not any(each.first < bounds[31] and each.stop > bounds[30] for each in inner)


def test_labelled_runs_have_met_every_kind(campaign: Campaign):
    labelled = len(campaign.labels)
    assert {each.fault.name for each in campaign.events if each.stop <= labelled} == {fault.name for fault in CATALOG}


def test_bad_data_are_spread_over_the_season(season: Campaign):
    """Each fifth gets the share of the whole to within half of it."""
    shares = [each.mean() for each in np.array_split(season.bad, PARTS)]
    assert max(shares) < 1.5 * season.settings.bad_share
    assert min(shares) > 0.5 * season.settings.bad_share


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_an_extreme_share_ends(share: float):
    """Nothing but edges and drift at 0; at half of all lumisections the last refused deck ends the search."""
    found = simulate(SimulationSettings(weeks=1, bad_share=share))
    assert found.bad.mean() < 0.51
    assert (found.bad.mean() < 0.05) == (share == 0)
