"""The guard of single lumisections: on by default, off with 0, nothing in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from dqm.model.config import Config, load
from dqm.model.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "dqm.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("value", [0.0, 1.0, 3.5, 999.0])
def test_valid_values(value: float, tmp_path: Path) -> None:
    assert load(written(tmp_path, f"[guard]\nexcursion = {value}\n")).guard.excursion == value


def test_it_is_on_unless_it_is_taken_away() -> None:
    """Mutant: 0 by default, with which a lumisection at 20 σ is accepted."""
    assert Config().guard.excursion == 1.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "excursion = 0.5",
            "guard.excursion: 0.5 times the largest excursion lies inside what good lumisections showed; write 1 or more",
        ),
        ("excursion = -1.0", "guard.excursion: Input should be greater than or equal to 0"),
        ("excursion = 1000", "guard.excursion: Input should be less than 1000"),
        ("excursion = inf", "guard.excursion: Input should be a finite number"),
        ("excursions = 2", "unknown key 'guard.excursions'; nearest valid names: 'excursion'"),
    ],
)
def test_values_that_cannot_be(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        load(written(tmp_path, f"[guard]\n{text}\n"))
