"""Write simulated cooling loops as the files that a logging system gives, with their truth beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dqm.formats.brilcalc import write_brilcalc
from dqm.model.amounts import counted
from dqm.model.errors import InputError, UnknownNameError
from dqm.model.sensors import SECOND, Sensor, SensorReadings
from pipelines.simulate.cryogenic_faults import KINDS
from pipelines.simulate.cryogenics import DEVICES, STEP, Cryogenics, CryogenicSettings, simulate
from pipelines.simulate.fills import LUMISECTION_SECONDS, Calendar, pileup

Form = Literal["parquet", "timber"]
ORIGIN = b"simulated data (lumicert simulate), not measured"
SCHEMA = pa.schema(
    [
        ("nxcals_timestamp", pa.int64()),
        ("nxcals_variable_name", pa.dictionary(pa.int32(), pa.string())),
        ("nxcals_value", pa.float64()),
    ],
    metadata={b"origin": ORIGIN},
)
"""The frame of the logging service: time in ns of UTC, name, value."""

CONFIG = """# Simulated sensor streams, not measured.
[sensors]
catalog = "{catalog}"

[[sensors.stream]]
files = ["{readings}"]
"""


@dataclass(frozen=True, slots=True)
class CryogenicPaths:
    """The written files: readings, what every sensor is, the faults, the lumisections of the fills, and a configuration
    that names them."""

    readings: Path
    catalog: Path
    truth: Path
    lumisections: Path
    config: Path


def command(
    folder: Path | None, *, days: float, loops: int, seed: int, faults: int, kinds: tuple[str, ...], form: str
) -> str:
    """``dqm simulate cryogenics``: simulate, write, and say what was written.

    Raises ``InputError`` without a folder.
    """
    if folder is None:
        raise InputError("dqm simulate cryogenics: no folder to write into; name one with -o FOLDER")
    made = simulate(CryogenicSettings(days=days, loops=loops, seed=seed, faults=faults, kinds=kinds))
    paths = write_cryogenics(made, folder, form)
    lasted = "1 day" if days == 1 else f"{days:g} days"
    what = f"simulated {lasted} of {counted(loops, 'cooling loop')}, {counted(len(made.readings.time), 'reading')}"
    told = f"{what}: {paths.readings}; {counted(len(made.faults), 'fault')} in it: {paths.truth}"
    return f"{told}; next: dqm sensors ingest --config {paths.config}"


def write_cryogenics(cryogenics: Cryogenics, folder: Path, form: str = "parquet") -> CryogenicPaths:
    """Write everything into ``folder``, which is made where it is missing; equal settings give equal bytes.

    ``form`` is ``parquet`` (one reading a row) or ``timber`` (a block of text for every variable). Raises
    ``UnknownNameError`` for any other.
    """
    if form not in get_args(Form):
        raise UnknownNameError("form of files", form, list(get_args(Form)))
    folder.mkdir(parents=True, exist_ok=True)
    ending = "csv" if form == "timber" else form
    paths = CryogenicPaths(
        readings=folder / f"simulated_readings.{ending}",
        catalog=folder / "simulated_catalog.csv",
        truth=folder / "simulated_truth.csv",
        lumisections=folder / "simulated_brilcalc.csv",
        config=folder / "dqm.toml",
    )
    (_write_timber if form == "timber" else _write_parquet)(paths.readings, cryogenics.readings)
    _write_catalog(paths.catalog, cryogenics.readings.sensors)
    _write_truth(paths.truth, cryogenics)
    write_brilcalc(paths.lumisections, _brilcalc_frame(cryogenics.calendar))
    paths.config.write_text(CONFIG.format(readings=paths.readings.name, catalog=paths.catalog.name), encoding="utf-8")
    return paths


def _series(readings: SensorReadings) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.float64]]]:
    for i, sensor in enumerate(readings.sensors):
        rows = slice(readings.start[i], readings.start[i + 1])
        yield sensor.name, readings.time[rows], np.round(readings.value[rows], 4)


def _write_parquet(path: Path, readings: SensorReadings) -> None:
    """One row group for every loop."""
    names = pa.array(readings.names)
    series = list(_series(readings))
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for first in range(0, len(series), len(DEVICES)):
            loop = series[first : first + len(DEVICES)]
            counts = [len(time) for _, time, _ in loop]
            place = pa.array(np.repeat(np.arange(first, first + len(loop), dtype=np.int32), counts))
            columns = [np.concatenate([each[k] for each in loop]) for k in (1, 2)]
            name = pa.DictionaryArray.from_arrays(place, names)
            writer.write_table(pa.table([pa.array(columns[0]), name, pa.array(columns[1])], schema=SCHEMA))


def _write_timber(path: Path, readings: SensorReadings) -> None:
    """``VARIABLE: name``, a header that says UTC, and one line for every reading."""
    begin, end = (int(readings.time.min()), int(readings.time.max())) if len(readings.time) else (0, 0)
    steps = (end - begin) // (STEP * SECOND) + 1
    moments = (begin + np.arange(steps) * STEP * SECOND).astype("datetime64[ns]").astype("datetime64[ms]")
    text = pa.array(np.char.replace(np.datetime_as_string(moments), "T", " "))
    options = pacsv.WriteOptions(include_header=False, quoting_style="none")
    with path.open("wb") as file:
        for name, time, value in _series(readings):
            file.write(f"VARIABLE: {name}\n\nTimestamp (UTC_TIME),Value\n".encode())
            at = text.take(pa.array((time - begin) // (STEP * SECOND)))
            block = BytesIO()
            pacsv.write_csv(pa.table({"time": at, "value": pa.array(value)}), block, options)
            file.write(block.getvalue() + b"\n")


def _write_catalog(path: Path, sensors: tuple[Sensor, ...]) -> None:
    """Name, unit and place of every sensor."""
    columns = ("unit", "measures", "loop", "subsystem", "logging", "period", "lowest", "highest")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("sensors", *columns))
        for sensor in sensors:
            cells = (getattr(sensor, column) for column in columns)
            writer.writerow((sensor.name, *("" if cell is None else cell for cell in cells)))


def _write_truth(path: Path, cryogenics: Cryogenics) -> None:
    """One line for every fault, with the sensor that it is on and the unit of its strength."""
    name = {}
    for i, sensor in enumerate(cryogenics.readings.sensors):
        name[sensor.loop, i % len(DEVICES)] = sensor.name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("loop", "kind", "strength", "unit", "begin", "end", "sensor"))
        for fault in cryogenics.faults:
            begin, end = (
                np.datetime_as_string(np.datetime64(t, "ns"), unit="s") + "Z" for t in (fault.begin, fault.end)
            )
            on = name.get((fault.loop, fault.sensor), "")
            writer.writerow((fault.loop, fault.kind, fault.strength, KINDS[fault.kind].unit, begin, end, on))


def _brilcalc_frame(fills: Calendar) -> pd.DataFrame:
    """The lumisections with the luminosity that made the heat."""
    return pd.DataFrame(
        {
            "run": fills.run,
            "fill": fills.fill,
            "ls": fills.ls,
            "start": fills.start,
            "delivered": fills.luminosity * LUMISECTION_SECONDS,
            "recorded": fills.luminosity * LUMISECTION_SECONDS,
            "pileup": pileup(fills.luminosity),
        }
    )
