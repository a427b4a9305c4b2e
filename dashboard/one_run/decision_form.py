"""The form under the timeline: which lumisections, good, bad or excluded, why, and in what words.

Plain widgets that keep a draft whenever one changes, so that a reload in the middle loses nothing. What is entered
rests on what the page showed: where somebody acted meanwhile the service refuses, and what was typed stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields

import streamlit as st

from dashboard.acting.act import act
from dashboard.acting.drafts import drop_draft, keep_draft, kept_draft
from dashboard.acting.who import people
from dashboard.look.inert import for_markdown
from dashboard.look.palette import STATES
from dashboard.one_run.selection import Keys, Ranges, ranges_of, readable, to_address, to_canvas
from dashboard.reading.run_record import RunRecord
from dashboard.reading.view import View
from dqm.model.decisions import MOST_COMMENT, SAID
from dqm.model.errors import InputError
from dqm.model.reason_codes import REASON_CODES
from dqm.services.decide import decide
from dqm.services.history import spelled
from dqm.services.runs import escalate
from dqm.services.shown import Shown
from dqm.store.drafts import Draft

WORDS = {"GOOD": "good", "BAD": "bad", "EXCLUDED": "excluded"}
FIELDS = tuple(each.name for each in fields(Draft))
OPEN_AT_ONCE = 500
"""Ranges that "what is open" chooses at most: more is not looked at by anybody."""


def begin(view: View, keys: Keys, asked: Ranges) -> None:
    """Fill the form of a session that begins: from the address, else from what this person began on the run.

    After an entry it begins empty.
    """
    if st.session_state.pop(keys.of("entered"), False):
        drop_draft(view, keys.run)
        for name in FIELDS:
            st.session_state[keys.of(name)] = None if name in ("verdict", "reason") else ""
        to_canvas(keys, "")
        to_address("")
        return
    if keys.of("ranges") in st.session_state:
        return
    draft = asdict(kept_draft(view, keys.run))
    draft["ranges"] = spelled(asked) or draft["ranges"]
    draft["verdict"] = draft["verdict"] if draft["verdict"] in SAID else None
    draft["reason"] = draft["reason"] if draft["reason"] in REASON_CODES else None
    for name, value in draft.items():
        st.session_state[keys.of(name)] = value
    to_canvas(keys, draft["ranges"])


def choose(view: View, keys: Keys, text: str, *, told: bool = True) -> None:
    """Choose these lumisections; ``told`` the canvas, unless it says so itself."""
    st.session_state[keys.of("ranges")] = text
    if told:
        to_canvas(keys, text)
    changed(view, keys)


def changed(view: View, keys: Keys) -> None:
    """Keep what the form holds now."""
    held = {name: st.session_state.get(keys.of(name)) or "" for name in FIELDS}
    st.session_state[keys.of("lost")] = not keep_draft(view, keys.run, Draft(**held))
    to_address(held["ranges"])


def show_form(view: View, keys: Keys, record: RunRecord, waiting: Ranges) -> None:
    """The form; ``waiting`` are the ranges that still need a person.

    What is sent rests on what was shown when the form was drawn before, not on what is there when it is sent.
    """

    def keep() -> None:
        changed(view, keys)

    def written() -> None:
        choose(view, keys, str(st.session_state[keys.of("ranges")]))

    field, button = st.columns([3, 1.25], vertical_alignment="bottom")
    field.text_input(
        "Lumisections", key=keys.of("ranges"), on_change=written, placeholder="drag above, or write 3-9, 12",
    )  # fmt: skip
    button.button(
        "What is open", on_click=choose, args=(view, keys, spelled(waiting[:OPEN_AT_ONCE])), disabled=not waiting,
        key=keys.of("open"), width="stretch", help="Choose every lumisection that still needs a person.",
    )  # fmt: skip
    left, right = st.columns([1.2, 1])
    left.segmented_control(
        "Decision", [str(each) for each in SAID], key=keys.of("verdict"), on_change=keep,
        format_func=lambda each: f"{STATES[each].letter} {WORDS[each]}",
    )  # fmt: skip
    right.selectbox(
        "Reason", list(REASON_CODES), index=None, key=keys.of("reason"), on_change=keep,
        format_func=lambda each: f"{each}: {REASON_CODES[each]}", placeholder="why",
    )  # fmt: skip
    st.text_area(
        "Comment, or a question to the expert", key=keys.of("comment"), on_change=keep, height=80,
        help=f"Kept as you type it, up to {MOST_COMMENT:,} bytes. Needed with the reason other, and for a question.",
    )  # fmt: skip
    if st.session_state.get(keys.of("lost")):
        st.warning("This cannot be kept in the store: a reload would lose it.", icon=":material/warning:")
    enter, ask, drop = st.columns([1.2, 1.2, 1])
    entering = enter.button("Enter decision", type="primary", key=keys.of("enter"), width="stretch")
    asking = ask.button("Ask an expert", key=keys.of("ask"), width="stretch")
    if drop.button("Throw away", key=keys.of("drop"), width="stretch", help="Empty this form."):
        _done(keys)
    shown = keys.of("shown")
    if entering or asking:
        expected = Shown.parse(st.session_state.get(shown, str(record.shown)))
        send = _decision(view, keys, expected) if entering else _question(view, keys, expected)
        _submit(view, keys, send, deciding=entering)
    else:
        st.session_state[shown] = str(record.shown)


Sending = Callable[[Ranges], bool]


def _decision(view: View, keys: Keys, expected: Shown) -> Sending:
    verdict, reason, comment = (st.session_state[keys.of(name)] for name in ("verdict", "reason", "comment"))
    return lambda ranges: act(
        view, keys.of("decide"), lambda store, person, nonce: decide(
            store, people(view), person.name, keys.run, ranges, verdict, reason, comment,
            nonce=nonce, expected=expected,
        ), shown=str(expected), sent=(ranges, verdict, reason, comment),
    )  # fmt: skip


def _question(view: View, keys: Keys, expected: Shown) -> Sending:
    comment = st.session_state[keys.of("comment")]
    return lambda ranges: act(
        view, keys.of("escalate"), lambda store, person, nonce: escalate(
            store, people(view), person.name, keys.run, ranges, comment, nonce=nonce, expected=expected,
        ), shown=str(expected), sent=(ranges, comment),
    )  # fmt: skip


def _submit(view: View, keys: Keys, send: Sending, *, deciding: bool) -> None:
    """Send the form; what is refused is told here, and everything that was typed stays."""
    changed(view, keys)
    if lacking := _lacking(keys, deciding=deciding):
        st.warning(for_markdown(lacking), icon=":material/edit:")
    elif send(chosen_ranges(keys)):
        _done(keys)


def _lacking(keys: Keys, *, deciding: bool) -> str:
    """What the form lacks before a service can judge it, in a sentence; "" where nothing does."""
    try:
        ranges = ranges_of(st.session_state[keys.of("ranges")])
    except InputError as error:
        return f"The lumisections cannot be read: {error}."
    if not ranges:
        return "No lumisection is chosen: drag on the timeline, or write for example 12 or 10-20."
    if deciding and not (st.session_state[keys.of("verdict")] and st.session_state[keys.of("reason")]):
        return "Choose good, bad or excluded, and a reason."
    return ""


def _done(keys: Keys) -> None:
    st.session_state[keys.of("entered")] = True
    st.rerun()


def chosen_ranges(keys: Keys) -> Ranges:
    """What is chosen now, nothing where it cannot be read."""
    return readable(str(st.session_state.get(keys.of("ranges")) or ""))
