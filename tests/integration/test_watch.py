"""A watch over a run that grows: verdicts as it comes, provisional until it ends, and then those of a night."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dqm.model.alerts_config import AlertsConfig
from dqm.model.config import Config, load
from dqm.model.errors import InputError, LockedError
from dqm.model.events import Event
from dqm.model.people_config import PeopleConfig
from dqm.services.growing import end_run, provisional_runs
from dqm.services.people import ConfiguredPeople
from dqm.store.store import Store
from dqm.store.tables import scores_from_arrow
from pipelines.nightly.lock import WATCH, locked
from pipelines.nightly.night import nightly
from pipelines.nightly.watch import Watch, stopping, watch
from pipelines.run.explain import explain
from pipelines.run.queue import told_of

PEOPLE = ConfiguredPeople(PeopleConfig())


class Growing:
    """A campaign whose newest run comes piece by piece."""

    def __init__(self, folder: Path) -> None:
        self.config: Config = load(next(folder.glob("*.toml")))
        self.file = folder / "simulated_quantities.parquet"
        self.whole = pq.read_table(self.file)
        self.run = int(self.whole["run"].to_numpy().max())
        self.rows = np.flatnonzero(self.whole["run"].to_numpy() == self.run)

    def come(self, share: float) -> None:
        """The file as it is when this share of the run is there."""
        kept = np.ones(self.whole.num_rows, dtype=bool)
        kept[self.rows[round(share * len(self.rows)) :]] = False
        staged = self.file.with_suffix(".part")
        pq.write_table(self.whole.filter(kept), staged)
        staged.replace(self.file)


@pytest.fixture
def growing(certified_campaign: Path, tmp_path: Path) -> Growing:
    """The campaign before the quantities of its newest run came."""
    made = Growing(Path(shutil.copytree(certified_campaign, tmp_path / "campaign")))
    made.come(0)
    return made


@pytest.fixture
def store(growing: Growing) -> Iterator[Store]:
    with Store.open(growing.config.store_path) as opened:
        yield opened


def badness(store: Store, run: int) -> tuple[np.ndarray, np.ndarray]:
    found = scores_from_arrow(store.read("scores", [run]))
    return found.badness, found.status


def told(store: Store, run: int) -> list[tuple[str, bool]]:
    """What was told of a run, and whether as provisional."""
    return [(e.event.type, e.event.data.get("provisional", False)) for e in store.events() if e.event.run == run]


def same_as_one_night(growing: Growing, store: Store, reference: Path) -> None:
    """The scores are those of a night over the finished data, to 1e-5, and nothing is provisional any more."""
    with Store.open(load(next(reference.glob("*.toml"))).store_path) as whole:
        expected, status = badness(whole, growing.run)
        golden = whole.publication("golden.json").sha256
    found, found_status = badness(store, growing.run)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found_status.tolist() == status.tolist()
    assert provisional_runs(store) == frozenset()
    assert store.publication("golden.json").sha256 == golden


def test_a_run_is_provisional_until_it_ends(growing: Growing, store: Store, certified_campaign: Path) -> None:
    round_ = Watch(growing.config, store)
    growing.come(0.5)
    first = round_.look()
    assert first is not None
    assert not first.failed
    assert provisional_runs(store) == {growing.run}
    assert "its verdicts are provisional: it still grew" in told_of(store, growing.run)[1]
    assert "provisional" in [each.step for each in explain(store, growing.run, 1).links]
    assert f'"{growing.run}"' not in store.publication("golden.json").read().decode()
    assert {provisional for _, provisional in told(store, growing.run)} == {True}
    assert round_.look() is None, "nothing came, so nothing is done"
    growing.come(1)
    again = round_.look()
    assert again is not None
    assert again.scored == 1
    end_run(store, PEOPLE, "", growing.run, nonce="end")
    last = round_.look()
    assert last is not None
    assert last.scored == 0
    assert told(store, growing.run)[-1] == ("run.scored", False)
    same_as_one_night(growing, store, certified_campaign)


@pytest.mark.slow
def test_five_steps_and_a_night_are_one_night(growing: Growing, store: Store, certified_campaign: Path) -> None:
    round_ = Watch(growing.config, store)
    for share in (0.2, 0.4, 0.6, 0.8, 1):
        growing.come(share)
        done = round_.look()
        assert done is not None
        assert not done.failed
    ended = growing.config.model_copy(
        update={"nightly": growing.config.nightly.model_copy(update={"run_ends_after": 0.0})}
    )
    assert not nightly(ended, store).failed
    same_as_one_night(growing, store, certified_campaign)


@pytest.mark.slow
def test_half_a_file_is_in_quarantine_until_the_whole_file_is_read(growing: Growing, store: Store) -> None:
    round_ = Watch(growing.config, store)
    round_.look()
    growing.come(1)
    whole = growing.file.read_bytes()
    growing.file.write_bytes(whole[: len(whole) // 2])
    broken = round_.look()
    assert broken is not None
    assert [(each.code, growing.file.name in each.reason) for each in store.quarantine()] == [("unreadable", True)]
    assert round_.look() is None, "the same half is not read again and again"
    growing.file.write_bytes(whole)
    healed = round_.look()
    assert healed is not None
    assert not healed.failed
    assert store.quarantine() == ()
    assert np.isfinite(badness(store, growing.run)[0]).any()


def test_a_receiver_that_can_never_work_does_not_end_a_watch(growing: Growing, store: Store) -> None:
    """Mutant: what waits for it is due at once, and the next look at the files ends with the error of the relay."""
    far = {"kind": "webhook", "name": "far", "url": "https://example.org/", "secret_env": "DQM_HOOK_KEY"}
    alerts = AlertsConfig.model_validate({"receiver": [far]})
    round_ = Watch(growing.config.model_copy(update={"alerts": alerts}), store)
    with store.transaction() as change:
        change.emit([Event("nightly.failed", "night 1", {})])
    done = round_.look()
    assert done is not None
    assert "tell FAILED: alerts.receiver 'far': host 'example.org' is not in alerts.allow" in done.text()
    assert [each.receiver for each in store.deliveries.found(["pending"])].count("far") > 0
    assert round_.look() is None


def test_a_night_and_a_watch_alternate(tmp_path: Path) -> None:
    """A night waits for a pass that goes on; a watch does not wait for a night."""
    inside, free = threading.Event(), threading.Event()

    def pass_() -> None:
        with locked(tmp_path, WATCH):
            inside.set()
            free.wait(30)

    thread = threading.Thread(target=pass_)
    thread.start()
    inside.wait(30)
    releasing = threading.Timer(0.05, free.set)
    releasing.start()
    with locked(tmp_path):
        assert free.is_set()
        with pytest.raises(LockedError, match=f"process {os.getpid()} on "), locked(tmp_path, WATCH):
            pass
    thread.join()
    releasing.join()


@pytest.mark.parametrize(
    ("given", "why"),
    [({"interval": 0.0}, "--interval 0: write a positive number of seconds"), ({"seconds": -1.0}, "--for -1: write")],
)
def test_times_that_are_none(growing: Growing, store: Store, given: dict[str, float], why: str) -> None:
    with pytest.raises(InputError, match=why):
        watch(growing.config, store, **given)  # type: ignore[arg-type]


def test_a_signal_stops_it_before_the_next_look(growing: Growing, store: Store) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.is_set()
        done = watch(growing.config, store, stop=stop)
    assert done.passes == 0
    assert done.text().endswith("0 passes, something failed in none")
    assert signal.getsignal(signal.SIGTERM) is before


def test_while_a_night_is_at_work_it_waits_and_says_so(growing: Growing, store: Store) -> None:
    said: list[str] = []
    with locked(store.path):
        assert watch(growing.config, store, seconds=0.3, interval=0.05, say=said.append).passes == 0
        with pytest.raises(LockedError):
            watch(growing.config, store, once=True)
    assert len(said) == 1
    assert said[0].startswith("waiting: ")
