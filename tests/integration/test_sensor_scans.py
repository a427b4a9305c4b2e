"""``dqm sensors scan``: what it reads and judges, what it refuses, what it keeps, and how far it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dqm.model.config import load
from dqm.store.sensors import read_sensors
from dqm.store.store import Store
from pipelines.progress import steps
from pipelines.sensors.nights import Asked, of_files
from pipelines.sensors.scan import scan

from .conftest import Dqm


@pytest.fixture(scope="module")
def fridge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two tables, ten hours each, of which the second has a gap and a change of unit from its begin on."""
    folder = tmp_path_factory.mktemp("fridge")
    rng = np.random.default_rng(1)
    for name, day in (("past", "2026-05-01T00:00:00"), ("night", "2026-05-01T10:00:00")):
        time = np.datetime64(day) + np.arange(0, 36_000, 20)
        cold, warm = 20 + rng.normal(0, 0.05, len(time)), 4 + rng.normal(0, 0.01, len(time))
        if name == "night":
            cold *= 1000
        rows = [f"{t}Z,{a:.3f},{b:.3f}" for t, a, b in zip(time, cold, warm, strict=True)]
        if name == "night":
            del rows[300:480]
        (folder / f"{name}.csv").write_text("\n".join(["time,TT1,TT2", *rows]) + "\n")
    channel = '[[sensors.channel]]\nsensors = "TT*"\nunit = "K"\nmeasures = "temperature"\nloop = "fridge"\n'
    (folder / "dqm.toml").write_text('[[sensors.stream]]\nfiles = ["*.csv"]\n' + channel)
    return folder


def test_scan_finds_what_is_certain_and_writes_it_down(dqm: Dqm, fridge: Path, tmp_path: Path) -> None:
    """The change of unit begins with the file: only the past tells it."""
    outputs = ("-o", tmp_path, "--csv", "--html", "--json", tmp_path / "found.json")
    code, said = dqm(
        "sensors", "scan", fridge / "night.csv", "--past", fridge / "past.csv", "-c", fridge / "dqm.toml", *outputs
    )
    assert code == 3, "the change of unit is in quarantine"
    assert "2 sensors of 1 loop, " in said
    found = json.loads((tmp_path / "found.json").read_text())
    kinds = {each["kind"]: each for each in found["intervals"]}
    assert kinds["unit-change"]["drivers"] == ["TT1"]
    assert "1000 times higher" in kinds["unit-change"]["reason"]
    assert "TT2: no reading for" in kinds["gap"]["reason"]
    assert found["worst"][0]["loop"] == "fridge"
    page = (tmp_path / "anomalies.html").read_text()
    assert "<h2>fridge</h2>" in page
    assert "https://" not in page.split("<script>")[0]
    assert b"unit-change" in (tmp_path / "anomalies.csv").read_bytes()


def test_scan_of_the_store_is_kept_for_the_page(dqm: Dqm, fridge: Path) -> None:
    from dqm.store.anomalies import scanned_days

    assert dqm("sensors", "ingest", "-c", fridge / "dqm.toml")[0] == 3  # the change of unit is in quarantine
    code, said = dqm("sensors", "scan", "-c", fridge / "dqm.toml", "--since", "2026-05-01T10:00:00", "--store")
    assert code == 0
    assert "of 1 day in" in said
    with Store.open(fridge / "certification") as store:
        (day,) = scanned_days(store)
    assert day.day == 20260501
    assert {each.kind for each in day.intervals} >= {"gap", "unit-change"}
    assert "as if its unit had changed" in " ".join(each.reason for each in day.intervals)


def test_scan_says_what_it_lacks(dqm: Dqm, fridge: Path, tmp_path: Path) -> None:
    night, config = fridge / "night.csv", ("-c", fridge / "dqm.toml")
    assert "--past-share: 2 is no share of the time" in dqm("sensors", "scan", night, *config, "--past-share", "2")[1]
    assert "no folder for --csv and --html; name one with -o" in dqm("sensors", "scan", night, *config, "--csv")[1]
    code, said = dqm("sensors", "scan", night, *config, "--past-share", "0.1")
    assert code == 1 or code == 2
    assert "is too short: it takes 3.5 h to know what is usual" in said
    said = dqm("sensors", "scan", night, *config, "-o", tmp_path / "new")[1]
    assert f"nothing to write into {tmp_path / 'new'}; say what with --csv or --html" in said
    said = dqm("sensors", "scan", *config, "--past", fridge / "past.csv")[1]
    assert "--past goes with files to judge; the past of stored readings is told by --since or --past-share" in said
    said = dqm("sensors", "scan", night, *config, "--csv", "-o", night)[1]
    assert f"-o {night}: no such folder can be made (File exists); name another" in said
    said = dqm("sensors", "scan", night, *config, "--sensors", "TT3")[1]
    assert "--sensors TT3: no sensor or loop is called so; nearest valid names: 'TT2', 'TT1'" in said
    said = dqm("sensors", "scan", night, *config, "--past", fridge / "past.csv", "--sensors", "TT3")[1]
    assert "--sensors TT3: no sensor or loop is called so" in said


def test_options_that_would_be_ignored_are_refused(dqm: Dqm, fridge: Path, tmp_path: Path) -> None:
    night, past, config = fridge / "night.csv", fridge / "past.csv", ("-c", fridge / "dqm.toml")
    said = dqm("sensors", "scan", *config, "--zone", "UTC")[1]
    assert "dqm sensors scan: --zone says how files are to be read, and no file is named; name some, or leave" in said
    said = dqm("sensors", "plot", *config, "--kind", "wide", "-o", tmp_path / "a.html")[1]
    assert "dqm sensors plot: --kind says how files are to be read" in said
    said = dqm("sensors", "scan", night, "--past", past, *config, "--past-share", "0.4")[1]
    assert "--past says what the past is, so --past-share says nothing; take one" in said
    said = dqm("sensors", "scan", night, *config, "--since", "2026-05-01", "--past-share", "0.4")[1]
    assert "--since says what the past is" in said
    assert "--until: 'noon' is no moment; give 2026-06-02T06" in dqm("sensors", "scan", *config, "--until", "noon")[1]
    assert (
        "is still to come; give a moment that has passed" in dqm("sensors", "scan", *config, "--until", "2999-01-01")[1]
    )
    overlapping = ("sensors", "scan", past, "--past", past, *config, "--since", "2026-05-01T05:00:00")
    assert "the past of TT1 ends at 2026-05-01T09:59:40Z, after the readings begin" in dqm(*overlapping)[1]


def loop_of(folder: Path, **hours: tuple[int, int]) -> Path:
    """A file for each name with two thermometers of a loop from one hour of a day to another, every minute."""
    for name, (begin, end) in hours.items():
        time = np.datetime64("2026-05-01T00:00:00") + np.arange(begin * 3600, end * 3600, 60)
        rng = np.random.default_rng(begin)
        rows = [f"{t}Z,{a:.3f},{b:.3f}" for t, a, b in zip(time, *rng.normal(4, 0.01, (2, len(time))), strict=True)]
        (folder / f"{name}.csv").write_text("\n".join(["time,TT1,TT2", *rows]) + "\n")
    (folder / "dqm.toml").write_text('[[sensors.channel]]\nsensors = "TT*"\nunit = "K"\nloop = "A"\n')
    return folder


def test_what_files_hold_from_before_since_is_of_the_past(dqm: Dqm, tmp_path: Path) -> None:
    """Mutant: readings between the end of --past and --since are dropped, and the pause before the night is noted."""
    folder = loop_of(tmp_path, past=(0, 5), night=(5, 12))
    given = ("-c", folder / "dqm.toml", "--since", "2026-05-01T08:00:00")
    code, said = dqm("sensors", "scan", folder / "night.csv", "--past", folder / "past.csv", *given)
    assert code == 0
    assert "2026-05-01T08:00:00Z – 2026-05-01T11:59:00Z" in said
    assert "without a valid reading just before" not in said


def test_a_logger_that_died_for_all_is_told_until_the_moment_that_is_asked_for(dqm: Dqm, tmp_path: Path) -> None:
    folder = loop_of(tmp_path, log=(0, 12))
    given = ("sensors", "scan", folder / "log.csv", "-c", folder / "dqm.toml")

    def gaps(*asked: str) -> str:
        assert dqm(*given, *asked, "--json", folder / "found.json")[0] == 0
        found = json.loads((folder / "found.json").read_text())["intervals"]
        return "; ".join(each["reason"] for each in found if each["kind"] == "gap")

    assert gaps("--past-share", "0.5") == ""
    assert "TT1: no reading for 6.0 h" in gaps("--past-share", "0.5", "--until", "2026-05-01T18:00:00")
    assert "TT1: no reading for 2.0 h" in gaps("--since", "2026-05-01T12:00:00", "--until", "2026-05-01T14:00:00")


def test_readings_of_files_are_kept_for_the_page(dqm: Dqm, tmp_path: Path) -> None:
    folder = loop_of(tmp_path, log=(0, 12))
    code, said = dqm("sensors", "scan", folder / "log.csv", "-c", folder / "dqm.toml", "--store")
    assert code == 0
    assert "kept 1440 readings of 2 sensors" in said
    with Store.open(folder / "certification") as store:
        assert len(read_sensors(store).time) == 1440
        assert store.runs("anomalies") == [20260501]


def test_who_waits_is_told_how_far_reading_and_scanning_are(fridge: Path) -> None:
    told: list[tuple[str, int, int]] = []

    def advance(name: str, done: int, total: int) -> None:
        told.append((name, done, total))

    files = [fridge / "past.csv", fridge / "night.csv"]
    night, _ = of_files(files, [], Asked(advance=advance), load(fridge / "dqm.toml"))
    scan(night, advance=advance)
    assert told[:2] == [("past.csv", 0, 2), ("night.csv", 1, 2)]
    assert [done for _, done, _ in told[2:]] == list(range(told[-1][2]))
    assert told[-1][0].startswith("windows from 2026-05-01T")


def test_steps_are_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with steps("reading") as advance:
        advance("a.csv", 1, 2)
    assert capsys.readouterr().err == ""


def test_a_zone_that_is_none_is_told_even_where_no_time_needs_it(dqm: Dqm, fridge: Path) -> None:
    said = dqm("sensors", "inspect", fridge / "past.csv", "--zone", "Europe/Zurch")[1]
    assert "unknown time zone 'Europe/Zurch'; nearest valid names: 'Europe/Zurich'" in said
