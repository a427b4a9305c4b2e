"""Damaged files of readings: a result or one line of error, never anything else."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from dqm.formats.sensor_reading import read_sensor_files
from dqm.model.errors import InputError
from dqm.model.sensors_config import StreamConfig

PAGE = (Path(__file__).parents[3] / "docs" / "sensor-streams.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"File `([\w.]+)`.*?:\n\n```\w+\n(.*?)```", PAGE, flags=re.DOTALL))
PIECES = (b"\n", b"\r", b",", b";", b'"', b"\0", b"\xff", b"{", b"VARIABLE:", b"Time,", b"NaN", b"1e999", b"9" * 30)
NOW = int(np.datetime64("2027-01-01", "ns").astype(np.int64))
KINDS = ("auto", "auto", "timber", "long", "wide")


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """A few insertions, deletions and repetitions."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        i, j = rng.integers(0, len(out) + 1, size=2).tolist()
        match rng.integers(4):
            case 0:
                out[i:i] = PIECES[rng.integers(len(PIECES))]
            case 1:
                del out[i : i + int(rng.integers(1, 20))]
            case 2:
                out[i : i + 1] = bytes([int(rng.integers(256))])
            case _:
                out[i:i] = out[j : j + 60]
    return bytes(out)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path: Path, name: str) -> None:
    """Times that come out are known and not in the future, whatever was done to the file."""
    rng = np.random.default_rng(len(name))
    path = tmp_path / name
    refusals: list[str] = []
    read = 0
    for k in range(30):
        path.write_bytes(damaged(EXAMPLES[name].encode(), rng))
        given = StreamConfig(files=(name,), zone="Europe/Zurich", kind=KINDS[k % len(KINDS)])  # type: ignore[arg-type]
        try:
            found = read_sensor_files([path], given, now=NOW)
        except InputError as error:
            refusals.append(str(error))
            continue
        assert ((found.readings.time >= 0) & (found.readings.time <= NOW + 60 * 10**9)).all()
        read += 1
    assert read
    assert refusals
    assert all(each.startswith(str(path)) and "\n" not in each for each in refusals)
