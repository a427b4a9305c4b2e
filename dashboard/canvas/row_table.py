"""A table of some dozens of rows of which a person picks one; the script beside this module fills it.

Streamlit's own table is a grid for millions of cells: with its libraries it takes a browser that has nothing in its
cache as long as all else of a page together. This one is a plain table of the page.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from dashboard.canvas.sources import source
from dashboard.look.palette import STATES
from dqm.model.verdicts import CODES

NAME = "lumicert_rows"
HEAD, ROW, TALL = 38, 35, 560
"""Heights of the heading and of a row, and of the whole table at most, in pixels; what is longer scrolls."""
Kind = Literal["text", "number", "share", "strip"]


@dataclass(frozen=True)
class Column:
    """One column: its ``title``, what it holds, one value each row, and how wide it is in pixels.

    Numbers are written by ``form``, a format specification with what follows it; no number (NaN) is an empty cell.
    A *share* is in percent and drawn as a bar of ``colour`` behind it, a *strip* is codes of decisions, one byte a
    pixel. ``help`` explains the title; a ``pinned`` column stays in view where the table is wider than the page.
    """

    title: str
    kind: Kind
    width: int
    values: Sequence[Any]
    form: str = ""
    colour: str = ""
    help: str = ""
    pinned: bool = False

    def document(self) -> dict[str, Any]:
        """As the script reads it: ``texts`` are shown, ``order`` is what rows are sorted by."""
        head = {name: getattr(self, name) for name in ("title", "kind", "width", "colour", "help", "pinned")}
        if self.kind == "strip":
            return head | {"texts": [base64.b64encode(each).decode() for each in self.values], "order": None}
        if self.kind == "text":
            return head | {"texts": [str(each) for each in self.values], "order": [str(each) for each in self.values]}
        numbers = [float(each) for each in self.values]
        texts = ["" if math.isnan(each) else self.form.format(each) for each in numbers]
        return head | {"texts": texts, "order": [None if math.isnan(each) else each for each in numbers]}


def show_rows(
    columns: Sequence[Column], numbers: Sequence[int], key: str, here: int, label: str, picked: Callable[[], None]
) -> None:
    """Put the table on the page; ``here`` is the row that is marked, ``label`` says what the table holds.

    ``picked`` is called when a person picked a row, ``picked_on`` then says which of the ``numbers``, one each row: a
    place would be that of another row where the table changed between a look and a click.
    """
    many = len(columns[0].values)
    height = min(HEAD + ROW * many, TALL)
    data = {
        "columns": [each.document() for each in columns],
        "rows": many,
        "numbers": list(numbers),
        "here": here,
        "label": label,
        "height": height,
        "states": [{"colour": STATES[each].colour, "hatched": bool(STATES[each].pattern)} for each in CODES],
    }
    css, script = source("row_table.css"), source("row_table.js")
    draw = st.components.v2.component(NAME, html=HTML, css=css, js=script)
    draw(key=key, data=data, height=height, on_picked_change=picked)


def picked_on(key: str) -> int | None:
    """The number of the row that was picked; None where none was."""
    found = (st.session_state.get(key) or {}).get("picked")
    return int(found) if found is not None else None


HTML = """<div class="rows"><table role="grid" tabindex="0"><thead></thead><tbody></tbody></table></div>"""
