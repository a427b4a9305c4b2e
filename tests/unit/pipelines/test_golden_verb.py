"""``dqm golden``: set algebra of certification files, from left to right."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from dqm.formats.golden import golden_bytes, read_mask
from dqm.model.errors import InputError, UnknownNameError
from dqm.model.keys import LumiMask
from pipelines.run.golden import combine

Keys = set[tuple[int, int]]
NAIVE = {"show": set.union, "union": set.union, "intersection": set.intersection, "difference": set.difference}


def written(folder: Path, seed: int) -> tuple[Path, Keys]:
    rng = np.random.default_rng(seed)
    keys = {(int(run), int(ls)) for run, ls in zip(rng.integers(7, 10, 40), rng.integers(1, 25, 40), strict=True)}
    path = folder / f"{seed}.json"
    path.write_bytes(golden_bytes(LumiMask.of_lumisections(*map(list, zip(*keys, strict=True)))))
    return path, keys


def lumisections(data: bytes) -> Keys:
    ranges = read_mask(data.decode()).ranges
    return {(run, ls) for run, each in ranges.items() for first, last in each for ls in range(first, last + 1)}


@pytest.mark.parametrize("files", [1, 2, 3])
@pytest.mark.parametrize("operation", NAIVE)
def test_operations_are_those_of_sets(tmp_path: Path, operation: str, files: int) -> None:
    given = [written(tmp_path, seed) for seed in range(files)]
    data = combine(operation, [path for path, _ in given])
    assert lumisections(data) == reduce(NAIVE[operation], [keys for _, keys in given])
    assert golden_bytes(read_mask(data.decode())) == data


def test_an_unknown_operation_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown operation 'unoin'; nearest valid names: 'union'"):
        combine("unoin", [written(tmp_path, 1)[0]])


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.json: no such file"):
        combine("union", [written(tmp_path, 1)[0], tmp_path / "nothing.json"])
