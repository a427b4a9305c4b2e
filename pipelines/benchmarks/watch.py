"""From a file to its alert: ``dqm watch`` in a process of its own, a web hook that takes note, files that appear.

A past of some sixty labelled runs is learned from first, untimed. Then runs arrive one by one, each written under
another name and renamed, and the clock runs from the rename to the alert that the run was scored.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dqm.model.errors import InputError
from pipelines.benchmarks.memory import high_water_mib, processor_seconds
from pipelines.reliability.receiver import KEY, KEY_NAME, Receiver, taken
from pipelines.reliability.season import ARRIVED, WAITING, Season, season
from pipelines.simulate.campaign import SimulationSettings

PAST = SimulationSettings(weeks=11, fills_per_day=1, fill_hours=0.7, runs_per_fill=1, unlabelled_share=0.2, seed=6)
FILES, PATIENCE, PAUSE = 15, 60.0, 0.005
"""Files that are timed, seconds for which one alert is waited for, and from one look to the next."""
ALERTS = """
[alerts]
allow = ["127.0.0.1"]

[[alerts.receiver]]
kind = "webhook"
url = "{url}/watch"
secret_env = "{key}"
types = ["run.scored"]
"""


@dataclass(frozen=True)
class WatchTimes:
    """Seconds from each file to its alert, ``peak_gib`` of the watch, ``processor`` seconds that it used for each file,
    and runs that it held before the first."""

    seconds: tuple[float, ...]
    peak_gib: float
    processor: float
    runs: int

    @property
    def median(self) -> float:
        """Of the seconds."""
        return float(np.median(self.seconds))

    def text(self) -> str:
        """For people."""
        return (
            f"dqm watch: from a file to its alert {self.median:.2f} s at the median of {len(self.seconds)}, "
            f"{max(self.seconds):.2f} s at most, {self.processor:.2f} s of processor time each, "
            f"in a store of {self.runs} runs and more; all data is simulated"
        )


def measure(files: int = FILES) -> WatchTimes:
    """Time so many files; raises ``InputError`` where an alert does not come or the watch ends."""
    with tempfile.TemporaryDirectory() as name:
        made = season(Path(name, "season"), PAST)
        runs = len(np.unique(_runs(made)))
        with Receiver(Path(name, "taken.jsonl")).in_a_thread() as receiver:
            config = made.folder / "dqm.toml"
            config.write_text(config.read_text(encoding="utf-8") + ALERTS.format(url=receiver.url, key=KEY_NAME))
            return _timed(made, receiver, made.pieces[: files + 1], runs)


def _runs(made: Season) -> list[int]:
    from dqm.store.store import Store

    with Store.open(made.config().store_path) as store:
        return store.runs("quantities")


def _timed(made: Season, receiver: Receiver, pieces: tuple[str, ...], runs: int) -> WatchTimes:
    """The first file only warms up: the watch begins with it."""
    made.arrive(pieces[:1])
    environment = os.environ | {KEY_NAME: KEY, "OMP_NUM_THREADS": "1"}
    rng, seconds = np.random.default_rng(0), []
    with (made.folder / "watch.log").open("w+", encoding="utf-8") as log:
        command = [sys.executable, "-m", "pipelines.cli", "watch"]
        watch = subprocess.Popen(command, cwd=made.folder, stdout=log, stderr=log, env=environment)
        try:
            _wait(watch, receiver, pieces[0], log.name)
            warm = processor_seconds(watch.pid)
            for piece in pieces[1:]:
                time.sleep(1 + rng.random())  # files come at any moment between two looks
                _appear(made, piece)
                begun = time.perf_counter()
                _wait(watch, receiver, piece, log.name)
                seconds.append(time.perf_counter() - begun)
            peak, spent = high_water_mib(watch.pid) / 1024, processor_seconds(watch.pid) - warm
        finally:
            watch.send_signal(signal.SIGTERM)
            watch.wait()
    return WatchTimes(tuple(seconds), peak, spent / max(len(seconds), 1), runs)


def _appear(made: Season, piece: str) -> None:
    names = [f"oms-{piece}.json", f"quantities-{piece}.parquet"]
    for name in names:
        (made.folder / ARRIVED / f".{name}").write_bytes((made.folder / WAITING / name).read_bytes())
    for name in names:
        (made.folder / ARRIVED / f".{name}").rename(made.folder / ARRIVED / name)


def _wait(watch: subprocess.Popen[bytes], receiver: Receiver, piece: str, log: str) -> None:
    deadline = time.perf_counter() + PATIENCE
    while not _told(receiver, int(piece)):
        if watch.poll() is not None or time.perf_counter() > deadline:
            said = Path(log).read_text(encoding="utf-8").strip()[-500:]
            raise InputError(f"no alert of run {piece} within {PATIENCE:g} s of its file; the watch says: {said}")
        time.sleep(PAUSE)


def _told(receiver: Receiver, run: int) -> bool:
    with receiver.lock:
        bodies = [body for each in taken(receiver.log, "/watch").values() for body in each]
    return any(str(json.loads(each).get("run")) == str(run) for each in bodies)
