"""No page has a way by which text could become markup or code, or ask anything of another machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOORS = {
    "markup that Streamlit would take as it is": r"unsafe_allow_html|\bst\.html\b|\.html\(",
    "a frame": r"components\.v1|\biframe\b",
    "text as markup": r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc",
    "text as code": r"javascript:|\beval\(|\bnew Function\b|\bexec\(|setTimeout\(\s*['\"`]",
    "a request": r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|@import|\bimport\(|url\((?!#)",
    "another machine": r"\b(?:https?|wss?)://(?!127\.0\.0\.1|www\.w3\.org/)",
}
"""What is looked for, and a pattern of it; the names of XML by which a script makes an SVG are no addresses."""
OPEN = (
    "st.markdown(text, unsafe_allow_html=True)",
    "st.html(text)",
    "streamlit.components.v1.html(text)",
    "element.innerHTML = data.reason",
    "element.insertAdjacentHTML('beforeend', text)",
    "link.href = `javascript:${text}`",
    "eval(text)",
    "new Function(text)()",
    "fetch(address)",
    "background: url(picture.png)",
    'FONT = "https://fonts.example/a.woff2"',
)


def doors(text: str) -> list[str]:
    """What is open in a file."""
    return [what for what, pattern in DOORS.items() if re.search(pattern, text)]


def test_no_page_opens_a_door(repository: Path) -> None:
    files = [each for each in (repository / "dashboard").rglob("*") if each.suffix in {".py", ".js", ".css", ".html"}]
    assert len(files) > 20
    found = {str(each.relative_to(repository)): doors(each.read_text(encoding="utf-8")) for each in files}
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("line", OPEN)
def test_an_open_door_is_seen(line: str) -> None:
    assert doors(line)


@pytest.mark.parametrize(
    "line", ['const SVG = "http://www.w3.org/2000/svg";', "pattern.search(text)", "evaluate(text)"]
)
def test_a_closed_one_is_not(line: str) -> None:
    assert not doors(line)
