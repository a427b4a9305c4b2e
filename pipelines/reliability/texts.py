"""Hostile texts in every field that holds text: SQL, markup and formulas stay text wherever they are shown or kept."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from time import perf_counter

import numpy as np

from dashboard.verdicts.verdict_csv import verdict_csv
from dqm.decide.publish import AntiReasons, anti_reasons, masks
from dqm.formats.golden import golden_bytes
from dqm.model.config import Config
from dqm.model.findings import Finding
from dqm.model.people_config import PeopleConfig
from dqm.model.tables import lumisection_index
from dqm.model.verdicts import Decision, Reason, Verdicts
from dqm.services import runs, silences, working_points
from dqm.services.decide import decide
from dqm.services.history import told
from dqm.services.people import ConfiguredPeople
from dqm.store.audit import Entry
from dqm.store.database import DATABASE
from dqm.store.store import Store
from dqm.store.tables import verdicts_from_arrow, verdicts_to_arrow
from pipelines.nightly.page import write_page
from pipelines.reliability.guarantee import Guarantee
from pipelines.reliability.people import AT
from pipelines.reliability.work import open_anomaly

SQL = (
    "'; DROP TABLE audit; --",
    "' OR '1'='1",
    '"; DELETE FROM outbox; --',
    "1); VACUUM; --",
    "%' UNION SELECT * FROM audit --",
)
MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></table><svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe src=//x></iframe>",
    "<style>*{display:none}</style>",
    "<!--",
    "]]><b>",
    "&lt;script&gt;",
    "<<script>script>",
)
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("//x")',
    "  =1+1",
    "\n=1+1",
)
DRESS = (
    "{}",
    "a{}",
    "{}'",
    '"{}"',
    "{}\u202e",
    "{}\n{}",
    "\ufeff{}",
    "{},{}",
    "{}\x1b[2J",
    "{}\\",
    "é{}",
    " {}",
    "{}{}",
    "${}",
    "{{{}}}",
    "{}%s",
    "x,{}",
)
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2"),
    *("p", "span", "table", "tr", "th", "td", "br"),
}
BATCH = 50
"""Findings that a page shows."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
TEXTS = ("comment", "reason")


def payloads(n: int) -> list[str]:
    """So many different texts; at most 420 of each kind can be made."""
    kinds = [[dress.replace("{}", each) for dress in DRESS for each in kind] for kind in (SQL, MARKUP, FORMULAS)]
    found = list(dict.fromkeys(text for kind in kinds for text in kind))
    twice = [f"{a} {b}" for a, b in zip(found, reversed(found), strict=True)]
    return list(dict.fromkeys(found + twice))[:n]


def hostile_texts(store: Store, folder: Path, n: int) -> Guarantee:
    """Every text in comments, reasons, names of people, subsystems, features, status and findings."""
    begun, given = perf_counter(), payloads(n)
    folder.mkdir()
    wrong = dict.fromkeys(given, "")
    for check in (_people, _tables, _pages):
        for text, found in check(store, folder, given).items():
            wrong[text] = wrong[text] or found
    answers = [f"{text!r}: {found}" if found else "" for text, found in wrong.items()]
    return Guarantee.of("hostile texts: SQL, HTML, CSV", answers, perf_counter() - begun)


def _people(store: Store, folder: Path, given: list[str]) -> dict[str, str]:
    """In what people say and are called: kept as it is, told in one line, and the tables stay what they are."""
    run = store.runs("verdicts")[0]
    ls = int(verdicts_from_arrow(store.read("verdicts", [run])).index.get_level_values("ls")[0])
    before, found = _schema(store), dict[str, str]()
    for number, text in enumerate(given):
        name = "".join(each for each in text if each >= " " and each != "\x7f").strip()[:100]
        people = ConfiguredPeople(PeopleConfig(operator=name))
        form = {"nonce": f"text {number}", "at": AT}
        entry = _said(store, people, run, ls, text, number, form)
        kept = [str(each) for each in entry.fields.values()]
        line = told(entry)
        if text not in kept or entry.actor != name:
            found[text] = "was not kept as it was said"
        elif not line.isprintable():
            found[text] = "steers a terminal"
    if _schema(store) != before or store.verify_audit() < len(given):
        found[given[0]] = "changed the database"
    return found


def _said(
    store: Store, people: ConfiguredPeople, run: int, ls: int, text: str, number: int, form: dict[str, object]
) -> Entry:
    """The text in one of five services in turn, as it is read back."""
    point = store.working_point()
    acts: tuple[Callable[[], object], ...] = (
        lambda: decide(store, people, "", run, [(ls, ls)], "BAD", "other", text, **form),  # type: ignore[arg-type]
        lambda: runs.escalate(store, people, "", run, [(ls, ls)], text, **form),  # type: ignore[arg-type]
        lambda: silences.silence(store, people, "", run, "ECAL", AT + timedelta(hours=number + 1), text, **form),  # type: ignore[arg-type]
        lambda: silences.acknowledge(store, people, "", *open_anomaly(store, run), text, **form),  # type: ignore[arg-type]
        lambda: working_points.propose(store, people, "", point, text, **form),  # type: ignore[arg-type]
    )
    acts[number % len(acts)]()
    return store.audit()[-1]


def _schema(store: Store) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(store.path / DATABASE)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


def _tables(store: Store, folder: Path, given: list[str]) -> dict[str, str]:
    """In subsystems, features and status: the same after the store, no formula in a CSV, text in both JSON."""
    found: dict[str, str] = {}
    verdicts = _verdicts(given)
    back = verdicts_from_arrow(verdicts_to_arrow(verdicts))
    rows = list(csv.reader(io.StringIO(verdict_csv(back).decode(), newline="")))
    anti = AntiReasons.from_bytes(anti_reasons(back).to_bytes())
    texts = {each.subsystem for each in (*anti.anti, *anti.undecided)}
    json.loads(golden_bytes(masks(back)[0]))
    if len(rows) != len(given) + 1:
        return dict.fromkeys(given, f"{len(given)} verdicts are {len(rows) - 1} rows of the CSV")
    for i, (text, row) in enumerate(zip(given, rows[1:], strict=True)):
        if (back.subsystem[i], back.reasons[i][0].feature) != (text, text):
            found[text] = "comes back from the store as another"
        elif any(cell.lstrip(" ").startswith(FORMULA) for cell in row[5:]):
            found[text] = "is a formula in the CSV"
        elif text not in texts:
            found[text] = "is another in the anti-JSON"
    return found


def _verdicts(given: list[str]) -> Verdicts:
    n = len(given)
    texts = np.array(given, dtype=object)
    unknown = np.arange(n) % 2 == 0
    return Verdicts(
        index=lumisection_index(np.full(n, 1), np.arange(1, n + 1)),
        decision=np.where(unknown, Decision.UNKNOWN, Decision.REJECT).astype(object),
        badness=np.where(unknown, np.nan, 1.0).astype(np.float32),
        weight=np.ones(n),
        status=np.where(unknown, texts, "").astype(object),
        subsystem=texts,
        reasons=tuple((Reason(each, each, 1.0, 2.0),) for each in given),
    )


_PIECE = re.compile(r"(flex:\d+;)?background:#[0-9A-Fa-f]{6}")
"""What an element ``i`` says of its style; the night draws decisions with it, and with nothing else."""


class _Elements(HTMLParser):
    """Collects elements, attributes that a page has no use for, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.odd, self.text = set[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        style = dict(attrs).get("style") if tag == "i" else None
        piece = style is not None and bool(_PIECE.fullmatch(style))
        allowed = ("style", "title") if piece else ("class", "charset", "lang")
        if not (piece or tag in ALLOWED) or any(name not in allowed for name, _ in attrs):
            self.odd.add(tag)

    def handle_comment(self, data: str) -> None:
        self.odd.add("comment")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _pages(store: Store, folder: Path, given: list[str]) -> dict[str, str]:
    """In findings, stages and failed runs of the report of a night, and as the name of the experiment."""
    found: dict[str, str] = {}
    page = folder / "night.html"
    for begin in range(0, len(given), BATCH):
        batch = given[begin : begin + BATCH]
        findings = [Finding(each[:80], "quarantined", each, each) for each in batch]
        experiment = Config().experiment.model_copy(update={"name": batch[0]})
        config = Config().model_copy(update={"experiment": experiment})
        write_page(page, config, store, _night(batch), findings)
        elements = _Elements()
        elements.feed(page.read_text(encoding="utf-8"))
        shown = "".join(elements.text)
        for each in batch:
            if elements.odd:
                found[each] = f"makes elements of a page: {sorted(elements.odd)}"
            elif _plain(each) not in _plain(shown):
                found[each] = "is not shown as it is"
    return found


def _night(texts: list[str]) -> dict[str, object]:
    stage = {"name": "ingest", "state": "failed", "seconds": 1.0, "said": texts[-1]}
    failed = {str(i): text for i, text in enumerate(texts, start=1)}
    due = {"new": list(map(int, failed)), "stale": []}
    began = AT.isoformat()
    return {
        "night": 1,
        "began": began,
        "seconds": 1.0,
        "snapshot": 1,
        "stages": [stage],
        "due": due,
        "failed_runs": failed,
    }


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
