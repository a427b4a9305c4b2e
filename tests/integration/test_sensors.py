"""``dqm sensors``: from files to the store, to a list and to a plot; the last readings of a night count for the next."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dashboard.sensors.figures import thinned
from dqm.formats.sensor_reading import read_sensor_files
from dqm.model.config import load
from dqm.model.errors import InputError
from dqm.model.sensor_catalog import Quiet
from dqm.model.sensors import SECOND, Sensor, SensorReadings
from dqm.model.sensors_config import StreamConfig
from dqm.store.sensors import read_sensors
from dqm.store.store import Store
from pipelines.progress import steps
from pipelines.sensors.nights import Asked, of_files
from pipelines.sensors.plots import figure_of, panels, write
from pipelines.sensors.scan import scan

from .conftest import Dqm

NAMES = ("QRLAB_31L2_CV943.POSST", "LBARB_31L2_TT843.POSST", "free")
CONFIG = """
[[sensors.stream]]
files = ["*.csv"]

[[sensors.channel]]
sensors = "*_CV*"
logging = "on-change"

[[sensors.quiet]]
sensors = "31L2"
begin = 2026-05-01T06:00:00Z
end = 2026-05-01T09:00:00Z
who = "operator"
why = "heater exchanged"
"""


def timber(path: Path, day: str, scale: float = 1.0, names: tuple[str, ...] = NAMES) -> Path:
    """A day of three sensors every ten minutes, with an hour missing."""
    time = np.datetime64(day, "s") + np.arange(0, 86_400, 600)
    time = np.delete(time, slice(30, 36))
    blocks = []
    for i, name in enumerate(names):
        rows = "".join(
            f"{str(t).replace('T', ' ')}.000,{scale * (4.5 + i + 0.01 * (k % 7)):.4f}\n" for k, t in enumerate(time)
        )
        blocks.append(f"VARIABLE: {name}\n\nTimestamp (UTC_TIME),Value\n{rows}\n")
    path.write_text("".join(blocks))
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    timber(tmp_path / "a.csv", "2026-05-01")
    (tmp_path / "dqm.toml").write_text(CONFIG)
    return tmp_path / "dqm.toml"


def test_inspect_shows_sensors_cadence_gaps_and_findings(dqm: Dqm, config: Path) -> None:
    code, text = dqm(
        "sensors", "inspect", config.parent / "a.csv", "-c", config, "--json", config.parent / "found.json"
    )
    assert code == 0
    assert "3 sensors, 414 readings, 2026-05-01T00:00:00Z – 2026-05-01T23:50:00Z" in text
    assert "1 gap, together 4200 s, the longest 4200 s from 2026-05-01T04:50:00Z on" in text
    found = json.loads((config.parent / "found.json").read_text())
    by_name = {each["name"]: each for each in found["sensors"]}
    assert [by_name[name]["gaps"] for name in NAMES] == [0, 1, 1]  # a valve that is logged on change has none
    assert (by_name[NAMES[1]]["loop"], by_name[NAMES[1]]["unit"], by_name[NAMES[1]]["cadence"]) == ("31L2", "K", 600)
    assert found["files"][0]["rows_read"] == 414


def test_options_of_a_form_and_what_is_wrong_with_them(dqm: Dqm, tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"when": "2026-05-01 12:00:00", "site": "T2", "metric": "jobs", "x": 3}\n')
    arguments = ["sensors", "inspect", tmp_path / "m.jsonl", "--time", "when", "--name", "site", "--name", "metric"]
    code, text = dqm(*arguments, "--value", "x", "--zone", "Europe/Zurich")
    assert code == 0
    assert "T2/jobs" in text
    assert "2026-05-01T10:00:00Z" in text
    assert "have no zone" in dqm(*arguments, "--value", "x")[1]
    code, text = dqm(*arguments, "--kind", "round")
    assert code == 2
    assert "--kind: Input should be 'auto'" in text
    assert dqm(*arguments, "--value", "x", "--zone", "Zurich")[1].startswith("dqm: unknown time zone 'Zurich'")


def test_ingest_list_and_plot(dqm: Dqm, config: Path) -> None:
    code, text = dqm("sensors", "ingest", "-c", config, "--json", "-")
    assert code == 0
    assert "414 readings of 3 sensors on 1 day (20260501–20260501), from 1 file" in text
    dqm("sensors", "ingest", "-c", config)
    with Store.open(config.parent / "certification") as store:
        assert store.snapshot == 1
        assert {each.code for each in store.findings()} == {"gap", "name"}
    code, text = dqm("sensors", "list", "-c", config, "--sensors", "31L2", "--json", config.parent / "list.json")
    assert code == 0
    assert "2 sensors, 1 loop" in text
    assert "quiet 31L2: service: heater exchanged (operator), 2026-05-01T06:00:00Z – 2026-05-01T09:00:00Z" in text
    assert "no such sensor is stored" in dqm("sensors", "list", "-c", config, "--sensors", "40L2")[1]
    listing = json.loads((config.parent / "list.json").read_text())
    assert listing["loops"][0]["valves"] == [NAMES[0]]
    assert [each["readings"] for each in listing["sensors"]] == [138, 138]
    page = config.parent / "loop.html"
    code, text = dqm("sensors", "plot", "-c", config, "--sensors", "31L2", "--begin", "2026-05-01T12:00:00", "-o", page)
    assert code == 0
    assert f"wrote {page}: 2 sensors, 144 readings" in text
    assert "temperature" in page.read_text()


def test_a_unit_that_changes_between_two_nights_is_quarantined(dqm: Dqm, config: Path) -> None:
    assert dqm("sensors", "ingest", "-c", config)[0] == 0
    timber(config.parent / "a.csv", "2026-05-02", scale=1000.0)
    code, text = dqm("sensors", "ingest", "-c", config)
    assert code == 3
    assert f"{NAMES[1]}: from 2026-05-02T00:00:00Z on its level is 1000 times higher" in text
    page = config.parent / "all.html"
    assert dqm("sensors", "plot", "-c", config, "-o", page)[0] == 0
    assert f"{NAMES[1]} (138 invalid)" in page.read_text()


def test_a_file_that_holds_less_than_before_is_told(dqm: Dqm, config: Path) -> None:
    dqm("sensors", "ingest", "-c", config)
    file = config.parent / "a.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:50] + lines[52:]))
    code, text = dqm("sensors", "ingest", "-c", config)
    assert code == 0
    assert f"2 stored readings of {NAMES[0]}: in these files no more, and replaced" in text


def test_no_stream_is_said(dqm: Dqm, tmp_path: Path) -> None:
    (tmp_path / "dqm.toml").write_text("")
    code, text = dqm("sensors", "ingest", "-c", tmp_path / "dqm.toml")
    assert (code, text) == (1, "dqm: the configuration names no [[sensors.stream]]; see docs/sensor-streams.md\n")


def readings(n: int = 100, **sensor: str) -> SensorReadings:
    time = np.arange(n) * 10 * SECOND
    return SensorReadings.of([Sensor("a", **sensor)], [(time, np.sin(time / 1e11))])  # type: ignore[arg-type]


def test_a_line_breaks_where_it_must_and_gaps_and_services_are_shaded() -> None:
    given = readings()
    value = given.value
    value[10] = np.nan
    kept = np.ones(100, dtype=bool)
    kept[40:60] = False
    gappy = SensorReadings.of(given.sensors, [(given.time[kept], value[kept])])
    figure = figure_of(gappy, [Quiet("a", 0, 50 * SECOND, "service", "x", "y")])
    (line,) = figure.data
    assert line.name == "a (1 invalid)"
    assert np.isnan(line.y).sum() == 2
    shades = [(shape.x0, shape.x1) for shape in figure.layout.shapes]
    assert ("1970-01-01T00:06:30.000", "1970-01-01T00:10:00.000") in shades
    assert ("1970-01-01T00:00:00.000", "1970-01-01T00:00:50.000") in shades
    assert figure.layout.annotations[-1].text == "a: service: y (x)"


def test_panels_are_by_quantity_and_unit_and_tell_what_they_leave_out() -> None:
    sensors = [Sensor(f"t{i:02d}", "K", "temperature") for i in range(20)] + [Sensor("p", "bar", "pressure")]
    found = panels(sensors)
    assert [(each.title, each.unit, len(each.sensors), each.more) for each in found] == [
        ("p", "bar", 1, 0),
        ("temperature", "K", 14, 6),
    ]


def test_readings_of_many_decades_have_a_logarithmic_axis() -> None:
    given = readings()
    assert figure_of(given).layout.yaxis.type == "linear"
    wide = SensorReadings.of(given.sensors, [(given.time, np.geomspace(0.01, 300, 100))])
    assert figure_of(wide).layout.yaxis.type == "log"


def test_a_thinned_line_keeps_every_spike_and_every_break() -> None:
    """Mutant: every n-th reading is drawn."""
    value = np.zeros(100_000)
    value[[12_345, 54_321]] = 5, -5
    value[77_777] = np.nan
    time, kept = thinned(np.arange(100_000), value, points=300)
    assert len(time) < 600
    assert {12_345, 54_321, 77_777} <= set(time.tolist())
    assert {5.0, -5.0} <= set(kept.tolist())


def test_nothing_to_plot_and_a_file_of_another_kind_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="there is no reading to plot; choose other sensors or another time"):
        figure_of(readings(0))
    with pytest.raises(InputError, match=r"x.pdf: plots are written as .html or .png; name such a file"):
        write(figure_of(readings()), tmp_path / "x.pdf")

    def impossible(*arguments: object, **options: object) -> None:
        raise ValueError("\nImage export needs kaleido\nmore")

    figure = figure_of(readings())
    monkeypatch.setattr(type(figure), "write_image", impossible)
    with pytest.raises(InputError, match=r"x.png: no picture can be made here \(Image export needs kaleido\); install"):
        write(figure, tmp_path / "x.png")


def test_the_future_is_what_comes_after_now_and_a_little(tmp_path: Path) -> None:
    path = timber(tmp_path / "a.csv", "2026-05-01", names=("A",))
    now = int(np.datetime64("2026-05-01T12:00", "ns").astype(np.int64))
    found = read_sensor_files([path], StreamConfig(files=()), now=now)
    assert found.readings.time.max() == now


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
    assert {each.kind for each in day.intervals} >= {"gap"}
    assert "no valid reading" in " ".join(each.reason for each in day.intervals)


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
    assert "without a reading just before" not in said


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


def test_the_store_is_read_with_what_its_configuration_says(
    dqm: Dqm, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: the defaults in place of dqm.toml where no -c is given, which lose the times of service."""
    monkeypatch.chdir(config.parent)
    config.write_text(CONFIG.replace("T06:00", "T04:00"))
    assert dqm("sensors", "ingest")[0] in (0, 3)
    assert dqm("sensors", "plot", "-o", "a.html", "--sensors", "31L2")[0] == 0
    assert "heater exchanged" in Path("a.html").read_text()
    found = dqm("sensors", "scan", "--since", "2026-05-01T04:00:00", "--sensors", "31L2")[1]
    assert "suppressed 31L2: " in found
    assert "heater exchanged" in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\x1f\x8b\x08\x00rest", "is compressed (gzip), not a table; unpack it first"),
        (
            b"a,b\nx,y\n",
            "column 'a' holds no times, its first cell is 'x'; write them as 2026-05-01T12:00:00Z, or name",
        ),
    ],
)
def test_what_is_no_table_of_readings_is_told(dqm: Dqm, tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "odd.csv").write_bytes(text)
    assert said in dqm("sensors", "inspect", tmp_path / "odd.csv")[1]


def test_a_zone_that_is_none_is_told_even_where_no_time_needs_it(dqm: Dqm, fridge: Path) -> None:
    said = dqm("sensors", "inspect", fridge / "past.csv", "--zone", "Europe/Zurch")[1]
    assert "unknown time zone 'Europe/Zurch'; nearest valid names: 'Europe/Zurich'" in said


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
