"""``dqm --help`` as somebody reads it who never saw it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.overview import SECTIONS

NAMED = [name for names in SECTIONS.values() for name in names]


@pytest.fixture(scope="module")
def text() -> str:
    done = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    return done.output


def test_every_command_stands_in_one_section(text: str) -> None:
    """Mutant: a new command that nobody gave a section, which would be listed under *Other*."""
    assert sorted(NAMED) == sorted(set(NAMED))
    assert "Other" not in text


def test_sections_follow_the_work(text: str) -> None:
    places = [text.index(f"\n{title}:") for title in SECTIONS]
    assert places == sorted(places)
    assert text.index("dqm init, ingest, train") > places[-1], "what to do first is told at the end"


@pytest.mark.parametrize("name", NAMED)
def test_a_command_is_told_without_being_cut(text: str, name: str) -> None:
    [line] = [each for each in text.splitlines() if each.startswith(f"  {name} ")]
    assert len(line.split()) > 2
    assert "..." not in line
