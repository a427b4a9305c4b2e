"""What one rerun shows: a configuration, its store and the newest snapshot."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from dqm.model.config import Config, load
from dqm.model.errors import ConfigError
from dqm.model.verdicts import Asked, WorkingPoint
from dqm.store.store import Store
from features.asked import asked_of

KINDS = ("quantities", "labels", "past", "scores", "verdicts", "sensors", "anomalies")
"""What pages ask a snapshot for."""


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
    def asked(self) -> Asked:
        """What the configuration asks of features now."""
        return asked_of(self.config.features, self.config.limits)

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
    path = str(config.store_path.resolve())
    with Store.open(config.store_path) as store:
        snapshot, entry = _look(path, store)
    held, point = _of_snapshot(path, snapshot)
    return View(config, Path(config_path), path, snapshot, entry, held, point)


@dataclass(frozen=True)
class _Looked:
    """The newest snapshot and entry that were seen of each store, both of which only ever grow; one looks at a time."""

    newest: dict[str, tuple[int, int]] = field(default_factory=dict)
    turn: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource(show_spinner=False)
def _looked() -> _Looked:
    return _Looked()


def _look(path: str, store: Store) -> tuple[int, int]:
    """The newest snapshot and entry; what was read before is forgotten where one went back.

    Another store is then in this place, a copy that was restored for example, and gives the same numbers out anew.
    """
    looked = _looked()
    with looked.turn:
        now = store.snapshot, store.last_entry
        before = looked.newest.get(path, now)
        if now[0] < before[0] or now[1] < before[1]:
            st.cache_resource.clear()
        _looked().newest[path] = now
    return now


@st.cache_resource(max_entries=4, show_spinner=False)
def _of_snapshot(path: str, snapshot: int) -> tuple[dict[str, list[int]], WorkingPoint | None]:
    """Which runs a snapshot holds of each kind, and its working point: with thousands of runs worth asking once."""
    with Store.open(Path(path)) as store:
        held = {kind: store.runs(kind, snapshot) for kind in KINDS}
        points = [each.working_point for each in store.working_points() if each.snapshot <= snapshot]
    return held, points[-1] if points else None
