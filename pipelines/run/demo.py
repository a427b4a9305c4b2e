"""``dqm demo``: the whole way on simulated data, in a folder of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from dqm.decide.definitions import Outcome, outcome
from dqm.model.config import load
from dqm.model.errors import ConfigError
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from pipelines.progress import track
from pipelines.run.certify import CertifySummary, certify
from pipelines.run.ingest import ingest
from pipelines.run.score import score
from pipelines.run.train import TrainSummary, train
from pipelines.simulate.campaign import SimulationSettings, simulate
from pipelines.simulate.write import truth_labels, write_campaign

WEEKS = 4.0
"""Simulated data taking: enough runs to learn from."""

HISTOGRAMS = 3
"""Simulated monitor elements of each subsystem, of the ten that there are: enough to look at within a minute."""

MARK = ".lumicert-demo"
"""File by which a folder is known as one that an earlier demonstration made and a new one may empty."""


@dataclass(frozen=True)
class DemoSummary:
    """What the demonstration did, and how its verdicts stand to the simulated truth."""

    config: Path
    report: Path
    trained: TrainSummary
    certified: CertifySummary
    against_truth: Outcome
    seconds: float

    def text(self) -> str:
        """For people."""
        seen = self.against_truth
        loss, pollution = ("n/a" if each is None else f"{each:.2%}" for each in (seen.data_loss, seen.pollution))
        return (
            f"{self.trained.text()}\n{self.certified.text()}\n"
            f"against the simulated truth of those runs: data loss {loss}, pollution {pollution}, "
            f"left to people {seen.workload or 0:.1%} of the lumisections\n"
            f"report: {self.report}\nthe whole way took {self.seconds:.1f} s; all of this data is simulated\n"
            f"look at it with: dqm dashboard --config {self.config}"
        )


def demo(folder: Path, seed: int = 1) -> DemoSummary:
    """Simulate a campaign, certify its newest runs and write a report; raises ``ConfigError`` for a strange folder."""
    begun = perf_counter()
    _emptied(folder)
    paths = write_campaign(simulate(SimulationSettings(weeks=WEEKS, seed=seed)), folder, HISTOGRAMS)
    config = load(paths.config)
    report = folder / "report.html"
    with Store.create(config.store_path) as store:
        steps = iter(track(["ingest", "train", "score", "certify"], "simulated campaign"))
        next(steps)
        ingest(config, store)
        next(steps)
        trained = train(config, store)
        next(steps)
        score(config, store)
        next(steps)
        certified = certify(config, store, report=report, output=folder / "certified")
        next(steps, None)
        verdicts = verdicts_from_arrow(store.read("verdicts"))
    truth = truth_labels(paths.truth_newest).aligned(verdicts.index)
    run = np.asarray(verdicts.index.get_level_values("run"))
    seen = outcome(verdicts.decision, truth, verdicts.weight, run)
    return DemoSummary(paths.config, report, trained, certified, seen, perf_counter() - begun)


def _emptied(folder: Path) -> None:
    """Make the folder, or empty one that a demonstration made; anything else is not ours to delete."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).is_file():
            raise ConfigError(f"{folder} is not empty and no earlier demonstration made it; name another with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("made by dqm demo; the next one empties this folder\n", encoding="utf-8")
