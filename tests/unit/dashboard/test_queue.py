"""The queue: what is shown of a run, in which order, what filters leave, and what its buttons do."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.canvas.row_table import Column
from dashboard.look.wording import ago
from dashboard.reading.queue_rows import latest_end
from dashboard.runs_queue import lines
from dashboard.runs_queue.tables import HERE, queue_table, totals
from dqm.model.decisions import RunState
from dqm.model.verdicts import CODES, Decision
from dqm.services.decide import decide
from dqm.services.pace import ASSUMED, Pace
from dqm.services.people import ConfiguredPeople
from dqm.services.queue import QueueRow, queue
from dqm.services.runs import claim
from dqm.store.drafts import Draft, read_draft
from dqm.store.store import Store

from .small_night import PEOPLE, fill, people, verdicts

Page = Callable[..., AppTest]
NOW = datetime(2030, 1, 2, 12, tzinfo=UTC)
ASSUMING = Pace(ASSUMED, 0)


@pytest.fixture
def listed(configured: Path) -> ConfiguredPeople:
    """A shifter, an expert and a leader in the configuration; the leader works here."""
    with configured.open("a", encoding="utf-8") as written:
        written.write(PEOPLE)
    return people()


@pytest.fixture
def rows(filled: Store) -> list[QueueRow]:
    return lines.ordered(queue(filled, NOW), ASSUMING)


def sent(app: AppTest, what: str) -> dict[str, Any]:
    """What one of our own components shows, as it is sent to the browser."""
    given = (each.proto for each in app.get("bidi_component"))
    (found,) = (each for each in given if each.component_name.endswith(f"lumicert_{what}"))
    return json.loads(found.json)


def shown(app: AppTest) -> list[int]:
    """The runs of the table, in its order."""
    return [int(each) for each in sent(app, "rows")["columns"][1]["texts"]]


def by_run(rows: list[QueueRow]) -> dict[int, QueueRow]:
    return {each.run: each for each in rows}


def test_what_is_most_worth_a_minute_comes_first(rows: list[QueueRow]) -> None:
    """Mutant: the order by open weight alone, which puts a run of many short stretches first."""
    assert [each.run for each in rows][:3] == [112, 114, 113]
    many, few = by_run(rows)[112], by_run(rows)[114]
    assert (lines.stretches(many), lines.stretches(few)) == (2, 1)
    assert lines.minutes(many, ASSUMING) == lines.OPENING + 2 * ASSUMED
    assert lines.at_stake(many, ASSUMING) == pytest.approx(2.0 / 5)
    striped = replace(many, strip=bytes([CODES[Decision.ASK], CODES[Decision.ACCEPT]] * 40))
    assert lines.stretches(striped) == 40
    assert [each.run for each in lines.ordered([striped, few], ASSUMING)] == [114, 112]
    signed = replace(by_run(rows)[113], state=RunState.SIGNED, signed_by="leader-1")
    assert [each.run for each in lines.ordered([signed, few], ASSUMING)] == [114, 113]


def test_what_a_filter_leaves(rows: list[QueueRow]) -> None:
    mine = replace(by_run(rows)[112], state=RunState.CLAIMED, claimed_by="shifter-1")
    review = replace(by_run(rows)[113], state=RunState.NEEDS_REVIEW, signed_by="expert-1", run=90)
    shown = [mine, by_run(rows)[113], by_run(rows)[114], review]

    def left(which: str, find: str = "") -> list[int]:
        return [each.run for each in lines.chosen(shown, which, find, "shifter-1")]

    assert left(lines.NEEDS) == [112, 114, 90]
    assert left(lines.MINE) == [112]
    assert left(lines.READY) == [113]
    assert left(lines.SIGNED) == [90]
    assert left(lines.EVERY) == [112, 113, 114, 90]
    assert left(lines.EVERY, " 11") == [112, 113, 114]
    assert left(lines.EVERY, "MUON") == [112, 114]
    assert left(lines.EVERY, "expert-1") == [90]


def test_states_and_freshness_are_words(rows: list[QueueRow]) -> None:
    row = replace(by_run(rows)[112], certified_at=NOW - timedelta(hours=3), data_at=NOW - timedelta(minutes=5))
    held = replace(row, state=RunState.CLAIMED, claimed_by="shifter-1", claimed_until=NOW + timedelta(hours=8))
    assert lines.state(row, NOW) == "○ open"
    assert lines.state(held, NOW) == "◐ claimed · shifter-1 until 20:00 UTC"
    assert (
        lines.who(replace(held, claimed_until=NOW + timedelta(days=3)), NOW) == "shifter-1 until 2030-01-05 12:00 UTC"
    )
    assert lines.state(replace(row, escalations=1), NOW) == "○ open · expert asked"
    assert lines.freshness(row, NOW) == "certified 3 h ago"
    assert lines.freshness(replace(row, provisional=True), NOW) == "provisional, still grows"
    assert lines.freshness(replace(row, status="data-changed"), NOW) == "data came 5 min ago"
    assert lines.freshness(replace(row, state=RunState.NEEDS_REVIEW, data_at=None), NOW) == "data changed"
    assert lines.freshness(replace(row, counts={}), NOW) == "not certified"
    assert [ago(NOW - timedelta(minutes=m), NOW) for m in (0, 59, 60, 3000)] == [
        *("just now", "59 min ago", "1 h ago", "2 days ago")
    ]


def test_a_claim_that_ended_is_asked_for_again() -> None:
    """Mutant: a cache by entries alone, in which a claim never ends."""
    ends = [None, NOW, NOW + timedelta(seconds=1)]
    assert latest_end(ends, NOW - timedelta(seconds=1)) == 0
    assert latest_end(ends, NOW) == int(NOW.timestamp())


def test_the_table_and_the_totals(rows: list[QueueRow]) -> None:
    table = queue_table(rows, 114, ASSUMING, NOW, weighted=False).set_index("run")
    assert table.loc[114, "here"] == HERE
    assert table.loc[112, list(map(str, (Decision.ACCEPT, Decision.UNKNOWN)))].tolist() == [67.5, 5.0]
    assert table.loc[112, ["waiting", "subsystem"]].tolist() == [8, "muons"]
    found = totals(rows, ASSUMING)
    assert (found.runs, found.lumisections, found.waiting_runs, found.waiting) == (3, 120, 2, 11)
    assert (found.ready, found.signed, found.claimed, found.minutes) == (1, 0, 0, 8.0)


def test_the_page_shows_what_needs_people(page: Page, filled: Store) -> None:
    app = page("queue")
    assert app.title[0].value == "Queue"
    assert shown(app) == [112, 114]
    assert [each["value"] for each in sent(app, "tiles")["tiles"]] == ["11 LS", "9.2%", "1 run", "0 runs", "120 LS"]
    assert "2 minutes for each stretch that needs a person are assumed" in app.caption[-3].value + app.caption[-2].value
    app.segmented_control(key="show").set_value(lines.EVERY).run()
    assert shown(app) == [112, 114, 113, 115, *range(111, 99, -1)]


def test_the_table_is_sent_as_text_and_as_what_it_is_sorted_by(page: Page, filled: Store) -> None:
    found = sent(page("queue"), "rows")
    named = {each["title"]: each for each in found["columns"]}
    titles = list(named)
    assert titles.index("main reason") < titles.index("who") < titles.index("accepted"), (
        "else a laptop does not show why"
    )
    assert named["accepted"]["texts"] == ["68%", "92%"]
    assert named["accepted"]["order"] == pytest.approx([67.5, 92.5])
    assert set(base64.b64decode(named["lumisections"]["texts"][0])) <= set(range(len(found["states"])))
    assert (found["rows"], found["here"], named[""]["texts"]) == (2, 0, [HERE, ""])
    assert Column("x", "number", 9, [float("nan")], "{:.1f}").document()["texts"] == [""]


def test_a_row_that_is_picked_is_the_one_that_buttons_are_about(
    filled: Store, monkeypatch: pytest.MonkeyPatch, page: Page
) -> None:
    """The second row, then one that the table no longer has. Mutant: rows by their place, where a search moved them."""
    app = page("queue")
    assert sent(app, "rows")["numbers"] == shown(app) == [112, 114]
    for run in (114, 99):
        monkeypatch.setattr("dashboard.runs_queue.page.picked_on", lambda key, run=run: run)
        monkeypatch.setattr("dashboard.runs_queue.page.show_rows", lambda *given: given[-1]())
        app.run()
        app.run()
        assert app.button(key="open_run").label == "Open run 114"


def test_filters_come_from_the_address(page: Page, filled: Store) -> None:
    app = page("queue", show=lines.EVERY, find="asks")
    assert app.info[0].value.startswith("No run is left by this filter")
    app = page("queue", show=lines.READY, shares="of weight")
    assert shown(app) == [113]
    assert app.segmented_control(key="shares").value == "of weight"
    app.text_input(key="find").set_value("muons").run()
    assert app.info[0].value.startswith("No run is left by this filter")


def test_the_next_run_is_one_key_away_and_opens(page: Page, filled: Store) -> None:
    app = page("queue")
    app.button(key="next_run").click().run()
    assert app.button(key="open_run").label == "Open run 114"
    app.button(key="next_run").click().run()
    assert app.button(key="open_run").label == "Open run 112"
    app.button(key="previous_run").click().run()
    app.button(key="open_run").click().run()
    assert app.session_state.opened == ("run", {"run": "114"})
    app.button(key="open_sign_off").click().run()
    assert app.session_state.opened == ("sign-off", {"run": "114"})


def test_a_run_is_claimed_and_given_back(page: Page, listed: ConfiguredPeople, filled: Store) -> None:
    app = page("queue")
    app.button(key="claim_run").click().run()
    assert not app.exception
    (row,) = (each for each in queue(filled, datetime.now(UTC)) if each.claimed_by)
    assert (row.run, row.claimed_by) == (112, "leader-1")
    app.run()
    assert "leader-1 until" in app.markdown[0].value.replace("\\", "")
    app.button(key="release_run").click().run()
    assert [each.action for each in filled.audit()] == ["claim", "release"]


def test_a_claim_of_somebody_else_is_told_and_kept(page: Page, listed: ConfiguredPeople, filled: Store) -> None:
    """A form that became stale: the other claim is shown, nothing is entered."""
    app = page("queue")
    claim(filled, listed, "shifter-1", 112, nonce="elsewhere")
    app.session_state["acting_as"] = "shifter-2"
    app.button(key="claim_run").click().run()
    assert "is claimed by shifter\\-1" in app.error[0].value
    assert len(filled.audit()) == 1


def unfold(app: AppTest) -> None:
    """Open the batch; it is not made before."""
    assert "batch_sign" not in [each.key for each in app.button]
    app.session_state["batch"] = True
    app.run()


def test_a_batch_signs_what_asks_nothing(page: Page, listed: ConfiguredPeople, filled: Store) -> None:
    app = page("queue")
    unfold(app)
    app.text_area(key="batch_comment_0:leader-1").set_value("a quiet night").run()
    app.button(key="batch_sign").click().run()
    assert not app.exception
    (entry,) = filled.audit()
    assert (entry.action, entry.run, entry.fields["comment"]) == ("sign", 113, "a quiet night")


def test_what_one_wrote_is_not_signed_by_the_next(page: Page, listed: ConfiguredPeople, filled: Store) -> None:
    app = page("queue")
    unfold(app)
    app.text_area[0].set_value("by the leader").run()
    app.selectbox(key="acting_as").set_value("expert-1").run()
    assert app.text_area[0].value == ""
    app.selectbox(key="acting_as").set_value("leader-1").run()
    assert app.text_area[0].value == "by the leader"


def test_the_comment_of_a_batch_survives_a_reload(page: Page, listed: ConfiguredPeople, filled: Store) -> None:
    """Mutants: a comment of the session alone; one that stands there again after it was signed."""
    app = page("queue")
    unfold(app)
    app.text_area[0].set_value("a quiet night").run()
    again = page("queue")  # another session
    unfold(again)
    assert again.text_area[0].value == "a quiet night"
    again.button(key="batch_sign").click().run()
    assert filled.audit()[-1].fields["comment"] == "a quiet night"
    assert read_draft(filled.path, "leader-1", 0, "batch") == Draft()


def test_what_a_batch_left_is_told(page: Page, listed: ConfiguredPeople, filled: Store) -> None:
    app = page("queue")
    unfold(app)
    app.text_area[0].set_value("a quiet night").run()
    decide(filled, listed, "shifter-1", 113, [(4, 4)], "BAD", "noise", nonce="elsewhere")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("dashboard.app.view", stale_view(app))
        app.button(key="batch_sign").click().run()
    assert [each.action for each in filled.audit()] == ["decide"]
    assert "decided BAD for LS 4" in app.warning[0].value
    assert read_draft(filled.path, "leader-1", 0, "batch").comment == "a quiet night", "none was signed with it"


def stale_view(app: AppTest) -> Callable[[str], object]:
    """The view as it was before anybody else acted, as a browser that was not drawn anew still shows it."""
    from dashboard.reading.view import view

    return lambda path: replace(view(path), entry=0)


def test_who_may_not_sign_is_told(page: Page, listed: ConfiguredPeople, filled: Store) -> None:
    app = page("queue")
    app.selectbox(key="acting_as").set_value("shifter-1").run()
    unfold(app)
    assert app.button(key="batch_sign").disabled
    assert "Signing needs an expert or a leader" in " ".join(each.value for each in app.caption)


def test_when_nothing_waits_everything_is_shown(page: Page, empty: Store) -> None:
    found = verdicts()
    found.decision[:] = Decision.ACCEPT
    found.badness[:] = 0.004
    found.status[:] = ""
    fill(empty, found)
    app = page("queue")
    assert len(shown(app)) == 16
    app.segmented_control(key="show").set_value(lines.NEEDS).run()
    assert app.info[0].value.startswith("No run is left")


def test_more_runs_than_fit_come_in_parts(rows: list[QueueRow], page: Page, filled: Store) -> None:
    from dashboard.runs_queue import page as queue_page

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(queue_page, "AT_ONCE", 1)
        app = page("queue")
        assert shown(app) == [112]
        app.button(key="next_run").click().run()
        assert shown(app) == [114]
