"""What was published, and what would be."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from dashboard.reading.view import View
from dashboard.verdicts.report import report_html
from dashboard.verdicts.verdict_csv import verdict_csv
from dqm.model.config import Config
from dqm.model.verdicts import Asked
from dqm.services import publish
from dqm.services.difference import Difference, difference
from dqm.services.effective import verdicts_that_stand
from dqm.services.publish import GOLDEN
from dqm.services.standing import standings
from dqm.services.versions import GoldenVersion, golden_versions
from dqm.store.store import Store
from dqm.store.tables import past_from_arrow


@st.cache_resource(max_entries=4, show_spinner=False)
def versions(path: str, snapshot: int, entry: int) -> tuple[GoldenVersion, ...]:
    """Every version of the golden JSON, the newest first."""
    with Store.open(Path(path)) as store:
        return tuple(golden_versions(store))


@st.cache_resource(max_entries=4, show_spinner="Comparing with the last golden JSON…")
def to_publish(path: str, snapshot: int, entry: int) -> Difference:
    """What publishing would change now."""
    with Store.open(Path(path)) as store:
        return difference(store, datetime.now(UTC))


def keeps_from_publishing(view: View) -> str:
    """Why nothing would be published now, with the way out; empty where nothing keeps anybody from it."""
    asked = view.asked
    return _keeps(view.path, view.snapshot, view.entry, asked.digest, asked.labels, asked.sensors)


@st.cache_resource(max_entries=4, show_spinner=False)
def _keeps(path: str, snapshot: int, entry: int, digest: str, labels: bool, sensors: bool) -> str:
    with Store.open(Path(path)) as store:
        return publish.keeps_from_publishing(store, Asked(digest, labels, sensors), datetime.now(UTC))


def published_bytes(path: str, name: str, version: int | None = None) -> bytes:
    """The bytes of a publication, checked against their digest."""
    with Store.open(Path(path)) as store:
        return store.publication(name, version).read()


def csv_bytes(path: str) -> bytes:
    """All verdicts that stand, as CSV."""
    with Store.open(Path(path)) as store:
        return verdict_csv(verdicts_that_stand(store, standings(store, datetime.now(UTC)).values()))


def report_bytes(path: str, config: Config) -> bytes:
    """The report of what stands, as one page that loads nothing; needs a working point and a publication."""
    with Store.open(Path(path)) as store:
        point = store.working_points()[-1].working_point
        past = past_from_arrow(store.read("past"))
        verdicts = verdicts_that_stand(store, standings(store, datetime.now(UTC)).values())
        return report_html(config, verdicts, point, store.publication(GOLDEN), past).encode()
