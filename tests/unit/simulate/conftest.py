"""Two simulated campaigns that the tests share: one as in the demonstration, one long enough for statistics."""

from __future__ import annotations

import pytest

from pipelines.simulate.campaign import Campaign, SimulationSettings, simulate
from pipelines.simulate.write import Paths, write_campaign


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    return simulate(SimulationSettings(seed=1))


@pytest.fixture(scope="session")
def season() -> Campaign:
    """Half a year: every kind of fault on every subsystem that it can hit."""
    return simulate(SimulationSettings(weeks=24, seed=3))


@pytest.fixture(scope="session")
def written(campaign: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return write_campaign(campaign, tmp_path_factory.mktemp("campaign"))
