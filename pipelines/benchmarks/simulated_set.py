"""The set ``simulation:cut``: a simulated campaign with histograms, from files to features as a night would have it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from dqm.model.config import Config, load
from dqm.store.store import Store
from pipelines.benchmarks.sets import LAST_HALF, BenchmarkSet
from pipelines.run.ingest import ingest
from pipelines.run.learn import make_detector
from pipelines.run.quantities import all_quantities
from pipelines.run.schedule import Schedule
from pipelines.run.train import labelled_evidence
from pipelines.simulate.campaign import SimulationSettings, simulate
from pipelines.simulate.fills import Calendar
from pipelines.simulate.placement import Event
from pipelines.simulate.write import write_campaign

NAME = "simulation:cut"
SETTINGS = SimulationSettings(weeks=4.0, seed=11, unlabelled_share=0.0, label_noise=0.0, monitoring=True)
ELEMENTS = 2
"""Monitor elements of each of six subsystems."""


def simulated_set(settings: SimulationSettings = SETTINGS, elements: int = ELEMENTS) -> BenchmarkSet:
    """The campaign of ``settings`` with labels without error, and bins of its histograms beside the features.

    Everything is simulated, so that every block may be developed on. The fault that calls an element otherwise is left
    out: after it the guard against missing elements has everything asked, whatever a detector says.
    """
    with tempfile.TemporaryDirectory() as folder:
        campaign = simulate(settings, _without_renaming)
        config = _with_shapes(load(write_campaign(campaign, Path(folder), elements).config))
        with Store.create(config.store_path) as store:
            ingest(config, store)
            evidence, _ = labelled_evidence(config, store)
            quantities = all_quantities(store, config)
    quantities = quantities.take(np.isin(quantities.run, np.unique(evidence.run)))
    block = Schedule().block(evidence.run)
    return BenchmarkSet(NAME, evidence, quantities, block, LAST_HALF, {}, make_detector(config.model))


def _with_shapes(config: Config) -> Config:
    shapes = config.features.shapes.model_copy(update={"elements": ("*",), "bins": 25, "side": 8})
    return config.model_copy(update={"features": config.features.model_copy(update={"shapes": shapes})})


def _without_renaming(drawn: tuple[Event, ...], calendar: Calendar, labelled: int) -> tuple[Event, ...]:
    return tuple(each for each in drawn if not each.fault.renamed)
