"""``dqm compare``: the page's arithmetic as text, JSON and files, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dqm.model.config import load
from dqm.model.errors import InputError, UnknownNameError
from dqm.store.store import Store
from pipelines.cli import app
from pipelines.run.compare import Compared, compare, write

from .small_elements import EMPTY, FAULT, LINE, MAP, UNLIKE, fill_elements


@pytest.fixture
def monitored(configured: Path, empty: Store) -> Store:
    """A store with histograms alone."""
    fill_elements(empty, explained=False)
    return empty


def compared(store: Store, *arguments: str) -> Compared:
    return compare(load(store.path.parent / "dqm.toml"), store, FAULT, *arguments)


def test_the_command_tells_writes_and_gives_json(configured: Path, monitored: Store) -> None:
    target = configured.parent / "charge.csv"
    asked = ["compare", str(FAULT), LINE, "--ls", "3-9", "--reference", "run-104", "--output", str(target)]
    done = CliRunner().invoke(app, [*asked, "--config", str(configured), "--json", "-"])
    assert done.exit_code == 0, done.output
    assert f"{LINE} in run 112, LS 3 to 9: 7 LS, 2,800 counts" in done.stderr
    assert "against run 104: 1 run, 104 to 104" in done.stderr
    told = json.loads(done.stdout)
    assert (told["reference"], told["runs"], told["notes"]) == ("run-104", [104], [])
    assert told["pull"] > 10
    lines = target.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("bin,from,to,counts")
    assert (lines[1].split(",")[0], len(lines)) == ("underflow", 23)


def test_files_need_no_network_and_hold_all_that_is_compared(monitored: Store, tmp_path: Path) -> None:
    page = tmp_path / "map.html"
    write(compared(monitored, MAP), page)
    text = page.read_text(encoding="utf-8")
    assert "6 dead and 0 hot of 96 cells" in text
    assert 'src="http' not in text
    cells = tmp_path / "map.csv"
    write(compared(monitored, MAP), cells)
    assert len(cells.read_text(encoding="utf-8").splitlines()) == 97
    lone = compared(monitored, UNLIKE)
    assert "unknown (binning): not compared, since its bins are 7" in lone.text()
    assert lone.document()["unknown"] == "binning"
    write(lone, cells)
    assert cells.read_text(encoding="utf-8").splitlines()[0] == "bin,from,to,counts,share"
    write(lone, page)
    empty = compared(monitored, EMPTY)
    assert empty.document()["unknown"] == "no reference"


def test_what_cannot_be_compared_is_refused(monitored: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lumisections '9-3' are no range; write 3-9 or 7"):
        compared(monitored, LINE, "9-3")
    with pytest.raises(InputError, match="run 112 has ecal/charge in none of the lumisections 50-60"):
        compared(monitored, LINE, "50-60")
    with pytest.raises(InputError, match="reference 'x' is none of nearest"):
        compared(monitored, LINE, "", "x")
    with pytest.raises(UnknownNameError, match="unknown monitor element of run 112 'ecal/charg'; nearest valid names"):
        compared(monitored, "ecal/charg")
    with pytest.raises(UnknownNameError, match="unknown run of histograms '7'"):
        compare(load(monitored.path.parent / "dqm.toml"), monitored, 7, LINE)
    with pytest.raises(InputError, match=r"writes .html or .csv; name a file with one of these endings"):
        write(compared(monitored, LINE), tmp_path / "x.png")
