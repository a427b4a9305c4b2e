"""Some numbers in a row, each with its name above and what belongs to it below.

Like Streamlit's metrics, of which each is a dozen parts with texts that are parsed as Markdown; these are one part and
take texts as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from dashboard.canvas.sources import source

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
    css, script = source("tiles.css"), source("tiles.js")
    draw = st.components.v2.component(NAME, html='<dl class="tiles"></dl>', css=css, js=script)
    draw(key=key, data={"tiles": [asdict(each) for each in tiles]}, height=HEIGHT)
