"""Several inputs become one table: outer join, one weight, fail closed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dqm.formats.reading import merge, read_input
from dqm.formats.results import Certification, ReadResult
from dqm.model import plugins
from dqm.model.config import BrilcalcInput, CanonicalInput, Config, GoldenInput, InputConfig, OmsInput, PluginInput
from dqm.model.errors import ConfigError, InputError, UnknownNameError
from dqm.model.keys import LumiMask
from dqm.model.labels import Label, Labels
from dqm.model.tables import Column, QuantityTable, lumisection_index

OMS: InputConfig = OmsInput(kind="oms", files=("x",))
BRILCALC: InputConfig = BrilcalcInput(kind="brilcalc", files=("x",), required=False)
CANONICAL: InputConfig = CanonicalInput(kind="canonical", files=("x",))
GOLDEN: InputConfig = GoldenInput(kind="golden", files=("x",))


def result(ls: list[int], labels: Labels | None = None, start: str = "NaT", **columns: Any) -> ReadResult:
    records = tuple(Column(name, role="weight" if "lumi" in name else "feature") for name in columns)
    values = np.column_stack([np.broadcast_to(np.asarray(each, float), len(ls)) for each in columns.values()])
    index = lumisection_index([1] * len(ls), ls)
    status = np.array(["conflict" if n == 9 else "" for n in ls], dtype=object)
    return ReadResult(QuantityTable(index, records, values, status, np.full(len(ls), start, "M8[ns]")), labels, (), ())


def test_the_join_is_outer_and_a_required_input_is_missed() -> None:
    merged = merge(
        [(OMS, result([1, 2, 9], lumi=1.0)), (BRILCALC, result([2, 3, 9], start="2024-01-01", mu=[5, 6, 7]))]
    )
    table = merged.quantities
    assert table is not None
    assert dict(zip(table.ls, table.status, strict=True)) == {1: "", 2: "", 3: "missing:oms", 9: "conflict"}
    np.testing.assert_array_equal(table["mu"], [np.nan, 5, 6, 7])
    assert np.isnat(table.start[0])
    assert table.start[1] == np.datetime64("2024-01-01")


def test_a_required_input_that_gave_nothing_is_missing_everywhere() -> None:
    """Mutant: skipping inputs without quantities would leave every lumisection usable."""
    merged = merge([(OMS, result([1, 2], lumi=1.0)), (CANONICAL, ReadResult(None, None, (), ()))])
    assert merged.quantities is not None
    assert merged.quantities.status.tolist() == ["missing:canonical"] * 2


def test_equal_column_names_are_refused() -> None:
    with pytest.raises(InputError, match=r"'lumi' comes from input 1 \(oms\) and from input 2 \(canonical\); rename"):
        merge([(OMS, result([1], lumi=1.0)), (CANONICAL, result([1], lumi=1.0))])


def test_one_weight_stands() -> None:
    both = [(OMS, result([1, 2, 3], lumi=[1.0, -1.0, 3.0])), (BRILCALC, result([1, 2], lumi_bril=2.0))]
    with pytest.raises(ConfigError, match=r"several weights: lumi, lumi_bril; name one as \[experiment\] weight"):
        merge(both)
    with pytest.raises(UnknownNameError, match="unknown weight 'lumi_brill'; nearest valid names: 'lumi_bril'"):
        merge(both, "lumi_brill")
    merged = merge(both, "lumi_bril")
    assert merged.quantities is not None
    assert [each.role for each in merged.quantities.columns] == ["condition", "weight"]
    assert merged.quantities.weight.tolist() == [2.0, 2.0, 0.0]
    assert merged.quantities.status.tolist() == ["", "", "invalid:lumi_bril"]
    assert "run 1, LS 3: the weight lumi_bril is missing, negative or infinite" in str(merged.findings[0])


def test_without_a_weight_each_lumisection_counts_one() -> None:
    merged = merge([(OMS, result([1, 2], x=1.0))])
    assert merged.quantities is not None
    assert merged.quantities.weight.tolist() == [1.0, 1.0]
    assert merged.labels is None


def test_labels_come_from_people_and_from_ranges() -> None:
    labels = Labels.of(lumisection_index([1], [2]), [Label.BAD], "expert")
    ranges = Certification(LumiMask({1: [(1, 2)]}), frozenset({1}))
    merged = merge([(OMS, result([1, 2, 3], labels, x=1.0)), (GOLDEN, ReadResult(None, None, (), (), ranges))])
    assert merged.labels is not None
    assert merged.labels.values.tolist() == [Label.GOOD, Label.BAD, Label.BAD]
    assert merged.labels.source.tolist() == ["golden", "expert", "golden"]
    assert merged.quantities is not None
    assert merged.quantities.usable.all()


def test_nothing_but_labels() -> None:
    labels = Labels.of(lumisection_index([1], [2]), [Label.BAD], "expert")
    merged = merge([(CANONICAL, ReadResult(None, labels, (), ()))])
    assert merged.quantities is None
    assert merged.labels is not None


def test_an_unknown_reader_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown plug-in of dqm\.readers 'mine'"):
        read_input(PluginInput(kind="plugin", files=("x",), reader="mine"), Config())


def test_every_kind_has_a_registered_reader() -> None:
    if not plugins.names("dqm.readers"):
        pytest.skip("the distribution is not installed: pip install -e .")
    kinds = {"clas12-qadb", "clas12-table", "oms", "golden", "brilcalc", "canonical"}
    assert kinds <= set(plugins.names("dqm.readers"))


def test_read_input_goes_through_the_registered_reader(tmp_path: Any) -> None:
    if "canonical" not in plugins.names("dqm.readers"):
        pytest.skip("the distribution is not installed: pip install -e .")
    (tmp_path / "t.csv").write_text("run,ls,x\n1,1,0.5\n")
    read = read_input(CanonicalInput(kind="canonical", files=("t.csv",)), Config(folder=tmp_path))
    assert read.quantities is not None
    assert read.quantities["x"].tolist() == [0.5]
