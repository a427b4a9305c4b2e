"""Histograms as objects of ROOT files, against what ROOT itself says of the fixtures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dqm.formats.legacy_dqm import Place, parse_objects, place_of, read_dqm_root
from dqm.formats.root_bytes import RootFileError
from dqm.model.config import Config, DqmRootInput
from dqm.model.errors import InputError
from dqm.model.histograms import HistogramBatch

from .dqmio_truth import FIXTURES, Entry, truth


def held(batches: tuple[HistogramBatch, ...]) -> dict[Place, tuple[HistogramBatch, int]]:
    return {
        Place(each.element, int(run), int(ls)): (each, k)
        for each in batches
        for k, (run, ls) in enumerate(zip(each.run, each.ls, strict=True))
    }


def same(entry: Entry, batch: HistogramBatch, k: int) -> None:
    np.testing.assert_array_equal(batch.counts[k].reshape(-1), entry.counts)
    assert batch.entries[k] == entry.record["entries"]
    assert [axis.bins for axis in batch.axes] == [axis["bins"] for axis in entry.record["axes"]]
    for name in ("squares", "sums"):
        expected, found = getattr(entry, name), getattr(batch, name)
        assert (found is None) is (not len(expected))
        if found is not None:
            np.testing.assert_array_equal(found[k].reshape(-1), expected)


@pytest.mark.parametrize(("name", "count"), [("folders", 8), ("keyed", 4)])
def test_every_object_is_what_root_says(name: str, count: int) -> None:
    parsed = parse_objects(FIXTURES / f"{name}.root")
    found = held(parsed.batches)
    assert len(found) == parsed.rows_kept == count
    for entry in truth(name)[0]:
        place = place_of(entry.record["element"])
        if place is not None:
            same(entry, *found.pop(place))
    assert found == {}


def test_what_names_no_run_is_told_and_not_used() -> None:
    parsed = parse_objects(FIXTURES / "folders.root")
    (finding,) = parsed.findings
    assert (finding.code, finding.severity) == ("key", "quarantined")
    assert finding.reason.startswith("3 histograms stand in no folder of a run and carry no run in their name")
    assert parsed.rows_read == 11


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("DQMData/Run 355100/Pixel/Run summary/a/b", Place("Pixel/a/b", 355100, 0)),
        ("DQMData/Run 355100/Pixel/Run summary/b", Place("Pixel/b", 355100, 0)),
        ("DQMData/Run 355100/Pixel/By Lumi Section 7-7/b", Place("Pixel/b", 355100, 7)),
        ("DQMData/Run 355100/Pixel/By Lumi Section 7-8/b", None),
        ("DQMData/Run x/Pixel/Run summary/b", None),
        ("run367094_ls1_Pixel_charge", Place("Pixel_charge", 367094, 1)),
        ("folder/run367094_ls12_a", Place("a", 367094, 12)),
        ("run367094_a", None),
        ("charge", None),
    ],
)
def test_places(name: str, place: Place | None) -> None:
    assert place_of(name) == place


def test_only_what_is_asked_for_and_whole_runs_as_a_lumisection() -> None:
    described = DqmRootInput(kind="dqm-root", files=("folders.root",), elements=("Pixel/*",), runs_as_lumisection=1)
    result = read_dqm_root(described, Config(folder=FIXTURES))
    assert sorted(each.element for each in result.histograms) == ["Pixel/Tracks/charge", "Pixel/Tracks/position"]
    assert result.quantities is not None
    assert list(result.quantities.index) == [(355100, 1), (355101, 1)]
    whole = read_dqm_root(DqmRootInput(kind="dqm-root", files=("folders.root",)), Config(folder=FIXTURES))
    assert whole.quantities is not None
    assert list(whole.quantities.index) == [(355100, 7), (355101, 7)], "a whole run is no lumisection"


def test_a_broken_object_stops_nobody(tmp_path: Path) -> None:
    data = (FIXTURES / "keyed.root").read_bytes()
    broken, refused = 0, []
    for at in range(2, len(data), 61):
        (tmp_path / "broken.root").write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        try:
            parsed = parse_objects(tmp_path / "broken.root")
        except RootFileError as error:
            refused.append(str(error))
            continue
        broken += any(each.code == "malformed" for each in parsed.findings)
        assert parsed.rows_kept <= 4
    assert broken > 3
    assert refused
    assert all("broken.root" in each for each in refused)


@pytest.mark.parametrize("data", [b"", b"root", b"no ROOT file at all"])
def test_what_is_no_root_file_is_refused_in_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.root").write_bytes(data)
    with pytest.raises(InputError, match=r"bad\.root") as caught:
        read_dqm_root(DqmRootInput(kind="dqm-root", files=("bad.root",)), Config(folder=tmp_path))
    assert "\n" not in str(caught.value)
