"""Records that are shown as they are: models, the audit chain, nights, alerts, lists of outliers, sizes.

Nights and deliveries change without a snapshot or an entry of the audit, so they are read for every rerun.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import streamlit as st

from dqm.model.errors import StoreError
from dqm.model.findings import Finding
from dqm.services.publish import last_golden
from dqm.services.silences import Silence, acknowledged, silences_at
from dqm.store.audit import Entry
from dqm.store.deliveries import DEAD, Delivery
from dqm.store.health import Check, health
from dqm.store.nights import Night
from dqm.store.outbox import Posted
from dqm.store.registry import Registered, registered
from dqm.store.store import Store

MOST = 200
"""Newest deliveries, events and nights, and first events of a list of outliers, that a page shows."""
LISTS = "outliers"
"""Folder beside the configuration in which lists of outliers are looked for: where ``dqm outliers`` writes them."""
BEGIN = "anomaly.opened"
ENDS = (BEGIN, "anomaly.resolved")


@dataclass(frozen=True)
class TrainedModel:
    """A model with what its bundle says: kinds of its detectors and the runs it learned from; ``fault`` if nothing."""

    stored: Registered
    detectors: tuple[str, ...]
    runs: tuple[int, ...]
    fault: str


@st.cache_resource(max_entries=8, show_spinner=False)
def trained_models(path: str, snapshot: int) -> tuple[TrainedModel, ...]:
    """Every model of the store, the newest last."""
    with Store.open(Path(path)) as store:
        return tuple(_trained(store.path, each) for each in registered(store))


@st.cache_resource(max_entries=8, show_spinner=False)
def promotions(path: str, snapshot: int, entry: int) -> tuple[Entry, ...]:
    """Every promotion and every way back, oldest first."""
    with Store.open(Path(path)) as store:
        return tuple(each for each in store.audit() if each.action == "promote")


def _trained(folder: Path, stored: Registered) -> TrainedModel:
    try:
        about = json.loads((folder / stored.folder / "bundle.json").read_text(encoding="utf-8"))
        kinds = [about["kind"], *(each["kind"] for each in about.get("others") or ())]
        return TrainedModel(stored, tuple(map(str, kinds)), tuple(map(int, about["runs"])), "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no description of a model"
        return TrainedModel(stored, (), (), f"{stored.folder}/bundle.json cannot be read: {why}; see dqm doctor")


@st.cache_resource(max_entries=4, show_spinner=False)
def chain(path: str, entry: int) -> tuple[int, str]:
    """Number of entries in the audit chain that were verified, and what is wrong with it, "" where it is whole."""
    with Store.open(Path(path)) as store:
        try:
            return store.verify_audit(), ""
        except StoreError as error:
            return 0, str(error)


@dataclass(frozen=True)
class AlertRecords:
    """What was told: ``counts`` by state, newest ``deliveries`` and ``events`` of ``posted`` ones, ``dead`` letters,
    silences that hold, anomalies that are open and which of them are ``known``."""

    counts: dict[str, int]
    deliveries: tuple[Delivery, ...]
    dead: tuple[Delivery, ...]
    events: tuple[Posted, ...]
    posted: int
    silences: tuple[Silence, ...]
    anomalies: tuple[Posted, ...]
    known: frozenset[tuple[int | None, str]]


def alert_records(path: str) -> AlertRecords:
    """Everything about alerts, as it stands now."""
    with Store.open(Path(path)) as store:
        return AlertRecords(
            counts=store.deliveries.counts(),
            deliveries=tuple(store.deliveries.found(limit=MOST)),
            dead=tuple(store.deliveries.found([DEAD], MOST)),
            events=tuple(reversed(store.events(newest=MOST))),
            posted=store.deliveries.events(),
            silences=silences_at(store, datetime.now(UTC)),
            anomalies=tuple(each for each in store.latest_events(ENDS) if each.event.type == BEGIN),
            known=acknowledged(store),
        )


@dataclass(frozen=True)
class OperationRecords:
    """How things stand: newest nights first, when input came last, what is in quarantine, what is published."""

    nights: tuple[Night, ...]
    ingested: datetime | None
    quarantine: tuple[Finding, ...]
    golden: int


def operation_records(path: str) -> OperationRecords:
    """Nights, input and publications, as they stand now."""
    with Store.open(Path(path)) as store:
        golden = last_golden(store)
        nights = tuple(reversed(store.nights.all()[-MOST:]))
        return OperationRecords(nights, store.intake.at, store.quarantine(), golden.version if golden else 0)


@st.cache_resource(max_entries=4, show_spinner="Reading every file of the store…")
def store_checks(path: str, snapshot: int, entry: int) -> tuple[Check, ...]:
    """What ``dqm doctor`` finds of the store; reads every file."""
    return tuple(health(Path(path)))


@st.cache_resource(max_entries=4, show_spinner="Measuring the store…")
def sizes(path: str, snapshot: int) -> dict[str, int]:
    """Bytes by what they are of: each folder of the store, and the files beside them, largest first."""
    found: dict[str, int] = {}
    for each in Path(path).rglob("*"):
        try:
            size = each.stat().st_size if each.is_file() else 0
        except OSError:
            continue  # a file that a writer has just removed
        parts = each.relative_to(path).parts
        name = parts[0] if len(parts) > 1 else "database"
        found[name] = found.get(name, 0) + size
    return dict(sorted(((name, size) for name, size in found.items() if size), key=lambda item: -item[1]))


def free_bytes(path: str) -> tuple[int, int]:
    """Bytes that are free on the disk of the store, and all of it."""
    usage = shutil.disk_usage(path)
    return usage.free, usage.total


@dataclass(frozen=True)
class OutlierList:
    """A list that was written: the ``method``, the ``file``, and when (UTC)."""

    method: str
    file: Path
    written: datetime


def outlier_lists(folder: Path) -> Sequence[OutlierList]:
    """The lists in the known folder beside the configuration, the newest first."""
    found = []
    for each in (folder / LISTS).glob("outliers-*.parquet"):
        try:
            written = datetime.fromtimestamp(each.stat().st_mtime, UTC)
        except OSError:
            continue
        found.append(OutlierList(each.stem.removeprefix("outliers-"), each, written))
    return sorted(found, key=lambda each: (-each.written.timestamp(), each.method))


@st.cache_resource(max_entries=8, show_spinner="Reading the list…")
def outlier_rows(file: str, written: float) -> pd.DataFrame:
    """The first events of a list; raises ``StoreError`` where it is damaged or is none."""
    try:
        batch = next(pq.ParquetFile(file).iter_batches(batch_size=MOST), None)
        table = pd.DataFrame() if batch is None else pa.Table.from_batches([batch]).to_pandas()
    except (OSError, pa.ArrowException) as error:
        why = str(error).partition("\n")[0]
        raise StoreError(f"{file}: the list cannot be read: {why}; write it again with: dqm outliers") from error
    lacking = [name for name in ("rank", "file", "row", "score") if name not in table]
    if lacking and len(table):
        raise StoreError(f"{file} is no list of outliers: it has no column {lacking[0]!r}; see dqm outliers --output")
    return table
