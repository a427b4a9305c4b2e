"""What a stranger does first with a file of histograms: look into it, and take it elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dqm.formats.dqmio_input import parse_dqmio
from dqm.formats.inspection import kind_of, parse_any
from dqm.formats.ml4dqm import parse_ml4dqm
from dqm.model.histograms import HistogramBatch

from .conftest import Dqm

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "dqmio"


def test_inspect_shows_elements_runs_binnings_and_empties(dqm: Dqm, tmp_path: Path) -> None:
    code, text = dqm("inspect", FIXTURES / "plain_zlib.root", "--json", tmp_path / "found.json")
    assert code == 0
    first, *_ = text.splitlines()
    assert first.endswith("dqmio, 70 histograms of 10 elements in 2 runs (316187–316199), 0 of them empty")
    assert "Pixel/TH2Fs/h_0" in text
    assert "4 [-2, 2] × 3 [-2, 3]" in text
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["kind"], found["histograms"], len(found["elements"])) == ("dqmio", 70, 10)
    code, text = dqm("inspect", FIXTURES / "plain_zlib.root", "--elements", "*/TH1Fs/*")
    assert "14 histograms of 2 elements" in text


@pytest.mark.parametrize(
    ("name", "kind"), [("plain_lz4.root", "dqmio"), ("keyed.root", "dqm-root"), ("folders.root", "dqm-root")]
)
def test_a_file_is_known_by_its_bytes(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "renamed.txt").write_bytes((FIXTURES / name).read_bytes())
    assert kind_of(tmp_path / "renamed.txt") == kind
    (tmp_path / "page.root").write_text(' {"results": [], "next": null}')
    assert kind_of(tmp_path / "page.root") == "dials"
    (tmp_path / "table").write_text("fromrun,fromlumi,hname,histo\n")
    assert kind_of(tmp_path / "table") == "ml4dqm"


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "the file is empty"), (b"hello", "no file of histograms that is known"), (b"root", "bad.bin: ")],
)
def test_what_is_no_file_of_histograms_is_told_in_one_line(dqm: Dqm, tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "bad.bin").write_bytes(data)
    for arguments in (["inspect", tmp_path / "bad.bin"], ["convert", tmp_path / "bad.bin", tmp_path / "o.parquet"]):
        code, text = dqm(*arguments)
        assert code == 1
        assert reason in text
        assert len(text.splitlines()) == 1
    assert not (tmp_path / "o.parquet").exists()
    assert dqm("inspect", tmp_path / "none.root") == (1, f"dqm: {tmp_path}/none.root: no such file\n")


def by_key(batches: tuple[HistogramBatch, ...]) -> dict[tuple[str, int, int], np.ndarray]:
    return {
        (each.element, int(run), int(ls)): each.counts[k]
        for each in batches
        for k, (run, ls) in enumerate(zip(each.run, each.ls, strict=True))
    }


def test_convert_keeps_every_count(dqm: Dqm, tmp_path: Path) -> None:
    target = tmp_path / "all.parquet"
    code, text = dqm("convert", FIXTURES / "plain_zstd.root", target)
    assert code == 3
    assert "profiles, three dimensions and uneven bins have no place in the table" in text
    given, back = by_key(parse_dqmio(FIXTURES / "plain_zstd.root").batches), by_key(parse_ml4dqm(target, ()).batches)
    left_out = {key for key in given if key not in back}
    assert {key[0].split("/")[1] for key in left_out} == {"TH3Fs", "TProfiles", "TProfile2Ds"}
    for key, counts in back.items():
        np.testing.assert_array_equal(counts, given[key])
    code, text = dqm("convert", FIXTURES / "plain_zstd.root", target)
    assert (code, "is there already" in text) == (1, True)


def test_convert_keeps_maps_without_flow_the_right_way_round(dqm: Dqm, tmp_path: Path) -> None:
    """Mutant: tables without flow written y by y."""
    one = {"me": "map", "run_number": 7, "ls_number": 3, "x_min": 0, "x_max": 3, "x_bin": 3, "entries": 21}
    page = {"results": [one | {"y_min": 0, "y_max": 2, "y_bin": 2, "data": [[1, 2, 3], [4, 5, 6]]}], "next": None}
    (tmp_path / "page.json").write_text(json.dumps(page))
    assert dqm("convert", tmp_path / "page.json", tmp_path / "map.parquet")[0] == 0
    (back,) = parse_any(tmp_path / "map.parquet").batches
    np.testing.assert_array_equal(back.inner, [[[1, 2, 3], [4, 5, 6]]])
    assert not back.has_flow


def test_convert_writes_parquet_and_nothing_half(dqm: Dqm, tmp_path: Path) -> None:
    code, text = dqm("convert", FIXTURES / "plain_none.root", tmp_path / "o.csv")
    assert (code, "histograms are converted into .parquet" in text) == (1, True)
    code, text = dqm("convert", FIXTURES / "plain_none.root", tmp_path / "o.parquet", "--elements", "nothing")
    assert (code, "there is no histogram to write" in text) == (1, True)
    assert list(tmp_path.iterdir()) == []
