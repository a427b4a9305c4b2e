"""Every example of ``docs/formats.md`` is read by the reader and with the configuration beside it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from dqm.formats.brilcalc import read_brilcalc
from dqm.formats.canonical import read_canonical
from dqm.formats.clas12 import read_qadb, read_table
from dqm.formats.dials import read_dials
from dqm.formats.golden import read_golden
from dqm.formats.ml4dqm import read_ml4dqm
from dqm.formats.oms import read_oms
from dqm.formats.results import ReadResult
from dqm.model.config import Config

READERS = {
    "canonical": read_canonical,
    "golden": read_golden,
    "oms": read_oms,
    "brilcalc": read_brilcalc,
    "clas12-qadb": read_qadb,
    "clas12-table": read_table,
    "dials": read_dials,
    "ml4dqm": read_ml4dqm,
}
PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"File `([\w.]+)`.*?:\n\n```\w+\n(.*?)```", PAGE, flags=re.DOTALL))
SNIPPETS = {
    text.split('kind = "')[1].split('"')[0]: text
    for text in re.findall(r"```toml\n(\[\[inputs.*?)```", PAGE, re.DOTALL)
}


def read(folder: Path, kind: str, file: str = "") -> ReadResult:
    for name, text in EXAMPLES.items():
        (folder / name).write_text(text)
    content = tomllib.loads(SNIPPETS[kind])
    if file:
        content["inputs"][0]["files"] = [file]
    config = Config.model_validate(content | {"folder": folder})
    result: ReadResult = READERS[kind](config.inputs[0], config)  # type: ignore[operator]
    return result


def test_every_format_has_its_snippet() -> None:
    binary = {"dqmio", "dqm-root"}  # no example in text; their fixtures were written by ROOT
    assert SNIPPETS.keys() == READERS.keys() | binary


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("canonical", ""),
        ("oms", "oms.json"),
        ("oms", "oms.csv"),
        ("brilcalc", "lumi.csv"),
        ("brilcalc", "lumi_old.csv"),
        ("brilcalc", "lumi_path.csv"),
        ("clas12-qadb", ""),
        ("clas12-table", ""),
    ],
)
def test_examples_have_ten_rows_and_no_fault(tmp_path: Path, kind: str, file: str) -> None:
    result = read(tmp_path, kind, file)
    assert result.quantities is not None
    assert len(result.quantities) == 10
    assert result.quantities.usable.all()
    assert result.quantities.where(role="weight")
    assert result.findings == ()


@pytest.mark.parametrize("kind", ["dials", "ml4dqm"])
def test_examples_of_histograms_have_ten_and_no_fault(tmp_path: Path, kind: str) -> None:
    result = read(tmp_path, kind)
    assert [len(each) for each in result.histograms] == [10]
    assert result.histograms[0].has_flow is (kind == "ml4dqm")
    assert result.findings == ()


def test_the_golden_example_lists_ten_runs(tmp_path: Path) -> None:
    result = read(tmp_path, "golden")
    assert result.certification is not None
    assert len(result.certification.runs) == 10
