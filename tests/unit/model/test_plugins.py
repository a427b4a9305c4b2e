"""Plug-in groups are looked up once per import path: a look goes through every installed package."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from dqm.model import plugins
from dqm.model.errors import UnknownNameError


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The groups that were looked up; what earlier tests found is forgotten, and so is what this one finds."""
    asked: list[str] = []
    find = plugins.entry_points

    def look(*, group: str) -> tuple[EntryPoint, ...]:
        asked.append(group)
        return tuple(find(group=group))

    monkeypatch.setattr(plugins, "entry_points", look)
    plugins._registered.cache_clear()
    yield asked
    plugins._registered.cache_clear()


def test_a_group_is_looked_up_once(looks: list[str]) -> None:
    """Mutant: a look at every call, which made each of a hundred commands tens of milliseconds slower."""
    for _ in range(3):
        assert "robust-z" in plugins.names("dqm.detectors")
        assert plugins.name_of("dqm.detectors", "detectors.robust_z:RobustZ") == "robust-z"
        assert plugins.load("dqm.detectors", "robust-z").__name__ == "RobustZ"
    assert looks == ["dqm.detectors"]
    plugins.names("dqm.readers")
    assert looks == ["dqm.detectors", "dqm.readers"]


def test_another_import_path_is_looked_at_again(
    looks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: a look per process, which misses a plug-in in a folder that is added later."""
    assert "mine" not in plugins.names("dqm.detectors")
    metadata = tmp_path / "mine-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[dqm.detectors]\nmine = mine.detector:Mine\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert "mine" in plugins.names("dqm.detectors")
    assert plugins.name_of("dqm.detectors", "mine.detector:Mine") == "mine"
    assert looks == ["dqm.detectors"] * 2


def test_an_unknown_group_or_name_is_told_and_not_kept(looks: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(
            UnknownNameError, match=r"plug-in group 'dqm\.detector'; nearest valid names: 'dqm\.detectors'"
        ):
            plugins.names("dqm.detector")
        with pytest.raises(UnknownNameError, match="'robust'; nearest valid names: 'robust-z'"):
            plugins.load("dqm.detectors", "robust")
    assert looks == ["dqm.detectors"]
