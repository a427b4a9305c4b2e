"""What the address asks for, and the controls that change it: run, lumisections, element and reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.comparison.choice import LARGEST, OFFERED, Choice
from dashboard.comparison.ranking import Named
from dashboard.links import asked_range
from dashboard.look.inert import for_markdown
from dashboard.reading.view import View
from dqm.model.errors import InputError, nearest

SHOWN = 400
"""Names that a list offers at once; of more, one searches."""


@dataclass(frozen=True)
class Span:
    """The lumisections that are looked at, both ends included; ``whole`` where none were named."""

    first: int
    last: int
    whole: bool


def choose_span(first: int, last: int, told: DeltaGenerator) -> Span:
    """The lumisections of the text field, which follows the address and sets it; ``first`` to ``last`` are known.

    What cannot be read stays in the field, and is ``told``.
    """
    asked = st.query_params.get("ls", "")
    typed = st.text_input(
        "Lumisections", asked, placeholder=f"all: {first}-{last}", max_chars=40,
        help="One lumisection or a range, such as 3-9; empty: all of the run.",
    ).strip()  # fmt: skip
    if typed != asked:
        if typed:
            st.query_params["ls"] = typed
        else:
            st.query_params.pop("ls", None)
    if not typed:
        return Span(first, last, whole=True)
    span = asked_range(typed)
    if span is None:
        told.error(for_markdown(f"{typed!r} is no range; write 3-9 or 7. All are shown."), icon=":material/error:")
        return Span(first, last, whole=True)
    if span[1] < first or span[0] > last:
        told.warning(f"This run has the lumisections {first} to {last}; none of {span[0]} to {span[1]}.")
    return Span(*span, whole=False)


def choose_element(offered: Sequence[Named], told: DeltaGenerator) -> Named | None:
    """The element of the selection box, which follows the address and sets it; None where the address names another.

    A name that this run lacks is said with the nearest ones, and nothing else is shown in its place.
    """
    asked = st.query_params.get("element", "")
    by_name = {each.name: each for each in offered}
    shown = list(offered)
    if len(shown) > SHOWN:
        part = st.text_input("Search by name", max_chars=200, help=f"{len(shown):,} names; those with it are listed.")
        shown = [each for each in shown if part.lower() in each.name.lower()][:SHOWN]
    if asked in by_name and by_name[asked] not in shown:
        shown = [by_name[asked], *shown]
    if not shown:
        st.info("No name of this run holds this text.")
        return None
    missing = bool(asked) and asked not in by_name
    chosen = st.selectbox(
        "Monitor element or quantity",
        range(len(shown)),
        index=None if missing else shown.index(by_name[asked]) if asked else 0,
        format_func=lambda i: shown[i].text(),
        placeholder="choose one of this run",
        help="Type to search. Those that add most to the anomaly of these lumisections come first.",
    )
    if chosen is None:
        near = nearest(asked[:200], by_name)
        told.warning(
            for_markdown(f"U unknown (missing): this run has nothing called {asked[:200]!r}; {near}"),
            icon=":material/help:",
        )
        return None
    if shown[chosen].name != asked:
        st.query_params["element"] = shown[chosen].name
    return shown[chosen]


def choose_reference(
    view: View, before: Sequence[int], where: DeltaGenerator, which: DeltaGenerator, told: DeltaGenerator
) -> Choice:
    """The reference of the controls, which follow the address and set it; runs ``before`` this one can be chosen.

    The kind is asked for ``where``, its number or run in ``which``.
    """
    asked = st.query_params.get("reference", "")
    usual = Choice.of(view.config.features.references)
    start = usual
    if asked:
        try:
            start = Choice.read(asked)
        except InputError as error:
            told.warning(for_markdown(f"{error}. The usual one is shown."))
    kinds = list(OFFERED)
    kind = where.selectbox(
        "Reference", kinds, index=kinds.index(start.kind), format_func=OFFERED.__getitem__,
        help="Always of earlier runs.",
    )  # fmt: skip
    with which:
        chosen = _numbered(kind, start, before)
    if chosen.text() != (asked or usual.text()):
        st.query_params["reference"] = chosen.text()
    return chosen


def _numbered(kind: str, start: Choice, before: Sequence[int]) -> Choice:
    if kind == "certified":
        number = start.number if start.kind == kind else 8
        return Choice("certified", int(st.number_input("How many", 1, max(LARGEST, number), number)))
    if kind == "run":
        options = sorted(before, reverse=True)
        if start.kind == kind and start.number not in options:
            options = [start.number, *options]  # a run that vanished, or a later one: said where it is read
        if not options:
            st.info("There is no earlier run with histograms.")
            return Choice("nearest")
        at = options.index(start.number) if start.kind == kind else 0
        return Choice("run", int(st.selectbox("Which run", options, index=at)))
    return Choice.read(kind)
