"""A real log of a dilution refrigerator: cool-down, base temperature, warm-up."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dqm.formats.sensor_reading import read_sensor_files, read_streams
from dqm.model.config import Config
from dqm.model.errors import InputError
from dqm.model.sensor_gaps import gaps
from dqm.model.sensors_config import StreamConfig
from dqm.store.sensors import read_sensors, store_sensors
from dqm.store.store import Store
from pipelines.sensors.plots import figure_of, panels

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("DQM_DATA" not in os.environ, reason="set DQM_DATA to the folder of the public data sets"),
]
NOW = int(np.datetime64("2026-01-01", "ns").astype(np.int64))
NAMES = {
    "1": "PT2 head",
    "2": "PT2 plate",
    "3": "1K plate",
    "4": "still",
    "5": "mK plate Cernox",
    "6": "PT1 head",
    "7": "PT1 plate",
    "8": "mK plate RuOx",
}


@pytest.fixture
def config(data_folder: Path) -> Config:
    folder = data_folder / "cryo_dilution_fridge"
    zone = {"zone": "America/New_York"}
    streams = [
        {"files": ["cryo-LS372-Temp.dat"], "names": NAMES} | zone,
        {"files": ["cryo-Lab-TPH.dat", "cryo-WaterMeas.dat"], "prefix": "lab "} | zone,
    ]
    channels = [
        {"sensors": name, "unit": "K", "measures": "temperature", "loop": "refrigerator"} for name in NAMES.values()
    ]
    return Config.model_validate({"folder": folder, "sensors": {"stream": streams, "channel": channels}})


def test_every_row_is_read_and_nothing_is_doubtful(config: Config) -> None:
    found = read_streams(config, now=NOW)
    assert [(each.rows_read, each.rows_kept) for each in found.files] == [(3271, 3271)] * 3
    assert len(found.readings.time) == 12 * 3271
    assert {each.code for each in found.findings} == {"name", "stuck"}
    assert all(each.severity == "note" for each in found.findings)
    assert {each.unit for each in found.readings.sensors} == {"K", "hPa", "%", "°C", "L/min"}
    assert all(len(gaps(each, time)[0]) == 0 for each, time, _ in found.readings.each())
    assert str(found.readings["still"][0].astype("datetime64[ns]")[0]) == "2018-08-21T16:12:25.000000000"


def test_stuck_channels_are_told_by_name(config: Config) -> None:
    """Channels beyond their range stand at 300 for a day."""
    stuck = [each.reason for each in read_streams(config, now=NOW).findings if each.code == "stuck"]
    assert {each.split(": stood at 300 ")[0] for each in stuck if "stood at 300 " in each} >= {
        "1K plate",
        "still",
        "mK plate RuOx",
    }


def test_a_hole_cut_into_the_log_is_a_gap_of_every_channel(config: Config, tmp_path: Path) -> None:
    lines = (config.folder / "cryo-LS372-Temp.dat").read_text().splitlines(keepends=True)
    (tmp_path / "cut.dat").write_text("".join(lines[:1000] + lines[1100:]))
    found = read_sensor_files([tmp_path / "cut.dat"], StreamConfig(files=(), zone="America/New_York"), now=NOW)
    assert [each.code for each in found.findings].count("gap") == 8


def test_without_a_zone_it_is_refused(config: Config) -> None:
    with pytest.raises(InputError, match="the times of column 'Time' have no zone"):
        read_sensor_files([config.folder / "cryo-WaterMeas.dat"], StreamConfig(files=()), now=NOW)


def test_it_comes_back_from_the_store_and_fills_the_panels(config: Config, tmp_path: Path) -> None:
    given = read_streams(config, now=NOW).readings
    with Store.create(tmp_path / "store") as store:
        with store.transaction() as change:
            assert store_sensors(change, store, given, {})[0] == [20180821, 20180822, 20180823, 20180824, 20180825]
        found = read_sensors(store)
    assert np.array_equal(found.value, given.value)
    assert np.array_equal(found.time, given.time)
    assert len(panels(found.sensors)) == 5
    assert len(figure_of(found).data) == 12
