"""Simulated collision events."""

import numpy as np
import pandas as pd

from pipelines.simulate.events import FEATURES, SHARES, simulate_events


def test_numbers_shares_and_ranges() -> None:
    events = simulate_events(20_000, 300, seed=1)
    assert list(events.columns) == [*FEATURES, "process", "label"]
    assert events["label"].sum() == 300
    shares = events.loc[events["label"] == 0, "process"].value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(shares, SHARES, atol=5 * np.sqrt(0.25 / 20_000))  # 5 σ
    assert (events[["jet_mass", "scalar_sum", "missing_energy"]] > 0).all(axis=None)
    assert events["tau21"].between(0, 1, inclusive="neither").all()


def test_the_signal_is_off_the_background_and_the_seed_decides() -> None:
    events = simulate_events(2000, 200, seed=1)
    signal = events["label"] == 1
    assert events.loc[signal, "jet_mass"].median() > events.loc[~signal, "jet_mass"].quantile(0.99)
    pd.testing.assert_frame_equal(events, simulate_events(2000, 200, seed=1))
    assert not events.equals(simulate_events(2000, 200, seed=2))
