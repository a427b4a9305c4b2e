"""The files of simulated cooling loops hold what was simulated, byte for byte the same every time."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from dqm.model.errors import InputError, UnknownNameError
from pipelines.cli import app
from pipelines.simulate.cryogenic_files import write_cryogenics
from pipelines.simulate.cryogenics import Cryogenics, CryogenicSettings, simulate


@pytest.fixture(scope="module")
def made() -> Cryogenics:
    return simulate(CryogenicSettings(days=0.5, loops=2, faults=3, kinds=("gap", "stuck")))


def test_parquet_holds_every_reading_and_says_that_it_is_simulated(made: Cryogenics, tmp_path: Path) -> None:
    table = pq.read_table(write_cryogenics(made, tmp_path).readings)
    assert b"simulated" in table.schema.metadata[b"origin"]
    assert (table["nxcals_timestamp"].to_numpy() == made.readings.time).all()
    np.testing.assert_allclose(table["nxcals_value"].to_numpy(), made.readings.value, atol=1e-4)
    counts = np.diff(made.readings.start)
    assert table["nxcals_variable_name"].to_pylist() == np.repeat(made.readings.names, counts).tolist()


def test_timber_holds_every_reading(made: Cryogenics, tmp_path: Path) -> None:
    text = write_cryogenics(made, tmp_path, "timber").readings.read_text(encoding="utf-8")
    blocks = text.split("VARIABLE: ")[1:]
    assert len(blocks) == 16
    for i, block in enumerate(blocks):
        name, blank, header, *lines = block.rstrip("\n").split("\n")
        assert (name, blank, header) == (made.readings.names[i], "", "Timestamp (UTC_TIME),Value")
        rows = list(csv.reader(StringIO("\n".join(lines))))
        time = np.array([row[0] for row in rows], "datetime64[ns]").astype(np.int64)
        part = slice(made.readings.start[i], made.readings.start[i + 1])
        assert (time == made.readings.time[part]).all()
        np.testing.assert_allclose([float(row[1]) for row in rows], made.readings.value[part], atol=1e-4)


def test_catalog_truth_and_lumisections_stand_beside(made: Cryogenics, tmp_path: Path) -> None:
    paths = write_cryogenics(made, tmp_path)
    truth = list(csv.DictReader(StringIO(paths.truth.read_text(encoding="utf-8"))))
    assert [row["kind"] for row in truth] == [each.kind for each in made.faults]
    assert all(row["sensor"] in made.readings.names and row["begin"].endswith("Z") for row in truth)
    catalog = list(csv.DictReader(StringIO(paths.catalog.read_text(encoding="utf-8"))))
    assert [row["sensors"] for row in catalog] == made.readings.names
    assert (catalog[0]["unit"], catalog[0]["loop"], catalog[0]["highest"]) == ("%", "9R1", "100.0")
    assert "SIMULATED" in paths.lumisections.read_text(encoding="utf-8")
    again = write_cryogenics(made, tmp_path / "again")
    assert again.readings.read_bytes() == paths.readings.read_bytes()
    assert again.truth.read_bytes() == paths.truth.read_bytes()


def test_another_form_is_refused(made: Cryogenics, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown form of files 'csv'"):
        write_cryogenics(made, tmp_path, "csv")


def test_the_command_writes_and_says_so(tmp_path: Path) -> None:
    arguments = [
        "simulate",
        "cryogenics",
        "-o",
        str(tmp_path),
        "--days",
        "0.3",
        "--loops",
        "2",
        "--faults",
        "1",
        "--kind",
        "gap",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "simulated 0.3 days of 2 cooling loops" in done.output
    assert (tmp_path / "simulated_truth.csv").read_text(encoding="utf-8").count("gap") == 1


def test_the_command_asks_for_a_folder() -> None:
    done = CliRunner().invoke(app, ["simulate", "cryogenics"])
    assert isinstance(done.exception, InputError)
    assert "no folder to write into; name one with -o FOLDER" in str(done.exception)
