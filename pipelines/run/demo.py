"""``dqm demo``: the whole way on simulated data, in a folder of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from time import perf_counter

import numpy as np

from dqm.decide.definitions import Outcome, outcome
from dqm.model.config import Config, load
from dqm.model.errors import ConfigError
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow
from pipelines.progress import track
from pipelines.run.certify import certify
from pipelines.run.certify_summary import CertifySummary
from pipelines.run.demo_shift import shift
from pipelines.run.ingest import ingest
from pipelines.run.score import score
from pipelines.run.train import TrainSummary, train
from pipelines.sensors.ingest import ingest_sensors
from pipelines.sensors.scan_commands import scan as sensors_scan
from pipelines.simulate.story import COOLING, Story, story, write_story
from pipelines.simulate.write import truth_labels

WEEKS = 4.0
"""Simulated data taking: enough runs to learn from."""

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
    told: Story
    entered: tuple[str, ...]
    seconds: float

    def text(self) -> str:
        """For people."""
        seen = self.against_truth
        loss, pollution = ("n/a" if each is None else f"{each:.2%}" for each in (seen.data_loss, seen.pollution))
        return (
            f"{self.trained.text()}\n{self.certified.text()}\n"
            f"against the simulated truth of those runs: data loss {loss}, pollution {pollution}, "
            f"left to people {seen.workload or 0:.1%} of the lumisections\n"
            f"{self.story()}\n"
            f"report: {self.report}\nthe whole way took {self.seconds:.1f} s; all of this data is simulated\n"
            f"look at it with: dqm dashboard --config {self.config}"
        )

    def story(self) -> str:
        """What happened in the newest runs and what people entered, a line each."""
        happened = [f"  {each.title}, {each.text()}" for each in self.told.chapters]
        return "\n".join(
            ["what happened in these runs:", *happened, "what people entered:", *(f"  {each}" for each in self.entered)]
        )


def demo(folder: Path, seed: int = 1) -> DemoSummary:
    """Simulate a campaign, certify its newest runs and write a report; raises ``ConfigError`` for a strange folder."""
    begun = perf_counter()
    _emptied(folder)
    told = story(WEEKS, seed)
    paths = write_story(told, folder)
    config = load(paths.config)
    report = folder / "report.html"
    with Store.create(config.store_path) as store:
        steps = iter(track(["ingest", "sensors", "train", "score", "certify", "people"], "simulated campaign"))
        next(steps)
        ingest(config, store)
        next(steps)
        _sensors(config, paths.config, store, told)
        next(steps)
        trained = train(config, store)
        next(steps)
        score(config, store)
        next(steps)
        certified = certify(config, store, report=report, output=folder / "certified")
        verdicts = verdicts_from_arrow(store.read("verdicts"))
        next(steps)
        entered = shift(config, store, told, datetime.now(UTC))
        next(steps, None)
    truth = truth_labels(paths.truth_newest).aligned(verdicts.index)
    run = np.asarray(verdicts.index.get_level_values("run"))
    seen = outcome(verdicts.decision, truth, verdicts.weight, run)
    return DemoSummary(paths.config, report, trained, certified, seen, told, tuple(entered), perf_counter() - begun)


def _sensors(config: Config, path: Path, store: Store, told: Story) -> None:
    """Ingest the cooling loops, and scan them from the midnight before the incident on, as the commands do."""
    ingest_sensors(config, store, now=int(told.loops.readings.time.max()))
    calendar = told.campaign.calendar
    began = calendar.start[np.searchsorted(calendar.run, told.chapter(COOLING).run)].astype("datetime64[D]")
    sensors_scan(since=datetime.combine(began.item(), time()), config=path, store=True)


def _emptied(folder: Path) -> None:
    """Make the folder, or empty one that a demonstration made; anything else is not ours to delete."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).is_file():
            raise ConfigError(f"{folder} is not empty and no earlier demonstration made it; name another with --folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("made by dqm demo; the next one empties this folder\n", encoding="utf-8")
