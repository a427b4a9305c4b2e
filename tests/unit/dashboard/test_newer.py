"""What a page that stays open tells of what came since it was drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import app as application
from dashboard.reading.newer import Newer, newer
from dashboard.reading.view import View, view
from dqm.services.decide import decide
from dqm.services.publish import publish
from dqm.services.runs import claim
from dqm.store.store import Store

from .small_night import ASKED, CERTIFIED, NEW, PAST, PEOPLE, certify, people, quantities, verdicts

Page = Callable[..., AppTest]


@pytest.fixture
def seen(configured: Path, filled: Store) -> View:
    """What a page shows that was drawn before anybody acted."""
    with configured.open("a", encoding="utf-8") as written:
        written.write(PEOPLE)
    return view(str(configured))


def since(seen: View, run: int | None = None) -> Newer:
    return newer(seen, view(str(seen.config_path)), run)


def test_what_people_did_is_told_of_all_runs_or_of_one(seen: View, filled: Store) -> None:
    assert since(seen) == Newer()
    decide(filled, people(), "shifter-1", 112, [(6, 7)], "BAD", "noise", "seen", nonce="1")
    claim(filled, people(), "shifter-2", 114, nonce="2")
    found = since(seen)
    assert (found.runs, found.text()) == ((112, 114), "2 runs changed")
    assert found.sentences[1].startswith("run 112: ")
    assert found.sentences[1].endswith("shifter-1 (shifter) decided BAD for LS 6-7 (noise): seen")
    here = since(seen, 112)
    assert (here.runs, len(here.sentences), here.text(112)) == ((112,), 1, "Run 112 changed")
    assert since(seen, 113).runs == ()


def test_what_the_machine_says_anew_is_told(seen: View, filled: Store) -> None:
    """Mutant: what people did alone."""
    again = verdicts()
    again.badness[again.index.get_level_values("run") == 114] = 0.5
    with filled.transaction() as change:
        certify(change, quantities([*PAST, *CERTIFIED, NEW]), again)
    found = since(seen)
    assert (found.runs, found.text()) == ((114,), "1 run changed")
    assert found.sentences == ("run 114: its data or verdicts changed",)


def test_what_changes_no_run_is_not_told(seen: View, filled: Store) -> None:
    publish(filled, people(), "leader-1", asked=ASKED, words=str, nonce="1")
    assert since(seen) == Newer()


def test_many_are_counted(seen: View, filled: Store) -> None:
    for at in range(9):
        decide(filled, people(), "shifter-1", 112, [(6, 6 + at)], "BAD", "noise", nonce=str(at))
    assert since(seen).sentences[-1] == "and 1 more"


@pytest.mark.parametrize(("name", "told"), [("queue", "1 run changed – show"), ("run", "Run 112 changed – show")])
def test_a_page_offers_what_is_newer_and_does_not_move(
    name: str, told: str, page: Page, seen: View, filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a browser shows that was not drawn anew since: the button comes, and nothing else changes."""
    asked = {"run": "112"} if name == "run" else {}
    before = page(name, **asked)
    assert not [each for each in before.button if each.key == "show_newer"]
    decide(filled, people(), "shifter-1", 112, [(6, 7)], "BAD", "noise", "<b>seen</b>", nonce="1")
    with monkeypatch.context() as patched:
        patched.setattr(application, "view", lambda path: replace(view(path), entry=seen.entry))
        app = page(name, **asked)
    button = app.button(key="show_newer")
    assert button.label == told
    assert "decided BAD for LS 6\\-7" in button.help
    assert "<b>" not in button.help
    button.click().run()
    assert not app.exception
    assert not [each for each in app.button if each.key == "show_newer"]


def test_pages_that_are_not_about_runs_tell_nothing(page: Page, seen: View, filled: Store) -> None:
    claim(filled, people(), "shifter-2", 114, nonce="2")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(application, "view", lambda path: replace(view(path), entry=seen.entry))
        app = page("models")
    assert not app.exception
    assert not [each for each in app.button if each.key == "show_newer"]
