"""Nights with streams of sensors: taken in once, scanned day by day, killed anywhere, told in the same commit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dqm.decide.ongoing import CERTAIN
from dqm.model.config import Config, load
from dqm.model.sensors import SECOND
from dqm.store.anomalies import scanned_days
from dqm.store.store import Store
from pipelines.nightly.night import dry_run, nightly
from pipelines.nightly.stages import Stages
from pipelines.nightly.work import NightRequest, Work
from pipelines.run.arrivals import Arrivals
from pipelines.sensors import due
from pipelines.sensors.due import MEMORY, arrived, due_days, scan_due, take_in
from pipelines.sensors.foreseen import silence
from pipelines.sensors.nights import Asked, of_store
from pipelines.sensors.scan import scan

HOUR = 3600 * SECOND
DAY = 24 * HOUR
BEGIN = int(np.datetime64("2026-05-01", "ns").astype(np.int64))
EVERY = 120
CONFIG = """
[sensors]
grammar = "none"
late = 6.0

[[sensors.stream]]
files = ["day-*.csv"]

[[sensors.channel]]
sensors = "TT?"
loop = "A"
unit = "K"
"""


def write_day(folder: Path, day: int, hours: float = 24.0, silent: tuple[float, float] = (0, 0)) -> Path:
    """A thermometer every two minutes, and one beside it that is silent for some hours of the day."""
    at = BEGIN + day * DAY + np.arange(0, round(hours * 3600), EVERY, dtype=np.int64) * SECOND
    noise = np.random.default_rng(day).normal(20, 0.05, (2, len(at))).round(3)
    lines = ["timestamp,sensor,value"]
    for name, values in zip(("TT1", "TT2"), noise, strict=True):
        for moment, value in zip(at.tolist(), values.tolist(), strict=True):
            hour = (moment - BEGIN - day * DAY) / HOUR
            if name == "TT1" or not silent[0] <= hour < silent[1]:
                lines.append(f"{moment},{name},{value}")
    path = folder / f"day-{day}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "dqm.toml").write_text(CONFIG)
    write_day(tmp_path, 0)
    write_day(tmp_path, 1, silent=(20, 24))
    return load(tmp_path / "dqm.toml")


@pytest.fixture
def store(config: Config) -> Iterator[Store]:
    with Store.create(config.store_path) as opened:
        yield opened


def now(days: float) -> int:
    return BEGIN + int(days * DAY)


def night(config: Config, store: Store, days: float, monkeypatch: pytest.MonkeyPatch) -> Work:
    """The stages of sensors, at a moment."""
    monkeypatch.setattr("pipelines.nightly.work.time_ns", lambda: now(days))
    work = Work(config, store, NightRequest(), 1, Stages())
    work.sensors()
    assert [each.name for each in work.stages.found] == ["sensors", "scan"]
    return work


def events(store: Store) -> list[tuple[str, str]]:
    return [(each.event.type, each.event.subject) for each in store.events() if each.event.type.startswith("anomaly")]


def test_a_night_takes_in_and_scans_and_a_second_one_changes_nothing(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = night(config, store, 2.1, monkeypatch)
    assert not first.stages.failed()
    assert [each.day for each in first.scanned] == [20260502], "the first day has no past"
    (gap,) = [each for each in first.scanned[0].intervals if each.kind == "gap"]
    assert (gap.loop, gap.end) == ("A", None)
    assert events(store) == [("anomaly.opened", "loop A")]
    snapshot = store.snapshot
    second = night(config, store, 2.1, monkeypatch)
    assert {each.state for each in second.stages.found} == {"skipped"}
    assert (store.snapshot, events(store)) == (snapshot, [("anomaly.opened", "loop A")])


def test_the_next_day_ends_what_was_open_in_its_own_day(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(config, store, 2.1, monkeypatch)
    write_day(config.folder, 2, hours=12)
    work = night(config, store, 2.6, monkeypatch)
    assert work.stages.found[0].said.startswith("720 readings of 2 sensors on 1 day"), "only the new file was read"
    (gap,) = [one for day in scanned_days(store) for one in day.intervals if one.kind == "gap"]
    assert (gap.begin, gap.end) == (now(1) + 20 * HOUR - EVERY * SECOND, now(2))
    assert events(store)[-1] == ("anomaly.resolved", "loop A")


def test_a_sensor_of_another_file_is_not_absent_because_one_file_changed(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants: what is not in the new files is told to be absent; what is in no file at all is not."""
    text = CONFIG + '[[sensors.channel]]\nsensors = "TT1"\n\n[[sensors.channel]]\nsensors = "TT9"\n'
    (config.folder / "dqm.toml").write_text(text)
    told = load(config.folder / "dqm.toml")
    done = take_in(told, store, arrived(told, store), now(2.1))
    assert [each.reason.split(":")[0] for each in done.findings if each.code == "absent"] == ["TT9"]
    (config.folder / "day-2.csv").write_text(f"timestamp,sensor,value\n{now(2)},TT2,20\n")
    assert [each.code for each in take_in(told, store, arrived(told, store), now(2.1)).findings] == ["absent"]


def test_a_logger_that_died_for_all_is_a_gap_and_not_quiet(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: a night without readings finds nothing."""
    write_day(config.folder, 1)
    night(config, store, 2.1, monkeypatch)
    night(config, store, 2.9, monkeypatch)
    day = scanned_days(store)[-1]
    assert (day.day, day.end) == (20260503, now(2.9) - 6 * HOUR)
    assert {(each.kind, each.end) for each in day.intervals} == {("gap", None)}
    months = list(due_days(config, store, now(90)))
    assert months[-1] == (now(2), now(3)), "what goes on needs no scan of every silent day"


def test_a_day_that_was_corrected_is_scanned_again_with_all_after_it(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_day(config.folder, 2)
    night(config, store, 3.1, monkeypatch)
    assert [each.day for each in scanned_days(store)] == [20260502, 20260503]
    write_day(config.folder, 1)
    work = night(config, store, 3.1, monkeypatch)
    assert [each.day for each in work.scanned] == [20260502, 20260503]
    assert all(each.kind != "gap" for day in scanned_days(store) for each in day.intervals)


@pytest.mark.parametrize("dies_in", ["_state", "_keep"])
def test_what_a_killed_night_left_the_next_one_finishes(
    dies_in: str, config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants: files are remembered before they are stored, a day is remembered before it is scanned."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(due, dies_in, die)
        with pytest.raises(KeyboardInterrupt):
            taken_in_and_scanned(config, store)
    work = night(config, store, 2.1, monkeypatch)
    assert not work.stages.failed()
    assert [each.day for each in scanned_days(store)] == [20260502]
    assert events(store) == [("anomaly.opened", "loop A")]


def test_what_cannot_be_remembered_or_read_back_costs_time_alone(config: Config, store: Store) -> None:
    """Mutant: a night that ends after its commit since a note about files cannot be written, or has another form."""
    found, memory = arrived(config, store), store.path / MEMORY
    memory.parent.write_text("a file where the folder would be")
    take_in(config, store, found, now(2.1))
    assert arrived(config, store).fresh == found.fresh
    memory.parent.unlink()
    take_in(config, store, found, now(2.1))
    assert arrived(config, store).fresh == ()
    whole = json.loads(memory.read_text())
    for damaged in ("", "[]", "[" * 60_000, json.dumps({**whole, "files": []})):
        memory.write_text(damaged)
        assert arrived(config, store).fresh == found.fresh


def taken_in_and_scanned(config: Config, store: Store) -> None:
    (stream,) = config.sensors.stream
    files = tuple((path, stream) for path in config.files(stream.files))
    take_in(config, store, due.Arrived(files, Arrivals({}), ()), now(2.1))
    scan_due(config, store, now(2.1))


def test_one_bad_file_and_a_pattern_without_files_stop_nothing(
    tmp_path: Path, config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "day-9.csv").write_bytes(b"\x1f\x8b no table")
    (tmp_path / "dqm.toml").write_text(CONFIG + '[[sensors.stream]]\nfiles = ["gone-*.csv"]\n')
    work = night(load(tmp_path / "dqm.toml"), store, 2.1, monkeypatch)
    assert not work.stages.failed()
    assert [each.day for each in work.scanned] == [20260502]
    assert work.quarantined == 2
    assert {each.code for each in work.findings if each.severity == "quarantined"} == {"missing", "unreadable"}
    assert {e.event.data["code"] for e in store.events() if e.event.type == "data.quarantined"} == {
        "missing",
        "unreadable",
    }


def test_where_no_file_can_be_read_the_stage_fails_and_the_stored_days_are_scanned(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(config, store, arrived(config, store), now(2.1))
    (config.folder / "day-0.csv").write_bytes(b"\x1f\x8b no table")
    work = night(config, store, 2.1, monkeypatch)
    assert [each.state for each in work.stages.found] == ["failed", "done"]
    assert "is compressed (gzip)" in work.stages.found[0].said


def test_a_whole_night_goes_on_with_sensors_where_it_has_no_model_and_its_page_shows_the_worst_loops(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.nightly.work.time_ns", lambda: now(2.1))
    done = nightly(config, store)
    states = {each.name: each.state for each in done.stages}
    assert (states["sensors"], states["scan"], states["model"]) == ("done", "done", "failed")
    assert done.report is not None
    page = done.report.read_text()
    assert "<h2>Worst loops</h2>" in page
    assert "TT2: no reading for 4.0 h; one every 120 s is due" in page
    assert json.loads((config.store_path / MEMORY).read_text())["files"]


def milli(path: Path, begin: int, end: int) -> None:
    """What TT1 logs from ``begin`` on, before ``end``, in thousandths."""
    lines = [each.split(",") for each in path.read_text().splitlines()[1:]]
    for each in lines:
        if each[1] == "TT1" and begin <= int(each[0]) < end:
            each[2] = f"{1000 * float(each[2]):.0f}"
    path.write_text("\n".join(["timestamp,sensor,value", *map(",".join, lines)]) + "\n")


def certain(store: Store) -> list[tuple[str, int, int | None]]:
    """What needs no statistics: a past of one day of one loop may call a level unusual as well."""
    found = [one for day in scanned_days(store) for one in day.intervals]
    return [(one.kind, one.begin, one.end) for one in found if one.kind in CERTAIN]


def test_a_change_of_unit_is_told_as_one_over_midnight_and_never_as_a_gap(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: the store forgets why readings are invalid, so that a scan of it sees nothing but silence."""
    path, since, until = write_day(config.folder, 1), now(1) + 21 * HOUR, now(2) + 3 * HOUR
    milli(path, since, until)
    night(config, store, 2.1, monkeypatch)
    assert certain(store) == [("unit-change", since, None)]
    (change,) = [each for each in scanned_days(store)[0].intervals if each.kind == "unit-change"]
    assert (change.loop, change.drivers) == ("A", ("TT1",))
    assert change.reason == "TT1: its level is 1000 times higher, as if its unit had changed"
    milli(write_day(config.folder, 2, hours=12), since, until)
    work = night(config, store, 2.6, monkeypatch)
    assert not work.stages.failed()
    assert certain(store) == [("unit-change", since, until)]
    by_hand = scan(of_store(store, Asked(since=now(2)))).intervals
    assert [(each.begin, each.end) for each in by_hand if each.kind in CERTAIN] == [(now(2), until)]


def test_a_corrected_file_takes_the_change_of_unit_back(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_day(config.folder, 1)
    whole = path.read_text()
    milli(path, now(1) + 3 * HOUR, now(1) + 5 * HOUR)
    night(config, store, 2.1, monkeypatch)
    assert [each[0] for each in certain(store)] == ["unit-change"]
    path.write_text(whole)
    night(config, store, 2.1, monkeypatch)
    assert certain(store) == []


def test_a_dry_run_lists_the_sensor_files_with_what_they_hold_and_writes_nothing(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants: a night of sensors alone has no dry run; what was taken in already is listed."""
    (config.folder / "day-9.csv").write_bytes(b"\x1f\x8b no table")
    (config.folder / "dqm.toml").write_text(CONFIG + '[[sensors.stream]]\nfiles = ["gone-*.csv"]\n')
    told = load(config.folder / "dqm.toml")
    monkeypatch.setattr("pipelines.nightly.night.time_ns", lambda: now(2.1))
    lines = dry_run(told, store).splitlines()
    assert "sensor files that are new or changed: 3 of 3" in lines
    assert "  day-0.csv: 1440 readings of 2 sensors, 2026-05-01T00:00:00Z to 2026-05-01T23:58:00Z" in lines
    assert any(each.startswith("  day-9.csv: ") and "is compressed (gzip)" in each for each in lines)
    assert any(each.startswith("not found: [[sensors.stream]]: ") and "gone-*.csv" in each for each in lines)
    assert lines[-1].startswith("nothing can be scored: ")
    assert store.runs("sensors") == []
    take_in(told, store, arrived(told, store), now(2.1))
    monkeypatch.setattr("pipelines.sensors.foreseen.LISTED", 1)
    for day in (2, 3):
        write_day(config.folder, day, hours=0.1)
    lines = dry_run(told, store).splitlines()
    first = lines.index("sensor files that are new or changed: 2 of 5")
    assert lines[first + 1 : first + 3] == [
        "  day-2.csv: 6 readings of 2 sensors, 2026-05-03T00:00:00Z to 2026-05-03T00:04:00Z",
        "  … and 1 more, not looked into",
    ]
    assert (
        "days of sensors to scan, of what is stored: 2 (20260501–20260502), and those that these files change with all "
        "later ones"
    ) in lines
    assert "no sensor was read after 2026-05-02T23:58:00Z, 2.4 h ago: a gap once it lasts 6 h ([sensors] late)" in lines


def test_a_silence_of_all_sensors_is_told_before_it_is_a_gap(config: Config, store: Store) -> None:
    assert silence(config, store, now(2.1)) == ""
    take_in(config, store, arrived(config, store), now(2.1))
    assert silence(config, store, now(2) + HOUR // 2) == ""
    assert silence(config, store, now(2.5)).endswith("12.0 h ago: which is a gap")
