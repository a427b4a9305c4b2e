"""Every kind of simulated fault happens and moves its own subsystem, and nothing but that."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.simulate.campaign import Campaign
from pipelines.simulate.faults import CATALOG, SUBSYSTEMS, Fault
from pipelines.simulate.fills import LUMISECTION_SECONDS
from pipelines.simulate.placement import Event
from pipelines.simulate.rates import LIVETIME, QUANTITIES, Effects

MOVED = 0.035
"""Five standard deviations of the drift between runs, 0.003 / √(1 − 0.9²) = 0.7%; the weakest fault averages 4.5%."""

FAULTS = {fault.name: fault for fault in CATALOG}


def test_a_season_holds_every_kind_on_every_subsystem_it_can_hit(season: Campaign):
    happened = {(event.fault.name, each) for event in season.events for each in event.subsystems}
    assert happened == {(fault.name, each) for fault in CATALOG for each in fault.subsystems}


@pytest.mark.parametrize("seed_campaign", ["campaign", "season"])
def test_the_bad_share_is_the_one_asked_for(seed_campaign: str, request: pytest.FixtureRequest):
    """The last fault may overshoot: by 200 lumisections at most, which is the longest single one."""
    found: Campaign = request.getfixturevalue(seed_campaign)
    wanted = found.settings.bad_share
    assert wanted <= found.bad.mean() <= wanted + 200 / len(found.bad)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if not fault.harmless])
def test_a_fault_moves_its_own_subsystem_and_no_other(season: Campaign, name: str):
    """Moved: on average over its lumisections, in either direction; others are judged where five or more average."""
    deviation = _deviations(season)
    events = [event for event in season.events if event.fault.name == name]
    for event in events:
        rows = _alone(season, event)
        for subsystem in SUBSYSTEMS if len(rows) else ():
            measured = deviation[subsystem][rows]
            hidden = bool(np.isnan(measured).any())
            if subsystem in event.subsystems:
                assert hidden or np.abs(measured).mean(axis=0).max() > MOVED, f"{event} does not move {subsystem}"
            else:
                assert not hidden, f"{event} hides {subsystem}"
                assert len(rows) < 5 or np.abs(measured.mean(axis=0)).max() < MOVED, f"{event} moves {subsystem}"
    assert len(events) >= 5


def test_a_wrong_bit_is_off_and_harmless(season: Campaign):
    events = [event for event in season.events if event.fault.name == "wrong_dcs_bit"]
    for event in events:
        k = SUBSYSTEMS.index(event.subsystems[0])
        rows = _alone(season, event)
        assert not season.effects.ready[rows, k].any()
        assert not season.bad[rows].any()
    assert events


def test_most_bad_lumisections_are_not_seen_in_any_bit(season: Campaign):
    seen = ~(season.effects.ready.all(axis=1) & season.effects.stable)
    assert 0.05 < seen[season.bad].mean() < 0.5


def test_a_drift_is_bad_only_once_it_reaches_the_tolerance():
    event = Event(FAULTS["gain_drift"], ("ecal",), 0, 400, 0.1)
    assert np.flatnonzero(event.bad())[0] == 299  # s = 0.1 · 300 / 400 = 0.075
    assert event.bad()[299:].all()


def test_courses_grow_and_fade():
    fault = FAULTS["ramp_up"]
    assert Event(fault, fault.subsystems, 0, 4, 0.8).course() == pytest.approx([0.8, 0.6, 0.4, 0.2])


def test_where_two_faults_meet_factors_multiply_and_the_stronger_is_told():
    trip, dead = FAULTS["voltage_trip"], FAULTS["dead_region"]
    effects = Effects.of([Event(trip, ("pixel",), 0, 2, 0.5), Event(dead, ("pixel",), 1, 3, 0.2)], 3)
    assert effects.yields[:, 0] == pytest.approx([0.5, 0.4, 0.8])
    assert effects.strength[:, 0] == pytest.approx([0.5, 0.5, 0.2])
    assert effects.ready[:, 0].tolist() == [False, False, True]
    assert not effects.bad[:, 1:].any()


def test_the_catalog_is_complete():
    assert len(FAULTS) == len(CATALOG) == 12
    for fault in CATALOG:
        assert set(fault.subsystems) <= set(SUBSYSTEMS)
        assert 0 < fault.strength[0] <= fault.strength[1]
        assert fault.tolerance < fault.strength[1]
        assert len(fault.what) > 40
        assert fault.missing or fault.bit_off or _moves(fault)


def _moves(fault: Fault) -> bool:
    return any((fault.yields, fault.offset, fault.quality, fault.jitter, fault.dead, fault.lost))


def _alone(season: Campaign, event: Event) -> NDArray[np.int64]:
    """The rows of an event that no other event hits."""
    hits = np.zeros(len(season.calendar), dtype=int)
    for each in season.events:
        hits[each.first : each.stop] += 1
    rows = np.arange(event.first, event.stop)
    return rows[hits[rows] == 1]


def _deviations(season: Campaign) -> dict[str, NDArray[np.float64]]:
    """Measured / expected − 1, ``(n, d)`` per subsystem, from the response as it is documented; naive on purpose."""
    beam, table = season.beam, season.quantities
    relative = {LIVETIME.name: table[LIVETIME.name] / 0.98 - 1}
    for each in QUANTITIES:
        expected = each.level * (1 + each.slope * (beam.pileup / 60 - 1))
        if each.kind != "fraction":
            expected = expected * beam.luminosity * beam.livetime
            expected = expected * (LUMISECTION_SECONDS if each.kind == "count" else 1.0)
            expected = expected * (beam.prescaling if each.prescaled else 1.0)
        relative[each.name] = table[each.name] / expected - 1
    return {
        name: np.stack([relative[column.name] for column in table.columns if column.subsystem == name], axis=1)
        for name in SUBSYSTEMS
    }
