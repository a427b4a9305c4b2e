"""What arrived since the last ingestion, whoever made it: a command, a night or a watch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dqm.formats.reading import ReadResult, read_input
from dqm.model.config import Config, InputConfig, load
from dqm.model.errors import InputError
from dqm.store.store import Store
from pipelines.alerts.producing import GONE
from pipelines.nightly.stages import DONE, SKIPPED, Stages
from pipelines.nightly.work import NightRequest, Work
from pipelines.run.arrivals import Arrivals
from pipelines.run.ingest import ingest

ROWS = "run,ls,rate\n1,1,1.5\n1,2,2.5\n"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "t.csv").write_text(ROWS, encoding="utf-8")
    file = tmp_path / "dqm.toml"
    file.write_text('[[inputs]]\nkind = "canonical"\nfiles = ["t.csv"]\n', encoding="utf-8")
    return load(file)


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.create(config.store_path) as made:
        yield made


def night(config: Config, store: Store) -> str:
    """The state of the stage that ingests."""
    work = Work(config, store, NightRequest(), 0, Stages())
    then = Arrivals.taken(store)
    work.ingest(Arrivals.of(config, then), then)
    return work.stages.found[0].state


def test_a_night_after_an_ingestion_reads_nothing(config: Config, store: Store) -> None:
    """Mutant: only nights enter what they saw; a night then reads its whole past after ``dqm ingest``."""
    ingest(config, store)
    assert night(config, store) == SKIPPED
    (config.folder / "t.csv").write_text(ROWS + "1,3,2.0\n", encoding="utf-8")
    assert [night(config, store), night(config, store)] == [DONE, SKIPPED]


def test_a_file_is_the_same_from_whatever_folder_a_command_is_called(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: files are known by their paths as given; called from elsewhere, all are told to be gone and read again."""
    ingest(config, store)
    monkeypatch.chdir(config.folder)
    here = load(Path("dqm.toml"))
    assert night(here, store) == SKIPPED
    assert Arrivals.of(here).gone(Arrivals.taken(store)) == []
    with store.transaction() as change:  # as an earlier program entered it
        change.take_in({"t.csv" if each.endswith("t.csv") else each: seen for each, seen in store.intake.files.items()})
    assert night(here, store) == SKIPPED


def test_a_file_is_the_same_by_whatever_way_to_it(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Mutant: the way is part of the name, so that ``../dqm.toml`` or a link reads all again and tells all to be gone."""
    ingest(config, store)
    (tmp_path / "inner").mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "inner")
    for way in (Path("..", "dqm.toml"), tmp_path / "link" / "dqm.toml"):
        assert night(load(way), store) == SKIPPED
        assert Arrivals.of(load(way)).gone(Arrivals.taken(store)) == []


def test_a_file_that_was_only_touched_is_digested_once(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(config, store)
    os.utime(config.folder / "t.csv", ns=(10**18, 10**18))
    assert night(config, store) == SKIPPED
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: pytest.fail("it was digested again"))
    assert night(config, store) == SKIPPED


def test_what_was_refused_is_read_again(config: Config, store: Store) -> None:
    two = config.model_copy(update={"inputs": (*config.inputs, *config.inputs)})

    refuses = iter([False, True])

    def second_refused(described: InputConfig, config: Config) -> ReadResult:
        if next(refuses):
            raise InputError("it is half written")
        return read_input(described, config)

    assert ingest(two, store, read=second_refused).quarantined == 1
    assert Arrivals.taken(store) is None
    assert night(config, store) == DONE


def test_an_ingestion_that_fails_took_nothing_in(config: Config, store: Store) -> None:
    (config.folder / "t.csv").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="no input gave any quantities"):
        ingest(config, store)
    assert Arrivals.taken(store) is None


def missing(store: Store) -> list[tuple[list[str], str]]:
    """What was told of vanished inputs."""
    told = [each.event.data for each in store.events() if each.event.type == "data.missing"]
    return [([Path(file).name for file in each["files"]], each["reason"]) for each in told]


def test_an_input_that_vanished_is_told_once_and_again_when_it_vanishes_again(config: Config, store: Store) -> None:
    """Mutant: files that are gone are only counted among those that changed."""
    more = config.folder / "more.csv"
    both = config.model_copy(update={"inputs": (config.inputs[0].model_copy(update={"files": ("*.csv",)}),)})
    for times in (1, 2):
        more.write_text(f"run,ls,rate\n2,1,{times}\n", encoding="utf-8")
        night(both, store)
        assert len(missing(store)) == times - 1
        more.unlink()
        assert [night(both, store), night(both, store)] == [DONE, SKIPPED]
        assert missing(store) == [(["more.csv"], GONE)] * times


def test_an_input_of_which_nothing_is_left_is_told_although_nothing_can_be_read(config: Config, store: Store) -> None:
    ingest(config, store)
    (config.folder / "t.csv").unlink()
    assert [night(config, store), night(config, store)] == ["failed", "failed"]
    ((files, reason),) = missing(store)
    assert files == ["t.csv"]
    assert "no file matches 't.csv'" in reason
