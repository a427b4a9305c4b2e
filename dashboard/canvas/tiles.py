"""Some numbers in a row, each with its name above and what belongs to it below.

Like Streamlit's metrics, of which each is a dozen parts with texts that are parsed as Markdown; these are one part and
take texts as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

NAME = "lumicert_tiles"
HEIGHT = 124
"""Of the row in pixels, before and after it is filled."""


@dataclass(frozen=True)
class Tile:
    """A ``value`` in words with its ``title``; ``beside`` stands in smaller letters below, ``help`` explains both."""

    title: str
    value: str
    beside: str = ""
    help: str = ""


def show_tiles(tiles: Sequence[Tile], key: str) -> None:
    """Put the numbers on the page, all equally wide."""
    css, script = _parts()
    draw = st.components.v2.component(NAME, html='<dl class="tiles"></dl>', css=css, js=script)
    draw(key=key, data={"tiles": [asdict(each) for each in tiles]}, height=HEIGHT)


@lru_cache(maxsize=1)
def _parts() -> tuple[str, str]:
    """Style and script."""
    folder = Path(__file__).parent
    return (folder / "tiles.css").read_text(encoding="utf-8"), (folder / "tiles.js").read_text(encoding="utf-8")
