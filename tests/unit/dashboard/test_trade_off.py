"""Trade-off: budgets and thresholds, what flips, what was realised, proposals and approvals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.reading.open_runs import open_verdicts
from dashboard.trade_off.flips import Flips
from dashboard.trade_off.rows import saved
from dqm.model.labels import Labels
from dqm.model.people_config import PeopleConfig
from dqm.model.tables import Column
from dqm.model.verdicts import Decision
from dqm.services import runs
from dqm.services.decide import decide
from dqm.services.people import ConfiguredPeople
from dqm.services.working_points import propose
from dqm.store.store import Store
from dqm.store.tables import store_labels, store_quantities

from .small_night import ASKED, CERTIFIED, COLUMNS, INJECTION, fill, index_of, quantities, verdicts

Page = Callable[..., AppTest]
FLIPS, CURVE, REALISED, PROPOSALS = "What flips", "Curve as a table", "Realised so far", "Propose and approve"
ALONE = ConfiguredPeople(PeopleConfig())


def said(app: AppTest) -> str:
    """All text of a page that is Markdown or a message."""
    elements = [*app.markdown, *app.caption, *app.info, *app.error, *app.warning, *app.success, *app.subheader]
    return "\n".join(str(each.value) for each in elements)


@pytest.fixture
def modelled(filled: Store) -> Store:
    """A store after a night with a model, for which a working point can be proposed."""
    with filled.transaction() as change:
        change.add_model("model-1", "models/model-1", "f" * 64, {"manifest": "m" * 64})
        change.point("champion", "model-1")
    return filled


@pytest.fixture
def opened(page: Page) -> Callable[..., AppTest]:
    """The page with a tab in front."""

    def made(tab: str, **query: str) -> AppTest:
        app = page("trade-off", **query)
        app.session_state["trade_off_tab"] = tab
        return app.run()

    return made


def test_a_slider_moves_the_point_and_flips_decisions(page: Page, filled: Store) -> None:
    app = page("trade-off")
    before = said(app)
    app.slider(key="pollution_budget").set_value(0.1).run()
    assert not app.exception
    after = said(app)
    assert after != before
    assert "accept below 0.01" in after
    assert "never to accept above badness 0.01" in after


def test_the_address_keeps_the_budgets(page: Page, filled: Store) -> None:
    app = page("trade-off", pollution_budget="0.1")
    assert app.slider(key="pollution_budget").value == 0.1
    assert "accept below 0.01" in said(app)


def test_thresholds_by_hand_stand_on_the_same_curve(page: Page, filled: Store) -> None:
    app = page("trade-off", choose_by="thresholds")
    app.number_input(key="accept_below").set_value(0.02).run()
    app.number_input(key="reject_above").set_value(0.9).run()
    assert not app.exception
    assert "**These thresholds** · badness: accept below 0.02, reject from 0.9" in said(app)
    assert "Named by hand" in said(app)


def test_thresholds_that_are_no_pair_are_one_sentence_and_stay_typed(page: Page, filled: Store) -> None:
    app = page("trade-off", choose_by="thresholds", accept_below="0.9", reject_above="0.5")
    assert not app.exception
    assert "are no pair" in app.error[0].value
    assert app.number_input(key="accept_below").value == 0.9


def test_saved_work_is_in_minutes_where_the_calendar_tells(page: Page, empty: Store) -> None:
    found = verdicts()
    found.badness[85:88] = 0.02
    found.decision[85:88] = Decision.ASK
    fill(empty, found)
    app = page("trade-off")
    assert "3 fewer, 1.2 minutes of data (23.31 s each)" in said(app)
    assert app.dataframe[0].value["minutes"].tolist() == pytest.approx([1.1655])


def test_seconds_have_no_decimals_that_say_nothing() -> None:
    fewer = Flips(pd.DataFrame(), lumisections=40, asked=3, would_ask=0, runs=1)
    said_each = [saved(fewer, each).partition("(")[2] for each in (23.0, 23.31, 0.5, 100.0)]
    assert said_each == ["23 s each).", "23.31 s each).", "0.5 s each).", "100 s each)."]


def test_a_read_that_failed_is_not_kept(page: Page, filled: Store) -> None:
    """A damaged file that was put back is read: neither the queue nor the flips remember that it failed."""
    [damaged] = (filled.path / each.path for each in filled.partitions("verdicts", run=112))
    whole = damaged.read_bytes()
    decide(filled, ALONE, "", 112, [(6, 7)], Decision.GOOD, "calibration", nonce="d")
    damaged.write_bytes(b"PAR1")
    assert "is damaged" in page("queue").error[0].value
    assert "is damaged" in said(page("trade-off"))
    damaged.write_bytes(whole)
    for name in ("queue", "trade-off"):
        app = page(name)
        assert not app.exception
        assert "is damaged" not in said(app)


def test_without_a_calendar_only_lumisections_are_told(page: Page, empty: Store) -> None:
    found = verdicts()
    found.badness[85:88] = 0.02
    fill(empty, found, timed=False)
    text = said(page("trade-off"))
    assert "3 fewer." in text
    assert "minutes" not in text


def test_a_signed_run_stays_and_does_not_flip(page: Page, filled: Store) -> None:
    """Mutant: flips looked for in every certified run."""
    assert "no run is signed yet" in said(page("trade-off"))
    path = str(filled.path.resolve())
    before = open_verdicts(path, filled.snapshot, filled.last_entry, 0)
    sign(filled, 113)
    after = open_verdicts(path, filled.snapshot, filled.last_entry, 0)
    assert (before.run.tolist(), after.run.tolist()) == ([112, 113, 114], [112, 114])
    assert "1 signed run stays as it is" in said(page("trade-off"))


def test_what_people_decided_does_not_flip(filled: Store) -> None:
    decide(filled, ALONE, "", 114, [(1, 5)], Decision.GOOD, "calibration", nonce="d")
    found = open_verdicts(str(filled.path.resolve()), filled.snapshot, filled.last_entry, 1)
    assert found.run.tolist() == [114]
    assert found.free.tolist() == [False] * 5 + [True] * 35


def test_when_all_is_signed_nothing_can_flip(page: Page, empty: Store) -> None:
    found = verdicts()
    found.decision[:] = Decision.ACCEPT
    fill(empty, found)
    for run in CERTIFIED:
        sign(empty, run)
    app = page("trade-off")
    assert not app.exception
    assert app.info[0].value == "Every certified run is signed; nothing can flip."


def test_the_curve_has_a_table(opened: Callable[..., AppTest], filled: Store) -> None:
    table = opened(CURVE).dataframe[0].value
    assert len(table) <= 60
    assert (table["loss_lo"] <= table["loss"] + 1e-9).all()
    assert table["loss"].is_monotonic_decreasing


def test_without_labels_nothing_was_realised(opened: Callable[..., AppTest], filled: Store) -> None:
    assert opened(REALISED).info[0].value.startswith("Nothing that was realised can be measured yet")


def test_labels_that_came_later_tell_what_was_realised(opened: Callable[..., AppTest], filled: Store) -> None:
    """Run 112 rejects 5 LS, of which 1 is good; run 113 accepts 40, of which 2 are bad."""
    index = index_of([112, 113])
    label = np.zeros(80, dtype=np.int8)
    label[20:24], label[40:42] = 1, 1
    with filled.transaction() as change:
        store_labels(change, Labels.of(index, label, "later"), {})
    row = opened(REALISED).dataframe[0].value.iloc[0]
    assert (row["runs"], row["number"], row["labelled"]) == ("112 to 113", 2, 100)
    assert row["loss"] == pytest.approx(100 * 1 / 74)
    assert row["pollution"] == pytest.approx(100 * 2 / 67)


def test_one_person_proposes_and_approves_and_that_is_said(opened: Callable[..., AppTest], modelled: Store) -> None:
    app = opened(PROPOSALS, pollution_budget="0.1")
    assert "whoever proposes may also approve" in said(app)
    app.button(key="propose").click().run()
    assert "the reason is empty" in app.error[0].value.replace("\\", "")
    app.text_area[0].set_value("**fewer** bad").run()
    app.button(key="propose").click().run()
    assert not app.exception
    number = modelled.last_entry
    text = said(app)
    assert f"**Proposal {number}**" in text
    assert "**fewer**" not in text, "a comment stays text"
    app.button(key=f"approve:{number}").click().run()
    assert not app.exception
    point = modelled.working_point()
    assert point is not None
    assert (point.accept_below, point.pollution_budget) == (0.01, 0.001)
    assert modelled.audit()[-1].fields["alone"] is True
    history = app.dataframe[0].value
    assert history["approved"].tolist()[0] == "alone: operator (leader), who also proposed it"
    assert "No proposal waits" in said(app)


def test_an_earlier_point_is_proposed_again(opened: Callable[..., AppTest], modelled: Store) -> None:
    first = modelled.working_point()
    point = opened(PROPOSALS, pollution_budget="0.1")
    point.text_area[0].set_value("fewer bad").run()
    point.button(key="propose").click().run()
    point.button(key=f"approve:{modelled.last_entry}").click().run()
    point.button(key="propose_again").click().run()
    assert not point.exception
    entry = modelled.audit()[-1]
    assert entry.action == "propose"
    assert entry.fields["digest"] == first.digest if first else False


def test_a_leader_cannot_approve_their_own_where_others_could(
    opened: Callable[..., AppTest], configured: Path, modelled: Store
) -> None:
    listed = '[people]\noperator = "lea"\n[[people.person]]\nname = "lea"\nrole = "leader"\n'
    configured.write_text(listed + '[[people.person]]\nname = "leo"\nrole = "leader"\n', encoding="utf-8")
    people = ConfiguredPeople(
        PeopleConfig.model_validate(
            {"operator": "lea", "person": [{"name": "lea", "role": "leader"}, {"name": "leo", "role": "leader"}]}
        )
    )
    point = modelled.working_point()
    assert point is not None
    number = propose(modelled, people, "lea", point, INJECTION[2], nonce="p").entry.id
    app = opened(PROPOSALS)
    assert "another leader has to approve it" in said(app)
    assert "![x]" not in said(app)
    app.text_area[0].set_value("by lea")
    app.text_input[0].set_value("by lea too").run()
    app.session_state["acting_as"] = "leo"
    app.run()
    assert (app.text_area[0].value, app.text_input[0].value) == ("", ""), "what one wrote is not entered by the next"
    app.session_state["acting_as"] = "lea"
    app.run()
    app.button(key=f"approve:{number}").click().run()
    assert "another leader has to approve it" in app.error[0].value
    assert modelled.working_point() == point


def test_a_damaged_file_is_one_sentence_inside_the_fragment_too(page: Page, filled: Store) -> None:
    """Mutant: a fragment without a guard of its own, which shows the inside of the program."""
    next((filled.path / "verdicts").rglob("*.parquet")).write_bytes(b"damaged")
    app = page("trade-off")
    assert not app.exception
    assert "is damaged" in app.error[0].value
    assert app.slider(key="data_loss_budget").value == 2.0


def test_runs_of_other_columns_still_tell_how_long_a_lumisection_is(page: Page, filled: Store) -> None:
    """Mutant: the begins read through the codec of quantities, which refuses runs with other columns."""
    with filled.transaction() as change:
        given = quantities([114])
        store_quantities(change, replace(given, columns=(*COLUMNS[:2], Column("dt", "daq", "muons"))), {})
    app = page("trade-off")
    assert not app.exception
    assert not app.error


def test_an_infinite_threshold_is_no_trouble(page: Page, empty: Store) -> None:
    fill(empty, verdicts())
    point = empty.working_point()
    assert point is not None
    with empty.transaction() as change:
        change.add_working_point(replace(point, reject_above=math.inf))
    app = page("trade-off", choose_by="thresholds")
    assert not app.exception
    assert app.number_input(key="reject_above").value == 1.0


def sign(store: Store, run: int) -> None:
    """Sign a run of which the machine accepted everything."""
    runs.sign(store, ALONE, "", run, asked=ASKED, nonce=f"sign {run}")
