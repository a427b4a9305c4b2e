"""Sign-off and publishing: what keeps a run, who signs, what a dispute says, and that files are what was published."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import app as application
from dashboard.reading import published
from dashboard.reading.view import View, view
from dashboard.sign_off.tables import Voice, disputes, may_rule, standing_words, version_table
from dqm.model.decisions import RunState
from dqm.model.people import Person, Role
from dqm.model.verdicts import Decision
from dqm.services.decide import decide
from dqm.services.people import ConfiguredPeople
from dqm.services.publish import ANTI, GOLDEN, publish
from dqm.services.runs import reopen, sign
from dqm.services.standing import standing_of
from dqm.store.drafts import FOLDER, Draft, read_draft
from dqm.store.store import Store

from .small_night import ASKED, INJECTION, PEOPLE, people
from .test_pages import said

Page = Callable[..., AppTest]
OPEN = [(6, 11), (31, 32)]
"""What is open in run 112."""


@pytest.fixture
def shift(configured: Path, filled: Store) -> ConfiguredPeople:
    """A shifter, an expert and a leader in the configuration; the leader works here."""
    with configured.open("a", encoding="utf-8") as written:
        written.write(PEOPLE)
    return people()


def decided(store: Store, name: str, verdict: str, ranges: list[tuple[int, int]], run: int = 112, **more: str) -> None:
    given = {"nonce": f"{name} {verdict} {ranges} {run}"} | more
    decide(store, people(), name, run, ranges, verdict, "noise", more.get("comment", ""), nonce=given["nonce"])


def acting_as(app: AppTest, name: str) -> AppTest:
    return app.selectbox(key="acting_as").set_value(name).run()


def test_what_keeps_a_run_is_listed_and_leads_to_it(page: Page, shift: ConfiguredPeople) -> None:
    app = page("sign-off", run="112")
    assert not app.exception
    assert app.dataframe[0].value["golden"].tolist() == ["yes", "no", "no", "no"]
    assert app.dataframe[1].value["lumisections"].tolist() == ["6-11", "31-32"]
    assert app.dataframe[1].value["reason"].tolist()[1] == "missing:oms"
    assert app.button(key="sign_run").disabled
    assert "8 LS still need a person" in said(app)
    assert "0 entries in the store; their chain of hashes was verified" in said(app)
    app.button(key="blocker_6").click().run()
    assert app.session_state.opened == ("run", {"run": "112", "ls": "6-11"})


def test_a_run_is_signed_and_opened_again(page: Page, shift: ConfiguredPeople, filled: Store) -> None:
    app = page("sign-off", run="113")
    app.text_area(key="sign_comment_113:leader-1").set_value("looked at all of it").run()
    app.button(key="sign_run").click().run()
    assert not app.exception
    assert filled.audit()[-1].fields["comment"] == "looked at all of it"
    app = page("sign-off", run="113")
    assert r"Signed by leader\-1 \(leader\)" in said(app)
    app.button(key="reopen_run").click().run()
    assert "the reason is empty; say why in a few words" in app.error[0].value.replace("\\", "")
    app.text_area(key="reopen_comment_113:leader-1").set_value("LS 4 was wrong").run()
    app.button(key="reopen_run").click().run()
    assert [each.action for each in filled.audit()] == ["sign", "reopen"]
    app = page("sign-off", run="113")
    assert [each.split(") ", 1)[1] for each in app.dataframe[1].value["what"]] == [
        "reopened it: LS 4 was wrong",
        "signed it with 40 of 40 lumisections golden: looked at all of it",
    ]
    assert "2 entries in the store" in said(app)


def test_a_double_click_signs_once(page: Page, shift: ConfiguredPeople, filled: Store) -> None:
    """Mutant: a new nonce for the second click. The browser still shows what it showed: an older view."""
    app = page("sign-off", run="113")
    older = view(app_config())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(application, "view", lambda _: older)
        app.button(key="sign_run").click().run()
        app.button(key="sign_run").click().run()
    assert not app.exception
    assert not app.error
    assert len(filled.audit()) == filled.verify_audit() == 1


def app_config() -> str:
    import os

    import dashboard

    return os.environ[dashboard.CONFIG_VARIABLE]


def test_a_stale_form_shows_the_other_decision(page: Page, shift: ConfiguredPeople, filled: Store) -> None:
    app = page("sign-off", run="113")
    older = view(app_config())
    decided(filled, "shifter-1", "BAD", [(4, 4)], 113, comment="**hot**")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(application, "view", lambda _: older)
        app.text_area(key="sign_comment_113:leader-1").set_value("mine").run()
        app.button(key="sign_run").click().run()
        text = app.warning[0].value.replace("\\", "")
        assert text.startswith("**run 113 was changed meanwhile**, so nothing was entered")
        assert "shifter-1 (shifter) decided BAD for LS 4 (noise): **hot**" in text
        assert r"\*\*hot\*\*" in app.warning[0].value
        assert app.text_area(key="sign_comment_113:leader-1").value == "mine"
    app.button[-1].click().run()
    assert app.text_area(key="sign_comment_113:leader-1").value == "mine", "what was typed is still there"
    assert len(filled.audit()) == 1


def test_who_may_not_sign_is_told_why(page: Page, shift: ConfiguredPeople, filled: Store) -> None:
    app = acting_as(page("sign-off", run="113"), "shifter-1")
    assert app.button(key="sign_run").disabled
    assert "Signing needs an expert or a leader; shifter-1 is shifter" in said(app).replace("\\", "")


def test_a_dispute_says_who_said_what_and_a_higher_rank_rules(
    page: Page, shift: ConfiguredPeople, filled: Store
) -> None:
    decided(filled, "shifter-1", "GOOD", OPEN, comment=INJECTION[2])
    decided(filled, "shifter-2", "BAD", [(7, 7), (9, 9)], comment=INJECTION[0])
    app = acting_as(page("sign-off", run="112"), "shifter-1")
    text = said(app)
    assert "**LS 7, 9**" in text
    assert r"shifter\-1 \(shifter\)\: GOOD\, noise or a hot region" in text
    assert "<script>" not in text
    assert "![x]" not in text
    assert "It ends when they agree, or when somebody of a higher rank rules" in text
    app = acting_as(app, "expert-1")
    app.segmented_control(key="rule_verdict_112-7:expert-1").set_value(Decision.BAD)
    app.selectbox(key="rule_reason_112-7:expert-1").set_value("noise").run()
    app.button(key="rule_112_7").click().run()
    assert not app.exception
    last = filled.audit()[-1]
    assert (last.actor, last.fields["verdict"], last.fields["ranges"]) == ("expert-1", "BAD", [[7, 7], [9, 9]])
    assert "In dispute" not in said(page("sign-off", run="112"))


def test_what_was_written_survives_a_reload_and_is_of_its_author(
    page: Page, shift: ConfiguredPeople, filled: Store
) -> None:
    """Mutants: a comment of the session alone; a comment of the one before in the form of the next."""
    app = page("sign-off", run="113")
    app.text_area(key="sign_comment_113:leader-1").set_value("looked at a half").run()
    again = page("sign-off", run="113")  # another session
    assert again.text_area(key="sign_comment_113:leader-1").value == "looked at a half"
    acting_as(again, "expert-1")
    assert again.text_area(key="sign_comment_113:expert-1").value == ""
    acting_as(again, "leader-1").button(key="sign_run").click().run()
    assert filled.audit(113)[-1].fields["comment"] == "looked at a half"
    assert read_draft(filled.path, "leader-1", 113, "sign") == Draft()
    again.text_area(key="reopen_comment_113:leader-1").set_value("LS 4 was").run()
    assert page("sign-off", run="113").text_area(key="reopen_comment_113:leader-1").value == "LS 4 was"


def test_a_ruling_that_was_begun_survives_a_reload(page: Page, shift: ConfiguredPeople, filled: Store) -> None:
    decided(filled, "shifter-1", "GOOD", [(6, 11)])
    decided(filled, "shifter-2", "BAD", [(7, 7)])
    app = page("sign-off", run="112")
    app.segmented_control(key="rule_verdict_112-7:leader-1").set_value(Decision.BAD)
    app.selectbox(key="rule_reason_112-7:leader-1").set_value("noise")
    app.text_area(key="rule_comment_112-7:leader-1").set_value("seen in the logbook").run()
    again = page("sign-off", run="112")
    again.button(key="rule_112_7").click().run()
    last = filled.audit(112)[-1]
    said_last = [last.fields[each] for each in ("verdict", "reason", "comment")]
    assert said_last == ["BAD", "noise", "seen in the logbook"]


def test_a_ruling_that_was_begun_survives_a_look_at_another_run(
    page: Page, shift: ConfiguredPeople, filled: Store
) -> None:
    """Mutant: the comment alone outlives it, and with the next letter the draft forgets what was chosen."""
    decided(filled, "shifter-1", "GOOD", [(6, 11)])
    decided(filled, "shifter-2", "BAD", [(7, 7)])
    app = page("sign-off", run="112")
    app.segmented_control(key="rule_verdict_112-7:leader-1").set_value(Decision.BAD)
    app.selectbox(key="rule_reason_112-7:leader-1").set_value("noise").run()
    for run in ("113", "112"):
        app.query_params["run"] = run
        app.run()
    assert app.segmented_control(key="rule_verdict_112-7:leader-1").value == Decision.BAD
    app.text_area(key="rule_comment_112-7:leader-1").set_value("seen").run()
    assert read_draft(filled.path, "leader-1", 112, "rule-7") == Draft("", "BAD", "noise", "seen")


def test_where_no_draft_can_be_kept_the_page_says_so(page: Page, shift: ConfiguredPeople, filled: Store) -> None:
    (filled.path / FOLDER).write_text("a file where the folder would be")
    app = page("sign-off", run="113")
    app.text_area(key="sign_comment_113:leader-1").set_value("looked").run()
    assert "cannot be kept in the store" in app.warning[0].value
    assert app.text_area(key="sign_comment_113:leader-1").value == "looked"


def test_disputes_are_put_together_where_the_same_was_said(shift: ConfiguredPeople, filled: Store) -> None:
    decided(filled, "shifter-1", "GOOD", [(6, 11)])
    decided(filled, "shifter-2", "BAD", [(6, 7), (9, 9)])
    decided(filled, "shifter-2", "EXCLUDED", [(11, 11)])
    entries = filled.audit(112)
    found = disputes(entries, [(6, 7), (9, 9), (11, 11)])
    assert [places for places, _ in found] == [[(6, 7), (9, 9)], [(11, 11)]]
    assert [(each.name, each.verdict) for each in found[1][1]] == [("shifter-1", "GOOD"), ("shifter-2", "EXCLUDED")]


def test_who_ends_a_dispute() -> None:
    """Mutant: a leader who spoke rules over another leader."""

    def voice(name: str, role: Role) -> Voice:
        return Voice(name, role, Decision.GOOD, "noise", "", datetime(2030, 1, 1, tzinfo=UTC))

    shifters = [voice("a", Role.SHIFTER), voice("b", Role.SHIFTER)]
    assert not may_rule(Person("c", Role.SHIFTER), shifters)
    assert may_rule(Person("c", Role.EXPERT), shifters)
    leaders = [voice("a", Role.LEADER), voice("b", Role.LEADER)]
    assert may_rule(Person("c", Role.LEADER), leaders)
    assert not may_rule(Person("a", Role.LEADER), leaders)


def test_where_a_run_stands_in_words(shift: ConfiguredPeople, filled: Store) -> None:
    at = datetime.now(UTC)
    assert standing_words(standing_of(filled, 113, at)) == "Nobody has claimed it."
    sign(filled, shift, "expert-1", 113, asked=ASKED, nonce="sign")
    found = standing_of(filled, 113, at)
    assert "with 40 of 40 lumisections golden." in standing_words(found)
    assert "Its data changed since" in standing_words(replace(found, state=RunState.NEEDS_REVIEW))
    reopen(filled, shift, "expert-1", 113, "again", nonce="reopen")
    assert standing_words(standing_of(filled, 113, at)) == "Reopened: it was signed before."


def test_a_run_that_vanished_names_others(page: Page, shift: ConfiguredPeople) -> None:
    app = page("sign-off", run="7")
    assert "unknown certified run" in app.warning[0].value
    assert app.query_params["run"] == "112"


def publishing(page: Page) -> AppTest:
    return page("sign-off", part="publish and export")


def test_what_would_enter_and_leave_is_shown_then_published(page: Page, shift: ConfiguredPeople, filled: Store) -> None:
    """Mutant: whoever publishes is left with the version before as the one to take along."""
    app = publishing(page)
    assert not app.exception
    assert [each.value for each in app.metric] == ["104 LS", "104 LS", "0 LS"]
    app.button(key="publish").click().run()
    assert not app.exception
    decided(filled, "expert-1", "BAD", [(1, 5)])
    app = publishing(page)
    assert [each.value for each in app.metric] == ["99 LS", "0 LS", "5 LS"]
    assert app.dataframe[0].value["lumisections"].tolist() == ["1-5"]
    assert app.dataframe[0].value["now"].tolist() == ["5 BAD"]
    app.button(key="publish").click().run()
    assert [each.value for each in app.selectbox if each.label == "Version"] == [2]
    table = publishing(page).dataframe[0].value
    assert table["version"].tolist() == [2, 1]
    assert table["by"].tolist() == ["leader-1", "leader-1"]
    assert table["sha256"].tolist()[0] == filled.publication(GOLDEN).sha256


def seen(configured: Path) -> View:
    return view(str(configured))


def test_the_files_are_what_the_commands_publish(
    page: Page, configured: Path, shift: ConfiguredPeople, filled: Store
) -> None:
    """Mutants: a golden JSON made anew on the page; reasons of the anti-JSON in other words than the command's."""
    from pipelines.run.certify import IN_WORDS as OF_THE_COMMAND

    app = publishing(page)
    app.button(key="publish").click().run()
    path = seen(configured).path
    by_page = {name: published.published_bytes(path, name) for name in (GOLDEN, ANTI)}
    publish(filled, shift, "expert-1", asked=ASKED, words=OF_THE_COMMAND, nonce="command")
    assert filled.publication(GOLDEN).version == filled.publication(ANTI).version == 1, "the same bytes: no new version"
    assert by_page == {name: filled.newest(name).read_bytes() for name in (GOLDEN, ANTI)}
    assert json.loads(by_page[ANTI])["anti"]["112"][0]["reason"] == "muon_hits is away from earlier runs"
    lines = published.csv_bytes(path).decode().splitlines()
    assert len(lines) == 121
    report = published.report_bytes(path, seen(configured).config)
    assert b"Golden JSON version 1" in report
    assert version_table(published.versions(path, 0, 0))["bytes"].tolist() == [len(by_page[GOLDEN])]


def test_a_published_file_that_was_altered_is_told(page: Page, shift: ConfiguredPeople, filled: Store) -> None:
    publish(filled, shift, "expert-1", asked=ASKED, nonce="first")
    path = filled.publication(GOLDEN).path
    path.chmod(0o644)
    path.write_text("{}\n", encoding="ascii")
    app = publishing(page)
    assert not app.exception
    assert "its bytes are not those that were published" in app.error[0].value.replace("\\", "")


def test_a_shifter_may_look_and_not_publish(page: Page, shift: ConfiguredPeople) -> None:
    app = acting_as(publishing(page), "shifter-1")
    assert app.button(key="publish").disabled
    assert "Publishing needs an expert or a leader" in said(app)


def test_many_runs_are_compared_when_asked(page: Page, shift: ConfiguredPeople) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("dashboard.sign_off.publishing.UNASKED", 2)
        app = publishing(page)
        assert not app.metric
        app.toggle(key="compare_golden").set_value(True).run()
        assert app.metric[0].value == "104 LS"


def test_other_limits_keep_from_signing_and_publishing(
    page: Page, shift: ConfiguredPeople, configured: Path, filled: Store
) -> None:
    """The configuration changed and nothing was certified since. Mutant: the pages go by the verdicts of before."""
    configured.write_text(configured.read_text() + '[[limits]]\nquantity = "muon_hits"\nleast = 1\n')
    told = "certified for other features or limits than the configuration has now; first: dqm train"
    app = page("sign-off", run="113")
    assert app.button(key="sign_run").disabled
    assert f"It was {told}" in said(app).replace("\\", "")
    app = publishing(page)
    assert app.button(key="publish").disabled
    assert f"Nothing can be published: run 112 and 2 more runs were {told}" in said(app).replace("\\", "")
