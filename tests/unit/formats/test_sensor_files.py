"""Files of readings in every form, good and bad: what is read, and what is said of the rest."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqm.formats.sensor_reading import read_sensor_files, read_streams
from dqm.formats.sensor_screening import SensorRead
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.model.sensors_config import SensorsConfig, StreamConfig

NOW = int(np.datetime64("2027-01-01", "ns").astype(np.int64))
NOON = int(np.datetime64("2026-05-01T12:00", "ns").astype(np.int64))
PAGE = (Path(__file__).parents[3] / "docs" / "sensor-streams.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"File `([\w.]+)`.*?:\n\n```\w+\n(.*?)```", PAGE, flags=re.DOTALL))
SNIPPETS = [text for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "files" in text]
NO_GRAMMAR = SensorsConfig(grammar="none")


def read(folder: Path, data: str | bytes, **given: Any) -> SensorRead:
    path = folder / "readings.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    described = StreamConfig.model_validate({"files": ("readings.csv",), "zone": "UTC"} | given)
    return read_sensor_files([path], described, now=NOW, config=NO_GRAMMAR)


def codes(found: SensorRead) -> dict[str, str]:
    """Severity of every code but that names are described nowhere."""
    return {each.code: each.severity for each in found.findings if each.code != "name"}


def values(found: SensorRead, name: str) -> list[float]:
    return found.readings[name][1].tolist()


def seconds(found: SensorRead, name: str) -> list[float]:
    return ((found.readings[name][0] - NOON) / 1e9).tolist()


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: re.search(r'"([\w.]+)"\]', text)[1])  # type: ignore[index]
def test_examples_of_the_page_are_read_without_fault(tmp_path: Path, snippet: str) -> None:
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text)
    config = Config.model_validate(tomllib.loads(snippet) | {"folder": tmp_path})
    found = read_streams(config, now=NOW)
    assert codes(found) == {}
    assert len(found.readings.time) >= 4
    assert found.files[0].rows_read == found.files[0].rows_kept
    assert all(each.loop for each in found.readings.sensors if each.name != "Water" and not each.name.startswith("PT1"))


def test_every_example_of_the_page_has_its_snippet() -> None:
    assert {name for name in EXAMPLES if any(name in text for text in SNIPPETS)} == set(EXAMPLES)


TIMBER = "VARIABLE: {name}\n\nTimestamp ({clock}),{what}\n{rows}\n"


def block(rows: str, name: str = "A_31L2_TT8", clock: str = "UTC_TIME", what: str = "Value") -> str:
    return TIMBER.format(name=name, clock=clock, what=what, rows=rows)


def test_timber_blocks_each_by_their_own_clock(tmp_path: Path) -> None:
    text = block("2026-05-01 12:00:00.5,1.5\n") + block("2026-05-01 14:00:00.5,2.5\n", "B", "LOCAL_TIME")
    found = read(tmp_path, text, zone="Europe/Zurich")
    assert (seconds(found, "A_31L2_TT8"), values(found, "A_31L2_TT8")) == ([0.5], [1.5])
    assert (seconds(found, "B"), values(found, "B")) == ([0.5], [2.5])
    assert codes(found) == {}


def test_timber_in_local_time_needs_a_zone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the times of column 'Timestamp \(LOCAL_TIME\)' have no zone.*--zone"):
        read(tmp_path, block("2026-05-01 12:00:00,1\n", clock="LOCAL_TIME"), zone="")


def test_timber_arrays_are_no_sensor(tmp_path: Path) -> None:
    text = block("2026-05-01 12:00:00,1,2,3\n", "ARRAYS", what="Array Values") + block("2026-05-01 12:00:00,1.0\n", "B")
    found = read(tmp_path, text)
    assert found.readings.names == ["B"]
    assert codes(found) == {"array": "quarantined"}
    assert "ARRAYS: its readings are arrays; export their elements" in found.findings[0].reason
    assert (found.files[0].rows_read, found.files[0].rows_kept) == (2, 1)


def test_timber_without_a_clock_or_without_a_variable(tmp_path: Path) -> None:
    found = read(tmp_path, block("2026-05-01 12:00:00,1\n") + "VARIABLE: C\n2026-05-01 12:00:00,1\n")
    assert codes(found) == {"header": "quarantined"}
    with pytest.raises(InputError, match="no line begins with 'VARIABLE:'"):
        read(tmp_path, "time,a\n1,2\n", kind="timber")


def test_wide_tables_of_loggers(tmp_path: Path) -> None:
    text = (
        "# cold box\n\nTime,1,Pressure(HPa),T [degC],\n2026-05-01 12:00:00,4.5,1011,20,\n2026-05-01 12:00:10,,1012,x,\n"
    )
    found = read(tmp_path, text, names={"1": "head"}, prefix="box:")
    assert found.readings.names == ["box:Pressure", "box:T", "box:head"]
    assert [each.unit for each in found.readings.sensors] == ["hPa", "°C", ""]
    assert values(found, "box:head") == [4.5]
    assert np.isnan(values(found, "box:T")[1])
    assert codes(found) == {"invalid": "quarantined"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_like(tmp_path: Path, end: str) -> None:
    lines = ["", "# log", "Time,a,b", "2026-05-01 12:00:00,1,2.5", "2026-05-01 12:00:01,2,3.5", ""]
    found = read(tmp_path, end.join(lines))
    assert (values(found, "a"), values(found, "b"), codes(found)) == ([1, 2], [2.5, 3.5], {})


def test_semicolons_and_tabs(tmp_path: Path) -> None:
    assert values(read(tmp_path, "datetime;a;b\n2026-05-01 12:00;1.5;2\n"), "b") == [2.0]
    assert values(read(tmp_path, "datetime\ta\tb\n2026-05-01 12:00\t1.5\t2\n"), "b") == [2.0]


def test_aligned_timber_is_a_wide_table_in_utc(tmp_path: Path) -> None:
    text = "Timestamp (UTC_TIME),A_31L2_TT8,B\n2026-05-01 12:00:00.000,1.5,n/a\n2026-05-01 12:00:01.000,1.6,2\n"
    found = read(tmp_path, text, zone="")
    assert seconds(found, "B") == [0.0, 1.0]
    assert np.isnan(values(found, "B")[0])


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_long_tables_are_the_same_in_every_form(tmp_path: Path, form: str) -> None:
    path = tmp_path / "long"
    rows = [(NOON, "a", 1.5, "K"), (NOON, "b", 2.0, "bar"), (NOON + 10**9, "a", 1.6, "K")]
    if form == "csv":
        path.write_text("time,name,value,unit\n" + "".join(f"{t},{n},{v},{u}\n" for t, n, v, u in rows))
    elif form == "jsonl":
        path.write_text("".join(f'{{"time":{t},"name":"{n}","value":{v},"unit":"{u}"}}\n' for t, n, v, u in rows))
    else:
        columns = dict(zip(("time", "name", "value", "unit"), zip(*rows, strict=True), strict=True))
        pq.write_table(pa.table({name: list(each) for name, each in columns.items()}), path)
    found = read_sensor_files([path], StreamConfig(files=()), now=NOW, config=NO_GRAMMAR)
    assert found.readings.names == ["a", "b"]
    assert (values(found, "a"), seconds(found, "a")) == ([1.5, 1.6], [0.0, 1.0])
    assert [each.unit for each in found.readings.sensors] == ["K", "bar"]
    assert codes(found) == {}


def test_an_nxcals_frame_needs_no_options(tmp_path: Path) -> None:
    path = tmp_path / "frame.parquet"
    names = ["B", "A", "B"]
    pq.write_table(
        pa.table(
            {"nxcals_timestamp": [NOON + 1, NOON, NOON], "nxcals_value": [2, 1, 3], "nxcals_variable_name": names}
        ),
        path,
    )
    found = read_sensor_files([path], StreamConfig(files=()), now=NOW, config=NO_GRAMMAR)
    assert found.readings["B"][0].tolist() == [NOON, NOON + 1]
    assert codes(found) == {"unsorted": "repaired"}


def test_json_text_keeps_its_zone(tmp_path: Path) -> None:
    """Arrow takes text of JSON for times and forgets their offset. Mutant: the column is left to its inference."""
    lines = '{"time": "2026-05-01T14:00:00+02:00", "a": 1}\n{"time": "2026-05-01T12:00:01Z", "a": 2}\nno object\n'
    found = read(tmp_path, lines, zone="")
    assert seconds(found, "a") == [0.0, 1.0]
    assert codes(found) == {"line": "quarantined"}
    with pytest.raises(InputError, match="have no zone"):
        read(tmp_path, '{"time": "2026-05-01T14:00:00", "a": 1}\n', zone="")
    with pytest.raises(InputError, match="no line is a JSON object"):
        read(tmp_path, "{nothing}\n")


def test_parquet_without_a_zone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "naive.parquet"
    pq.write_table(pa.table({"time": pa.array([0], pa.timestamp("us")), "a": [1.0]}), path)
    with pytest.raises(InputError, match="have no zone"):
        read_sensor_files([path], StreamConfig(files=()), now=NOW)
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match="not a readable Parquet file"):
        read_sensor_files([path], StreamConfig(files=()), now=NOW)


def test_columns_that_change_half_way(tmp_path: Path) -> None:
    text = "Time,a,b\n2026-05-01 12:00:00,1,2\nTime,b,c\n2026-05-01 12:00:01,3,4\n2026-05-01 12:00:02,5\n2026-05-01 12:00:03,6,7,8\n"
    found = read(tmp_path, text)
    assert (values(found, "a"), values(found, "b"), values(found, "c")) == ([1.0], [2.0, 3.0], [4.0])
    assert [each.severity for each in found.findings if each.code == "columns"] == ["note", "quarantined"]
    assert "gone 'a', new 'c'" in found.findings[0].reason
    assert "2 rows have another number of fields than the header (2 instead of 3)" in found.findings[1].reason
    assert (found.files[0].rows_read, found.files[0].rows_kept) == (4, 2)


def test_a_line_that_is_not_finished_is_not_used(tmp_path: Path) -> None:
    """Mutant: ``4.5`` of a line that was to become ``4.512``."""
    found = read(tmp_path, "time,a\n2026-05-01 12:00:00,4.512\n2026-05-01 12:00:10,4.5")
    assert values(found, "a") == [4.512]
    assert codes(found) == {"truncated": "quarantined"}


@pytest.mark.parametrize(
    ("data", "given", "message"),
    [
        ("2026-05-01 12:00,1\n2026-05-01 12:01,1\n", {}, "begins with a row, not with the names of the columns"),
        ("time,a,a\n1,2,3\n", {}, "column 'a' occurs 2 times"),
        ("time,a(K),a(bar)\n1777636800,2,3\n", {}, "two columns are called 'a'; give one of them another name"),
        ("time,a,\n1777636800,2,3\n", {}, "column 3 has readings and no name; name it"),
        ("time\n1777636800\n", {}, "'time' is the only column"),
        ("time,a\n", {}, "the table has no rows"),
        ("time,a\n1777636800,2\n", {"time": "tme"}, "column 'tme' is missing; nearest valid names: 'time'"),
        ("time,a\n1777636800,2\n", {"kind": "long"}, "a long table needs the column one of"),
        ("time,name\n1777636800,2\n", {"kind": "long"}, "a long table needs the column 'value'"),
        ("time,a\n2026-05-01 12:00,2\n", {"zone": ""}, "have no zone"),
        ("time,a\nnever,2\n", {"zone": ""}, "column 'time' holds no times, its first cell is 'never'; write them as"),
        ("", {}, "the file is empty"),
        ("{}\n", {}, "no column of numbers or text"),
        ('time,"' + "a" * 140_000 + '"\n1,2\n', {}, "the header is no CSV: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(
    tmp_path: Path, data: str | bytes, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, data, **given)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_told_and_are_no_numbers(tmp_path: Path) -> None:
    found = read(tmp_path, "time,a(\xb0C),b\n1777636800,2,3\n1777636801,2\xff5,4\n".encode("latin-1"))
    assert codes(found) == {"encoding": "quarantined", "invalid": "quarantined"}
    assert np.isnan(values(found, "a")[1])
    assert found.readings.sensors[0].unit == "\ufffdC"
    assert values(found, "b") == [3, 4]


def test_rows_without_a_sensor_and_columns_of_words(tmp_path: Path) -> None:
    found = read(tmp_path, f"time,name,value\n{NOON},a,1\n{NOON},,2\n")
    assert codes(found) == {"nameless": "quarantined"}
    found = read(tmp_path, f"time,a,comment\n{NOON},1,fine\n")
    assert (found.readings.names, codes(found)) == (["a"], {"words": "note"})


def test_a_file_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,a\n1777636800,1\n")
    config = Config.model_validate({"folder": tmp_path, "sensors": {"stream": [{"files": ["*.csv"]}]}})
    (tmp_path / "b.csv").write_text("")
    found = read_streams(config, now=NOW)
    assert found.readings.names == ["a"]
    assert codes(found) == {"unreadable": "quarantined"}
    with pytest.raises(InputError, match=r"no file of readings was named; name them in \[\[sensors.stream\]\]"):
        read_streams(Config(), now=NOW)
