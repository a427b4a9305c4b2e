"""brilcalc CSV: both headers, every unit, either time, and the tail as a check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dqm.formats.brilcalc import PER_PB, read_brilcalc, write_brilcalc
from dqm.formats.results import ReadResult
from dqm.model.config import BrilcalcInput, Config
from dqm.model.errors import InputError

NEW = "#run:fill,ls,time,beamstatus,E(GeV),delivered(/pb),recorded(/pb),avgpu,source\n"
OLD = "Run:Fill,LS,UTCTime,Beam Status,E(GeV),Delivered(/ub),Recorded(/ub),avgPU\n"
PATH = "#run:fill,ls,time,hltpath,delivered(/fb),recorded(/fb),avgpu,source\n"


def row(ls: str = "1:1", time: str = "08/13/15 05:14:40", recorded: str = "0.5") -> str:
    return f"9:4,{ls},{time},STABLE BEAMS,6500,0.6,{recorded},15.8,DT\n"


def read(folder: Path, text: str) -> ReadResult:
    (folder / "lumi.csv").write_text(text)
    return read_brilcalc(BrilcalcInput(kind="brilcalc", files=("lumi.csv",)), Config(folder=folder))


def found(result: ReadResult) -> list[str]:
    return [str(each).split("lumi.csv")[-1] for each in result.findings]


def test_the_new_header_with_comments_and_windows_lines(tmp_path: Path) -> None:
    text = "#Data tag : x , Norm tag: None\n" + NEW + row() + row("2:0", "1439442903", "0")
    result = read(tmp_path, text.replace("\n", "\r\n"))
    table = result.quantities
    assert table is not None
    assert list(table.index) == [(9, 1), (9, 2)]
    assert table["brilcalc_recorded"].tolist() == [0.5, 0.0]
    assert table["brilcalc_pileup"].tolist() == [15.8, 15.8]
    assert table.start.tolist() == np.array(["2015-08-13T05:14:40", "2015-08-13T05:15:03"], "M8[ns]").tolist()
    assert table.usable.all()
    assert result.findings == ()


def test_the_old_header(tmp_path: Path) -> None:
    result = read(tmp_path, OLD + "9:4,1:1,08/13/15 05:14:40,STABLE BEAMS,6500,2000000,1000000,15.8\n")
    assert result.quantities is not None
    assert result.quantities["brilcalc_recorded"].tolist() == [1.0]


@pytest.mark.parametrize("unit", PER_PB)
def test_every_unit_becomes_inverse_picobarn(tmp_path: Path, unit: str) -> None:
    start = pd.to_datetime(["2024-01-01T00:00:00", "2024-01-01T00:00:23"])
    frame = pd.DataFrame({"run": 9, "fill": 4, "ls": [1, 2], "start": start, "delivered": 0.6, "pileup": 30.0})
    write_brilcalc(tmp_path / "lumi.csv", frame.assign(recorded=[0.5, 0.0]), unit=unit)
    text = (tmp_path / "lumi.csv").read_text()
    result = read(tmp_path, text)
    assert result.quantities is not None
    np.testing.assert_allclose(result.quantities["brilcalc_recorded"], [0.5, 0.0])
    assert result.quantities.start.tolist() == frame["start"].to_numpy("M8[ns]").tolist()
    assert ",2:0," in text
    assert result.findings == ()


def test_the_hlt_path_variant_and_its_tail(tmp_path: Path) -> None:
    data = "9:4,1:1,03/08/26 16:30:01,HLT_A,0.002,0.001,59.6,HFET\n"
    tail = "#Summary:\n#HLT_A,1,1,1,0.002,0.007\n#\n#Sum delivered  : 0.002\n#Sum recorded : 0.007\n"
    tail += "#Check JSON:\n#(run,ls) in json but not in results: [(9, 48), (10, 13)]\n"
    result = read(tmp_path, PATH + data + tail)
    assert result.quantities is not None
    assert result.quantities["brilcalc_recorded"].tolist() == [1.0]
    summary, check = found(result)
    assert "recorded luminosity sums to 0.001 over the rows but to 0.007 in the file's own summary" in summary
    assert "run 9, LS 48: brilcalc found 2 lumisections in json but not in results" in check


def test_the_summary_that_agrees_says_nothing(tmp_path: Path) -> None:
    tail = "#Summary:\n#nfill,nrun,nls,ncms,totdelivered(/pb),totrecorded(/pb)\n#1,1,1,1,0.6,0.5\n"
    assert found(read(tmp_path, NEW + row() + tail)) == []
    assert "sums to 1" in found(read(tmp_path, NEW + row() + row("2:2") + tail))[0]


def test_several_paths_for_one_lumisection(tmp_path: Path) -> None:
    lines = "".join(f"9:4,1:1,03/08/26 16:30:01,HLT_{p},0.002,0.001,59.6,HFET\n" for p in "AB")
    with pytest.raises(InputError, match=r"run 9, LS 1 stands under several HLT paths \(HLT_A, HLT_B\); keep one"):
        read(tmp_path, PATH + lines)


def test_lines_that_are_cut_or_contradict_themselves(tmp_path: Path) -> None:
    text = NEW + row() + row("2:0", recorded="0.3") + row("3:4") + row("4:4", "yesterday") + "9:4,5:5,08/13/15 05"
    result = read(tmp_path, text)
    assert result.quantities is not None
    bad = "invalid:brilcalc_recorded"
    assert dict(zip(result.quantities.ls, result.quantities.status, strict=True)) == {1: "", 2: bad, 4: "", 5: bad}
    findings = found(result)
    assert any("run 9: run '9', LS '3:4 (no pair a:a or a:0)': run and LS must be whole numbers" in f for f in findings)
    assert any("run 9, LS 4: the time is not understood and the begin stays unknown" in f for f in findings)
    assert any(f"LS 2: {bad[8:]} is missing, negative or infinite; 2 rows of 2" in f for f in findings)
    assert (result.files[0].rows_read, result.files[0].rows_kept) == (5, 4)


def test_a_negative_luminosity_and_an_unknown_column(tmp_path: Path) -> None:
    result = read(tmp_path, NEW.replace("avgpu", "avgpux") + row(recorded="-1"))
    assert "column 'avgpux' is not known and not used; nearest valid names: 'avgpu'" in found(result)[0]
    assert result.quantities is not None
    assert result.quantities.status.tolist() == ["invalid:brilcalc_recorded"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run,ls\n1,1\n", "not a brilcalc table: no header that begins '#run:fill' or 'Run:Fill'"),
        (NEW, "the table has no rows"),
        (NEW.replace("recorded(/pb)", "recorded(/bp)") + row(), "recorded in unknown unit '/bp'; .* '/pb'"),
        (NEW.replace("recorded(/pb)", "recorded") + row(), "recorded in unknown unit ''"),
        (NEW.replace("recorded", "recorder") + row(), "required column 'recorded' is missing; .*'recorder"),
    ],
)
def test_another_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)
