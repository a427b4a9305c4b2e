"""The story of the demonstration: five chapters in runs of their own, on one clock with the cooling loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dqm.model.config import load
from dqm.model.errors import UnknownNameError
from dqm.model.keys import LumiMask
from pipelines.simulate.campaign import SimulationSettings, simulate
from pipelines.simulate.cryogenic_faults import HOUR
from pipelines.simulate.faults import CATALOG, MONITORING
from pipelines.simulate.histograms import simulated_histograms
from pipelines.simulate.story import COOLING, DISPUTE, DRIFT, MORE, NAME, TRIP, Story, story

FAULTS = {
    TRIP: "voltage_trip",
    DRIFT: "gain_drift",
    NAME: "misnamed_element",
    COOLING: "cooling_failure",
    DISPUTE: "dead_region",
}


@pytest.fixture(scope="module")
def told() -> Story:
    return story()


def test_every_chapter_is_true(told: Story) -> None:
    """What a chapter says is what the truth of its lumisections says, and nothing else but begin and end of a fill."""
    truth = told.campaign.truth()
    assert {each.title for each in told.chapters} == FAULTS.keys()
    known = {each.name: each for each in (*CATALOG, *MONITORING)}
    for each in told.chapters:
        assert {each.run, each.until} <= set(told.campaign.unlabelled)
        mine = truth[truth["run"].between(each.run, each.until)]
        faults = set("+".join(mine["faults"]).split("+")) - {""}
        assert FAULTS[each.title] in faults
        assert all(known[other].place in ("fill begin", "fill end") for other in faults - {FAULTS[each.title]})
        hit = mine[mine["faults"].str.contains(FAULTS[each.title])]
        assert (hit["run"].iloc[0], hit["ls"].iloc[0]) == (each.run, each.first)
        assert (hit["run"].iloc[-1], hit["ls"].iloc[-1]) == (each.until, each.last)
        assert f"run {each.run} " in each.text()


def test_the_drift_goes_over_runs_and_the_trip_over_a_part_of_one(told: Story) -> None:
    drift, trip = told.chapter(DRIFT), told.chapter(TRIP)
    assert drift.until > drift.run
    size = int((told.campaign.calendar.run == trip.run).sum())
    assert 1 < trip.first < trip.last < size
    assert trip.until == trip.run


def test_chapters_share_no_run(told: Story) -> None:
    masks = [LumiMask({run: [(1, 1)] for run in range(each.run, each.until + 1)}) for each in told.chapters]
    assert sum(len(each) for each in masks) == len({run for each in masks for run in each.ranges})


def test_the_loop_hunts_an_hour_before_the_detector_suffers(told: Story) -> None:
    days, cooling = told.campaign.calendar, told.chapter(COOLING)
    row = int(np.flatnonzero((days.run == cooling.run) & (days.ls == cooling.first))[0])
    (fault,) = told.loops.faults
    assert fault.kind == "hunting"
    assert fault.begin == int(days.start[row].astype(np.int64)) - HOUR
    assert told.loops.calendar is days
    assert told.loops.readings.time.min() < fault.begin - 48 * HOUR < fault.end < told.loops.readings.time.max()


def test_equal_arguments_give_equal_stories(told: Story) -> None:
    again = story()
    assert again.chapters == told.chapters
    assert np.array_equal(again.campaign.quantities.values, told.campaign.quantities.values, equal_nan=True)
    assert np.array_equal(again.loops.readings.value, told.loops.readings.value)


@pytest.mark.parametrize("seed", [2, 5])
def test_another_seed_tells_the_same_elsewhere(seed: int, told: Story) -> None:
    other = story(seed=seed)
    assert {each.title for each in other.chapters} == FAULTS.keys()
    assert other.chapters != told.chapters


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="2 newest runs are too few for a story, which takes 7; simulate more weeks"):
        story(weeks=0.5)


def test_the_configuration_lists_roles_and_streams(tmp_path: Path) -> None:
    path = tmp_path / "dqm.toml"
    path.write_text(MORE, encoding="utf-8")
    config = load(path)
    assert [each.role for each in config.people.person] == ["shifter", "shifter", "expert", "leader"]
    assert [each.name.partition("-")[0] for each in config.people.person] == [
        each.role for each in config.people.person
    ]
    assert config.sensors.stream[0].files == ("cryogenics/simulated_readings.parquet",)


def test_elements_are_had_by_name_and_are_the_same() -> None:
    campaign = simulate(SimulationSettings(weeks=0.1, seed=3))
    named = {each.element: each for each in simulated_histograms(campaign, ("time", "charge"))}
    first = {each.element: each for each in simulated_histograms(campaign, 2)}
    assert named.keys() == first.keys()
    assert all(np.array_equal(each.counts, first[name].counts) for name, each in named.items())
    with pytest.raises(UnknownNameError, match=r"unknown simulated element 'fhi'; .*phi"):
        next(simulated_histograms(campaign, ("fhi",)))
