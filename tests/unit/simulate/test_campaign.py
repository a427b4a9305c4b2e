"""The simulated campaign as a whole: seeds, labels, conditions, settings."""

from __future__ import annotations

import numpy as np
import pytest

from dqm.model.labels import Label
from pipelines.simulate.campaign import Campaign, SimulationSettings, simulate
from pipelines.simulate.rates import MENU_INDEX, MENU_RATE


@pytest.mark.timeout(5)
def test_the_demonstration_has_its_size_and_is_quick(campaign: Campaign):
    """The limit of five seconds is the marker's: simulated once more within it."""
    again = simulate(campaign.settings)
    assert 40 <= len(again.calendar.runs) <= 70
    assert 10_000 <= len(again.calendar) <= 16_000


def test_equal_settings_give_equal_campaigns(campaign: Campaign):
    again = simulate(SimulationSettings(seed=1))
    assert np.array_equal(again.quantities.values, campaign.quantities.values, equal_nan=True)
    assert again.quantities.index.equals(campaign.quantities.index)
    assert np.array_equal(again.labels.values, campaign.labels.values)
    assert again.events == campaign.events


def test_another_seed_gives_another_campaign(campaign: Campaign):
    other = simulate(SimulationSettings(seed=2))
    assert other.events != campaign.events
    assert not np.array_equal(other.quantities.values[:500], campaign.quantities.values[:500], equal_nan=True)


def test_labels_are_the_truth_up_to_the_stated_noise(season: Campaign):
    """Mistakes come in Poisson(n·share/3) blocks whose squared length averages 11: four standard deviations of that."""
    n, share = len(season.labels), season.settings.label_noise
    wrong = int(((season.labels.values == Label.BAD) != season.bad[:n]).sum())
    assert abs(wrong - n * share) < 4 * np.sqrt(n * share / 3 * 11)


def test_without_noise_labels_are_the_truth():
    found = simulate(SimulationSettings(weeks=1, label_noise=0.0))
    assert np.array_equal(found.labels.values == Label.BAD, found.bad[: len(found.labels)])


def test_the_newest_runs_have_no_label_and_hold_good_and_bad_data(campaign: Campaign):
    runs = campaign.calendar.runs
    assert campaign.unlabelled == tuple(runs[-len(campaign.unlabelled) :].tolist())
    assert len(campaign.unlabelled) == round(0.2 * len(runs))
    assert not np.isin(campaign.labels.run, campaign.unlabelled).any()
    newest = np.isin(campaign.calendar.run, campaign.unlabelled)
    assert 0.02 < campaign.bad[newest].mean() < 0.25


def test_the_new_menu_changes_rates_and_index_and_is_not_bad(season: Campaign):
    """The step of the rates is 0.8 to 1%: thousands of good lumisections on either side, drift 0.7% per run."""
    clean = season.effects.strength.max(axis=1) == 0
    new, beam = season.new_menu, season.beam
    assert 0.4 < new.mean() < 0.6
    per_luminosity = season.quantities["trigger_muon_rate"] / (beam.luminosity * beam.livetime)
    same_step = clean & (beam.prescale % MENU_INDEX == 0)
    step = np.median(per_luminosity[same_step & new]) / np.median(per_luminosity[same_step & ~new])
    assert step == pytest.approx(MENU_RATE, rel=0.01)
    assert beam.prescale[~new].max() < MENU_INDEX <= beam.prescale[new].min()
    assert season.bad[new].mean() == pytest.approx(season.bad[~new].mean(), abs=0.02)


def test_truth_has_one_row_per_lumisection_and_names_the_faults(campaign: Campaign):
    truth = campaign.truth()
    assert len(truth) == len(campaign.calendar)
    assert np.array_equal(truth["bad"], campaign.bad)
    parts = truth[[name for name in truth if name.startswith("bad_")]]
    assert parts.shape[1] == 6
    assert np.array_equal(parts.any(axis=1), truth["bad"])
    assert (truth.loc[truth["bad"], "faults"] != "").all()
    for event in campaign.events:
        assert truth["faults"].iloc[event.first : event.stop].str.contains(event.fault.name).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_shortest_campaign_is_still_one(seed: int):
    found = simulate(SimulationSettings(weeks=0.1, seed=seed))
    assert len(found.calendar.runs) >= 2
    assert found.unlabelled or len(found.calendar.runs) == 2
    assert (found.labels.values == Label.GOOD).any()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("weeks", 0.0, r"simulation: weeks = 0.0 must lie in \[0.1, 100\]"),
        ("fills_per_day", 7.0, r"fills_per_day = 7.0 must lie in \[0.1, 6\]"),
        ("bad_share", float("nan"), r"bad_share = nan must lie in \[0, 0.5\]"),
        ("seed", -1, r"seed = -1 must lie in"),
    ],
)
def test_settings_outside_their_range_are_refused(name: str, value: float, said: str):
    with pytest.raises(ValueError, match=said):
        SimulationSettings(**{name: value})  # type: ignore[arg-type]
