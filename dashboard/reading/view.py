"""What one rerun shows: a configuration, its store and the newest snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dqm.model.config import Config, load
from dqm.model.errors import ConfigError
from dqm.model.verdicts import WorkingPoint
from dqm.store.store import Store


@dataclass(frozen=True)
class View:
    """What one rerun shows: a configuration, its store and the snapshot that was the newest when the rerun began.

    ``entry`` is the number of the newest audit entry: what people did changes with it and with the snapshot alone, so
    both together key what is cached of it. ``held`` tells of each kind which runs the snapshot holds, ascending.
    """

    config: Config
    config_path: Path
    path: str
    snapshot: int
    entry: int
    held: dict[str, list[int]]
    point: WorkingPoint | None

    @property
    def unit(self) -> str:
        """What one lumisection is called here."""
        return self.config.experiment.lumisection

    @property
    def weight_unit(self) -> str:
        """Unit of the weight, or the word where it has none."""
        return self.config.experiment.weight_unit


def view(config_path: str) -> View:
    """Read the configuration and look at the newest snapshot; raises ``ConfigError`` or ``StoreError``."""
    if not config_path:
        raise ConfigError("no configuration was given; start the pages with: dqm dashboard --config dqm.toml")
    config = load(Path(config_path))
    with Store.open(config.store_path) as store:
        snapshot, entry = store.snapshot, store.last_entry
        kinds = ("quantities", "labels", "past", "scores", "verdicts", "sensors", "anomalies")
        held = {kind: store.runs(kind, snapshot) for kind in kinds}
        points = [each.working_point for each in store.working_points() if each.snapshot <= snapshot]
    point = points[-1] if points else None
    return View(config, Path(config_path), str(config.store_path.resolve()), snapshot, entry, held, point)
