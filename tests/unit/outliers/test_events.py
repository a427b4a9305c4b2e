"""Event tables: files in chunks, scales, and what cannot be used."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dqm.model.errors import ConfigError, InputError
from pipelines.outliers import events
from pipelines.outliers.events import Events, Feature, columns_of, read_events

FRAME = pd.DataFrame({"mass": [100.0, np.nan, -1.0, 50.0], "tau21": [0.5, 0.2, 0.3, 1.0], "name": list("abcd")})
ASKED = [Feature.parse("log:mass"), Feature.parse("logit:tau21")]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    FRAME.to_parquet(tmp_path / "a.parquet")
    FRAME.to_csv(tmp_path / "b.csv", index=False)
    return [tmp_path / "a.parquet", tmp_path / "b.csv"]


def test_chunks_of_both_kinds_join_to_one_table(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "CHUNK", 3)
    found = read_events(files, ASKED)
    assert found.table.names == ["mass", "tau21"]
    assert list(found.row) == [0, 1, 2, 3] * 2
    assert list(found.file) == ["a.parquet"] * 4 + ["b.csv"] * 4
    np.testing.assert_allclose(found.table.values[0], [np.log(100.0), 0.0], rtol=1e-6)
    np.testing.assert_array_equal(found.table.values[:4], found.table.values[4:])


def test_what_a_scale_does_not_reach_is_missing(files: list[Path]) -> None:
    """The logarithm of a negative mass and the logit of 1: such an event is not scored."""
    found = read_events(files[:1], ASKED)
    assert list(found.complete) == [True, False, False, False]
    assert not np.isinf(found.table.values).any()


def test_joined_events_keep_their_origin(files: list[Path]) -> None:
    found = read_events(files[:1], ASKED)
    joined = Events.joined([found, found.take(np.array([3]))])
    assert (len(joined), joined.row[4], joined.file[4]) == (5, 3, "a.parquet")


@pytest.mark.parametrize("text", ["sqrt:mass", ":mass", "log:", ""])
def test_another_scale_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write NAME, log:NAME or logit:NAME"):
        Feature.parse(text)


def test_a_missing_column_is_answered_with_the_nearest(files: list[Path]) -> None:
    for file in files:
        with pytest.raises(InputError, match=r"no column 'tau12'; nearest valid names: 'tau21'"):
            read_events([file], [Feature("tau12")])


def test_words_are_refused(files: list[Path]) -> None:
    with pytest.raises(InputError, match="column 'name' does not hold numbers; leave it out"):
        read_events(files, [Feature("name")])


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: no such event table"):
        columns_of(tmp_path / "none.csv")
    for name, message in {
        "x.root": r"end in \.parquet or \.csv",
        "x.parquet": "cannot be read",
        "x.csv": "cannot be",
    }.items():
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(InputError, match=message):
            columns_of(tmp_path / name)
