"""Damaged legacy files, pages and tables: whatever bytes change, there are histograms or one of our own errors."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pandas as pd
import pytest

from dqm.formats.inspection import parse_any
from dqm.model.errors import InputError

from .dqmio_truth import FIXTURES
from .test_dqmio_mutations import mutated
from .test_read_dials import one, page, two
from .test_read_ml4dqm import plane, row


def table(suffix: str) -> bytes:
    """A small ML4DQM table of both dimensions."""
    frame, out = pd.DataFrame([row(), plane(), row(2), plane(3)]), io.BytesIO()
    if suffix == "parquet":
        frame.to_parquet(out)
    else:
        frame.assign(histo=[str(each) for each in frame["histo"]]).to_csv(out, index=False)
    return out.getvalue()


SOURCES = {
    **{name: (FIXTURES / f"{name}.root").read_bytes() for name in ("legacy", "folders", "keyed")},
    "dials": page(one(), two(), one(ls=4)),
    "csv": table("csv"),
    "parquet": table("parquet"),
}
READERS = {"legacy": "dqm-root", "folders": "dqm-root", "keyed": "dqm-root", "dials": "dials"}


def sweep(folder: Path, name: str, count: int, seed: int) -> dict[str, int]:
    """How many of ``count`` mutations were read, read with findings, and refused."""
    dice, path = random.Random(seed), folder / "mutated"
    found = {"read": 0, "told": 0, "refused": 0}
    for _ in range(count):
        path.write_bytes(mutated(SOURCES[name], dice))
        try:
            parsed = parse_any(path, kind=READERS.get(name, "ml4dqm"))
        except InputError as error:
            found["refused" if str(path) in str(error) else f"refused without its place: {error}"] += 1
            continue
        assert sum(len(batch) for batch in parsed.batches) <= parsed.rows_read
        found["told" if parsed.findings else "read"] += 1
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_some_mutations(tmp_path: Path, name: str) -> None:
    found = sweep(tmp_path, name, 60, seed=7)
    assert sum(found.values()) == 60
    assert found["refused"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_many_mutations(tmp_path: Path, name: str) -> None:
    assert sum(sweep(tmp_path, name, 2000, seed=1).values()) == 2000
