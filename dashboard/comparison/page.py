"""A monitor element in some lumisections beside a reference of earlier runs, and what the detectors said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.comparison.asked import Span, choose_element, choose_reference, choose_span
from dashboard.comparison.choice import Choice
from dashboard.comparison.lines import show_lines
from dashboard.comparison.panels import show_course, show_map, show_terms
from dashboard.comparison.ranking import Named, contributions, ranked
from dashboard.comparison.reference import NoReference, Reference
from dashboard.comparison.standing import Given, given_of, remarks
from dashboard.links import Links
from dashboard.look.empty_states import show_missing
from dashboard.look.inert import for_markdown
from dashboard.look.run_box import choose_run, wanted_run
from dashboard.reading.elements import all_pulls, reference, run_batches, run_elements, runs_with
from dashboard.reading.quantities import run_quantities
from dashboard.reading.queue_rows import waiting_runs
from dashboard.reading.verdicts import run_verdicts
from dashboard.reading.view import View


def show(view: View, links: Links) -> None:
    """The page of what the address names, or of the run that most needs people."""
    title, back = st.columns([5, 1], vertical_alignment="bottom")
    title.title("Compare")
    histograms = runs_with(view.path, view.snapshot, "histograms")
    known = sorted({*histograms, *view.held["quantities"]})
    if not known:
        show_missing(view)
        return
    first, second, third, fourth, fifth = st.columns([3, 3, 8, 6, 3])
    told = st.container()
    line, switch = st.columns([5, 1], vertical_alignment="center")
    with first:
        options = sorted(known, reverse=True)
        run = choose_run(options, wanted_run(options, lambda: _start(view, known), told))
    known_ls = _lumisections(view, run)
    if not len(known_ls):
        st.info(for_markdown(f"Run {run} has neither quantities nor histograms of lumisections."))
        return
    with second:
        span = choose_span(int(known_ls.min()), int(known_ls.max()), told)
    choice = choose_reference(view, [each for each in histograms if each < run], fourth, fifth, told)
    by_pull = switch.toggle(
        "sort by pull", key="compare_by_pull", help="Largest pull first; reads all histograms of the run."
    )
    with third:
        element = choose_element(_offered(view, run, span, choice, by_pull=by_pull), told)
    if back.button(f"Run {run}", icon=":material/arrow_back:", help="Open the page of this run.", width="stretch"):
        links.run(run, None if span.whole else span.first, None if span.whole else span.last)
    if element is None:
        return
    if element.quantity:
        show_course(view, run, element.name, span)
    else:
        with line:
            given, found = _compared(view, run, element.name, span, choice)
        if given is not None:
            _show_element(given, found)
    show_terms(view, run, element.name, span, known_ls)


def _start(view: View, known: list[int]) -> int:
    """The first run of the queue that needs people and has something to compare, else the newest that has."""
    waiting = waiting_runs(view, datetime.now(UTC)) if view.held["verdicts"] else []
    return next((each for each in waiting if each in known), known[-1])


def _lumisections(view: View, run: int) -> NDArray[np.int64]:
    """The lumisections of a run that has quantities, or else of the first element."""
    if run in view.held["quantities"]:
        return run_quantities(view.path, view.snapshot, run).ls
    names = list(run_elements(view.path, view.snapshot, run))
    batches = run_batches(view.path, view.snapshot, run, names[0]) if names else []
    return np.concatenate([each.ls for each in batches]) if batches else np.zeros(0, dtype=np.int64)


def _offered(view: View, run: int, span: Span, choice: Choice, *, by_pull: bool) -> list[Named]:
    """All elements and quantities of the run, those that stand out first."""
    elements = run_elements(view.path, view.snapshot, run)
    quantities: Sequence[str] = ()
    if run in view.held["quantities"]:
        quantities = run_quantities(view.path, view.snapshot, run).names
    added: dict[str, float] = {}
    if run in view.held["verdicts"]:
        verdicts = run_verdicts(view.path, view.snapshot, run)
        ls = np.asarray(verdicts.index.get_level_values("ls"))
        rows = (ls >= span.first) & (ls <= span.last)
        added = contributions(verdicts, rows, {*elements, *quantities}) if rows.any() else {}
    pulls: dict[str, float] = {}
    if elements and by_pull:
        alpha = view.config.features.references.alpha
        pulls = all_pulls(view.path, view.snapshot, run, span.first, span.last, choice.text(), alpha)
    return ranked(elements, quantities, added, pulls)


def _compared(
    view: View, run: int, element: str, span: Span, choice: Choice
) -> tuple[Given | None, Reference | NoReference]:
    """The histogram and its reference, after one sentence on what is compared with what, or why it cannot be."""
    batches = run_batches(view.path, view.snapshot, run, element)
    given = given_of(batches, None if span.whole else (span.first, span.last))
    if given is None:
        where = f"LS {span.first} to {span.last}"
        st.info(for_markdown(f"Run {run} has {element} in none of {where}."), icon=":material/help:")
        return None, NoReference("missing", "it is not there.")
    binning = next(each.binning for each in batches if tuple(each.axes) == given.axes)
    alpha = view.config.features.references.alpha
    found = reference(view.path, view.snapshot, run, element, binning, choice.text(), alpha)
    _show_head(given, found)
    for each in remarks(given, found):
        st.caption(f":material/info: {for_markdown(each)}")
    return given, found


def _show_element(given: Given, found: Reference | NoReference) -> None:
    if len(given.axes) == 1:
        show_lines(given, found)
    elif len(given.axes) == 2:
        show_map(given, found)
    else:
        st.info(f"It has {len(given.axes)} dimensions; only histograms of one or two are drawn and compared.")


def _show_head(given: Given, found: Reference | NoReference) -> None:
    counts = f"{given.lumisections:,} LS, {given.total:,.0f} counts"
    if isinstance(found, NoReference):
        why = f"U unknown ({found.code}): {given.element} is not compared, since {found.why}"
        st.warning(for_markdown(why), icon=":material/help:")
        st.caption(counts)
        return
    span = f"{found.runs[0]} to {found.runs[-1]}" if len(found.runs) > 1 else f"{found.runs[0]}"
    many = f"{len(found.runs)} runs" if len(found.runs) > 1 else "1 run"
    against = f"{found.choice.title()}: {found.lumisections:,} LS of {many} ({span}), {found.counts:,.0f} counts"
    st.caption(for_markdown(f"{counts}, against {against}."))
