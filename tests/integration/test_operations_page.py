"""The cards of ``docs/operations.md``: every command is run, and leaves with the exit code that the page says."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from dqm.store.store import Store

from .conftest import Dqm

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
CARD = re.compile(r"^### (.+?)\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^dqm (.+?)\s+# exit (\d)", re.MULTILINE)


def cards() -> dict[str, list[tuple[str, int]]]:
    text = PAGE.read_text(encoding="utf-8").partition("\n## Cards\n")[2]
    return {title: [(line, int(code)) for line, code in COMMAND.findall(body)] for title, body in CARD.findall(text)}


@pytest.mark.slow
@pytest.mark.parametrize("title", cards())
def test_every_command_of_a_card_does_what_the_page_says(
    title: str, dqm: Dqm, certified_campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(certified_campaign, tmp_path / "campaign"))
    monkeypatch.chdir(folder)
    with Store.open(folder / "certification") as store:
        run = store.runs("verdicts")[0]
    assert cards()[title]
    for line, expected in cards()[title]:
        words = [{"RUN": str(run), "COPY": "copy", "AGAIN": "again"}.get(each, each) for each in shlex.split(line)]
        code, text = dqm(*words)
        assert (code, "Traceback" in text) == (expected, False), f"dqm {line}\n{text}"


def test_every_card_has_a_symptom_commands_and_a_safe_state() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("\n## Cards\n")[2]
    for title, body in CARD.findall(text):
        assert "*Symptom*:" in body, title
        assert "*Safe state*:" in body, title
        assert re.findall(r"^dqm .+$", body, re.MULTILINE) == re.findall(r"^dqm .+# exit \d$", body, re.MULTILINE), (
            title
        )
    assert len(cards()) >= 7
