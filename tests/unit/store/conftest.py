"""A new store, and tables that are quickly made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dqm.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store in a folder of its own."""
    with Store.create(tmp_path / "certification") as made:
        yield made


@pytest.fixture(scope="session")
def rows() -> Callable[..., pa.Table]:
    """Make the rows of one run: ``rows(run, n, seed)``, with one column of numbers."""

    def made(run: int, n: int = 5, seed: int = 0) -> pa.Table:
        charge = np.random.default_rng([run, seed]).normal(size=n)
        return pa.table({"run": np.full(n, run), "ls": np.arange(n), "charge": charge, "status": [""] * n})

    return made
