"""Who works at a screen outlives a reload, and is never anybody who is not listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dqm.store.store import Store

from .small_night import PEOPLE

Page = Callable[..., AppTest]


@pytest.fixture
def listed(configured: Path, filled: Store) -> Path:
    """A configuration with a shift, of which the leader is the operator."""
    with configured.open("a", encoding="utf-8") as written:
        written.write(PEOPLE)
    return configured


def box(app: AppTest) -> str | None:
    return app.selectbox(key="acting_as").value


def test_who_was_chosen_is_there_after_a_reload(page: Page, listed: Path) -> None:
    app = page("run", run="112")
    assert box(app) == "leader-1"
    assert "as" not in app.query_params
    app.selectbox(key="acting_as").set_value("shifter-2").run()
    assert app.query_params["as"] == "shifter-2"
    again = page("queue", **{"as": app.query_params["as"]})  # another session
    assert box(again) == "shifter-2"
    again.button(key="claim_run").click().run()
    with Store.open(listed.parent / "certification") as store:
        assert [each.actor for each in store.audit()] == ["shifter-2"]
    again.selectbox(key="acting_as").set_value("leader-1").run()
    assert "as" not in again.query_params


def test_the_address_follows_who_was_chosen_later(page: Page, listed: Path) -> None:
    """Mutant: the address over the choice, which nobody could then change."""
    app = page("queue", **{"as": "shifter-1"})
    app.selectbox(key="acting_as").set_value("shifter-2").run()
    assert (box(app), app.query_params["as"]) == ("shifter-2", "shifter-2")


def test_the_choice_cannot_be_emptied(page: Page, listed: Path) -> None:
    """Mutant: a box with a cross, by which the operator acts although the box names nobody."""
    for query in ({}, {"as": "shifter-1"}):
        assert page("queue", **query).selectbox(key="acting_as").proto.HasField("default")


@pytest.mark.parametrize("name", ["stranger", "<b>leader-1</b>", "LEADER-1", " leader-1"])
def test_a_name_that_is_not_listed_acts_in_nothing(name: str, page: Page, listed: Path) -> None:
    """Mutant: whoever the address names acts."""
    listed.write_text(listed.read_text().replace('operator = "leader-1"', 'operator = "gone"'))
    app = page("queue", **{"as": name})
    assert box(app) is None
    assert "nobody acts under that name" in app.caption[1].value
    assert "'gone' may not act here" in app.error[0].value.replace("\\", "")
    assert not app.button


def test_the_only_person_is_nobody_else(page: Page, configured: Path, filled: Store) -> None:
    app = page("queue", **{"as": "shifter-1"})
    app.button(key="claim_run").click().run()
    assert [each.actor for each in filled.audit()] == ["operator"]
