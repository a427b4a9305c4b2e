"""Every page on no store, an empty store, a store after a night, and text that tries to be more than text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dqm.store.store import Store
from dqm.store.tables import store_quantities

from .small_night import INJECTION, NEW, fill, quantities, verdicts

PAGES = ("queue", "run", "trade-off", "sign-off")
Page = Callable[..., AppTest]


def said(app: AppTest) -> str:
    """All text of a page that is Markdown or a message."""
    elements = [*app.markdown, *app.caption, *app.info, *app.error, *app.warning, *app.success, *app.code, *app.title]
    return "\n".join(str(each.value) for each in elements)


@pytest.mark.parametrize("name", PAGES)
def test_without_a_configuration_the_page_says_how_to_start(
    name: str, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(dashboard.CONFIG_VARIABLE, raising=False)
    app = page(name)
    assert not app.exception
    assert r"dqm dashboard \-\-config" in app.error[0].value


@pytest.mark.parametrize("name", PAGES)
def test_without_a_store_the_page_names_the_command(name: str, page: Page, configured: Path) -> None:
    app = page(name)
    assert not app.exception
    assert r"make one with\: dqm ingest" in app.error[0].value


@pytest.mark.parametrize("name", PAGES)
def test_a_misspelt_configuration_is_one_line(name: str, page: Page, configured: Path) -> None:
    configured.write_text('[experiment]\nnaem = "x"\n', encoding="utf-8")
    app = page(name)
    assert not app.exception
    assert "unknown key" in app.error[0].value
    assert "\n" not in app.error[0].value


@pytest.mark.parametrize("name", PAGES)
def test_an_empty_store_asks_for_data(name: str, page: Page, configured: Path, empty: Store) -> None:
    app = page(name)
    assert not app.exception
    assert app.info[0].value.startswith("The store is empty")
    assert app.code[0].value == f"dqm ingest --config {configured}"


@pytest.mark.parametrize("name", ["queue", "trade-off", "sign-off"])
def test_data_without_a_model_asks_for_training(name: str, page: Page, configured: Path, empty: Store) -> None:
    with empty.transaction() as change:
        store_quantities(change, quantities([1, 2]), {})
    assert page(name).code[0].value == f"dqm train --config {configured}"


@pytest.mark.parametrize("name", PAGES)
def test_a_night_is_shown(name: str, page: Page, filled: Store) -> None:
    app = page(name)
    assert not app.exception
    assert not app.error
    assert r"\*small\* · snapshot 1" in said(app)


def test_the_working_point_is_told_in_plain_words(page: Page, filled: Store) -> None:
    text = said(page("queue"))
    assert "at most 2.0% of the good weight is rejected" in text
    assert "from the 12 labelled runs" in text
    assert "A policy, not a guarantee" in text
    assert "17.5% at 90% confidence" in text


def test_a_run_is_found_by_its_address(page: Page, filled: Store) -> None:
    app = page("run", run="114")
    assert app.title[0].value == "Run 114"
    assert app.query_params["run"] == "114"


def test_a_run_that_vanished_names_others(page: Page, filled: Store) -> None:
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


@pytest.mark.parametrize("name", PAGES)
def test_text_of_the_data_stays_text(name: str, page: Page, configured: Path, empty: Store) -> None:
    """Mutant: a reason or the name of the experiment put into Markdown as it is."""
    configured.write_text(f"[experiment]\nname = '''{INJECTION[2]}'''\n", encoding="utf-8")
    fill(empty, verdicts(INJECTION))
    app = page(name)
    assert not app.exception
    text = said(app)
    assert "<script>" not in text
    assert "![x]" not in text
    assert "**bold**" not in text
    assert "http://" not in text


def test_the_application_runs_as_a_whole(filled: Store) -> None:
    app = AppTest.from_file(str(Path(dashboard.__file__).with_name("app.py")), default_timeout=30).run()
    assert not app.exception
    assert app.title[0].value == "Queue"


ACTING = """
import os
import streamlit as st
from dashboard import CONFIG_VARIABLE
from dashboard.acting.act import act
from dashboard.reading.view import view

class Told:
    def text(self):
        return "entered"

nonces = st.session_state.setdefault("nonces", [])
for choice in ("GOOD", "BAD", "BAD"):
    act(view(os.environ[CONFIG_VARIABLE]), "form", lambda store, person, nonce: nonces.append(nonce) or Told(),
        shown="7", sent=(choice,))
"""


def test_another_choice_is_another_submission_and_a_double_click_is_none(filled: Store) -> None:
    """Mutant: a nonce of the form alone; a second, different decision would be taken for the first and lost."""
    app = AppTest.from_string(ACTING, default_timeout=30).run()
    assert not app.exception
    first, second = app.session_state.nonces
    assert first != second
