"""The page of a run: choosing, deciding, drafts, stale forms, and the ways to it and from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dqm.model.config import load
from dqm.model.people import People
from dqm.model.verdicts import Decision
from dqm.services.decide import decide
from dqm.services.people import ConfiguredPeople
from dqm.services.runs import claim, sign
from dqm.store.contributions import Contributions, contributions_to_arrow
from dqm.store.drafts import FOLDER, Draft, read_draft, write_draft
from dqm.store.store import Store

from .small_night import ASKED, NEW, PEOPLE, certify, fill, index_of, quantities, verdicts

Page = Callable[..., AppTest]
OPERATOR = "operator"


def key(what: str, run: int = 112) -> str:
    """The key of a widget of the form."""
    return f"{what}:{run}:{OPERATOR}"


def filled_in(app: AppTest, *, ranges: str = "6-11", comment: str = "seen before") -> AppTest:
    """The form of run 112, filled in."""
    app.text_input(key=key("ranges")).set_value(ranges)
    app.button_group(key=key("verdict")).set_value("BAD")
    app.selectbox(key=key("reason")).set_value("noise")
    return app.text_area(key=key("comment")).set_value(comment).run()


def held(app: AppTest) -> tuple[str | None, ...]:
    """Lumisections, reason and comment as the form shows them."""
    reason = app.selectbox(key=key("reason")).value
    return app.text_input(key=key("ranges")).value, reason, app.text_area(key=key("comment")).value


def range_table(app: AppTest, run: int = 112) -> pd.DataFrame:
    """The table of ranges, once it was asked for."""
    app.button_group(key="run_details").set_value("Ranges with reasons").run()
    return app.dataframe(key=key("range_table", run)).value


def messages(app: AppTest) -> str:
    """All that is told on the page."""
    return "\n".join(each.value for each in [*app.markdown, *app.caption, *app.info, *app.warning, *app.error])


@pytest.fixture
def people(configured: Path) -> People:
    """Who may act: the operator."""
    return ConfiguredPeople(load(configured).people)


def test_a_run_is_found_by_its_address(page: Page, filled: Store) -> None:
    app = page("run", run="114")
    assert app.title[0].value == "Run 114"
    assert app.query_params["run"] == "114"
    table = range_table(app, 114)
    assert table["decision"].tolist() == ["A  accepted", "?  asked", "A  accepted"]


def test_a_run_that_vanished_names_others_and_shows_what_needs_people(page: Page, filled: Store) -> None:
    app = page("run", run="11x")
    assert "unknown run" in app.warning[0].value
    assert app.title[0].value == "Run 112"


def test_a_run_without_verdicts_shows_its_quantities_and_the_way_on(
    page: Page, configured: Path, filled: Store
) -> None:
    app = page("run", run=str(NEW))
    assert not app.exception
    assert [each.value for each in app.code] == [
        f"dqm score --runs {NEW} --config {configured}",
        f"dqm certify --runs {NEW} --config {configured}",
    ]
    assert len(app.get("plotly_chart")) == 1


def test_ranges_carry_their_reasons(page: Page, filled: Store) -> None:
    table = range_table(page("run", run="112"))
    assert table["main reason"].tolist()[1] == "muon_hits is 7.5 σ above earlier runs (+2.5)"
    assert table["main reason"].tolist()[-2] == "missing:oms"


def test_an_address_chooses_lumisections(page: Page, filled: Store) -> None:
    app = page("run", run="112", ls="6-11,21")
    assert app.text_input(key=key("ranges")).value == "6-11, 21"
    text = messages(app)
    assert "**7 LS, 1\\.750 \\/pb**: 6 asked, 1 rejected; badness up to 0.99" in text
    assert r"\- muon" not in text
    assert r"muon\_hits is 7\.5 σ above earlier runs \(\+2\.5\)" in text


def test_a_decision_is_entered_once_and_the_form_is_empty(page: Page, filled: Store) -> None:
    app = filled_in(page("run", run="112"))
    app.button(key=key("enter")).click().run()
    assert not app.exception
    [entry] = filled.audit(112)
    assert (entry.action, entry.fields["verdict"], entry.fields["ranges"]) == ("decide", "BAD", [[6, 11]])
    assert (entry.fields["reason"], entry.fields["comment"]) == ("noise", "seen before")
    assert held(app) == ("", None, "")
    assert read_draft(filled.path, OPERATOR, 112) == Draft()
    table = range_table(app)
    assert table["decision"].tolist()[1] == "B  bad (person)"
    app.button(key=key("enter")).click().run()
    assert len(filled.audit(112)) == 1
    assert "No lumisection is chosen" in app.warning[0].value


def test_a_run_is_claimed_and_given_back(page: Page, configured: Path, filled: Store) -> None:
    """Who has it and until when stands beside the button; what was typed outlives both."""
    app = page("run", run="112")
    app.text_area(key=key("comment")).set_value("half a").run()
    app.button(key="claim_run").click().run()
    assert not app.exception
    assert "◐ claimed · operator until " in messages(app)
    app.button(key="release_run").click().run()
    assert [each.action for each in filled.audit(112)] == ["claim", "release"]
    assert "○ open" in messages(app)
    assert held(app)[2] == "half a"


def test_no_letter_of_a_decision_is_parted_from_its_word(page: Page, filled: Store) -> None:
    """Mutant: a plain space, at which the line ends in a narrow window."""
    assert "**A**\N{NO-BREAK SPACE}accepted\N{NO-BREAK SPACE}" in messages(page("run", run="112"))


def test_a_claim_of_an_equal_is_shown_and_not_taken(page: Page, configured: Path, filled: Store) -> None:
    with configured.open("a", encoding="utf-8") as written:
        written.write(PEOPLE)
    claim(filled, ConfiguredPeople(load(configured).people), "shifter-1", 112, nonce="elsewhere")
    app = page("run", run="112")
    app.selectbox(key="acting_as").set_value("shifter-2").run()
    assert "claimed · shifter\\-1 until " in messages(app)
    app.button(key="claim_run").click().run()
    assert "is claimed by shifter\\-1" in app.error[0].value
    assert len(filled.audit()) == 1


def test_several_ranges_are_one_decision(page: Page, filled: Store) -> None:
    app = filled_in(page("run", run="112"), ranges="21 – 25".replace(" ", "") + ", 6-8 9")
    app.button(key=key("enter")).click().run()
    assert filled.audit(112)[0].fields["ranges"] == [[6, 9], [21, 25]]


def test_what_one_person_chose_is_not_what_the_next_one_did(page: Page, configured: Path, filled: Store) -> None:
    """Mutant: the address of the one before over the draft of the next, who would lose it and decide of other LS."""
    with configured.open("a", encoding="utf-8") as written:
        written.write(PEOPLE)
    write_draft(filled.path, "shifter-1", 112, Draft(ranges="21-25", comment="mine"))
    app = page("run", run="112", ls="6-9")
    app.text_area(key="comment:112:leader-1").set_value("of the leader").run()
    app.selectbox(key="acting_as").set_value("shifter-1").run()
    assert app.text_input(key="ranges:112:shifter-1").value == "21-25"
    assert app.text_area(key="comment:112:shifter-1").value == "mine"
    assert "ls" not in app.query_params
    app.selectbox(key="acting_as").set_value("leader-1").run()
    assert app.text_input(key="ranges:112:leader-1").value == "6-9"
    assert read_draft(filled.path, "shifter-1", 112).ranges == "21-25"


@pytest.mark.parametrize("ls", ["9-3", "<script>", "9" * 18])
def test_an_address_that_names_no_lumisections_is_said(ls: str, page: Page, filled: Store) -> None:
    app = page("run", run="112", ls=ls)
    assert f"asks for lumisections '{ls}', which are none" in app.warning[0].value.replace("\\", "")
    assert app.text_input(key=key("ranges")).value == ""


def test_a_reload_in_mid_form_keeps_what_was_typed(page: Page, filled: Store) -> None:
    """Mutant: a form that keeps its text in the session alone."""
    filled_in(page("run", run="112"))
    again = page("run", run="112")
    assert held(again) == ("6-11", "noise", "seen before")
    assert read_draft(filled.path, OPERATOR, 112).verdict == "BAD"
    other = page("run", run="114")
    assert other.text_area(key=key("comment", 114)).value == ""
    again.button(key=key("drop")).click().run()
    assert held(again) == ("", None, "")
    assert held(page("run", run="112")) == ("", None, "")
    assert not filled.audit(112)


def test_a_stale_form_shows_the_other_decision_and_loses_nothing(page: Page, people: People, filled: Store) -> None:
    """Mutant: a form that sends back what the store says when it is sent, not what was shown."""
    app = filled_in(page("run", run="112"))
    decide(filled, people, "", 112, [(6, 7)], "GOOD", "harmless", "the other one", nonce="other")
    app.button(key=key("enter")).click().run()
    assert len(filled.audit(112)) == 1
    told = messages(app)
    assert r"decided GOOD for LS 6\-7" in told
    assert "the other one" in told
    assert held(app) == ("6-11", "noise", "seen before")


@pytest.mark.parametrize(
    ("ranges", "told"),
    [("", "No lumisection is chosen"), ("6-x", r"6\-x\' is no lumisection"), ("6-4000", "has no verdict for LS 4000")],
)
def test_lumisections_that_are_none_are_told_in_place(ranges: str, told: str, page: Page, filled: Store) -> None:
    app = filled_in(page("run", run="112"), ranges=ranges)
    app.button(key=key("enter")).click().run()
    assert told in messages(app)
    assert held(app) == (ranges, "noise", "seen before")
    assert not filled.audit(112)


def test_without_a_decision_the_form_says_what_it_lacks(page: Page, filled: Store) -> None:
    app = page("run", run="112", ls="6")
    app.button(key=key("enter")).click().run()
    assert app.warning[0].value.startswith("Choose good")


def test_a_comment_of_more_than_ten_kilobytes_is_refused_and_kept(page: Page, filled: Store) -> None:
    long = "ü" * 5_121
    app = filled_in(page("run", run="112"), comment=long)
    app.button(key=key("enter")).click().run()
    assert "has 10242 bytes and may have 10240" in messages(app)
    assert held(page("run", run="112"))[2] == long


def test_an_expert_is_asked(page: Page, filled: Store) -> None:
    app = filled_in(page("run", run="112"), comment="is this the cooling?")
    app.button(key=key("ask")).click().run()
    assert [each.action for each in filled.audit(112)] == ["escalate"]
    assert r"operator asks an expert about LS 6-11: is this the cooling\?" in messages(app)
    assert held(app) == ("", None, "")


def test_what_is_open_is_chosen_at_once(page: Page, filled: Store) -> None:
    app = page("run", run="112")
    app.button(key=key("open")).click().run()
    assert app.text_input(key=key("ranges")).value == "6-11, 31-32"
    assert app.query_params["ls"] == "6-11,31-32"


def test_a_signed_run_says_that_it_does_not_move(page: Page, people: People, filled: Store) -> None:
    sign(filled, people, "", 113, asked=ASKED, nonce="1")
    app = filled_in_other(page("run", run="113", ls="3"), 113)
    assert "Signed by operator" in messages(app)
    app.button(key=key("enter", 113)).click().run()
    assert "what is signed does not move" in messages(app)
    assert [each.action for each in filled.audit(113)] == ["sign"]


def filled_in_other(app: AppTest, run: int) -> AppTest:
    """Decision and reason of another run."""
    app.button_group(key=key("verdict", run)).set_value("GOOD")
    return app.selectbox(key=key("reason", run)).set_value("nothing-wrong").run()


def test_the_neighbours_are_those_that_need_people(page: Page, filled: Store) -> None:
    app = page("run", run="112")
    app.button(key="run_next").click().run()
    assert app.session_state.opened == ("run", {"run": "114"})
    app = page("run", run="113")
    app.button(key="run_previous").click().run()
    assert app.session_state.opened == ("run", {"run": "112"})


def test_a_draft_that_cannot_be_kept_is_told(page: Page, filled: Store) -> None:
    """Mutant: a full disk that is passed over in silence, while the page promises that a reload loses nothing."""
    (filled.path / FOLDER).write_text("no folder", encoding="utf-8")
    app = filled_in(page("run", run="112"))
    assert "cannot be kept in the store: a reload would lose it" in messages(app)
    assert held(app) == ("6-11", "noise", "seen before")


def test_the_first_run_is_that_of_the_queue(page: Page, empty: Store) -> None:
    """Mutant: the run with most open weight, where the queue has the most for a minute of work."""
    found = verdicts()
    found.decision[81:88] = Decision.ASK  # 7 lumisections of run 114 in one stretch; run 112 has 8 in two
    fill(empty, found)
    assert page("run").title[0].value == "Run 114"


def test_other_pages_are_opened_with_what_is_chosen(page: Page, filled: Store) -> None:
    app = page("run", run="112", ls="6-11,21")
    app.button(key="run_compare").click().run()
    assert app.session_state.opened == ("compare", {"run": "112", "ls": "6-21"})
    app.button(key="run_sign_off").click().run()
    assert app.session_state.opened == ("sign-off", {"run": "112"})


def test_a_store_of_an_earlier_version_says_what_its_map_lacks(page: Page, empty: Store) -> None:
    found = verdicts()
    fill(empty, found)
    assert "scored by an earlier version" in messages(page("run", run="112"))
    level = np.zeros((40, 1), dtype=np.uint8)
    level[7, 0] = 200
    kept = Contributions(index_of([112]), (("muons", "<b>: [1]"),), level)
    with empty.transaction() as change:
        change.put("contributions", 112, contributions_to_arrow(kept), {})
    app = page("run", run="112", ls="8")
    assert "scored by an earlier version" not in messages(app)
    assert r"| muons · \<b\>\: \[1\] | 10.00 | 10.00 | 8 |" in messages(app)


def test_every_detail_is_shown(page: Page, filled: Store) -> None:
    app = page("run", run="112")
    for name in ("Contributions", "Lumisections", "Quantities", "What people did"):
        app.button_group(key="run_details").set_value(name).run()
        assert not app.exception, name
    assert "Nobody did anything" in messages(app)


def test_changed_data_are_told(page: Page, filled: Store) -> None:
    with filled.transaction() as change:
        certify(change, quantities([112, 113, 114], timed=False), verdicts())
    assert "The data changed after the run was certified" in messages(page("run", run="112"))
