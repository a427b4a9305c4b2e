"""Every page there is, on stores that are missing, of another version, damaged or full of hostile text.

The pages are those of ``dashboard.app.SHIFT``: a new one is tested here without a word.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.app import SHIFT
from dqm.model.config import load
from dqm.model.findings import Finding
from dqm.model.histograms import Axis, HistogramBatch
from dqm.model.sensors import SECOND, AnomalyInterval, Sensor, SensorReadings
from dqm.services.decide import decide
from dqm.services.people import ConfiguredPeople
from dqm.services.runs import claim, escalate
from dqm.store.anomalies import ScannedDay, store_anomalies
from dqm.store.database import DATABASE
from dqm.store.histograms import store_histograms
from dqm.store.sensors import store_sensors
from dqm.store.store import Store
from dqm.store.tables import store_quantities

from .small_night import CERTIFIED, INJECTION, LENGTH, PAST, PEOPLE, fill, quantities, verdicts

Page = Callable[..., AppTest]
every_page = pytest.mark.parametrize("name", SHIFT)
SCRIPT, FORMULA, MARKUP = INJECTION
BEGIN = int(np.datetime64("2030-01-01", "ns").astype(np.int64))
LONGEST = (f"{SCRIPT} {MARKUP} {FORMULA} " * 200)[:10_000]
"""A comment as long as may be, all of it hostile."""
HOSTILE = f"""
[experiment]
name = '''{MARKUP}'''
lumisection = '''{SCRIPT}'''
weight_unit = '''{MARKUP}'''
[people]
operator = '''{SCRIPT}'''
[[people.person]]
name = '''{SCRIPT}'''
role = "shifter"
[[people.person]]
name = '''{MARKUP}'''
role = "leader"
"""


def texts(app: AppTest, *fields: str) -> list[str]:
    """What the elements of a page hold in these fields; what is shown as code is only text."""
    protos = [getattr(node, "proto", None) for node in app.main if node.type != "code"]
    return [text for proto in protos for each in fields if (text := str(getattr(proto, each, "")))]


def markdown(app: AppTest) -> str:
    """Every text that a browser would take for Markdown."""
    return "\n".join(texts(app, "body", "label", "help", "delta"))


def readable(app: AppTest) -> str:
    """All that a page says; it says something, and no exception."""
    assert not app.exception, app.exception[0].stack_trace
    said = markdown(app)
    assert said.strip()
    assert "Traceback" not in said
    return said


def one_line(app: AppTest) -> str:
    """The one line by which a page says that it cannot show anything."""
    readable(app)
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value
    return str(app.error[0].value)


@every_page
def test_no_store_and_then_an_empty_one(name: str, page: Page, configured: Path) -> None:
    """The first page of somebody new: a command to type."""
    assert r"make one with\: dqm ingest" in one_line(page(name))
    Store.create(load(configured).store_path).close()
    app = page(name)
    readable(app)
    assert not app.error


@every_page
def test_a_night_in_which_nothing_was_certified(name: str, page: Page, configured: Path, empty: Store) -> None:
    with empty.transaction() as change:
        store_quantities(change, quantities([1, 2]), {})
    app = page(name, run="1")
    readable(app)
    assert not app.error


@pytest.mark.parametrize("revision", ["9999", "0001"])
@every_page
def test_a_store_of_another_version(name: str, revision: str, page: Page, filled: Store) -> None:
    with sqlite3.connect(filled.path / DATABASE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    connection.close()
    assert f"schema is revision {revision}" in one_line(page(name, run="112"))


@pytest.mark.parametrize("run", ["999999", "9" * 40, "x" * 9000])
def test_a_run_that_vanished_between_pages(run: str, page: Page, filled: Store) -> None:
    """Nor is a range that the run does not have, or one that is no range, worth more than a sentence."""
    for name in SHIFT:
        assert len(readable(page(name, run=run, ls="3-9"))) < len("x" * 9000)


@pytest.mark.parametrize("ls", ["39-400", "x" * 200, "9" * 18])
def test_lumisections_that_a_run_does_not_have(ls: str, page: Page, filled: Store) -> None:
    for name in SHIFT:
        readable(page(name, run="112", ls=ls))


@pytest.mark.parametrize("how", ["damaged", "gone"])
@every_page
def test_partitions_that_cannot_be_read(name: str, how: str, page: Page, filled: Store) -> None:
    """What lies in the database can still be shown; whatever needs a partition says that it cannot be read."""
    files = list(filled.path.rglob("*.parquet"))
    assert files
    for each in files:
        each.unlink()
        if how == "damaged":
            each.write_bytes(b"PAR1 this is no table PAR1")
    readable(page(name, run="112", ls="3-9"))


@pytest.fixture
def hostile(configured: Path, empty: Store) -> Store:
    """A store in which every text that a file or a person can bring is hostile, and one comment as long as may be."""
    configured.write_text(HOSTILE, encoding="utf-8")
    found = verdicts(INJECTION)
    found.subsystem[found.subsystem != ""] = SCRIPT
    fill(empty, found)
    table = quantities([*PAST, *CERTIFIED])
    named = [replace(each, unit=MARKUP, subsystem=SCRIPT) for each in table.columns]
    named[1] = replace(named[1], name=SCRIPT)
    with empty.transaction() as change:
        store_quantities(change, replace(table, columns=tuple(named)), {})
        store_histograms(change, [histograms(f"{SCRIPT}/{MARKUP}")], {})
        store_sensors(change, empty, readings(), {})
        interval = AnomalyInterval(SCRIPT, BEGIN, BEGIN + SECOND * 600, 4.0, "gap", (MARKUP,), MARKUP, SCRIPT)
        day = ScannedDay(20300101, BEGIN, BEGIN + SECOND * 3600, MARKUP, (interval,), (SCRIPT,))
        store_anomalies(change, [day], {})
        change.add_findings([Finding("schema.drift", "note", f"{SCRIPT} may be called {MARKUP} now", run=112)])
    people_act(empty, ConfiguredPeople(load(configured).people))
    return empty


def histograms(element: str) -> HistogramBatch:
    """One monitor element of the certified runs, with markup for its title."""
    run = np.repeat(CERTIFIED, LENGTH)
    counts = np.tile(np.arange(12, dtype=np.int32), (len(run), 1))
    axes = (Axis(10, 0.0, 1.0, title=SCRIPT),)
    return HistogramBatch(element, axes, run, np.tile(np.arange(1, LENGTH + 1), 3), counts, counts.sum(1).astype(float))


def readings() -> SensorReadings:
    """One sensor with a hostile name and unit."""
    time = BEGIN + np.arange(0, 3600 * SECOND, 60 * SECOND)
    return SensorReadings.of([Sensor(MARKUP, SCRIPT, "valve", SCRIPT)], [(time, np.sin(np.arange(len(time))))])


def people_act(store: Store, people: ConfiguredPeople) -> None:
    """What has a text: decisions, a question, and a claim."""
    shifter, leader = SCRIPT, MARKUP
    decide(store, people, shifter, 112, [(6, 9)], "GOOD", "other", LONGEST, nonce="1")
    escalate(store, people, shifter, 112, [(21, 25)], LONGEST, nonce="2")
    claim(store, people, shifter, 114, nonce="3", at=datetime.now(UTC) - timedelta(minutes=1))
    decide(store, people, leader, 113, [(6, 9)], "BAD", "other", LONGEST, nonce="4")


def inert(app: AppTest) -> None:
    """Assert that a page says something and that none of it is markup of ours."""
    said = readable(app)
    for evil in (r"(?<!\\)<script", r"(?<!\\)!\[x", r"(?<!\\)\*\*bold", "http://evil"):
        found = re.search(evil, said)
        assert not found, said[max(found.start() - 200, 0) : found.end() + 100]


@every_page
def test_hostile_text_stays_text_and_nothing_of_it_is_lost(name: str, page: Page, hostile: Store) -> None:
    """Mutant: any text of a file or a person put into Markdown, or into a figure, as it is."""
    for run in ("112", "113"):
        app = page(name, run=run, ls="6-9", element=f"{SCRIPT}/{MARKUP}")
        inert(app)
        assert not re.search(r"(<|\\u003c)(script|img|a )", "".join(texts(app, "spec")))
    assert [each.fields["comment"] for each in hostile.audit() if each.fields.get("comment")] == [LONGEST] * 3


def test_names_and_units_stay_text_where_people_rule_and_publish(page: Page, hostile: Store) -> None:
    """Mutants: a name on a button, or a unit beside a number, as Markdown, which may fetch an image."""
    people = ConfiguredPeople(load(Path(os.environ[dashboard.CONFIG_VARIABLE])).people)
    decide(hostile, people, MARKUP, 112, [(6, 9)], "BAD", "other", LONGEST, nonce="5")
    claim(hostile, people, MARKUP, 112, nonce="6")
    app = page("sign-off", run="112")
    app.selectbox(key="acting_as").set_value(MARKUP).run()
    inert(app)
    inert(page("sign-off", part="publish and export"))


@every_page
def test_one_who_works_alone_may_have_any_name(name: str, page: Page, configured: Path, filled: Store) -> None:
    """Mutant: the only name there is, as Markdown."""
    configured.write_text(f"[people]\noperator = '''{MARKUP}'''\n", encoding="utf-8")
    inert(page(name, run="112"))


@every_page
def test_an_operator_who_is_not_listed_is_nobody(name: str, page: Page, configured: Path, filled: Store) -> None:
    """Mutant: the first who is listed, a leader, in the place of a stranger."""
    with configured.open("a", encoding="utf-8") as written:
        written.write(PEOPLE.replace('operator = "leader-1"', 'operator = "nobody"'))
    app = page(name, run="112")
    assert "'nobody' may not act here" in one_line(app).replace("\\", "")
    assert app.selectbox(key="acting_as").value is None
    app.selectbox(key="acting_as").set_value("shifter-1").run()
    assert not app.exception
    assert not app.error


IN_PLACE = """
import streamlit as st
from dashboard.look.in_place import fragment
from dqm.model.errors import StoreError

@fragment
def part():
    if st.button("read"):
        raise StoreError("x.parquet is <b>damaged</b>; see: dqm doctor")

part()
st.caption("the rest of the page")
"""


def test_what_goes_wrong_in_a_part_is_one_line_in_its_place() -> None:
    """Mutant: a fragment of Streamlit's own, from which no error reaches what guards the page."""
    app = AppTest.from_string(IN_PLACE).run()
    app.button[0].click().run()
    assert one_line(app).startswith(r"x\.parquet is \<b\>damaged")
    assert "the rest of the page" in markdown(app)


def test_no_part_of_a_page_is_without_it() -> None:
    alone = {each.name for each in Path(dashboard.__file__).parent.rglob("*.py") if "st.fragment" in each.read_text()}
    assert alone == {"in_place.py", "act.py"}
