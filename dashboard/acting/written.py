"""What somebody writes into a form about a whole run, or many, kept until it is entered: a reload loses nothing."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dashboard.acting.drafts import drop_draft, keep_draft, kept_draft
from dashboard.acting.who import operator
from dashboard.look.palette import STATES
from dashboard.reading.view import View
from dqm.model.decisions import MOST_COMMENT, SAID
from dqm.model.reason_codes import REASON_CODES
from dqm.model.verdicts import Decision
from dqm.store.drafts import Draft

MANY = 0
"""In place of a run: a form about many."""
FIELDS = ("verdict", "reason", "comment")


@dataclass(frozen=True)
class Written:
    """One form of whoever works here: what it is ``about``, on which ``run``, and at which ``place`` in it."""

    view: View
    run: int
    about: str
    place: str = ""

    def key(self, field: str) -> str:
        """Name of an entry of the session; another person has another one."""
        return f"{self.about}_{field}_{self.run}{self.place}:{operator(self.view).name}"

    def comment(self, label: str, hint: str = "") -> str:
        """A text area, which outlives a change of the page and a reload."""
        self._begin()
        key = self.key("comment")
        text = st.text_area(
            label, key=key, placeholder=hint, height=80, max_chars=MOST_COMMENT, persist_state="session",
            on_change=self._keep,
        )  # fmt: skip
        if st.session_state.get(self.key("lost")):
            st.warning("This cannot be kept in the store: a reload would lose it.", icon=":material/warning:")
        return text or ""

    def ruling(self) -> tuple[Decision | None, str | None]:
        """The verdict and the code of the reason, None where none is chosen."""
        self._begin()
        verdict = st.segmented_control(
            "Ruling", SAID, format_func=lambda one: STATES[one].title, key=self.key("verdict"), on_change=self._keep,
            persist_state="session",
        )  # fmt: skip
        code = st.selectbox(
            "Reason", tuple(REASON_CODES), format_func=REASON_CODES.__getitem__, index=None, key=self.key("reason"),
            on_change=self._keep, persist_state="session",
        )  # fmt: skip
        return verdict, code

    def entered(self) -> None:
        """Forget it, and draw everything anew."""
        drop_draft(self.view, self.run, self._named)
        for field in FIELDS:
            st.session_state.pop(self.key(field), None)
        st.rerun()

    @property
    def _named(self) -> str:
        return f"{self.about}{self.place}"

    def _begin(self) -> None:
        """Fill the form of a session that begins with what this person began before."""
        if self.key("comment") in st.session_state:
            return
        draft = kept_draft(self.view, self.run, self._named)
        st.session_state[self.key("comment")] = draft.comment
        st.session_state[self.key("verdict")] = Decision(draft.verdict) if draft.verdict in SAID else None
        st.session_state[self.key("reason")] = draft.reason if draft.reason in REASON_CODES else None

    def _keep(self) -> None:
        held = {field: str(st.session_state.get(self.key(field)) or "") for field in FIELDS}
        kept = keep_draft(self.view, self.run, Draft(**held), self._named)
        st.session_state[self.key("lost")] = not kept
