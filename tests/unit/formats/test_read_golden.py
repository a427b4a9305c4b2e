"""Golden JSON: strict in, canonical out, labels where it is known which lumisections exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqm.formats.golden import golden_bytes, read_golden, read_mask
from dqm.model.config import Config, GoldenInput
from dqm.model.errors import InputError
from dqm.model.keys import LS_LAST, LumiMask
from dqm.model.labels import Label
from dqm.model.tables import lumisection_index


def test_ranges_in_any_order_are_one_mask() -> None:
    mask = read_mask('{"20": [[12, 50], [1, 10], [11, 11]], "3": []}')
    assert mask == LumiMask({20: [(1, 50)]})
    assert golden_bytes(mask) == b'{\n  "20": [[1, 50]]\n}\n'


def test_lines_of_run_and_lumisection() -> None:
    assert read_mask("# a comment\n355100 1\n355100 2\n\n355101 7\n").ranges == {355100: [(1, 2)], 355101: [(7, 7)]}


def test_minus_one_is_every_lumisection_and_round_trips() -> None:
    mask = read_mask('{"5": [[-1]]}')
    assert (5, 0) in mask
    assert (5, LS_LAST) in mask
    assert (6, 1) not in mask
    assert golden_bytes(mask) == b'{\n  "5": [[-1]]\n}\n'


def test_an_empty_mask() -> None:
    assert golden_bytes(LumiMask()) == b"{}\n"
    assert not read_mask("{}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"7": [[1, 10], [10, 12]]}', "run 7, LS 10: ranges overlap; each lumisection may be listed once"),
        ('{"7": [[10, 1]]}', r"run 7, LS 10: the range \[10, 1\] runs backwards"),
        ('{"7": [[1, 2]], "7": [[3, 4]]}', "run 7 is listed twice; join its ranges"),
        ('{"7": [[1, 2]], "07": [[3, 4]]}', "run 7 is listed twice; join its ranges"),
        ('{"7": [[1, 2, 3]]}', r"run 7: \[1, 2, 3\] is not a range of two whole numbers"),
        ('{"7": [[1, 2.0]]}', "run 7: .* is not a range of two whole numbers"),
        ('{"7": [[true, 2]]}', "run 7: .* is not a range of two whole numbers"),
        ('{"7": [[-1], [1, 2]]}', r"run 7: \[-1\] is not a range of two whole numbers"),
        ('{"7": [[-3, 2]]}', r"run 7: the range \[-3, 2\] lies outside \[0, 2147483647\]"),
        ('{"7": 5}', "run 7: expected a list of ranges"),
        ('{"seven": [[1, 2]]}', "'seven' is not a run number"),
        ('{"99999999999": [[1, 2]]}', "'99999999999' is not a run number"),
        ("[[1, 2]]", "not a certification JSON: expected an object"),
        ("7 1\n7 one\n", "line 2 is neither JSON nor a line 'run lumi': '7 one'"),
        ("7 1\n7 1\n", "run 7, LS 1: ranges overlap"),
        ("golden.json", "line 1 is neither JSON nor a line 'run lumi': 'golden.json'"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_mask(text)


INDEX = lumisection_index([1, 2, 2, 3, 4, 4, 9], [1, 1, 9, 1, 1, 2, 1])


def labels(folder: Path, **described: object) -> dict[tuple[int, int], Label]:
    (folder / "golden.json").write_text('{"2": [[1, 5]], "4": [[1, 1]]}')
    (folder / "dcs.json").write_text('{"2": [[1, 5]], "4": [[1, 9]]}')
    read = read_golden(GoldenInput(kind="golden", files=("golden.json",), **described), Config(folder=folder))
    assert read.certification is not None
    found = read.certification.labels(INDEX)
    assert set(found.source) == {"golden"}
    return {key: Label(value) for key, value in zip(found.index, found.values, strict=True)}


def test_labels_of_the_listed_runs(tmp_path: Path) -> None:
    assert labels(tmp_path) == {(2, 1): Label.GOOD, (2, 9): Label.BAD, (4, 1): Label.GOOD, (4, 2): Label.BAD}


def test_labels_of_the_span_between_first_and_last_run(tmp_path: Path) -> None:
    found = labels(tmp_path, coverage="span")
    assert found[3, 1] is Label.BAD
    assert (1, 1) not in found
    assert (9, 1) not in found


def test_only_lumisections_of_the_dcs_json_are_labelled(tmp_path: Path) -> None:
    assert labels(tmp_path, dcs=("dcs.json",)) == {(2, 1): Label.GOOD, (4, 1): Label.GOOD, (4, 2): Label.BAD}


def test_a_listed_run_without_ranges_is_covered_and_noted(tmp_path: Path) -> None:
    (tmp_path / "g.json").write_text('{"2": []}')
    read = read_golden(GoldenInput(kind="golden", files=("g.json",)), Config(folder=tmp_path))
    assert read.certification is not None
    assert read.certification.labels(INDEX).values.tolist() == [Label.BAD, Label.BAD]
    assert "run 2: the run is listed without ranges" in str(read.findings[0])
