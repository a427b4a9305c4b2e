"""Faults that only histograms show: they happen where they are wanted, show where they would, and are judged rightly."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.histograms import HistogramBatch
from pipelines.benchmarks.faults import Plan, _alike
from pipelines.simulate.campaign import Campaign, SimulationSettings, simulate
from pipelines.simulate.faults import CATALOG, MONITORING, SUBSYSTEMS, Fault
from pipelines.simulate.fills import Calendar
from pipelines.simulate.histograms import Hits, simulated_histograms
from pipelines.simulate.placement import Event

FAULTS = {each.name: each for each in MONITORING}
STRENGTH = {"wrong_calibration": 0.2, "cooling_failure": 0.4, "misnamed_element": 1.0, "low_statistics": 0.9}


def one_each(_: tuple[Event, ...], calendar: Calendar, __: int) -> tuple[Event, ...]:
    """Every monitoring fault in one run of its own, and nothing else."""
    bounds, events = calendar.run_bounds, []
    for i, (name, fault) in enumerate(FAULTS.items()):
        hit = fault.subsystems if fault.together else ("pixel",)
        events.append(Event(fault, hit, int(bounds[i]), int(bounds[i + 1]), STRENGTH[name]))
    return tuple(events)


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return simulate(SimulationSettings(weeks=0.5, seed=2, monitoring=True), one_each)


@pytest.fixture(scope="module")
def batches(campaign: Campaign) -> dict[str, HistogramBatch]:
    return {each.element: each for each in simulated_histograms(campaign, 4)}


def of(fault: str, campaign: Campaign, batch: HistogramBatch) -> np.ndarray:
    event = next(each for each in campaign.events if each.fault.name == fault)
    return np.isin(batch.run, campaign.calendar.run[event.first : event.stop])


def centre(batch: HistogramBatch) -> np.ndarray:
    total = np.maximum(batch.inner.sum(axis=1), 1)
    return np.asarray(batch.inner @ ((np.arange(50) + 0.5) / 50) / total)


def test_a_wrong_calibration_moves_the_charge(campaign: Campaign, batches: dict[str, HistogramBatch]) -> None:
    charge = batches["pixel/charge"]
    assert centre(charge)[of("wrong_calibration", campaign, charge)].mean() < centre(charge)[-50:].mean() - 0.1


def test_cooling_hits_two_subsystems_together(campaign: Campaign, batches: dict[str, HistogramBatch]) -> None:
    for name in ("pixel", "strips"):
        phi = batches[f"{name}/phi"]
        ill = of("cooling_failure", campaign, phi)
        assert (phi.inner[ill][-1, 15:20] == 0).all()
    assert not Hits.of(campaign, SUBSYSTEMS.index("ecal")).dead.any()
    assert campaign.effects.bad[:, :2].any(axis=0).all()


def test_a_misnamed_element_is_there_under_another_name(campaign: Campaign, batches: dict[str, HistogramBatch]) -> None:
    renamed = batches["pixel/charge_v2"]
    assert of("misnamed_element", campaign, renamed).all()
    assert not of("misnamed_element", campaign, batches["pixel/charge"]).any()
    assert len(renamed) + len(batches["pixel/charge"]) == len(batches["pixel/phi"])


def test_low_statistics_thin_every_histogram(campaign: Campaign, batches: dict[str, HistogramBatch]) -> None:
    pixel, ecal = batches["pixel/charge"], batches["ecal/charge"]
    few, same = (np.median(b.entries[of("low_statistics", campaign, b)]) for b in (pixel, ecal))
    assert few < 0.2 * same


def test_harmless_ones_leave_the_data_good(campaign: Campaign) -> None:
    for event in campaign.events:
        assert event.bad().any() != event.fault.harmless


def test_a_campaign_holds_them_where_it_is_asked_to() -> None:
    asked = simulate(SimulationSettings(weeks=6, seed=3, monitoring=True, bad_share=0.2))
    assert {each.fault.name for each in asked.events} >= set(FAULTS)
    plain = simulate(SimulationSettings(weeks=1, seed=3))
    assert not {each.fault.name for each in plain.events} & set(FAULTS)


def test_the_plan_gives_every_kind_every_strength_and_leaves_labelled_runs_alone() -> None:
    plan = Plan(1, 5)
    campaign = simulate(SimulationSettings(weeks=10, seed=5, unlabelled_share=0.6, monitoring=True), plan)
    newest = {int(campaign.calendar.run[each.first]) for each in plan.events}
    assert newest <= set(campaign.unlabelled)
    assert len(newest) == len(plan.events), "one fault a run"
    single: list[Fault] = [each for each in (*CATALOG, *MONITORING) if not each.place.startswith("fill")]
    assert {each.fault.name for each in plan.events} == {each.name for each in single}
    strengths = [
        len({e.strength for e in plan.events if e.fault.name == name}) for name in ("dead_region", "missing_rate")
    ]
    assert strengths == [4, 1]
    assert all(len(each) == 1 for each in _alike(plan.events))
