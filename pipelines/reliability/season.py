"""A simulated season in files of one run or one day each, so that data can arrive piece by piece."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dqm.formats.canonical import write_canonical
from dqm.formats.golden import golden_bytes
from dqm.formats.oms import write_oms
from dqm.model.alerts_config import AlertsConfig
from dqm.model.config import Config, load
from dqm.model.keys import LumiMask
from dqm.model.labels import Label
from dqm.store.store import Store
from pipelines.reliability.receiver import hook
from pipelines.run.ingest import ingest
from pipelines.run.train import train
from pipelines.simulate.campaign import Campaign, SimulationSettings, simulate
from pipelines.simulate.write import oms_frame

CONFIG = """\
[experiment]
name = "simulation"
weight = "recorded"

[store]
path = "store"

[[inputs]]
kind = "canonical"
files = ["arrived/quantities-*.parquet"]

[[inputs]]
kind = "oms"
files = ["arrived/oms-*.json"]
required = true

[features]
rates_within = "prescale_index"
"""
SMALL = """
[model]
trees = 20
learning_rate = 0.3
members = 1
"""
LABELS = """
[[inputs]]
kind = "golden"
files = ["golden.json"]
coverage = "span"
"""
ARRIVED, WAITING = "arrived", "waiting"


@dataclass(frozen=True)
class Season:
    """A folder with a configuration, what has arrived and what waits; ``pieces`` names what waits, in time order."""

    folder: Path
    pieces: tuple[str, ...]

    def config(self, url: str = "", types: tuple[str, ...] = ("*",)) -> Config:
        """The configuration, telling a receiver at ``url`` of events of these types."""
        found = load(self.folder / "dqm.toml")
        alerts = AlertsConfig.model_validate(hook(url, types)) if url else AlertsConfig()
        return found.model_copy(update={"alerts": alerts})

    def arrive(self, pieces: Iterable[str]) -> None:
        """Let pieces come in."""
        for each in pieces:
            for name in (f"quantities-{each}.parquet", f"oms-{each}.json"):
                shutil.copy2(self.folder / WAITING / name, self.folder / ARRIVED / name)

    def copy(self, folder: Path) -> Season:
        """The same season elsewhere; Parquet files, which nobody changes, are shared."""
        shutil.copytree(self.folder, folder, copy_function=_linked)
        return Season(folder, self.pieces)


def season(folder: Path, settings: SimulationSettings, *, by_day: bool = False, model: str = SMALL) -> Season:
    """Simulate, train on the labelled runs and let their files go; what nobody labelled waits, by run or by day.

    ``model`` is that of the configuration: few trees, or the one that everybody has where it is empty.
    """
    campaign = simulate(settings)
    for each in (ARRIVED, WAITING):
        (folder / each).mkdir(parents=True)
    good = campaign.labels.take(campaign.labels.values == Label.GOOD).index
    mask = LumiMask.of_lumisections(good.get_level_values("run"), good.get_level_values("ls"))
    (folder / "golden.json").write_bytes(golden_bytes(mask))
    (folder / "dqm.toml").write_text(CONFIG + model + LABELS, encoding="utf-8")
    newest = np.isin(campaign.calendar.run, campaign.unlabelled)
    _write(campaign, folder / ARRIVED, "past", ~newest)
    pieces = _pieces(campaign, by_day=by_day)
    for name, runs in pieces.items():
        _write(campaign, folder / WAITING, name, np.isin(campaign.calendar.run, runs))
    config = load(folder / "dqm.toml")
    with Store.create(config.store_path) as store:
        ingest(config, store)
        train(config, store)
    for path in (folder / ARRIVED).iterdir():
        path.unlink()
    (folder / "dqm.toml").write_text(CONFIG + model, encoding="utf-8")
    return Season(folder, tuple(pieces))


def _pieces(campaign: Campaign, *, by_day: bool) -> dict[str, Sequence[int]]:
    """The unlabelled runs by the name of what they arrive in; a run arrives on the day on which it began."""
    if not by_day:
        return {str(run): [run] for run in campaign.unlabelled}
    first = np.searchsorted(campaign.calendar.run, campaign.unlabelled)
    days = np.datetime_as_string(campaign.calendar.start[first], unit="D").tolist()
    return {
        day: [run for run, of in zip(campaign.unlabelled, days, strict=True) if of == day] for day in sorted(set(days))
    }


def _write(campaign: Campaign, folder: Path, name: str, rows: np.ndarray) -> None:
    write_canonical(folder / f"quantities-{name}.parquet", campaign.quantities.take(rows))
    write_oms(folder / f"oms-{name}.json", oms_frame(campaign)[rows])


def _linked(source: str, target: str) -> None:
    if source.endswith(".parquet"):
        Path(target).hardlink_to(source)
    else:
        shutil.copy2(source, target)
