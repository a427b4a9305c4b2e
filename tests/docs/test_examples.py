"""Python blocks of the README and of ``docs/`` run as they stand, page by page, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    """Python blocks of a page, in order."""
    return BLOCK.findall(page.read_text(encoding="utf-8")) if page.exists() else []


@pytest.mark.slow  # the example of the README takes the whole way
@pytest.mark.parametrize("page", [each for each in PAGES if blocks(each)], ids=lambda page: page.name)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of one page share their names, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for number, block in enumerate(blocks(page), start=1):
        exec(compile(block, f"{page.name} block {number}", "exec"), names)
