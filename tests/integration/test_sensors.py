"""``dqm sensors``: from files to the store, to a list and to a plot; the last readings of a night count for the next."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dashboard.sensors.figures import thinned
from dqm.formats.sensor_reading import read_sensor_files
from dqm.model.errors import InputError
from dqm.model.sensor_catalog import Quiet
from dqm.model.sensors import SECOND, Sensor, SensorReadings
from dqm.model.sensors_config import StreamConfig
from dqm.store.store import Store
from pipelines.sensors.plots import figure_of, panels, write

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


def test_only_what_is_new_or_changed_is_read(dqm: Dqm, config: Path) -> None:
    """Mutants: all is read each time; a changed file passes for one that was read."""

    def ingested(*words: str) -> str:
        code, text = dqm("sensors", "ingest", "-c", config, *words)
        assert code == 0, text
        return text.splitlines()[-1]

    assert ingested() == "414 readings of 3 sensors on 1 day (20260501–20260501), from 1 file"
    assert ingested() == "nothing is new: 1 file is as it was when it was read; --again reads all of it"
    timber(config.parent / "b.csv", "2026-05-02")
    assert ingested() == "414 readings of 3 sensors on 1 day (20260502–20260502), from 1 file"
    timber(config.parent / "a.csv", "2026-05-01", scale=1.01)
    assert ingested() == "414 readings of 3 sensors on 1 day (20260501–20260501), from 1 file"
    assert ingested("--again") == "828 readings of 3 sensors on 2 days (20260501–20260502), from 2 files"
    (config.parent / "dqm.toml").write_text(CONFIG.replace('"*.csv"', '"*.csv", "gone/*.csv"'))
    code, text = dqm("sensors", "ingest", "-c", config)
    assert code in (1, 78), "another configuration reads all again, and one of its patterns finds nothing"
    assert "gone/*.csv" in text


def test_a_pattern_that_finds_nothing_any_more_is_told(dqm: Dqm, config: Path) -> None:
    (config.parent / "dqm.toml").write_text(CONFIG.replace('"*.csv"', '"a.csv", "b.csv", "c.csv"'))
    for day, name in enumerate(("b.csv", "c.csv"), start=2):
        timber(config.parent / name, f"2026-05-0{day}")
    assert dqm("sensors", "ingest", "-c", config)[0] == 0
    (config.parent / "b.csv").unlink()
    code, text = dqm("sensors", "ingest", "-c", config)
    assert code == 3
    assert "[missing]" in text
    timber(config.parent / "c.csv", "2026-05-03", scale=1.01)
    code, text = dqm("sensors", "ingest", "-c", config)
    assert code == 3
    assert "[missing]" in text
    assert "on 1 day (20260503–20260503), from 1 file" in text


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
