"""One run: its timeline, on which lumisections are chosen, the form that decides about them, and what lies behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.acting.claiming import claim_button
from dashboard.acting.who import operator
from dashboard.canvas.timeline import chosen_on, show_timeline
from dashboard.links import Links
from dashboard.look.empty_states import show_command, show_missing
from dashboard.look.in_place import fragment
from dashboard.look.inert import for_markdown
from dashboard.look.palette import MACHINE, STATES
from dashboard.look.run_box import choose_run, wanted_run
from dashboard.look.wording import percent, weight
from dashboard.one_run.decision_form import begin, choose, chosen_ranges, show_form
from dashboard.one_run.details import adopt_row, show_details, show_quantities
from dashboard.one_run.selection import Keys, Ranges, on_canvas, readable, rows_in
from dashboard.one_run.tables import chosen_part, contributors, markdown_table
from dashboard.one_run.tracks import Facts
from dashboard.reading.queue_rows import waiting_runs
from dashboard.reading.run_facts import first_lines, line_choices, run_facts, run_groups, run_timeline
from dashboard.reading.run_record import RunRecord, run_record
from dashboard.reading.view import View
from dashboard.runs_queue import lines
from dashboard.verdicts.run_tables import ranges_in, summaries
from dashboard.verdicts.verdict_csv import verdict_csv
from dqm.model.decisions import OPEN_DECISIONS
from dqm.model.errors import StoreError
from dqm.services.history import moment, spelled
from dqm.services.standing import Standing

CANVAS = "timeline"
BESIDE = "\N{NO-BREAK SPACE}"
"""Between a letter and its word, which would else be parted where a line ends."""


def show(view: View, links: Links) -> None:
    """The page of the run that the address names, or of the first that needs people."""
    known = sorted({*view.held["verdicts"], *view.held["quantities"]}, reverse=True)
    if not known:
        st.title("Run")
        show_missing(view)
        return
    run = _show_head(view, links, known)
    record = run_record(view, run)
    if record.verdicts is None:
        st.info(f"Run {run} has no verdict. Score and certify it:", icon=":material/arrow_forward:")
        show_command(view, f"score --runs {run}")
        show_command(view, f"certify --runs {run}")
        show_quantities(view, run, None)
        return
    facts = run_facts(view, run)
    keys = Keys(operator(view).name, run)
    begin(view, keys, _asked())
    adopt_row(view, keys)
    _show_standing(view, record, facts)
    _show_work(view, keys, record, facts)
    show_details(view, keys, record, facts)


def _asked() -> Ranges:
    """The lumisections that the address names; what cannot be read is said."""
    text = st.query_params.get("ls", "")
    if text and not readable(text):
        told = f"The address asks for lumisections {text[:80]!r}, which are none; write for example 3-9,12."
        st.warning(for_markdown(told), icon=":material/link_off:")
    return readable(text)


def _show_head(view: View, links: Links, known: Sequence[int]) -> int:
    """Title, the choice of the run, and the ways to others and to other pages; which run it is."""
    wrong = st.empty()
    title, box, before, after, compare, sign, csv = st.columns(
        [2.3, 1.6, 0.55, 0.55, 1, 1, 0.7], vertical_alignment="bottom"
    )
    with box:
        run = _chosen(view, known, wrong)
    title.title(f"Run {run}")
    for column, step, icon, word in (
        (before, -1, ":material/chevron_left:", "previous"),
        (after, 1, ":material/chevron_right:", "next"),
    ):
        told = f"The {word} run that needs people, in the order of the queue"
        if column.button("", icon=icon, key=f"run_{word}", help=told, width="stretch"):
            _go_on(view, links, run, step)
    person = operator(view).name
    ranges = chosen_ranges(Keys(person, run))
    if compare.button("Compare", key="run_compare", width="stretch", help="What was chosen, beside a reference"):
        links.compare(run, *((ranges[0][0], ranges[-1][1]) if ranges else ()))
    if sign.button("Sign-off", key="run_sign_off", width="stretch"):
        links.sign_off(run)
    if run in view.held["verdicts"]:
        with csv:
            _offer_csv(run_record(view, run), run)
    return run


def _chosen(view: View, known: Sequence[int], wrong: DeltaGenerator) -> int:
    """The run of the selection box, which follows the address and sets it; ``wrong`` tells of an unknown one."""
    has = set(view.held["verdicts"])
    options = [run for run in known if run in has] + [run for run in known if run not in has]
    asked = st.query_params.get("run", "")
    wanted = wanted_run(options, lambda: next(iter(waiting_runs(view, datetime.now(UTC))), options[0]), wrong)
    run = choose_run(options, wanted, words=lambda each: f"{each}" if each in has else f"{each} (no verdict)")
    if asked and str(run) != asked:
        st.query_params.pop("ls", None)  # they were lumisections of the other run
    return run


def _go_on(view: View, links: Links, run: int, step: int) -> None:
    """Open the neighbour among the runs that need people."""
    waiting = waiting_runs(view, datetime.now(UTC))
    others = [each for each in waiting if each != run]
    if not others:
        st.toast("No other run needs people.", icon=":material/check:")
        return
    at = waiting.index(run) + step if run in waiting else 0
    links.run(waiting[at % len(waiting)])


def _offer_csv(record: RunRecord, run: int) -> None:
    if record.verdicts is None:
        return
    found = record.verdicts
    st.download_button(
        "CSV",
        lambda: verdict_csv(found),
        file_name=f"verdicts-{run}.csv",
        mime="text/csv",
        icon=":material/download:",
        help="Verdicts as CSV, one row per lumisection",
        on_click="ignore",
        width="stretch",
        key="run_csv",
    )


def _show_standing(view: View, record: RunRecord, facts: Facts) -> None:
    """Shares of what stands, and in words what keeps people from acting."""
    summary = summaries(facts.standing)[0]
    parts = [f"{summary.lumisections:,} LS, {for_markdown(weight(summary.weight, view.weight_unit))}"]
    for group in MACHINE:
        state, count = STATES[group], summary.counts[group]
        amount = f" ({count:,} LS, {for_markdown(weight(summary.weights[group], view.weight_unit))})" if count else ""
        share = percent(count / summary.lumisections, 1)
        parts.append(f"**{for_markdown(state.letter)}**{BESIDE}{state.word}{BESIDE}{share}{amount}")
    now = record.now(datetime.now(UTC))
    shares, holder = st.columns([3, 2.1], vertical_alignment="center")
    shares.markdown(" · ".join(parts))
    with holder:
        _show_holder(view, now, str(record.shown))
    for text in _warnings(record, now):
        st.info(text, icon=":material/info:")
    if facts.contributions is None:
        st.caption(
            "The map shows the few strongest reasons of each lumisection only: this run was scored by an earlier "
            f"version. All contributions come with: dqm score --runs {facts.run}"
        )


@fragment
def _show_holder(view: View, now: Standing, shown: str) -> None:
    """Who has the run and until when, and the button that claims it or gives it back."""
    holder = now.holder.name if now.holder else ""
    until = f" · {holder} until {lines.until(now.until, datetime.now(UTC))}" if now.until else ""
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        st.markdown(for_markdown(f"{lines.STATES[now.state]}{until}"), width="content")
        if claim_button(view, now.run, now.state, holder, shown):
            st.rerun()


def _warnings(record: RunRecord, now: Standing) -> list[str]:
    found = []
    if now.signed:
        found.append(
            f"Signed by {for_markdown(now.signed.actor)} at {moment(now.signed.at)}. What is signed does "
            "not move; reopen the run on the page Sign-off to decide anew."
        )
    for each in now.escalations:
        asked = f"{for_markdown(each.actor)} asks an expert about LS {spelled(each.fields['ranges'])}"
        found.append(f"{asked}: {for_markdown(each.fields['comment'])}")
    if record.provisional:
        found.append("The run still grew when it was certified: its verdicts are provisional.")
    if record.changed:
        found.append("The data changed after the run was certified: UNKNOWN until it is scored and certified again.")
    return found


@fragment
def _show_work(view: View, keys: Keys, record: RunRecord, facts: Facts) -> None:
    """Timeline, form and what is chosen; nothing else is drawn anew when a person chooses."""
    choices, first = line_choices(view, keys.run), first_lines(view, keys.run)
    named = f"run_lines:{keys.run}"
    picked = [each for each in st.session_state.get(named, first) if each in choices]
    key = keys.of(CANVAS)

    def chosen() -> None:
        choose(view, keys, chosen_on(key), told=False)

    try:
        drawn = run_timeline(view, keys.run, picked)
    except StoreError as error:
        st.warning(for_markdown(str(error)), icon=":material/show_chart:")
        drawn = run_timeline(view, keys.run, first)
    stamp, ranges = on_canvas(keys)
    show_timeline(drawn, key, ranges, stamp, chosen)
    with st.popover("Lines", icon=":material/show_chart:"):
        st.multiselect("Quantities and sensors over the lumisections", choices, default=first, key=named)
    form, told = st.columns([1.15, 1], gap="medium")
    ls = np.asarray(facts.standing.index.get_level_values("ls"))
    waiting = ranges_in(ls, facts.standing.having(frozenset(OPEN_DECISIONS)))
    with form:
        show_form(view, keys, record, waiting)
    with told:
        _show_chosen(view, facts, chosen_ranges(keys))


def _show_chosen(view: View, facts: Facts, ranges: Ranges) -> None:
    """What the machine saw in the chosen lumisections, in words and as numbers."""
    ls = np.asarray(facts.machine.index.get_level_values("ls"))
    rows = rows_in(ls, ranges)
    if not rows.any():
        st.markdown("**Nothing is chosen.** Choose lumisections to see what the machine saw in them.")
        return
    found = chosen_part(facts, rows)
    states = ", ".join(f"{number:,} {STATES[name].word}" for name, number in found.states.items())
    badness = "not scored" if np.isnan(found.badness) else f"badness up to {found.badness:.3g}"
    amount = for_markdown(weight(found.weight, view.weight_unit))
    st.markdown(f"**{found.lumisections:,} LS, {amount}**: {states}; {badness}")
    if found.reasons:
        st.markdown("\n".join(f"- {for_markdown(each)}" for each in found.reasons))
    if len(table := contributors(run_groups(view, facts.run), rows)):
        st.markdown(markdown_table(table))
        st.caption("Log-odds of badness that each group adds: the mean of what is chosen, the largest, and where.")
