"""A store to act on, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dqm.store.store import Store

from .shift import Shift, fill


@pytest.fixture(scope="session")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store to copy."""
    folder = tmp_path_factory.mktemp("certified") / "store"
    with Store.create(folder) as store:
        fill(store)
    return folder


@pytest.fixture
def store(certified: Path, tmp_path: Path) -> Iterator[Store]:
    """A store of the test's own."""
    with Store.open(Path(shutil.copytree(certified, tmp_path / "store"))) as opened:
        yield opened


@pytest.fixture
def shift(store: Store) -> Shift:
    """Six people at that store."""
    return Shift(store)
