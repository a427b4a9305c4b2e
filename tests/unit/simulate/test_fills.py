"""Luminosity, pile-up and the calendar of the simulation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from pipelines.simulate.campaign import Campaign
from pipelines.simulate.fills import LUMISECTION_SECONDS, SHORTEST_RUN, Decay, pileup


def test_a_fill_begins_at_its_peak_and_decays_by_both_exponentials():
    decay = Decay(peak=0.02, share=0.25, fast=2.0, slow=15.0)
    assert decay.at(np.zeros(1))[0] == pytest.approx(0.02)
    late = decay.at(np.array([40.0, 55.0]))  # the fast part is gone: one slow lifetime is a factor e
    assert late[0] / late[1] == pytest.approx(np.e, rel=1e-6)


def test_full_luminosity_gives_the_pileup_of_the_lhc():
    """2·10³⁴ cm⁻²s⁻¹ on 2,340 bunches and 80 mb: about sixty collisions per crossing."""
    assert pileup(np.array([0.02]))[0] == pytest.approx(60.8, abs=0.1)


def test_luminosity_falls_through_every_fill(campaign: Campaign):
    calendar = campaign.calendar
    for first, stop in pairwise(calendar.fill_bounds):
        assert (np.diff(calendar.luminosity[first:stop]) < 0).all()


def test_lumisections_count_from_one_without_gaps(campaign: Campaign):
    calendar = campaign.calendar
    for first, stop in pairwise(calendar.run_bounds):
        assert calendar.ls[first:stop].tolist() == list(range(1, stop - first + 1))
        assert stop - first >= SHORTEST_RUN


def test_time_and_numbers_ascend_and_lumisections_last_23_seconds(campaign: Campaign):
    calendar = campaign.calendar
    steps = np.diff(calendar.start) / np.timedelta64(1, "ms")
    assert steps.min() >= 1000 * LUMISECTION_SECONDS - 1
    assert np.median(steps) == pytest.approx(1000 * LUMISECTION_SECONDS, abs=1)
    assert (np.diff(calendar.run) >= 0).all()
    assert (np.diff(calendar.fill) >= 0).all()


def test_a_run_belongs_to_one_fill(campaign: Campaign):
    pairs = set(zip(campaign.calendar.run.tolist(), campaign.calendar.fill.tolist(), strict=True))
    assert len(pairs) == len(campaign.calendar.runs)
