"""Tables of the plain pages, as functions of records: columns of text, numbers and moments of UTC without a zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard.look.wording import percent, utc
from dashboard.reading.records import AlertRecords, TrainedModel
from dqm.model.amounts import counted
from dqm.model.findings import Finding
from dqm.services.history import printable
from dqm.services.silences import Silence
from dqm.store.audit import Entry
from dqm.store.deliveries import Delivery
from dqm.store.health import Check
from dqm.store.nights import FAILED, FINISHED, INTERRUPTED, RUNNING, Night
from dqm.store.outbox import Posted

STATES = {
    FINISHED: "✓ finished",
    FAILED: "✗ failed",
    INTERRUPTED: "✗ interrupted",
    RUNNING: "… running",
    "done": "✓ done",
    "skipped": "– skipped",
    "pending": "… to be sent",
    "dead": "✗ given up",
    "held": "‖ held by a silence",
    "silenced": "– silenced",
}
"""States of nights, stages and deliveries, with a sign that needs no colour."""

APART = frozenset({"made_from", "previous", "exact", "nonce", "data"})
"""Entries of an event that make it differ from others of its kind and say nothing to people."""


def model_rows(models: Sequence[TrainedModel]) -> pd.DataFrame:
    """One row per model, the newest first."""
    rows = [
        {
            "model": each.stored.model_id,
            "called": ", ".join(each.stored.aliases),
            "trained": utc(each.stored.came),
            "detectors": " + ".join(each.detectors),
            "runs": len(each.runs),
            "which": _span(each.runs),
            "mlflow": each.stored.provenance.get("mlflow", ""),
            "fault": each.fault,
        }
        for each in reversed(models)
    ]
    return pd.DataFrame(rows)


def alias_rows(models: Sequence[TrainedModel]) -> pd.DataFrame:
    """When which name moved to which model, the newest first."""
    moves = [(at, alias, each.stored.model_id) for each in models for alias, at in each.stored.moved]
    return pd.DataFrame(
        [{"since": utc(at), "name": alias, "model": model} for at, alias, model in sorted(moves, reverse=True)]
    )


def promotion_rows(entries: Sequence[Entry]) -> pd.DataFrame:
    """Who let which model score, why, and what was compared, the newest first."""
    rows = []
    for each in reversed(entries):
        about = each.fields
        compared = about.get("comparison") or {}
        rows.append(
            {
                "when": utc(each.at),
                "who": f"{each.actor} ({each.role})",
                "model": about["model"],
                "before": about["before"],
                "way": "way back" if about.get("back") else "anyway" if about.get("anyway") else "promotion",
                "why": printable(about.get("reason", "")),
                "on": counted(len(compared["runs"]), "run") if compared else "nothing compared",
                "new model": _figures(compared.get("challenger")),
                "old model": _figures(compared.get("champion")),
            }
        )
    return pd.DataFrame(rows)


def delivery_rows(found: Iterable[Delivery]) -> pd.DataFrame:
    """One row per event and receiver."""
    rows = [
        {
            "number": each.id,
            "when": utc(each.posted.at),
            "event": each.posted.event.type,
            "subject": _subject(each.posted),
            "receiver": each.receiver,
            "state": STATES[each.state],
            "attempts": each.attempts,
            "error": printable(each.error),
        }
        for each in found
    ]
    return pd.DataFrame(rows)


def event_rows(found: Iterable[Posted]) -> pd.DataFrame:
    """One row per event, with what it says of itself as short text."""
    rows = [
        {
            "number": each.id,
            "when": utc(each.at),
            "event": each.event.type,
            "subject": _subject(each),
            "says": _said(each.event.data),
        }
        for each in found
    ]
    return pd.DataFrame(rows)


def silence_rows(found: Iterable[Silence]) -> pd.DataFrame:
    """One row per silence that holds."""
    rows = [
        {
            "number": each.id,
            "run": "every run" if each.run is None else str(each.run),
            "subsystem": {"*": "every one", "": "none"}.get(each.subsystem, each.subsystem),
            "until": utc(each.until),
            "who": each.owner,
            "why": printable(each.reason),
        }
        for each in found
    ]
    return pd.DataFrame(rows)


def anomaly_rows(found: AlertRecords) -> pd.DataFrame:
    """One row per anomaly that is open, and whether somebody said that they know of it."""
    rows = [
        {
            "since": utc(each.at),
            "run": each.event.run,
            "subsystem": each.event.subsystem,
            "known": "✓ acknowledged" if (each.event.run, each.event.subsystem) in found.known else "… nobody yet",
            "says": _said(each.event.data),
        }
        for each in found.anomalies
    ]
    return pd.DataFrame(rows)


def night_rows(nights: Iterable[Night]) -> pd.DataFrame:
    """One row per night."""
    rows = [
        {
            "night": each.id,
            "began": utc(each.began),
            "seconds": (each.ended - each.began).total_seconds() if each.ended else None,
            "state": STATES.get(each.state, each.state),
            "scored": each.summary.get("scored"),
            "quarantined": each.summary.get("quarantined"),
            "told": each.summary.get("delivered"),
            "failed": ", ".join(s["name"] for s in each.summary.get("stages", ()) if s["state"] == "failed")
            or printable(str(each.summary.get("error", ""))),
        }
        for each in nights
    ]
    return pd.DataFrame(rows)


def stage_rows(night: Night) -> pd.DataFrame:
    """The stages of a night in their order."""
    rows = [
        {
            "stage": each["name"],
            "state": STATES.get(each["state"], each["state"]),
            "seconds": each["seconds"],
            "said": printable(each["said"]),
        }
        for each in night.summary.get("stages", ())
    ]
    return pd.DataFrame(rows)


def finding_rows(found: Iterable[Finding]) -> pd.DataFrame:
    """What keeps data away, alike ones together: how often, where first, why."""
    alike: dict[tuple[str, str, int | None], list[Finding]] = {}
    for each in found:
        alike.setdefault((each.code, each.file, each.run), []).append(each)
    rows = [
        {
            "code": code,
            "file": printable(file),
            "run": "" if run is None else str(run),
            "times": len(those),
            "reason": printable(those[0].reason),
        }
        for (code, file, run), those in alike.items()
    ]
    return pd.DataFrame(rows)


def check_rows(found: Iterable[Check]) -> pd.DataFrame:
    """What was looked at, and what was seen."""
    words = {True: "✓ in order", False: "✗ BAD"}
    rows = [
        {"check": each.name, "state": words[each.ok] if each.looked else "– not looked at", "seen": each.detail}
        for each in found
    ]
    return pd.DataFrame(rows)


def size_rows(found: Mapping[str, int]) -> pd.DataFrame:
    """Megabytes by what they are of."""
    return pd.DataFrame({"what": list(found), "MB": [size / 1e6 for size in found.values()]})


def _subject(each: Posted) -> str:
    return printable(f"{each.event.subject} {each.event.subsystem}".rstrip())


def _said(data: Mapping[str, Any]) -> str:
    """What an event says, as ``name = value``, without lists, what is empty, and what only tells events apart."""
    short = {name: value for name, value in data.items() if name not in APART and not isinstance(value, list | dict)}
    words = [f"{name} = {_number(value)}" for name, value in short.items() if value not in ("", None)]
    return printable(", ".join(words))[:300]


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _figures(side: Mapping[str, Any] | None) -> str:
    """Loss, pollution and workload of one side of a comparison."""
    if not side:
        return ""
    loss, pollution, work = (percent(side[name]) for name in ("data_loss", "pollution", "workload"))
    return f"loss {loss}, pollution {pollution}, workload {work}"


def _span(runs: Sequence[int]) -> str:
    return f"{min(runs)} to {max(runs)}" if runs else ""
